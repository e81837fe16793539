#!/bin/sh
# Herald for another architecture of Debian's, on this machine: scripts/foreign.sh arm64|armhf COMMAND
# build builds what `make build` builds here, below target/TRIPLE; root lays out that architecture's libpam and says
# where; run WORD… runs a program of it under qemu; triple, gnu and tools say its names and where its dpkg-shlibdeps is.
#
# Nothing is installed for it, and no architecture is added to this machine: apt fetches and verifies Debian's packages
# into target/foreign, and there they are unpacked. So is Debian's Rust, where the one here knows this machine only.
set -eu
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
here=$(dpkg --print-architecture)

# The libpam that is linked against, and what a login takes; pam_google_authenticator to compare with.
packages='libpam0g-dev libpam-modules libpam-google-authenticator pamtester'

fail() {
    printf '%s\n' "foreign: $1" >&2
    [ -z "${2:-}" ] || printf 'try: %s\n' "$2" >&2
    exit 1
}

arch=${1:-}
case $arch in
arm64) triple=aarch64-unknown-linux-gnu gnu=aarch64-linux-gnu emulator=qemu-aarch64-static ;;
armhf) triple=armv7-unknown-linux-gnueabihf gnu=arm-linux-gnueabihf emulator=qemu-arm-static ;;
*) fail "no such architecture: '$arch'" "scripts/foreign.sh arm64 build" ;;
esac
folder=$target/foreign/$arch
root=$folder/root

# apt for the architecture $1, with folders of its own. For another one than this machine's nothing counts as installed.
apt() {
    own=$target/foreign/apt/$1
    status=$own/status
    [ "$1" != "$here" ] || status=/var/lib/dpkg/status
    mkdir -p "$own/lists/partial" "$own/archives/partial"
    : >>"$own/status"
    cat >"$own/apt.conf" <<EOF
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::Cache "$own";
Dir::State::Lists "$own/lists";
Dir::State::status "$status";
EOF
    shift
    APT_CONFIG=$own/apt.conf "$@"
}

# Packages for an architecture, and those of which they need that are not installed.
fetch() {
    as=$1
    shift
    rm -f "$target/foreign/apt/$as/archives"/*.deb
    apt "$as" apt-get --quiet=2 --yes --download-only --reinstall --allow-downgrades install "$@" >/dev/null ||
        fail "apt could not fetch these for $as: $*" "apt-get update, then this again"
}

# Lists are fetched once a day at most. An index that is out of step may be one that nobody needs.
update() {
    [ -z "$(find "$target/foreign/apt/$1/fresh" -mtime -1 2>/dev/null)" ] || return 0
    apt "$1" apt-get --quiet=2 update >&2 || echo "foreign: not every list of packages for $1 could be fetched" >&2
    : >"$target/foreign/apt/$1/fresh"
}

# Every package in this folder into that one, whose /lib is its /usr/lib, as on today's Debian.
unpack() {
    mkdir -p "$2/usr/lib" "$2/usr/bin" "$2/usr/sbin"
    for name in lib bin sbin; do ln -sfn "usr/$name" "$2/$name"; done
    for package in "$1"/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$2"
    done
}

# The root. Links that would lead out of it, such as those by which a linker finds libpam and libm, lead on inside.
lay_out() {
    [ ! -e "$folder/complete" ] || return 0
    echo "foreign: fetching Debian's libpam for $arch" >&2
    update "$arch"
    # They are words.
    # shellcheck disable=SC2086
    fetch "$arch" $packages
    rm -rf "$root"
    unpack "$target/foreign/apt/$arch/archives" "$root"
    find "$root" -type l -lname '/*' | while read -r link; do
        ln -sfn "$(realpath --no-symlinks --canonicalize-missing --relative-to "$(dirname "$link")" "$root$(readlink "$link")")" "$link"
    done
    remember
    : >"$folder/complete"
}

# dpkg's record of what lies in the root: dpkg-shlibdeps finds in it which package a library is of, and from which version.
remember() {
    info=$root/var/lib/dpkg/info
    mkdir -p "$info" "$folder/bin"
    # Names with an architecture.
    echo 1 >"$info/format"
    for package in "$target/foreign/apt/$arch/archives"/*.deb; do
        name=$(dpkg-deb --field "$package" Package)
        [ "$(dpkg-deb --field "$package" Multi-Arch)" != same ] || name=$name:$arch
        dpkg-deb --control "$package" "$info/new"
        for file in symbols shlibs; do [ ! -e "$info/new/$file" ] || mv "$info/new/$file" "$info/$name.$file"; done
        { sed '/^$/d' "$info/new/control" && printf 'Status: install ok installed\n\n'; } >>"$root/var/lib/dpkg/status"
        # As they are found there: older packages still say /lib.
        dpkg-deb --fsys-tarfile "$package" | tar -t | sed "s|^\.||; s|/\$||; s|^/lib/|/usr/lib/|; s|^|$root|" >"$info/$name.list"
        rm -r "$info/new"
    done
    cat >"$folder/bin/dpkg-shlibdeps" <<EOF
#!/bin/sh
# As cargo-deb calls it, whose last word is the file.
for file; do :; done
exec $(command -v dpkg-shlibdeps) --admindir=$root/var/lib/dpkg -l$root/usr/lib/$gnu -xlibgcc -O "\$file"
EOF
    chmod 755 "$folder/bin/dpkg-shlibdeps"
}

# Prints the compiler: this machine's, if it has the standard library for the architecture, else Debian's.
compiler() {
    rustc=$(command -v "${RUSTC:-rustc}" || true)
    if [ -n "$rustc" ] && [ -d "$("$rustc" --print sysroot)/lib/rustlib/$triple/lib" ]; then
        echo "$rustc"
        return
    fi
    rust=$folder/rust
    [ -e "$rust/rustc" ] || fetch_compiler
    echo "$rust/rustc"
}

fetch_compiler() {
    update "$here"
    update "$arch"
    newest_rust
    echo "foreign: fetching Debian's Rust $version for $here and $arch" >&2
    rm -rf "$rust"
    fetch "$here" "rustc$suffix=$version" "libstd-rust$suffix-dev=$version"
    unpack "$target/foreign/apt/$here/archives" "$rust"
    # Of the other architecture the standard library alone, not what a compiler there would need.
    mkdir "$rust/foreign"
    (cd "$rust/foreign" && apt "$arch" apt-get --quiet=2 download "libstd-rust$suffix-dev=$version")
    unpack "$rust/foreign" "$rust"
    libraries=$rust/usr/lib/$(dpkg-architecture -q DEB_BUILD_MULTIARCH)
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/usr/bin/rustc --sysroot %s/usr "$@"\n' "$libraries" "$rust" "$rust" >"$rust/new"
    chmod 755 "$rust/new"
    mv "$rust/new" "$rust/rustc"
}

# The newest version that both architectures have: a standard library fits its own compiler only. Debian 12 has a recent
# one under another name.
newest_rust() {
    least=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    for suffix in '' -web; do
        version=$(versions "$here" "rustc$suffix" | while read -r known; do
            ! versions "$arch" "libstd-rust$suffix-dev" | grep -qxF "$known" || echo "$known"
        done | sort -V | tail -n 1)
        [ "$(printf '%s\n%s\n' "$least" "$version" | sort -V | head -n 1)" != "$least" ] || return 0
    done
    fail "Debian has no Rust $least for $arch here" "rustup target add $triple"
}

versions() {
    apt "$1" apt-cache madison "$2" | awk '{ print $3 }'
}

build() {
    lay_out
    name=$(printf %s "$triple" | tr 'a-z-' 'A-Z_')
    RUSTC=$(compiler)
    export RUSTC "CARGO_TARGET_${name}_LINKER=$gnu-gcc" "CARGO_TARGET_${name}_RUSTFLAGS=-C link-arg=--sysroot=$root"
    # For the crate cc, which compiles what ring has in C.
    export "CFLAGS_$(printf %s "$triple" | tr - _)=--sysroot=$root"
    cargo build --release --locked --target "$triple" --target-dir "$target" \
        --package pam_herald --package herald-deliver --package herald-broker --package herald
}

command=${2:-}
[ $# -lt 2 ] || shift 2
case $command in
root)
    lay_out
    echo "$root"
    ;;
build) build ;;
triple) echo "$triple" ;;
gnu) echo "$gnu" ;;
tools) echo "$folder/bin" ;;
emulator) command -v "$emulator" ;;
run) exec "$emulator" -L "$root" "$@" ;;
*) fail "no such command: '$command'" "scripts/foreign.sh $arch build" ;;
esac
