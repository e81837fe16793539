#!/bin/sh
# A whole login for somebody who has never seen Herald: a real sshd, a real ssh, the built module, and a phone in the
# same terminal. Everything happens in memory (scripts/private.sh), and all of it is gone at the end, also after Ctrl-C.
#
#   ANSWER=auto                             the code is typed by itself, for tests
#   HERALD_DEMO_TOKEN, HERALD_DEMO_CHAT     a bot of your own and your chat with it: the code goes to your real phone
set -eu
cd "$(dirname "$0")/.."

PHONE=${CARGO_TARGET_DIR:-target}/debug/demo-phone
CHAT=110000977

fail() {
    printf '\n%s\n' "demo: $1" >&2
    [ -z "${2:-}" ] || printf 'try: %s\n' "$2" >&2
    exit 1
}

outside() {
    if [ "${HERALD_DEMO_TOKEN:-}" ] && [ -z "${HERALD_DEMO_CHAT:-}" ]; then
        fail "HERALD_DEMO_TOKEN needs HERALD_DEMO_CHAT, the number of your chat with the bot"
    fi
    [ "${ANSWER:-}" = auto ] || [ -t 0 ] || fail "somebody has to type the code" "make demo ANSWER=auto"
    if [ -z "${HERALD_DEMO_TOKEN:-}" ]; then
        [ -x "$PHONE" ] || echo "Building the phone."
        scripts/cargo.sh build --quiet --locked --package herald-tests --bin demo-phone
    fi
    # What sudo would take out of the environment goes by name; a token has no business on a command line.
    if [ "$(id -u)" -eq 0 ]; then
        scripts/private.sh "$0" --inside
    elif command -v sudo >/dev/null; then
        sudo -n true 2>/dev/null || echo "Only root may start an sshd: sudo asks for your password."
        sudo --preserve-env=ANSWER,CARGO_TARGET_DIR,HERALD_DEMO_TOKEN,HERALD_DEMO_CHAT,NO_COLOR \
            scripts/private.sh "$0" --inside
    else
        fail "only root may start an sshd" "su -c 'make demo'"
    fi
}

# Everything below runs as root in namespaces of its own.

inside() {
    trap 'echo; exit 130' INT
    trap 'exit 143' HUP TERM
    demo=/run/demo
    mkdir -m 700 "$demo" /run/sshd
    quietly scripts/install.sh
    make_person
    start_phone
    set_up_herald
    start_sshd
    if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m'); else bold='' dim='' plain=''; fi
    introduce
    if log_in; then
        conclude
    else
        status=$?
        # ssh may not say why nothing reached the phone; herald may.
        if [ -e "$demo/url" ] && [ ! -e "$demo/codes" ]; then
            herald try --user "$name" </dev/null || true
        fi
        printf '\n  %s\n\n' "No way in without the code. ${bold}make demo${plain} begins again." >&2
        exit "$status"
    fi
}

# Shows what a command said only if it failed.
quietly() {
    "$@" >"$demo/said" 2>&1 </dev/null || fail "$(cat "$demo/said")"
}

# Somebody with a home, an ssh key and no password.
make_person() {
    name=demo
    ! getent passwd "$name" >/dev/null || name=herald-demo
    echo 'passwd: files
group: files
shadow: files
hosts: files dns' >/etc/nsswitch.conf
    echo "$name:x:64977:64977::/home/$name:/bin/sh" >>/etc/passwd
    echo "$name:x:64977:" >>/etc/group
    echo "$name:*:20000:0:99999:7:::" >>/etc/shadow
    mkdir -p "/home/$name/.ssh"
    quietly ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$demo/key"
    cp "$demo/key.pub" "/home/$name/.ssh/authorized_keys"
    touch "/home/$name/.hushlogin"
    chown -R 64977:64977 "/home/$name"
}

start_phone() {
    [ -z "${HERALD_DEMO_TOKEN:-}" ] || return 0
    # It ends when its input does, and here it never does.
    sleep infinity | "$PHONE" --url "$demo/url" --ca /etc/herald/demo-ca.pem \
        --token "$demo/token" --answer-to "$demo/codes" &
    await "the phone does not start" test -s "$demo/url"
}

set_up_herald() {
    if [ "${HERALD_DEMO_TOKEN:-}" ]; then
        CHAT=$HERALD_DEMO_CHAT
        printf '%s\n' "$HERALD_DEMO_TOKEN" >"$demo/token"
        unset HERALD_DEMO_TOKEN
        set --
    else
        (umask 077 && printf '[delivery]\nca_file = "/etc/herald/demo-ca.pem"\n' >/etc/herald/herald.toml)
        set -- --set "api_url=$(cat "$demo/url")"
    fi
    herald gateway add telegram-bot --set token=- "$@" <"$demo/token" >"$demo/said" 2>&1 || fail "$(cat "$demo/said")"
    rm "$demo/token"
    quietly herald enroll telegram "$CHAT" --user "$name" --assume-verified
}

# The shipped stack and settings for people who log in by key.
start_sshd() {
    if [ -e /etc/pam.d/common-account ]; then stack=pam.d-example; else stack=pam.d-example/fedora; fi
    cp "$stack/sshd-key-only" /etc/pam.d/sshd
    rm -f /etc/motd /etc/update-motd.d/* /etc/nologin
    quietly ssh-keygen -q -t ed25519 -N '' -C '' -f "$demo/host_key"
    for port in 2222 2223 2224 2225 2226 2227; do
        cat >"$demo/sshd_config" <<EOF
Port $port
ListenAddress 127.0.0.1
HostKey $demo/host_key
PidFile none
PrintMotd no
PrintLastLog no
AuthenticationMethods publickey,keyboard-interactive
Include "$PWD/pam.d-example/sshd_config.d/herald.conf"
EOF
        "$(command -v sshd)" -D -e -f "$demo/sshd_config" 2>"$demo/said" &
        await "sshd does not start" grep -qE 'Server listening|Cannot bind' "$demo/said"
        ! grep -q 'Cannot bind' "$demo/said" || continue
        echo "[127.0.0.1]:$port $(cat "$demo/host_key.pub")" >"$demo/known_hosts"
        return
    done
    fail "all ports that the demo tries are taken: 2222 to $port"
}

introduce() {
    if [ -e "$demo/url" ]; then phone="the phone below"; else phone="your phone"; fi
    cat <<EOF

  ${bold}Herald${plain} asks for a code from your phone when somebody logs in as you.
  Try it: type the code that $phone shows. It stays hidden while you type.
  ${dim}The sshd is a real one, but in memory: nothing on this machine is changed.${plain}

${dim}\$${plain} ${bold}ssh -p $port $name@localhost${plain}
EOF
}

log_in() {
    set -- ssh -F none -p "$port" -i "$demo/key" -o IdentitiesOnly=yes -o IdentityAgent=none \
        -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$demo/known_hosts" -o LogLevel=ERROR
    set -- "$@" "$name@127.0.0.1" "echo; echo \"$bold\$(id -un)@\$(uname -n)$plain you are in.\""
    if [ "${ANSWER:-}" = auto ]; then
        answer=$PWD/scripts/demo-answer.sh
        SSH_ASKPASS=$answer SSH_ASKPASS_REQUIRE=force DEMO_CODES=$demo/codes "$@" </dev/null
    else
        "$@"
    fi
}

conclude() {
    cat <<EOF

  ${bold}What happened:${plain} your key was right, but only the code from the phone let you in.
  ${bold}What next:${plain} README.md: a login with your own Telegram in five minutes.

EOF
}

# Up to ten seconds for something to become true.
await() {
    complaint=$1
    shift
    for _ in $(seq 200); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.05
    done
    fail "$complaint: $(cat "$demo/said")"
}

case ${1:-} in
--inside) inside ;;
*) outside ;;
esac
