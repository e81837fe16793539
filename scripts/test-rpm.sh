#!/bin/sh
# The package for Fedora and its kin, looked at and then installed, upgraded and erased on this machine, but in memory
# (scripts/private.sh). What this machine calls itself is another distribution, so nothing is asked of its packages.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

fail() {
    printf '%s\n' "rpm: FAILED: $1" >&2
    exit 1
}

outside() {
    scripts/package-rpm.sh --release 2 >/dev/null
    cp "$target"/rpm/herald-*.rpm "$target/second.rpm"
    first=$(scripts/package-rpm.sh)
    looked_at "$first"
    root=
    [ "$(id -u)" -eq 0 ] || root=sudo
    $root scripts/private.sh "$0" --inside "$first" "$target/second.rpm"
    rm -f "$target/second.rpm"
}

looked_at() {
    listed=$(rpm --query --package --list --verbose "$1" | awk '{ print $1, $3, $4, $NF }')
    for line in '-rw-r--r-- root root /usr/lib64/security/pam_herald.so' '-rwxr-xr-x root root /usr/bin/herald' \
        '-rwxr-xr-x root root /usr/libexec/herald/herald-deliver' '-rwxr-xr-x root root /usr/libexec/herald/herald-broker' \
        '-rw-r--r-- root root /usr/lib/systemd/system/herald-broker.socket' 'drwxr-xr-x root root /etc/herald' \
        'drwx------ root root /var/lib/herald/users' '-rw-r--r-- root root /usr/share/man/man8/pam_herald.8.gz' \
        '-rw-r--r-- root root /usr/lib/sysusers.d/herald.conf' '-rw-r--r-- root root /usr/share/doc/herald/pam.d-example/fedora/sshd'; do
        printf '%s\n' "$listed" | grep -qxF -e "$line" || fail "the package lacks: $line"
    done
    rpmlint --strict --config packaging/rpm/rpmlint.toml packaging/rpm/herald.spec "$1" >"$target/rpm/said" || { cat "$target/rpm/said" >&2; fail "rpmlint"; }
    ! grep -E ': [EW]: ' "$target/rpm/said" >&2 || fail "rpmlint warns"
    ! printf '%s\n' "$listed" | grep -E '/etc/pam\.d|/etc/ssh|pam-configs|build-id' || fail "the package holds what it must not"
    rpm --query --package --requires "$1" | grep -qxF 'libpam.so.0()(64bit)' || fail "the package does not need libpam"
}

# Its own record of packages; what is needed is not looked for among Debian's.
rpm_does() {
    rpm --dbpath /run/rpm --nodeps --quiet "$@" >/run/said 2>&1
}

inside() {
    # What an earlier installation left would not be the package's.
    ! id _herald >/dev/null 2>&1 || userdel _herald
    sed -i '/pam_herald/d' /etc/pam.d/*
    before=$(cat /etc/pam.d/* | sha256sum)
    rpm_does --install "$1" || { cat /run/said >&2; fail "rpm --install"; }
    id _herald >/dev/null || fail "there is no user _herald"
    for folder in /var/lib/herald /var/lib/herald/users /var/lib/herald/totp /run/herald; do
        [ "$(stat -c '%a %U' "$folder")" = '700 root' ] || fail "$folder is $(stat -c '%a %U' "$folder")"
    done
    [ "$(cat /etc/pam.d/* | sha256sum)" = "$before" ] || fail "installing it changed a login"
    echo 'version = 1' >/var/lib/herald/users/root.toml

    module=/usr/lib64/security/pam_herald.so
    echo "auth requisite $module" >/etc/pam.d/held
    old=$(stat -c %i "$module")
    rpm_does --upgrade "$2" || { cat /run/said >&2; fail "rpm --upgrade"; }
    [ "$(stat -c %i "$module")" != "$old" ] || fail "the upgrade did not replace the module"
    ! rpm_does --erase herald || fail "rpm --erase, though /etc/pam.d/held needs the module"
    grep -q /etc/pam.d/held /run/said || fail "it does not say who needs the module: $(cat /run/said)"
    [ -e "$module" ] || fail "the module is gone"
    rm /etc/pam.d/held
    rpm_does --erase herald || { cat /run/said >&2; fail "rpm --erase"; }
    [ ! -e "$module" ] || fail "the module is still there"
    [ -s /var/lib/herald/users/root.toml ] || fail "erasing took the enrollments along"
    echo "rpm: holds what it must, installs, upgrades, stays while a stack needs it, erases"
}

case ${1:-} in
--inside)
    shift
    inside "$@"
    ;;
*) outside ;;
esac
