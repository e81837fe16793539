#!/bin/sh
# The package for Arch Linux: made by Arch's own makepkg out of what `make build` built, looked at, then installed,
# upgraded and removed by pacman on this machine, but in memory (scripts/private.sh). `test-arch.sh --whole` compiles it as
# well and runs its check(), as on Arch; that takes minutes.
#
# pacman knows no package here, so nothing is asked of Arch's, and its hooks for sysusers.d and tmpfiles.d, which are
# systemd's, are not there.
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")

fail() {
    printf '%s\n' "arch: FAILED: $1" >&2
    exit 1
}

# makepkg does not run as root; whoever it is then has a folder of their own.
makes() {
    as=
    [ "$(id -u)" -ne 0 ] || as='setpriv --reuid=65534 --regid=65534 --clear-groups'
    # They are words.
    # shellcheck disable=SC2086
    (cd "$folder" && env HOME="$folder" PKGEXT=.pkg.tar PACKAGER='Tests <tests@example.invalid>' $as makepkg --nodeps --force "$@") \
        >"$folder/said" 2>&1 || { cat "$folder/said" >&2; fail "makepkg $*"; }
    ! grep -E 'WARNING|ERROR' "$folder/said" | grep -v 'Skipping dependency checks' ||
        fail "makepkg $* warns"
}

# What root has put into the folder.
theirs() {
    [ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$folder"
}

outside() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 1' HUP INT TERM
    cp packaging/arch/PKGBUILD packaging/arch/herald.install "$folder"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    # What would be downloaded, of this tree.
    tar --create --gzip --file "$folder/herald-pam-$version.tar.gz" --exclude-vcs --exclude=target \
        --transform "s|^\.|herald-$version|" .
    theirs
    described
    if [ "${1:-}" = --whole ]; then
        makes
    else
        makes --nobuild --noprepare
        mkdir -p "$folder/src/herald-$version/target/release"
        for built in libpam_herald.so herald-deliver herald-broker herald; do
            cp "$target/release/$built" "$folder/src/herald-$version/target/release/"
        done
        theirs
        makes --repackage
    fi
    first=$(echo "$folder"/herald-pam-*-1-*.pkg.tar)
    contents "$first"
    sed -i 's/^pkgrel=1$/pkgrel=2/' "$folder/PKGBUILD"
    theirs
    makes --repackage
    root=
    [ "$(id -u)" -eq 0 ] || root=sudo
    $root scripts/private.sh "$0" --inside "$first" "$(echo "$folder"/herald-pam-*-2-*.pkg.tar)"
}

# What a repository reads of it.
described() {
    makes --printsrcinfo
    for line in 'pkgbase = herald-pam' "pkgver = $version" 'arch = aarch64' 'license = MIT OR Apache-2.0' 'depends = pam' \
        "source = herald-pam-$version.tar.gz::https://github.com/pam-herald/herald/archive/v$version.tar.gz"; do
        sed 's/^[[:space:]]*//' "$folder/said" | grep -qxF "$line" || fail "makepkg --printsrcinfo lacks: $line"
    done
    makes --verifysource
}

contents() {
    tar -tvf "$1" | awk '{ print $1, $2, $NF }' >"$folder/listed"
    for line in '-rw-r--r-- root/root usr/lib/security/pam_herald.so' '-rwxr-xr-x root/root usr/bin/herald' \
        '-rwxr-xr-x root/root usr/lib/herald/herald-deliver' '-rwxr-xr-x root/root usr/lib/herald/herald-broker' \
        '-rw-r--r-- root/root usr/lib/systemd/system/herald-broker.socket' '-rw-r--r-- root/root usr/lib/sysusers.d/herald.conf' \
        'drwxr-xr-x root/root etc/herald/' 'drwx------ root/root var/lib/herald/users/' \
        '-rw-r--r-- root/root usr/share/man/man8/pam_herald.8.gz' '-rw-r--r-- root/root usr/share/licenses/herald-pam/LICENSE-MIT' \
        '-rw-r--r-- root/root usr/share/zsh/site-functions/_herald'; do
        grep -qxF -e "$line" "$folder/listed" || fail "the package lacks: $line"
    done
    # Arch has no such folder, and its guidelines none of these.
    ! grep -E 'etc/pam\.d|etc/ssh|pam-configs|libexec|usr/local' "$folder/listed" || fail "the package holds what it must not"
    tar -xOf "$1" usr/lib/systemd/system/herald-broker@.service | grep -qx 'ExecStart=/usr/lib/herald/herald-broker' ||
        fail "the unit starts another broker"
    tar -xOf "$1" .PKGINFO | grep -qx 'depend = pam' || fail "the package does not need libpam"
}

# Its own record of packages.
pacman_does() {
    pacman --dbpath /run/pacman --logfile /run/pacman.log --config /run/pacman.conf --noconfirm "$@" >/run/said 2>&1 ||
        { cat /run/said >&2; fail "pacman $*"; }
}

inside() {
    sed -i '/pam_herald/d' /etc/pam.d/*
    before=$(cat /etc/pam.d/* | sha256sum)
    mkdir -p /run/pacman
    printf '[options]\nArchitecture = auto\nSigLevel = Never\n' >/run/pacman.conf
    pacman_does --upgrade -dd "$1"
    [ "$(cat /etc/pam.d/* | sha256sum)" = "$before" ] || fail "installing it changed a login"
    [ "$(stat -c '%a %U' /var/lib/herald/users)" = '700 root' ] || fail "/var/lib/herald/users is $(stat -c '%a %U' /var/lib/herald/users)"
    echo 'version = 1' >/var/lib/herald/users/root.toml

    module=/usr/lib/security/pam_herald.so
    old=$(stat -c %i "$module")
    pacman_does --upgrade -dd "$2"
    [ "$(stat -c %i "$module")" != "$old" ] || fail "the upgrade did not replace the module"
    echo "auth requisite $module" >/etc/pam.d/held
    # pacman removes it all the same, and has it said.
    pacman_does --remove herald-pam
    grep -q /etc/pam.d/held /run/said || fail "it does not say who needs the module: $(cat /run/said)"
    [ ! -e "$module" ] || fail "the module is still there"
    [ -s /var/lib/herald/users/root.toml ] || fail "removing took the enrollments along"
    echo "arch: makepkg makes it, it holds what it must, installs, upgrades, and warns when a stack needs it"
}

case ${1:-} in
--inside)
    shift
    inside "$@"
    ;;
*) outside "$@" ;;
esac
