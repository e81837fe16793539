#!/bin/sh
# `make install` into a folder: what is there, with which modes, and that nothing of it stays behind but what is the admin's.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "install: FAILED: $1" >&2
    exit 1
}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' HUP INT TERM

# Names and modes of everything but the documentation.
contents() {
    (cd "$1" && find . ! -path '*/share/doc/*' ! -type d -printf '%m %P\n' -o -path '*herald*' ! -path '*/share/*' -printf '%m %P/\n') |
        LC_ALL=C sort -k 2
}

expected='755 etc/herald/
755 usr/bin/herald
644 usr/lib/security/pam_herald.so
644 usr/lib/systemd/system/herald-broker.socket
644 usr/lib/systemd/system/herald-broker@.service
644 usr/lib/sysusers.d/herald.conf
644 usr/lib/tmpfiles.d/herald.conf
755 usr/libexec/herald/
755 usr/libexec/herald/herald-broker
755 usr/libexec/herald/herald-deliver
644 usr/share/bash-completion/completions/herald
644 usr/share/fish/vendor_completions.d/herald.fish
644 usr/share/man/man1/herald.1
644 usr/share/man/man5/herald.toml.5
644 usr/share/man/man8/pam_herald.8
644 usr/share/pam-configs/herald
644 usr/share/zsh/site-functions/_herald
700 var/lib/herald/
700 var/lib/herald/totp/
700 var/lib/herald/users/'

export PAM_DIR=/usr/lib/security ZSH_DIR=/usr/share/zsh/site-functions PROFILE_DIR=/usr/share/pam-configs PREFIX=/usr DESTDIR="$tree"
for umask in 022 077; do
    (umask "$umask" && scripts/install.sh >/dev/null)
    [ "$(contents "$tree")" = "$expected" ] || fail "with umask $umask it makes:
$(contents "$tree")"
done
for example in pam.d-example/sshd ansible-example/herald.yml polkit-example/60-herald-modemmanager.rules \
    selinux/herald.te apparmor/herald-deliver; do
    [ -s "$tree/usr/share/doc/herald/$example" ] || fail "an example is missing: $example"
done
[ ! -e "$tree/etc/pam.d" ] && [ ! -e "$tree/etc/ssh" ] || fail "it touches /etc/pam.d or /etc/ssh"

mkdir "$tree/etc/pam.d"
echo 'auth requisite pam_herald.so' >"$tree/etc/pam.d/sshd"
! scripts/install.sh --uninstall >/dev/null 2>&1 || fail "it uninstalls a module that /etc/pam.d/sshd needs"
[ -e "$tree/usr/lib/security/pam_herald.so" ] || fail "it removed a module that /etc/pam.d/sshd needs"
echo '# auth requisite pam_herald.so' >"$tree/etc/pam.d/sshd"
scripts/install.sh --uninstall >/dev/null
left=$(cd "$tree" && find . ! -type d ! -path './etc/*' -o -path './usr/*herald*')
[ -z "$left" ] || fail "uninstalling leaves $left"

export PREFIX=/usr/local ZSH_DIR='' PROFILE_DIR=''
scripts/install.sh >/dev/null
for file in libexec/herald/herald-deliver share/zsh/site-functions/_herald share/man/man1/herald.1; do
    [ -e "$tree/usr/local/$file" ] || fail "PREFIX is not honoured: there is no $file"
done
echo "install: paths and modes are right, nothing is left behind, nobody is locked out"
