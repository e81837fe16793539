#!/bin/sh
# The disk of a machine for scripts/machine.sh: scripts/machine-disk.sh SUITE FOLDER OWNER:GROUP, as root. Debian's packages
# and its kernel go into FOLDER/SUITE, and what stands there onto FOLDER/SUITE.disk; nothing is mounted for it.
set -eu

hash='$6$rounds=1000$onlyfortests$3OvRnGDaAb4YL5zfu/7LXsI40H4hArX43S74MsBc6ERzsr5SJ6i24rn0ahYtYN7gsERV4lV/w3UOt.yl0Qxmx0'
# The machine, its hosts, and who types; then what keeps them in.
packages='linux-image-cloud-amd64 initramfs-tools systemd-sysv udev dbus libpam-systemd procps
    openssh-server openssh-client sudo polkitd pkexec pamtester expect
    apparmor apparmor-utils selinux-policy-default selinux-policy-dev policycoreutils selinux-utils setools make'

disk() {
    suite=$1 root=$2/$1
    rm -rf "$root" "$root.disk"
    mmdebstrap --mode=root --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
        --aptopt='APT::Install-Recommends "false"' --include="$packages" \
        --customize-hook="sh '$(realpath "$0")' --settle \"\$1\"" "$suite" "$root"
    cp --dereference "$root/vmlinuz" "$root.kernel"
    cp --dereference "$root/initrd.img" "$root.initrd"
    mke2fs -q -t ext4 -L root -d "$root" "$root.disk" 3G
    chown "$3" "$root.disk" "$root.kernel" "$root.initrd"
    rm -rf "$root"
}

# People, and the unit that starts the stories; every file gets the type that SELinux's policy has for it.
settle() {
    echo machine >"$1/etc/hostname"
    printf '127.0.0.1 localhost machine\n' >"$1/etc/hosts"
    printf 'LABEL=root / ext4 defaults 0 1\n' >"$1/etc/fstab"
    for name in alice bob carol; do
        chroot "$1" useradd --create-home --shell /bin/bash --password "$hash" "$name"
        : >"$1/home/$name/.hushlogin"
    done
    chroot "$1" usermod --append --groups sudo alice
    cat >"$1/etc/systemd/system/stories.service" <<'EOF'
[Unit]
Description=The stories
After=systemd-user-sessions.service systemd-logind.service ssh.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /opt/box && tar -x -C /opt/box -f /dev/vdb && exec sh /opt/box/machine-stories.sh'
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=file:/dev/ttyS1
StandardError=inherit
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
EOF
    chroot "$1" systemctl --quiet enable stories.service
    chroot "$1" systemctl --quiet mask getty@tty1.service serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer \
        dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >"$1/etc/selinux/config"
    chroot "$1" setfiles -F -m /etc/selinux/default/contexts/files/file_contexts /
}

case $1 in
--settle) settle "$2" ;;
*) disk "$@" ;;
esac
