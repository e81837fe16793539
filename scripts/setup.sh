#!/bin/sh
# Installs what is missing for a task, and nothing else: scripts/setup.sh TASK…, one of those in `needs` below.
# No service is started or left enabled. Asks for sudo where it is needed.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# What each task needs: `program NAME PACKAGE`, or `file PACKAGE PATTERN…` where any match will do.
needs() {
    case $1 in
    build)
        program cc gcc
        program ld binutils
        file libc6-dev '/usr/include/*/sys/types.h' /usr/include/sys/types.h
        file libpam0g-dev '/usr/lib/*/libpam.so' /usr/lib64/libpam.so /usr/lib/libpam.so
        rust cargo
        ;;
    check)
        needs build
        rust clippy
        rust fmt
        program readelf binutils
        ;;
    package)
        needs build
        program dpkg-deb dpkg
        program dpkg-shlibdeps dpkg-dev
        program xz xz-utils
        ;;
    arm64)
        needs package
        program aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
        program qemu-aarch64-static qemu-user-static
        ;;
    armhf)
        needs package
        program arm-linux-gnueabihf-gcc gcc-arm-linux-gnueabihf
        program qemu-arm-static qemu-user-static
        ;;
    raspberry)
        needs arm64
        needs armhf
        program oathtool oathtool
        program unshare util-linux
        ;;
    alpine)
        needs build
        program musl-gcc musl-tools
        program make make
        program readelf binutils
        program dpkg-architecture dpkg-dev
        program oathtool oathtool
        program python3 python3
        program pgrep procps
        program unshare util-linux
        ;;
    machine)
        needs package
        program qemu-system-x86_64 qemu-system-x86
        program mmdebstrap mmdebstrap
        program mke2fs e2fsprogs
        file debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg
        ;;
    rpm)
        needs build
        program rpmbuild rpm
        ;;
    demo)
        needs build
        program unshare util-linux
        program sshd openssh-server
        program ssh openssh-client
        ;;
    test)
        needs check
        needs package
        needs rpm
        needs demo
        program lintian lintian
        program rpmlint rpmlint
        program makepkg makepkg
        program bsdtar libarchive-tools
        program pacman pacman-package-manager
        file selinux-policy-dev /usr/share/selinux/devel/Makefile
        program checkmodule checkpolicy
        program semodule_package semodule-utils
        file policycoreutils /usr/libexec/selinux/hll/pp
        program apparmor_parser apparmor
        program setpriv util-linux
        program pkill procps
        program nsenter util-linux
        program sudo sudo
        program su util-linux
        program login login
        program pamtester pamtester
        program oathtool oathtool
        program strace strace
        program ansible-playbook ansible-core
        program pam-auth-update libpam-runtime
        program debconf debconf
        program valgrind valgrind
        program google-authenticator libpam-google-authenticator
        file time /usr/bin/time
        program bearerbox kannel
        file kannel-extras /usr/lib/kannel/test/fakesmsc
        program gammu-smsd gammu-smsd
        program dbus-daemon dbus-daemon
        file python3-dbusmock /usr/lib/python3/dist-packages/dbusmock/__init__.py
        file python3-aiosmtpd /usr/lib/python3/dist-packages/aiosmtpd/__init__.py
        file python3-venv '/usr/lib/python3.*/ensurepip/__init__.py'
        program Xvfb xvfb
        program xdotool xdotool
        program lightdm lightdm
        program lightdm-gtk-greeter lightdm-gtk-greeter
        program sddm sddm
        program greetd greetd
        program i3lock i3lock
        file libkscreenlocker5 '/usr/lib/*/libexec/kscreenlocker_greet'
        file plasma-framework '/usr/lib/*/qt5/qml/org/kde/plasma/core/qmldir'
        program xscreensaver xscreensaver
        program sway sway
        program swaylock swaylock
        program wtype wtype
        program dovecot dovecot-core
        file dovecot-imapd /usr/lib/dovecot/imap
        file libpam-modules '/usr/lib/*/security/pam_unix.so' '/lib/*/security/pam_unix.so'
        file libpam-wrapper '/usr/lib/*/pam_wrapper/pam_set_items.so'
        file polkitd /usr/lib/polkit-1/polkit-agent-helper-1
        ;;
    bench)
        needs build
        program nginx nginx-light
        program curl curl
        program openssl openssl
        file libpam-wrapper '/usr/lib/*/pam_wrapper/pam_set_items.so'
        file libpam-google-authenticator '/usr/lib/*/security/pam_google_authenticator.so' \
            '/lib/*/security/pam_google_authenticator.so'
        ;;
    fuzz)
        needs build
        program c++ g++
        ;;
    *)
        fail "no such task: $1"
        ;;
    esac
}

fail() {
    printf '%s\n' "setup: $1" >&2
    [ -z "${2:-}" ] || printf 'try: %s\n' "$2" >&2
    exit 1
}

miss() {
    case " $missing " in *" $1 "*) ;; *) missing="$missing $1" ;; esac
}

program() {
    command -v "$1" >/dev/null || miss "$2"
}

file() {
    package=$1
    shift
    for pattern; do
        # The pattern is meant to be expanded.
        # shellcheck disable=SC2086
        for path in $pattern; do [ ! -e "$path" ] || return 0; done
    done
    miss "$package"
}

# Rust is at hand if cargo is new enough. Debian 12 has a recent one under another name.
rust() {
    case $1 in
    cargo)
        least=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
        here=$(scripts/cargo.sh --version 2>/dev/null | sed -n 's/^cargo \([0-9.]*\).*/\1/p')
        at_least "${here:-0}" "$least" && return
        if [ "$(debian_rust)" = web ]; then miss cargo-web; else miss cargo; fi
        ;;
    clippy)
        scripts/cargo.sh clippy --version >/dev/null 2>&1 && return
        not_of_rustup clippy
        if [ "$(debian_rust)" = web ]; then miss rust-web-clippy; else miss rust-clippy; fi
        ;;
    fmt)
        scripts/cargo.sh fmt --version >/dev/null 2>&1 && return
        not_of_rustup rustfmt
        if [ "$(debian_rust)" = web ]; then miss rustfmt-web; else miss rustfmt; fi
        ;;
    esac
}

not_of_rustup() {
    ! command -v rustup >/dev/null || fail "your Rust toolchain lacks $1" "rustup component add $1"
}

# `web` where the package cargo-web is new enough and cargo is not.
debian_rust() {
    least=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if at_least "$(candidate cargo)" "$least"; then echo plain
    elif at_least "$(candidate cargo-web)" "$least"; then echo web
    else echo plain
    fi
}

candidate() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9][0-9.]*\).*/\1/p'
}

at_least() {
    [ "$(printf '%s\n%s\n' "$2" "${1:-0}" | sort -V | head -n 1)" = "$2" ]
}

have_lists() {
    ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1
}

collect() {
    missing=
    for task; do needs "$task"; done
}

# As root: apt, with services held back.
install() {
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    apt_install "$@" || { apt-get update --quiet=2 && apt_install "$@"; } ||
        fail "apt could not install: $*" "install them by hand, then run this again"
    # They must not come up at the next boot either.
    command -v systemctl >/dev/null || return 0
    for package; do
        case $package in
        openssh-server) systemctl --quiet disable ssh.service ssh.socket 2>/dev/null || true ;;
        nginx-*) systemctl --quiet disable nginx.service 2>/dev/null || true ;;
        lightdm) systemctl --quiet disable lightdm.service display-manager.service 2>/dev/null || true ;;
        sddm) systemctl --quiet disable sddm.service display-manager.service 2>/dev/null || true ;;
        greetd) systemctl --quiet disable greetd.service 2>/dev/null || true ;;
        dovecot-core) systemctl --quiet disable dovecot.service dovecot.socket 2>/dev/null || true ;;
        apparmor) systemctl --quiet disable apparmor.service 2>/dev/null || true ;;
        gammu-smsd) systemctl --quiet disable gammu-smsd.service 2>/dev/null || true ;;
        esac
    done
}

# Nothing may be removed for it: somebody may want to keep what stands in the way.
apt_install() {
    apt-get install --yes --quiet=2 --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

if [ "${1:-}" = --install ]; then
    shift
    install "$@"
    exit
fi

# What Debian does not have and the tests talk to, in target/ and nowhere else.
python() {
    case " $* " in *" test "*) ;; *) return 0 ;; esac
    list=src/deliver/tests/delivery/peers/requirements.txt
    venv=${CARGO_TARGET_DIR:-target}/python
    cmp -s "$list" "$venv/installed" && return
    echo "Missing, and installed now from PyPI into $venv: $(grep -v '^#' "$list" | tr '\n' ' ')"
    rm -rf "$venv"
    { /usr/bin/python3 -m venv "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"; } ||
        fail "pip could not install what $list names" "see that this machine reaches PyPI, then run this again"
    cp "$list" "$venv/installed"
}

packages() {
    collect "$@"
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "there is no apt here; what is missing is called in Debian:$missing"
    root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "root has to install what is missing" "su -c 'apt-get install$missing'"
        root=sudo
    fi
    if ! have_lists; then
        # Without them nobody knows which Rust is to be had.
        $root apt-get update --quiet=2
        collect "$@"
    fi
    echo "Missing, and installed now with apt:$missing"
    # It is a list of words.
    # shellcheck disable=SC2086
    $root sh "$0" --install $missing
    collect "$@"
    [ -z "$missing" ] || fail "still missing, though apt installed it:$missing"
}

# For the task fuzz alone, and for whoever calls this.
fuzzer() {
    case " $* " in *" fuzz "*) ;; *) return 0 ;; esac
    ! scripts/cargo.sh fuzz --version >/dev/null 2>&1 || return 0
    echo "Missing, and installed now with cargo: cargo-fuzz 0.13.1"
    scripts/cargo.sh install --quiet --locked --version 0.13.1 cargo-fuzz || fail "cargo could not install cargo-fuzz"
}

packages "$@"
python "$@"
fuzzer "$@"
