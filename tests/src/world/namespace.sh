#!/bin/sh
# Run as the first process of new mount, pid and uts namespaces: makes the scratch machine around itself, says its own
# id as it is outside, and stays. Everything here is in memory and gone with this process.
# $1 is the folder of the PAM modules, $2 the name of the machine.
set -eu
umask 022

# This is still the outer /proc.
read -r id _ </proc/self/stat
mount -t proc proc /proc

memory() { mkdir -p "$1" && mount -t tmpfs -o mode=755 scratch "$1"; }

# An empty folder over a real one, with links to everything that was in it.
shade() {
    mkdir -p "/run/real$1"
    mount --bind "$1" "/run/real$1"
    memory "$1"
    ln -s "/run/real$1"/* "$1/"
}

# First of all: sockets of name service caches and of systemd are no longer found.
memory /run

memory /run/etc
for name in alternatives crypto-policies default dovecot environment fonts host.conf ld.so.cache ld.so.conf \
    ld.so.conf.d localtime login.defs pam.d profile protocols security services shells terminfo; do
    if [ -e "/etc/$name" ]; then cp -a "/etc/$name" /run/etc/; fi
done
mount --move /run/etc /etc

memory /var
mkdir -m 1777 /var/tmp
mkdir -p /var/empty/sshd /var/lib/sudo /var/log /var/mail /var/spool
ln -s /run /var/run

memory /run/dev
for name in null zero full random urandom tty ptmx; do cp -a "/dev/$name" /run/dev/; done
ln -s /proc/self/fd /run/dev/fd
ln -s /proc/self/fd/0 /run/dev/stdin
ln -s /proc/self/fd/1 /run/dev/stdout
ln -s /proc/self/fd/2 /run/dev/stderr
mkdir /run/dev/pts
mount --bind /dev/pts /run/dev/pts
mkdir -m 1777 /run/dev/shm
mount --move /run/dev /dev

shade "$1"
shade /usr/libexec
memory /usr/local/bin
mount -t tmpfs -o mode=1777 scratch /tmp
mount -t tmpfs -o mode=700 scratch /root
mkdir /run/sshd /run/home
echo "$2" > /proc/sys/kernel/hostname

echo "$id"
# Nobody waits for those whose parents are gone; ignored, they vanish by themselves.
exec env --ignore-signal=CHLD sleep infinity
