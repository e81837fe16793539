#!/bin/sh
# Makes the Debian package out of what was built: scripts/package.sh [--arch arm64|armhf] [--deb-version VERSION].
# What stands in it is what scripts/install.sh installs; the rest is in src/pam/Cargo.toml and packaging/debian.
set -eu
cd "$(dirname "$0")/.."

# The newest that Rust 1.85 can build, whatever later ones say of themselves.
CARGO_DEB_VERSION=3.6.0
target=${CARGO_TARGET_DIR:-target}
arch=

# For the machine's own cargo-deb, no release build of it is needed: it runs for a second.
cargo_deb() {
    if command -v cargo-deb >/dev/null; then
        echo cargo-deb
        return
    fi
    if [ ! -x "$target/tools/bin/cargo-deb" ]; then
        echo "cargo-deb is missing: building it (a minute or two)" >&2
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
            cargo install --quiet --locked --no-default-features --version "=$CARGO_DEB_VERSION" cargo-deb \
            --root "$target/tools" --target-dir "$target/tools/build" --no-track >&2
        rm -rf "$target/tools/build"
    fi
    echo "$target/tools/bin/cargo-deb"
}

# Where what was built is, and cargo-deb looks for what src/pam/Cargo.toml names.
built=$target/release
if [ "${1:-}" = --arch ]; then
    arch=$2
    shift 2
    triple=$(scripts/foreign.sh "$arch" triple)
    built=$target/$triple/release
    RUNNER="scripts/foreign.sh $arch run"
    PAM_DIR=/usr/lib/$(scripts/foreign.sh "$arch" gnu)/security
    export RUNNER PAM_DIR
    scripts/foreign.sh "$arch" root >/dev/null
    PATH=$(scripts/foreign.sh "$arch" tools):$PATH
    set -- --target "$triple" "$@"
fi
tree=$built/package
rm -rf "$tree"
DESTDIR=$tree PREFIX=/usr BUILT=$built PROFILE_DIR=/usr/share/pam-configs scripts/install.sh
# Debian has its own names for these, and the folders are the work of the package's scripts.
rm -r "${tree:?}/etc" "${tree:?}/var" "$tree"/usr/share/doc/herald/LICENSE-*
gzip -9n <CHANGELOG.md >"$tree/usr/share/doc/herald/changelog.gz"
rm "$tree/usr/share/doc/herald/CHANGELOG.md"
gzip -9n "$tree"/usr/share/man/man?/*

tool=$(cargo_deb)
# One pattern finds the newest: there is only one for each architecture.
rm -f "$target"/debian/herald_*_"${arch:-$(dpkg --print-architecture)}".deb
"$tool" deb --quiet --package pam_herald --no-build --no-strip --locked --compress-system "$@"
