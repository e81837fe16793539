#!/bin/sh
# Installs what `make build` made, or takes it away: scripts/install.sh [--uninstall].
# DESTDIR, PREFIX (/usr), LIBEXEC_DIR, PAM_DIR, ZSH_DIR and PROFILE_DIR (pam-auth-update's; empty: none) say where to.
# /etc/pam.d and /etc/ssh are never touched.
set -eu
cd "$(dirname "$0")/.."
umask 022

DESTDIR=${DESTDIR:-}
PREFIX=${PREFIX:-/usr}
# The programs that nobody calls by name, in a folder herald of it.
LIBEXEC_DIR=${LIBEXEC_DIR:-$PREFIX/libexec}
# What was built for another machine lies elsewhere, and RUNNER runs it.
BUILT=${BUILT:-${CARGO_TARGET_DIR:-target}/release}
RUNNER=${RUNNER:-}

fail() {
    printf '%s\n' "install: $1" >&2
    [ -z "${2:-}" ] || printf 'try: %s\n' "$2" >&2
    exit 1
}

# Where libpam looks for modules that are named without a path.
pam_dir() {
    triplet=$(dpkg-architecture -q DEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch 2>/dev/null || true)
    for folder in ${triplet:+"/usr/lib/$triplet/security" "/lib/$triplet/security"} /usr/lib64/security \
        /lib64/security /usr/lib/security /lib/security; do
        if [ -e "$folder/pam_unix.so" ]; then
            echo "$folder"
            return
        fi
    done
    # libpam's modules come with the program that needs them; for a package this is the place.
    echo "/usr/lib/${triplet:+$triplet/}security"
}

# MODE FROM TO, in one step for whoever opens it meanwhile: sshd never loads half a module.
put() {
    to=$DESTDIR$3
    mkdir -p "$(dirname "$to")"
    install -m "$1" "$2" "$to.new~"
    mv -f "$to.new~" "$to"
}

folder() {
    [ -d "$DESTDIR$2" ] || install -d -m "$1" "$DESTDIR$2"
}

installs() {
    for built in libpam_herald.so herald-deliver herald-broker herald; do
        [ -e "$BUILT/$built" ] || fail "$BUILT/$built is missing" "make build"
    done
    put 0644 "$BUILT/libpam_herald.so" "$PAM_DIR/pam_herald.so"
    put 0755 "$BUILT/herald-deliver" "$LIBEXEC_DIR/herald/herald-deliver"
    put 0755 "$BUILT/herald-broker" "$LIBEXEC_DIR/herald/herald-broker"
    put 0755 "$BUILT/herald" "$PREFIX/bin/herald"
    put 0644 packaging/sysusers.d/herald.conf "$PREFIX/lib/sysusers.d/herald.conf"
    put 0644 packaging/tmpfiles.d/herald.conf "$PREFIX/lib/tmpfiles.d/herald.conf"
    [ -z "$PROFILE_DIR" ] || put 0644 packaging/pam-configs/herald "$PROFILE_DIR/herald"
    units
    manual
    for file in README.md README.ja.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE $(find docs pam.d-example -type f); do
        [ ! -e "$file" ] || put 0644 "$file" "$DOC_DIR/$file"
    done
    put 0644 packaging/ansible-example/herald.yml "$DOC_DIR/ansible-example/herald.yml"
    put 0644 src/deliver/examples/60-herald-modemmanager.rules "$DOC_DIR/polkit-example/60-herald-modemmanager.rules"
    for file in packaging/selinux/* packaging/apparmor/*; do put_naming "$file" "$DOC_DIR/${file#packaging/}"; done
    put 0755 packaging/authselect/add-feature "$DOC_DIR/authselect/add-feature"
    folder 0755 /etc/herald
    folder 0700 /var/lib/herald
    folder 0700 /var/lib/herald/users
    folder 0700 /var/lib/herald/totp
    [ -z "$DESTDIR" ] || return 0
    make_user
    [ "$LIBEXEC_DIR" = /usr/libexec ] || cat <<EOF
herald.toml has to say where the network side is, unless Herald was built with HERALD_DELIVER_PATH:
    [paths]
    deliver = "$LIBEXEC_DIR/herald/herald-deliver"
EOF
    echo "Installed. Nothing asks for a code yet: $DOC_DIR/README.md says how to go on."
}

# A file that names the programs in LIBEXEC_DIR: FROM TO.
put_naming() {
    text=$(mktemp)
    sed "s|/usr/libexec/herald|$LIBEXEC_DIR/herald|g" "$1" >"$text"
    put 0644 "$text" "$2"
    rm -f "$text"
}

# Off until somebody switches them on: systemctl enable --now herald-broker.socket
units() {
    put_naming packaging/systemd/herald-broker@.service "$PREFIX/lib/systemd/system/herald-broker@.service"
    put 0644 packaging/systemd/herald-broker.socket "$PREFIX/lib/systemd/system/herald-broker.socket"
}

# Manual pages, and the completions of bash, zsh and fish. herald makes what follows from its command line.
manual() {
    made=$(mktemp -d)
    trap 'rm -rf "$made"' EXIT
    # It may be several words.
    # shellcheck disable=SC2086
    $RUNNER "$BUILT/herald" __manual "$made"
    put 0644 "$made/herald.1" "$PREFIX/share/man/man1/herald.1"
    put_naming packaging/man/herald.toml.5 "$PREFIX/share/man/man5/herald.toml.5"
    put 0644 packaging/man/pam_herald.8 "$PREFIX/share/man/man8/pam_herald.8"
    put 0644 "$made/herald.bash" "$PREFIX/share/bash-completion/completions/herald"
    put 0644 "$made/_herald" "$ZSH_DIR/_herald"
    put 0644 "$made/herald.fish" "$PREFIX/share/fish/vendor_completions.d/herald.fish"
}

# Where zsh looks for the completions of packages; Debian has its own place.
zsh_dir() {
    if [ "$PREFIX" = /usr ] && command -v dpkg >/dev/null; then
        echo /usr/share/zsh/vendor-completions
    else
        echo "$PREFIX/share/zsh/site-functions"
    fi
}

# Where pam-auth-update looks for profiles (Debian and its kin). Ours changes nothing before it is enabled.
profile_dir() {
    [ "$PREFIX" != /usr ] || ! command -v pam-auth-update >/dev/null || echo /usr/share/pam-configs
}

# Whom the network side becomes. Without such a user it becomes nobody.
make_user() {
    ! id _herald >/dev/null 2>&1 || return 0
    if command -v systemd-sysusers >/dev/null && systemd-sysusers "$PWD/packaging/sysusers.d/herald.conf"; then return; fi
    if command -v useradd >/dev/null; then
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin _herald
    else
        echo "There is no useradd here: make a system user _herald without a home and a shell yourself."
    fi
}

uninstalls() {
    named=$(grep -lsE '^[^#]*pam_herald\.so' "$DESTDIR"/etc/pam.conf "$DESTDIR"/etc/pam.d/* || true)
    if [ -n "$named" ] && [ "${HERALD_REMOVE:-}" != anyway ]; then
        printf '%s\n' "$named" >&2
        fail "these name pam_herald.so: without the module nobody could log in there any more" \
            "take its lines out first (common-auth: pam-auth-update), or run this with HERALD_REMOVE=anyway"
    fi
    if [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; then
        systemctl --quiet disable --now herald-broker.socket || true
    fi
    rm -f "$DESTDIR$PAM_DIR/pam_herald.so" "$DESTDIR$PREFIX/bin/herald" \
        "$DESTDIR$PREFIX/lib/sysusers.d/herald.conf" "$DESTDIR$PREFIX/lib/tmpfiles.d/herald.conf" \
        "$DESTDIR$PREFIX/lib/systemd/system/herald-broker.socket" \
        "$DESTDIR$PREFIX/lib/systemd/system/herald-broker@.service" \
        "$DESTDIR$PREFIX/share/man/man1/herald.1" "$DESTDIR$PREFIX/share/man/man5/herald.toml.5" \
        "$DESTDIR$PREFIX/share/man/man8/pam_herald.8" "$DESTDIR$PREFIX/share/bash-completion/completions/herald" \
        "$DESTDIR$ZSH_DIR/_herald" "$DESTDIR$PREFIX/share/fish/vendor_completions.d/herald.fish" \
        ${PROFILE_DIR:+"$DESTDIR$PROFILE_DIR/herald"}
    rm -rf "$DESTDIR$LIBEXEC_DIR/herald" "$DESTDIR$DOC_DIR"
    echo "Uninstalled. /etc/herald, /var/lib/herald and the user _herald are still there."
}

PAM_DIR=${PAM_DIR:-$(pam_dir)}
ZSH_DIR=${ZSH_DIR:-$(zsh_dir)}
PROFILE_DIR=${PROFILE_DIR-$(profile_dir)}
DOC_DIR=$PREFIX/share/doc/herald
case ${1:-} in
'') installs ;;
--uninstall) uninstalls ;;
*) fail "no such option: $1" ;;
esac
