#!/bin/sh
# The packages for a Raspberry Pi, built here, and whole logins with them: scripts/raspberry.sh [ARCH…], by default
# arm64 and armhf. The logins run under qemu-user with that architecture's own libpam, pam_unix and pamtester, in a root
# of Debian's packages with nothing of this machine in it but its network's loopback, to a phone that listens there.
#
# qemu-user has neither landlock nor seccomp, so the bars of herald-deliver are not shown here; everything else of it is.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

# Logins of each kind that are timed, all in one go.
rounds=20
secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
password=correct-horse-alice
hash='$6$rounds=1000$onlyfortests$3OvRnGDaAb4YL5zfu/7LXsI40H4hArX43S74MsBc6ERzsr5SJ6i24rn0ahYtYN7gsERV4lV/w3UOt.yl0Qxmx0'

fail() {
    printf '%s\n' "raspberry: FAILED: $1" >&2
    exit 1
}

outside() {
    cargo build --quiet --locked --package herald-tests --bin demo-phone
    for arch; do
        scripts/foreign.sh "$arch" build
        scripts/package.sh --arch "$arch" >/dev/null
        package=$(echo "$target"/debian/herald_*_"$arch".deb)
        contents "$arch" "$package"
        as_root=
        [ "$(id -u)" -eq 0 ] || as_root="sudo CARGO_TARGET_DIR=$target"
        # Not exec: setpriv watches over this shell. With the first process of the new namespace every other ends.
        # shellcheck disable=SC2086
        $as_root setpriv --pdeathsig KILL -- unshare --mount --pid --fork --kill-child --propagation private --mount-proc -- \
            sh "$0" --inside "$arch" "$(scripts/foreign.sh "$arch" root)" "$package" "$(scripts/foreign.sh "$arch" emulator)"
    done
}

# What the package holds: for which machine, where, with which modes, and what it needs.
contents() {
    case $1 in
    arm64) machine=AArch64 ;;
    armhf) machine=ARM ;;
    esac
    [ "$(dpkg-deb --field "$2" Architecture)" = "$1" ] || fail "$2 is not for $1"
    needs=$(dpkg-deb --field "$2" Depends)
    for name in 'libc6 (>= ' libpam0g; do
        case $needs in *"$name"*) ;; *) fail "$2 does not depend on $name: $needs" ;; esac
    done
    # With a private symbol of one libc it would run on that one alone.
    case $needs in *'<<'*) fail "$2 is for one libc alone: $needs" ;; esac
    folder=$target/foreign/$1/package
    rm -rf "$folder"
    dpkg-deb --extract "$2" "$folder"
    module=usr/lib/$(scripts/foreign.sh "$1" gnu)/security/pam_herald.so
    for file in "644 $module" '755 usr/bin/herald' '755 usr/libexec/herald/herald-deliver' \
        '755 usr/libexec/herald/herald-broker' '644 usr/lib/systemd/system/herald-broker.socket'; do
        path=$folder/${file#* }
        [ "$(stat -c %a "$path")" = "${file% *}" ] || fail "$path is not $file"
        case $path in *.socket) continue ;; esac
        readelf -h "$path" | grep -q "Machine: *$machine" || fail "$path is not for $machine"
    done
    exported=$(readelf --wide --dyn-syms "$folder/$module" | awk '$7 != "UND" && $5 == "GLOBAL" { print $8 }' | sort | tr '\n' ' ')
    [ "$exported" = 'pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok pam_sm_close_session pam_sm_open_session pam_sm_setcred ' ] ||
        fail "$module exports $exported"
    strange=$(readelf -dW "$folder/$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' |
        grep -vE '^(libpam\.so\.0|libc\.so\.6|ld-linux[-a-z0-9_]*\.so\.[0-9]+)$' || true)
    [ -z "$strange" ] || fail "$module needs $strange"
    printf '%s: needs %s\n' "$1" "$needs"
    for path in "$module" usr/bin/herald usr/libexec/herald/herald-deliver usr/libexec/herald/herald-broker; do
        printf '%s: %s bytes: %s\n' "$1" "$(stat -c %s "$folder/$path")" "${path##*/}"
    done
    printf '%s: %s bytes: the package\n' "$1" "$(stat -c %s "$2")"
}

inside() {
    arch=$1 root=/mnt/root emulator=/usr/bin/${4##*/}
    mount -t tmpfs -o mode=0755 herald /mnt
    mkdir "$root"
    cp --archive --no-preserve=ownership "$2/." "$root"
    dpkg-deb --fsys-tarfile "$3" | tar --extract --keep-directory-symlink --no-same-owner --directory "$root"
    cp "$4" "$root/usr/bin/"
    # The kernel starts what a program of the other architecture starts, and knows the emulator by this line only.
    deliver=$root/usr/libexec/herald/herald-deliver
    mv "$deliver" "$deliver.real"
    printf '#!%s %s.real\n' "$emulator" /usr/libexec/herald/herald-deliver >"$deliver"
    chmod 755 "$deliver"
    people
    mkdir -p "$root/proc" "$root/dev" "$root/run" "$root/tmp"
    mount -t proc proc "$root/proc"
    for name in null zero urandom random; do : >"$root/dev/$name" && mount --bind "/dev/$name" "$root/dev/$name"; done
    set_up
    logins
    timed
}

# A root of its own: accounts as after the package's postinst, which no emulator runs here.
people() {
    mkdir -p "$root/etc/pam.d" "$root/etc/herald" "$root/var/lib/herald/users" "$root/var/lib/herald/totp" "$root/run/herald" "$root/home/alice"
    chmod 700 "$root/var/lib/herald" "$root/var/lib/herald/users" "$root/var/lib/herald/totp" "$root/run/herald"
    echo 'passwd: files' >"$root/etc/nsswitch.conf"
    echo '127.0.0.1 localhost' >"$root/etc/hosts"
    {
        echo 'root:x:0:0::/root:/bin/sh'
        echo '_herald:x:102:102::/nonexistent:/usr/sbin/nologin'
        echo 'alice:x:2001:2001::/home/alice:/bin/sh'
        for number in $(seq "$rounds"); do echo "user$number:x:$((3000 + number)):3000::/:/bin/sh"; done
    } >"$root/etc/passwd"
    printf 'root:x:0:\n_herald:x:102:\nalice:x:2001:\nusers:x:3000:\n' >"$root/etc/group"
    (umask 077 && sed "s|^\\([^:]*\\):.*|\\1:$hash:20000:0:99999:7:::|" "$root/etc/passwd" >"$root/etc/shadow")
    factor='version = 1
[[factor]]
id = 1
channel = "totp"
secret = "'$secret'"
state = "active"
enrolled = 2026-11-22T02:00:00Z'
    for number in $(seq "$rounds"); do
        (umask 077 && printf '%s\n' "$factor" >"$root/var/lib/herald/users/user$number.toml")
    done
    (umask 377 && printf '%s\n" TOTP_AUTH\n' "$secret" >"$root/home/alice/.google_authenticator")
    chown -R 2001:2001 "$root/home/alice"
    line='auth [success=1 default=die] pam_unix.so\nauth requisite pam_deny.so\n'
    printf "${line}auth requisite pam_herald.so\nauth required pam_permit.so\n" >"$root/etc/pam.d/herald-login"
    printf 'auth requisite pam_herald.so\n' >"$root/etc/pam.d/herald-alone"
    printf 'auth requisite pam_google_authenticator.so\n' >"$root/etc/pam.d/google-alone"
    printf 'auth requisite pam_permit.so\n' >"$root/etc/pam.d/permit-alone"
}

foreign() {
    chroot "$root" "$emulator" "$@"
}

herald() {
    foreign /usr/bin/herald "$@" >"$root/tmp/said" 2>&1 || { cat "$root/tmp/said" >&2; fail "herald $1"; }
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
    (umask 077 && printf '[delivery]\nca_file = "/etc/herald/ca.pem"\n' >"$root/etc/herald/herald.toml")
    herald gateway add telegram-bot --set token=- --set "api_url=$(cat "$root/tmp/url")" <"$root/tmp/token"
    herald enroll telegram 110000977 --user alice --assume-verified </dev/null
    herald gateway status
    herald --json status --user alice
    grep -q '"address":"...977"' "$root/tmp/said" || fail "herald status: $(cat "$root/tmp/said")"
    echo "$arch: herald sets up a gateway, reaches it through herald-deliver, enrolls"
}

# pamtester at a stack, with lines that are typed one after the other; a line `code` waits for the phone.
log_in() {
    service=$1 user=$2
    shift 2
    rm -f "$root/tmp/keys"
    mkfifo "$root/tmp/keys"
    foreign /usr/bin/pamtester "$service" "$user" authenticate <"$root/tmp/keys" >"$root/tmp/screen" 2>&1 &
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
    ! log_in herald-login alice wrong-horse 123456 || fail "a wrong password and any code let alice in"
    [ ! -e "$root/tmp/codes" ] || fail "a code was sent for a wrong password"
    log_in herald-login alice "$password" code || fail "password and code: $(cat "$root/tmp/screen")"
    ! log_in herald-login user1 "$password" 000000 || fail "the password and a wrong code let user1 in"
    log_in herald-login user1 "$password" totp || fail "password and TOTP: $(cat "$root/tmp/screen")"
    rm -rf "$root/run/herald/ledger" "$root/var/lib/herald/totp/user1"
    echo "$arch: logins with the password and a code, or TOTP; not with a wrong password, nor a wrong code"
}

# One login, a process of its own; leaves its milliseconds in the file of its service.
time_one() {
    code=$(oathtool --totp --base32 "$secret")
    begin=$(date +%s%N)
    echo "$code" | foreign /usr/bin/pamtester "$1" "$2" authenticate >"$root/tmp/screen" 2>&1 ||
        fail "$1: $(cat "$root/tmp/screen")"
    echo $((($(date +%s%N) - begin) / 1000000)) >>"$root/tmp/$1"
}

# In turns, so that other work of the machine meets all alike; and the fastest, which it disturbed least.
timed() {
    for number in $(seq "$rounds"); do
        time_one permit-alone alice
        time_one google-alone alice
        time_one herald-alone "user$number"
    done
    for service in permit-alone google-alone herald-alone; do
        echo "$arch: $(sort -n "$root/tmp/$service" | head -n 1) ms: the fastest of $rounds logins under qemu, $service"
    done
}

case ${1:-} in
--inside)
    shift
    inside "$@"
    ;;
'') outside arm64 armhf ;;
*) outside "$@" ;;
esac
