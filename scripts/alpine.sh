#!/bin/sh
# Herald with musl, as on Alpine: the module and herald-deliver, built here, and whole logins with them, in a root that holds
# nothing of glibc's: musl, Linux-PAM, pamtester, Herald, and a phone that listens on loopback. Debian's musl lacks crypt(3),
# so a module of a few lines stands in for pam_unix.
#
# Nothing is installed for it but musl-tools (scripts/setup.sh alpine). Debian's Rust brings its standard library as source,
# from which cargo makes musl's; Linux-PAM and pamtester are Debian's sources, built with musl-gcc. All of it goes into
# target/alpine, verified by apt. Herald is built unoptimised: shown is that it runs, not how fast.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
folder=$target/alpine
triple=x86_64-unknown-linux-musl
secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
password=correct-horse-alice

fail() {
    printf '%s\n' "alpine: FAILED: $1" >&2
    exit 1
}

outside() {
    [ "$(uname -m)" = x86_64 ] || fail "musl-gcc builds for this machine, and this is for x86_64 alone"
    mkdir -p "$folder/lib"
    [ -e "$folder/rust/complete" ] || compiler
    unwinder
    [ -e "$folder/pam/complete" ] || libpam
    first_factor
    build
    contents
    cargo build --quiet --locked --package herald-tests --bin demo-phone
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root="sudo CARGO_TARGET_DIR=$target"
    # Not exec: setpriv watches over this shell. With the first process of the new namespace every other ends.
    # shellcheck disable=SC2086
    $as_root setpriv --pdeathsig KILL -- unshare --mount --pid --fork --kill-child --propagation private --mount-proc -- \
        sh "$0" --inside
}

# apt with folders of its own, for sources too, wherever this machine has its packages from.
own_apt() {
    own=$folder/apt
    mkdir -p "$own/lists/partial" "$own/archives/partial"
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >"$own/sources.list"
    rm -rf "$own/parts"
    mkdir "$own/parts"
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -e "$list" ] || sed 's/^Types: .*/Types: deb deb-src/' "$list" >"$own/parts/${list##*/}"
    done
    grep -hs '^deb ' /etc/apt/sources.list /etc/apt/sources.list.d/*.list >>"$own/sources.list" || true
    cat >"$own/apt.conf" <<EOF
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::Cache "$own";
Dir::State::Lists "$own/lists";
Dir::Etc::sourcelist "$own/sources.list";
Dir::Etc::sourceparts "$own/parts";
EOF
    [ -n "$(find "$own/fresh" -mtime -1 2>/dev/null)" ] || {
        with_apt apt-get --quiet=2 update >&2 || echo "alpine: not every list of packages could be fetched" >&2
        : >"$own/fresh"
    }
}

with_apt() {
    APT_CONFIG=$folder/apt/apt.conf "$@"
}

# Debian's Rust with the source of its standard library, and what it needs that is not installed. Debian 12 has a recent one
# under another name.
compiler() {
    own_apt
    least=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    for name in '' -web none; do
        [ "$name" != none ] || fail "Debian has no Rust $least here"
        version=$(with_apt apt-cache policy "rustc$name" | sed -n 's/^ *Candidate: *\([0-9][0-9.]*\).*/\1/p')
        [ "$(printf '%s\n%s\n' "$least" "${version:-0}" | sort -V | head -n 1)" != "$least" ] || break
    done
    echo "alpine: fetching Debian's Rust $version and its source" >&2
    rm -rf "$folder/rust" "$folder/apt/archives"/*.deb
    with_apt apt-get --quiet=2 --yes --download-only --reinstall --allow-downgrades install "rustc$name" "rust$name-src" >/dev/null ||
        fail "apt could not fetch Rust"
    mkdir -p "$folder/rust"
    for package in "$folder/apt/archives"/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$folder/rust"
    done
    libraries=$folder/rust/usr/lib/$(dpkg-architecture -q DEB_BUILD_MULTIARCH)
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/usr/bin/rustc --sysroot %s/usr "$@"\n' \
        "$libraries" "$folder/rust" "$folder/rust" >"$folder/rust/rustc"
    chmod 755 "$folder/rust/rustc"
    : >"$folder/rust/complete"
}

# Alpine's gcc has an unwinder for musl. This machine's asks glibc where an object's frames are: here musl tells.
unwinder() {
    cat >"$folder/find_object.c" <<'EOF'
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
struct found { uint64_t flags; void *start, *end; struct link_map *map; void *eh_frame; uint64_t reserved[7]; };
struct search { uintptr_t pc; struct found *found; };
static int look(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    int inside = 0;
    const ElfW(Phdr) *frames = 0;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_LOAD && search->pc >= start && search->pc < start + part->p_memsz) inside = 1;
        if (part->p_type == PT_GNU_EH_FRAME) frames = part;
    }
    if (!inside || !frames) return 0;
    search->found->eh_frame = (void *)(info->dlpi_addr + frames->p_vaddr);
    return 1;
}
int _dl_find_object(void *pc, struct found *found) {
    struct search search = { (uintptr_t)pc, found };
    return dl_iterate_phdr(look, &search) ? 0 : -1;
}
EOF
    musl-gcc -O2 -fPIC -fvisibility=hidden -c "$folder/find_object.c" -o "$folder/find_object.o"
    echo 'INPUT(-lgcc_eh -lgcc -lc)' >"$folder/lib/libgcc_s.so"
}

libpam() {
    own_apt
    rm -rf "$folder/pam"
    mkdir "$folder/pam"
    # What Debian changes in them is not needed, nor had by every mirror.
    (cd "$folder/pam" && with_apt apt-get --quiet=2 source --download-only pam pamtester) >"$folder/pam/said" 2>&1 || true
    for name in pam pamtester; do
        set -- "$folder/pam/$name"_*.orig.tar.*
        [ -e "$1" ] || { cat "$folder/pam/said" >&2; fail "apt could not fetch the source of $name"; }
    done
    for archive in "$folder"/pam/*.orig.tar.*; do tar -x -f "$archive" -C "$folder/pam"; done
    echo "alpine: building Linux-PAM with musl" >&2
    (
        cd "$folder"/pam/Linux-PAM-*
        CC=musl-gcc ./configure --host=x86_64-linux-musl --prefix=/usr --libdir=/usr/lib --sysconfdir=/etc \
            --enable-securedir=/usr/lib/security --disable-nls --disable-db --disable-nis --disable-audit --disable-selinux \
            --disable-doc --disable-econf ac_cv_search_crypt='none required'
        for part in libpam libpam_misc modules/pam_permit modules/pam_deny; do make -C "$part"; done
        cp -a libpam/.libs/libpam.so* libpam_misc/.libs/libpam_misc.so* "$folder/lib"
        cd "$folder"/pam/pamtester-*
        include="-I$(echo "$folder"/pam/Linux-PAM-*/libpam/include) -I$(echo "$folder"/pam/Linux-PAM-*/libpam_misc/include)"
        CC=musl-gcc CPPFLAGS="$include" LDFLAGS="-L$folder/lib" ./configure
        make
    ) >"$folder/pam/said" 2>&1 || { tail -n 20 "$folder/pam/said" >&2; fail "Linux-PAM"; }
    : >"$folder/pam/complete"
}

# The first factor: the password stands in /etc/password.
first_factor() {
    cat >"$folder/password.c" <<'EOF'
#include <stdio.h>
#include <string.h>
#include <security/pam_modules.h>
#include <security/pam_ext.h>
int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    char right[64] = "";
    const char *typed;
    FILE *file = fopen("/etc/password", "re");
    (void)flags, (void)argc, (void)argv;
    if (!file) return PAM_AUTHINFO_UNAVAIL;
    fscanf(file, "%63s", right);
    fclose(file);
    if (pam_get_authtok(pamh, PAM_AUTHTOK, &typed, NULL) != PAM_SUCCESS) return PAM_AUTH_ERR;
    return *right && strcmp(typed, right) == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
}
int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    (void)pamh, (void)flags, (void)argc, (void)argv;
    return PAM_SUCCESS;
}
EOF
    musl-gcc -O2 -fPIC -shared "-I$(echo "$folder"/pam/Linux-PAM-*/libpam/include)" -o "$folder/pam_password.so" "$folder/password.c" \
        "-L$folder/lib" -lpam
}

build() {
    name=$(printf %s "$triple" | tr 'a-z-' 'A-Z_')
    # Shared with musl and libpam, as Alpine's own Rust does it.
    env RUSTC="$folder/rust/rustc" RUSTC_BOOTSTRAP=1 "CC_$(printf %s "$triple" | tr - _)=musl-gcc" \
        "CARGO_TARGET_${name}_LINKER=musl-gcc" \
        "CARGO_TARGET_${name}_RUSTFLAGS=-C target-feature=-crt-static -C link-self-contained=no -L native=$folder/lib -C link-arg=$folder/find_object.o" \
        cargo build -Zbuild-std=std,panic_unwind --locked --target "$triple" --target-dir "$target" \
        --package pam_herald --package herald-deliver
}

# What it all needs is musl, and libpam.
contents() {
    for built in libpam_herald.so herald-deliver; do
        needs=$(readelf -dW "$target/$triple/debug/$built" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
        strange=$(printf '%s\n' "$needs" | grep -vxE 'libpam\.so\.0|libc\.so' || true)
        [ -z "$strange" ] || fail "$built needs $strange"
    done
}

inside() {
    root=/mnt/root
    mount -t tmpfs -o mode=0755 herald /mnt
    for path in etc/pam.d etc/herald usr/lib/security usr/bin usr/libexec/herald lib proc dev run/herald tmp home/alice var/lib/herald; do
        mkdir -p "$root/$path"
    done
    cp /lib/x86_64-linux-musl/libc.so "$root/lib/ld-musl-x86_64.so.1"
    cp "$folder"/lib/libpam.so.0 "$folder"/lib/libpam_misc.so.0 "$root/usr/lib"
    cp "$folder"/pam/Linux-PAM-*/modules/pam_*/.libs/pam_*.so "$folder/pam_password.so" "$root/usr/lib/security"
    cp "$folder"/pam/pamtester-*/src/pamtester "$root/usr/bin"
    cp "$target/$triple/debug/libpam_herald.so" "$root/usr/lib/security/pam_herald.so"
    cp "$target/$triple/debug/herald-deliver" "$root/usr/libexec/herald"
    chmod 700 "$root/var/lib/herald" "$root/run/herald"
    install -d -m 700 "$root/var/lib/herald/users" "$root/var/lib/herald/totp"
    mount -t proc proc "$root/proc"
    for name in null zero urandom random; do : >"$root/dev/$name" && mount --bind "/dev/$name" "$root/dev/$name"; done
    people
    set_up
    logins
    inherits_nothing
}

people() {
    echo '127.0.0.1 localhost' >"$root/etc/hosts"
    printf 'root:x:0:0::/root:/bin/sh\n_herald:x:102:102::/nonexistent:/sbin/nologin\nalice:x:2001:2001::/home/alice:/bin/sh\nbob:x:2002:2001::/:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n_herald:x:102:\nusers:x:2001:\n' >"$root/etc/group"
    (umask 077 && echo "$password" >"$root/etc/password")
    (umask 077 && printf 'version = 1\n[[factor]]\nid = 1\nchannel = "totp"\nsecret = "%s"\nstate = "active"\nenrolled = 2026-11-22T02:00:00Z\n' \
        "$secret" >"$root/var/lib/herald/users/bob.toml")
    printf 'auth requisite pam_password.so\nauth requisite pam_herald.so\nauth required pam_permit.so\n' \
        >"$root/etc/pam.d/login"
}

musl() {
    chroot "$root" "$@"
}

await() {
    what=$1
    shift
    for _ in $(seq 400); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.05
    done
    fail "$what"
}

set_up() {
    sleep infinity | "$target/debug/demo-phone" --url "$root/tmp/url" --ca "$root/etc/herald/ca.pem" \
        --token "$root/tmp/token" --answer-to "$root/tmp/codes" >"$root/tmp/phone" &
    await "the phone does not start" test -s "$root/tmp/url"
    (
        umask 077
        cp "$root/tmp/token" "$root/etc/herald/telegram.token"
        printf '[delivery]\nca_file = "/etc/herald/ca.pem"\n[[gateway]]\nname = "telegram"\ndriver = "telegram-bot"\ntoken_file = "/etc/herald/telegram.token"\napi_url = "%s"\n' \
            "$(cat "$root/tmp/url")" >"$root/etc/herald/herald.toml"
        printf 'version = 1\n[[factor]]\nid = 1\nchannel = "telegram"\naddress = "110000977"\nstate = "active"\nenrolled = 2026-11-22T02:00:00Z\n' \
            >"$root/var/lib/herald/users/alice.toml"
    )
}

# pamtester, with lines that are typed one after the other; a line `code` waits for the phone.
log_in() {
    user=$1
    shift
    rm -f "$root/tmp/keys"
    mkfifo "$root/tmp/keys"
    musl /usr/bin/pamtester login "$user" authenticate <"$root/tmp/keys" >"$root/tmp/screen" 2>&1 &
    login=$!
    exec 3>"$root/tmp/keys"
    for word; do
        case $word in
        code)
            await "no code came: $(cat "$root/tmp/screen")" test -s "$root/tmp/codes"
            tail -n 1 "$root/tmp/codes" >&3
            ;;
        totp) oathtool --totp --base32 "$secret" >&3 ;;
        *) printf '%s\n' "$word" >&3 ;;
        esac
    done
    exec 3>&-
    wait "$login"
}

logins() {
    ! log_in alice wrong-horse 123456 || fail "a wrong password and any code let alice in"
    [ ! -e "$root/tmp/codes" ] || fail "a code was sent for a wrong password"
    log_in alice "$password" code || fail "password and code: $(cat "$root/tmp/screen")"
    ! log_in bob "$password" 000000 || fail "the password and a wrong code let bob in"
    log_in bob "$password" totp || fail "password and TOTP: $(cat "$root/tmp/screen")"
    echo "alpine: logins with the password and a code, or TOTP; not with a wrong password, nor a wrong code"
}

# A host with files open that it forgot to close. What it starts names those it finds; with the real one, held up by a
# gateway that never answers, /proc does.
inherits_nothing() {
    cat >"$folder/probe.c" <<'EOF'
#include <fcntl.h>
#include <stdio.h>
int main(void) {
    FILE *found = fopen("/tmp/inherited", "w");
    for (int number = 0; number < 1024; number++)
        if (number != fileno(found) && fcntl(number, F_GETFD) != -1) fprintf(found, "%d\n", number);
    return fclose(found);
}
EOF
    musl-gcc -static -o "$root/usr/libexec/herald/probe" "$folder/probe.c"
    real=$(cat "$root/etc/herald/herald.toml")
    printf '%s\n[paths]\ndeliver = "/usr/libexec/herald/probe"\n' "$real" >"$root/etc/herald/herald.toml"
    rm -rf "$root/run/herald/ledger" "$root/tmp/codes"
    : >"$root/tmp/forgotten"
    exec 7<"$root/tmp/forgotten" 9<"$root/tmp/forgotten"
    ! log_in alice "$password" "" || fail "a helper that says nothing lets alice in"
    [ "$(cat "$root/tmp/inherited")" = "$(printf '0\n1\n2')" ] || fail "musl's spawn leaves open: $(cat "$root/tmp/inherited")"

    python3 -c 'import socket, time; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); time.sleep(60)' >"$root/tmp/port" &
    silent=$!
    await "nothing listens" test -s "$root/tmp/port"
    url=$(cat "$root/tmp/url")
    rm -rf "$root/run/herald/ledger"
    printf '%s\n' "$real" | sed "s|${url%/}|https://127.0.0.1:$(cat "$root/tmp/port")|" >"$root/etc/herald/herald.toml"
    printf '%s\n%s\n' "$password" "" | musl /usr/bin/pamtester login alice authenticate >"$root/tmp/screen" 2>&1 &
    login=$!
    deliver() {
        helper=$(pgrep -x herald-deliver) && readlink /proc/"$helper"/fd/* | grep -q socket
    }
    await "herald-deliver does not run: $(cat "$root/tmp/screen")" deliver
    # Its own by now: what it opened since.
    ! readlink /proc/"$helper"/fd/* | grep -E 'forgotten|pipe' || fail "herald-deliver holds what its host has open"
    exec 7<&- 9<&-
    kill "$silent"
    ! wait "$login" || fail "a gateway that never answers lets alice in"
    echo "alpine: herald-deliver inherits nothing"
}

case ${1:-} in
--inside)
    shift
    inside
    ;;
*) outside ;;
esac
