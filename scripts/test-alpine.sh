#!/bin/sh
# The APKBUILD for Alpine, without Alpine: what abuild asks of it, and its own package() out of what `make build` built, in
# a scratch folder. That Herald itself runs with musl and its libpam is shown by scripts/alpine.sh.
# shellcheck disable=SC2154 # they are the APKBUILD's
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    printf '%s\n' "apkbuild: FAILED: $1" >&2
    exit 1
}

cp packaging/alpine/* "$folder"
# Tabs, no blanks at an end, a function's brace on its line, no variable in braces for nothing: as Alpine's own are.
for form in '^ ' '[[:space:]]$' '^function ' '[a-z]\(\)[^ ]' '`' '\$\{[a-z]+\}' '^[A-Z]'; do
    ! grep -nE "$form" "$folder/APKBUILD" >&2 || fail "form: $form"
done
if command -v shellcheck >/dev/null; then
    # abuild reads and sets these variables, and knows `local`; options hold words.
    shellcheck --shell=dash --exclude=SC2034,SC2154 "$folder/APKBUILD" || fail "shellcheck"
    shellcheck --shell=dash "$folder"/*install || fail "shellcheck"
    # $command and its kin are openrc-run's own.
    shellcheck --shell=dash --exclude=SC2034 "$folder/herald-broker.initd" || fail "shellcheck"
fi

# As abuild reads it.
startdir=$folder srcdir=$folder/src pkgdir=$folder/pkg
default_prepare() { :; }
mkdir -p "$srcdir" "$pkgdir"
cp "$folder/herald-broker.initd" "$srcdir"
# shellcheck source=packaging/alpine/APKBUILD
. "$folder/APKBUILD"
for field in "$pkgname" "$pkgver" "$pkgrel" "$pkgdesc" "$url" "$arch" "$license" "$makedepends" "$source"; do
    [ -n "$field" ] || fail "a field is empty"
done
[ "$pkgver" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" ] || fail "it is for version $pkgver"
case $pkgrel in *[!0-9]*) fail "pkgrel is $pkgrel" ;; esac
[ "${#pkgdesc}" -lt 128 ] || fail "pkgdesc is too long"
for file in $install $(echo "$source" | tr -s ' \t' '\n' | grep -v ://); do
    [ -s "$startdir/$file" ] || fail "$file is missing"
    sh -n "$startdir/$file"
done
for phase in prepare build check package; do
    command -v "$phase" >/dev/null || fail "there is no $phase()"
done

mkdir -p "$builddir/target/release"
tar --create --exclude-vcs --exclude=target . | tar --extract --directory "$builddir"
for built in libpam_herald.so herald-deliver herald-broker herald; do
    cp "$target/release/$built" "$builddir/target/release/"
done
(cd "$builddir" && package)
listed=$(cd "$pkgdir" && find . -printf '%m %P\n')
for line in '644 usr/lib/security/pam_herald.so' '755 usr/bin/herald' '755 usr/libexec/herald/herald-deliver' \
    '755 usr/libexec/herald/herald-broker' '755 etc/init.d/herald-broker' '755 etc/herald' '700 var/lib/herald/users' \
    '644 usr/share/man/man8/pam_herald.8' '644 usr/share/zsh/site-functions/_herald' \
    '644 usr/share/bash-completion/completions/herald' '644 usr/share/fish/vendor_completions.d/herald.fish'; do
    printf '%s\n' "$listed" | grep -qxF "$line" || fail "the package lacks: $line"
done
! printf '%s\n' "$listed" | grep -E 'etc/pam\.d|etc/ssh|pam-configs|systemd|sysusers|tmpfiles|usr/local' ||
    fail "the package holds what it must not"
echo "apkbuild: as Alpine's are, and its package holds what it must"
