#!/bin/sh
# Makes the package for Fedora and its kin out of what `make build` built: scripts/package-rpm.sh [--release N].
# What stands in it is what scripts/install.sh installs; the rest is in packaging/rpm/herald.spec.
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
rm -rf "$target/rpm"
mkdir -p "$target/rpm"
[ "${1:-}" = --release ] || set -- --release 1
# Where Fedora has its libraries, whatever rpmbuild takes this machine for.
rpmbuild -bb --quiet \
    --define "_topdir $target/rpm/build" --define "_rpmdir $target/rpm" --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
    --define "_prefix /usr" --define "_libdir /usr/lib64" --define "_libexecdir /usr/libexec" --define "_docdir /usr/share/doc" \
    --define "_mandir /usr/share/man" --define "_datadir /usr/share" --define "herald_release $2" \
    --define "herald_version $version" --define "source_tree $PWD" --define "built $target/release" \
    packaging/rpm/herald.spec
rm -rf "$target/rpm/build"
echo "$target/rpm"/*.rpm
