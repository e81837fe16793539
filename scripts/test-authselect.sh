#!/bin/sh
# The feature for authselect, made, checked, selected and logged in through with the real program, on this machine, but in
# memory (scripts/private.sh). Debian 12 has none, so it comes from Debian 13, verified by apt, into target/authselect; that
# is why `make test` does not run this, but a rendering of its own (tests/tests/pam_profile.rs).
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
password=correct-horse-alice
hash='$6$rounds=1000$onlyfortests$3OvRnGDaAb4YL5zfu/7LXsI40H4hArX43S74MsBc6ERzsr5SJ6i24rn0ahYtYN7gsERV4lV/w3UOt.yl0Qxmx0'

fail() {
    printf '%s\n' "authselect: FAILED: $1" >&2
    exit 1
}

# apt with folders of its own, which knows Debian 13 alone.
fetch() {
    own=$target/authselect
    mkdir -p "$own/lists/partial" "$own/archives/partial"
    # A mirror that this machine uses for Debian has it as well.
    mirror=$(sed -n 's/^URIs: *\([^ ]*\/debian\)\/*$/\1/p; s/^deb .*\(http[^ ]*\/debian\)\/* .*/\1/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie main" >"$own/sources.list"
    cat >"$own/apt.conf" <<EOF
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::Cache "$own";
Dir::State::Lists "$own/lists";
Dir::Etc::sourcelist "$own/sources.list";
Dir::Etc::sourceparts "-";
EOF
    export APT_CONFIG="$own/apt.conf"
    apt-get --quiet=2 update >&2 || fail "the list of Debian 13's packages could not be fetched"
    (cd "$own" && apt-get --quiet=2 download authselect libauthselect3) || fail "authselect could not be fetched"
    for package in "$own"/*.deb; do dpkg-deb --extract "$package" "$own/root"; done
    unset APT_CONFIG
}

outside() {
    [ -e "$target/authselect/root/usr/bin/authselect" ] || fetch
    root=
    [ "$(id -u)" -eq 0 ] || root="sudo CARGO_TARGET_DIR=$target"
    $root scripts/private.sh "$0" --inside "$target/authselect/root"
}

selects() {
    authselect select custom/herald "$@" --force >/run/said 2>&1 || { cat /run/said >&2; fail "authselect select $*"; }
    authselect check >/run/said 2>&1 || { cat /run/said >&2; fail "authselect check, with $*"; }
}

auth_part() {
    grep -E '^-?auth' "/etc/pam.d/$1" | tr -s ' '
}

inside() {
    cp --archive "$1/usr/." /usr/
    ldconfig
    mkdir -p /etc/authselect
    authselect create-profile herald --base-on sssd --symlink-meta >/dev/null
    packaging/authselect/add-feature /etc/authselect/custom/herald
    authselect list-features custom/herald | grep -qx with-herald || fail "it offers no feature with-herald"
    for features in '' with-faillock 'with-fingerprint with-smartcard' without-nullok; do
        # They are words.
        # shellcheck disable=SC2086
        selects $features
        for name in system-auth password-auth; do cp -L "/etc/pam.d/$name" "/run/$name"; done
        # shellcheck disable=SC2086
        authselect select sssd $features --force >/dev/null
        for name in system-auth password-auth; do
            diff --ignore-blank-lines "/run/$name" "/etc/pam.d/$name" >&2 || fail "$name is not the vendor's own with '$features'"
        done
    done
    for name in system-auth password-auth; do
        selects with-herald
        [ "$(auth_part "$name" | grep -c pam_herald.so)" = 1 ] || fail "$name does not ask for one code"
        # Whatever could let somebody in before it.
        ! auth_part "$name" | grep -E 'sufficient|done' || fail "$name jumps past the code"
        selects with-herald with-faillock with-fingerprint with-smartcard
        ! auth_part "$name" | grep -E 'sufficient|done|fprintd|cert' || fail "$name jumps past the code"
        [ "$(auth_part "$name" | grep -c pam_faillock.so)" = 2 ] || fail "$name counts no wrong passwords"
    done
    selects with-herald
    logins
    echo "authselect: the feature is checked and selected by $(dpkg-deb --field "$target"/authselect/authselect_*.deb Version), and asks where it is"
}

# At /etc/pam.d/sshd as Fedora has it, as far as Debian has the modules.
logins() {
    DESTDIR='' PREFIX=/usr PROFILE_DIR='' scripts/install.sh >/dev/null
    echo "alice:x:2001:2001::/home/alice:/bin/sh" >>/etc/passwd
    echo "alice:$hash:20000:0:99999:7:::" >>/etc/shadow
    (umask 077 && : >/etc/herald/herald.toml &&
        printf 'version = 1\n[[factor]]\nid = 1\nchannel = "totp"\nsecret = "%s"\nstate = "active"\nenrolled = 2026-11-22T02:00:00Z\n' \
            "$secret" >/var/lib/herald/users/alice.toml)
    printf 'auth substack password-auth\n' >/etc/pam.d/of-fedora
    ! log_in wrong-horse totp || fail "a wrong password and the right code let alice in"
    ! log_in "$password" 000000 || fail "the password and a wrong code let alice in"
    log_in "$password" totp || fail "the password and the right code: $(cat /run/screen)"
}

log_in() {
    code=$2
    [ "$code" != totp ] || code=$(oathtool --totp --base32 "$secret")
    printf '%s\n%s\n' "$1" "$code" | pamtester of-fedora alice authenticate >/run/screen 2>&1
}

case ${1:-} in
--inside)
    shift
    inside "$@"
    ;;
*) outside ;;
esac
