#!/bin/sh
# The Debian package on this machine, but in memory (scripts/private.sh): installed, upgraded in the middle of a login,
# refused to go while a stack needs it, removed, purged.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

fail() {
    printf '%s\n' "package: FAILED: $1" >&2
    [ ! -s "${screen:-}" ] || sed 's/^/    login: /' "$screen" >&2
    exit 1
}

must() {
    what=$1
    shift
    "$@" >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; fail "$what"; }
}

must_not() {
    what=$1
    shift
    ! "$@" >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; fail "$what"; }
}

# Up to ten seconds for something to become true.
await() {
    what=$1
    shift
    for _ in $(seq 200); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.05
    done
    fail "$what"
}

# Where systemd looks for the sockets that are on.
wanted=/etc/systemd/system/sockets.target.wants/herald-broker.socket

mode_is() {
    [ "$(stat -c '%a %U:%G' "$2")" = "$1" ] || fail "$2 is $(stat -c '%a %U:%G' "$2"), not $1"
}

# Everything in /etc, and whoever it knows. Files ending in "-" are copies that shadow's programs keep; deb-systemd-helper
# removes whatever folder of systemd's is empty.
machine() {
    find /etc ! -path /etc ! -name '*-' ! -name '.pwd.lock' ! \( -path '/etc/systemd/system/*' -type d -empty \) \( -type f -exec sha256sum {} + -o -printf '%p %l\n' \) | sort
}

dpkg_does() {
    dpkg --force-unsafe-io "$@"
}

outside() {
    first=$target/debian/first.deb second=$target/debian/second.deb
    scripts/package.sh --output "$first" >/dev/null
    scripts/package.sh --output "$second" --deb-version 999 >/dev/null
    # Only what is uploaded to Debian closes a bug there.
    lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$first" || fail "lintian"
    root=
    [ "$(id -u)" -eq 0 ] || root=sudo
    $root scripts/private.sh "$0" --inside "$first" "$second"
    rm -f "$first" "$second"
}

inside() {
    scratch=/run/scratch
    mkdir -m 700 "$scratch"
    # What an earlier installation left would not be the package's.
    must_not "herald is installed on this machine" dpkg -s herald
    # As pam-auth-update writes it, whatever somebody wrote by hand.
    export DEBIAN_FRONTEND=noninteractive
    must "pam-auth-update" pam-auth-update --force
    machine >"$scratch/before"

    must "dpkg --install" dpkg_does --install "$1"
    installed_well
    # As `systemctl enable herald-broker.socket` does.
    must "an admin enables the socket" sh -c 'mkdir -p "${1%/*}" && ln -s /usr/lib/systemd/system/herald-broker.socket "$1"' - "$wanted"
    set_up_a_login
    upgraded_in_the_middle_of_a_login "$2"
    replaced_while_people_log_in "$1" "$2"
    stays_while_it_is_needed
    removed_and_purged
    echo "package: installs, upgrades during a login and while others log in, stays while a stack needs it, takes its profile out, purges"
}

installed_well() {
    module=$(dpkg -L herald | grep '/pam_herald\.so$')
    [ -e "$(dirname "$module")/pam_unix.so" ] || fail "libpam does not look for modules where $module is"
    mode_is "644 root:root" "$module"
    mode_is "755 root:root" /usr/bin/herald
    mode_is "755 root:root" /usr/libexec/herald/herald-deliver
    mode_is "755 root:root" /etc/herald
    for folder in /var/lib/herald /var/lib/herald/users /var/lib/herald/totp /run/herald; do
        mode_is "700 root:root" "$folder"
    done
    getent passwd _herald | grep -q ':/nonexistent:/usr/sbin/nologin$' || fail "_herald: $(getent passwd _herald)"
    mode_is "644 root:root" /usr/share/pam-configs/herald
    must_not "its socket is on already" test -L "$wanted"
    must_not "its profile is on already" grep -q pam_herald /etc/pam.d/common-auth
    must "the examples are there" test -s /usr/share/doc/herald/pam.d-example/sshd
    for file in man/man1/herald.1.gz man/man5/herald.toml.5.gz man/man8/pam_herald.8.gz zsh/vendor-completions/_herald \
        bash-completion/completions/herald fish/vendor_completions.d/herald.fish; do
        mode_is "644 root:root" "/usr/share/$file"
    done
    machine | diff "$scratch/before" - >"$scratch/changes" || true
    ! grep -vE '^[0-9,acd]+$|^---$|/etc/(passwd|group|shadow|gshadow|subuid|subgid|herald)( |$)' "$scratch/changes" ||
        fail "it changed more of /etc than its user and its folder"
}

set_up_a_login() {
    sleep infinity | "$target/debug/demo-phone" --url "$scratch/url" --ca /etc/herald/ca.pem \
        --token "$scratch/token" --answer-to "$scratch/codes" >/dev/null &
    await "the phone does not start" test -s "$scratch/url"
    (umask 077 && printf '[limits]\nresend_after = "0s"\n[delivery]\nca_file = "/etc/herald/ca.pem"\n' >/etc/herald/herald.toml)
    must "gateway add" sh -c 'herald gateway add telegram-bot --set token=- --set "api_url=$1" <"$2"' - \
        "$(cat "$scratch/url")" "$scratch/token"
    must "enroll" herald enroll telegram 110000977 --user root --assume-verified </dev/null
    printf 'auth requisite pam_herald.so\nauth required pam_permit.so\n' >/etc/pam.d/held-open
}

upgraded_in_the_middle_of_a_login() {
    screen=$scratch/screen
    mkfifo "$scratch/keys"
    pamtester held-open root authenticate <"$scratch/keys" >"$screen" 2>&1 &
    login=$!
    exec 3>"$scratch/keys"
    await "it does not offer to send a code" grep -q 'Enter sends' "$screen"
    echo >&3
    await "no code came" test -s "$scratch/codes"

    old=$(stat -c %i "$module")
    must "dpkg --install of a newer version" dpkg_does --install "$1"
    [ "$(stat -c %i "$module")" != "$old" ] || fail "the upgrade did not replace the module"
    # The old module, still in memory, has the new helper send again: both must understand each other.
    echo r >&3
    await "no second code came" sh -c '[ "$(wc -l <"$1")" -eq 2 ]' - "$scratch/codes"
    tail -n 1 "$scratch/codes" >&3
    exec 3>&-
    wait "$login" || fail "the right code was refused after the upgrade"
    screen=
}

# One login after the other, as fast as they go: each finds a whole module, the old one or the new one.
replaced_while_people_log_in() {
    printf '[service.replaced]\npolicy.exempt = ["root"]\n' >>/etc/herald/herald.toml
    printf 'auth requisite pam_herald.so\nauth required pam_permit.so\n' >/etc/pam.d/replaced
    : >"$scratch/logins"
    while [ ! -e "$scratch/enough" ]; do
        if pamtester replaced root authenticate >"$scratch/login" 2>&1; then echo in; else cat "$scratch/login"; fi
    done >"$scratch/logins" &
    logins=$!
    for package in "$1" "$2"; do
        must "dpkg --install of $package" dpkg_does --force-downgrade --install "$package"
    done
    for _ in 1 2 3; do must "make install" env PAM_DIR="$(dirname "$module")" DESTDIR= scripts/install.sh; done
    : >"$scratch/enough"
    wait "$logins"
    ! grep -vx in "$scratch/logins" || fail "a login failed while the module was replaced"
    [ "$(wc -l <"$scratch/logins")" -ge 20 ] || fail "too few logins to say anything: $(wc -l <"$scratch/logins")"
    # What make install put beside the package's files goes again.
    must "make uninstall" env HERALD_REMOVE=anyway PAM_DIR="$(dirname "$module")" DESTDIR= scripts/install.sh --uninstall
    must "dpkg --install" dpkg_does --install "$2"
    rm /etc/pam.d/replaced
}

stays_while_it_is_needed() {
    must "the upgrades switched the socket off" test -L "$wanted"
    must_not "dpkg --remove, though /etc/pam.d/held-open needs the module" dpkg_does --remove herald
    grep -q '/etc/pam.d/held-open' "$scratch/said" || fail "it does not say who needs it: $(cat "$scratch/said")"
    must "the module is gone" test -e "$module"
    must "the package is no longer whole" sh -c "dpkg -s herald | grep -q '^Status: .* ok installed$'"
    # Whom pam-auth-update has ask must not lose that meanwhile; once nothing was written by hand, it goes by itself.
    must "pam-auth-update --enable herald" pam-auth-update --enable herald
    must_not "dpkg --remove, though /etc/pam.d/held-open still needs the module" dpkg_does --remove herald
    must "common-auth no longer asks for a code" grep -q 'requisite.*pam_herald' /etc/pam.d/common-auth
    rm /etc/pam.d/held-open
}

removed_and_purged() {
    must "dpkg --remove" dpkg_does --remove herald
    must_not "the module is still there" test -e "$module"
    must_not "common-auth still names the module: nobody can log in" grep -q pam_herald /etc/pam.d/common-auth
    must "removing took the enrollments along" test -s /var/lib/herald/users/root.toml
    must "dpkg --purge" dpkg_does --purge herald
    for path in /etc/herald /var/lib/herald /run/herald /usr/libexec/herald /usr/share/doc/herald; do
        must_not "$path is still there" test -e "$path"
    done
    must_not "the user _herald is still there" getent passwd _herald
    machine | diff "$scratch/before" - || fail "purged, but /etc is not as it was"
}

case ${1:-} in
--inside)
    shift
    inside "$@"
    ;;
*) outside ;;
esac
