#!/bin/sh
# What the machine of scripts/machine.sh lives through, told from inside: it is in /opt/box there, and systemd starts it.
# Each line that it says is a story that ended well; the first that does not ends everything.
set -eu
cd /opt/box
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH DEBIAN_FRONTEND=noninteractive
phone=/run/phone
password=correct-horse-alice
examples=/usr/share/doc/herald/pam.d-example
prompt='Telegram to ...977: '
guard=$(sed -n 's/.*security=\([a-z]*\).*/\1/p' /proc/cmdline)

say() {
    printf '%s: %s\n' "$guard" "$1"
}

fail() {
    say "FAILED: $1"
    [ ! -s said ] || sed 's/^/    said: /' said
    journalctl --no-pager --quiet --lines=60 --output=short-monotonic | sed 's/^/    journal: /'
    exit 1
}

# Runs something and keeps what it said; through a pipe, for confined programs may not write to just any file.
heard() {
    text=$("$@" 2>&1 </dev/null) && end=0 || end=$?
    printf '%s\n' "$text" >said
    return "$end"
}

must() {
    what=$1
    shift
    heard "$@" || fail "$what"
}

must_not() {
    what=$1
    shift
    ! heard "$@" || fail "$what"
}

await() {
    what=$1
    shift
    for _ in $(seq 600); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    fail "$what"
}

# Somebody types: [PROMPT ANSWER]… -- COMMAND…
type_in() {
    what=$1
    shift
    heard expect -f machine-type.exp "$@" || fail "$what"
}

as() {
    name=$1
    shift
    echo setpriv "--reuid=$name" "--regid=$name" --init-groups -- "$@"
}

nobody_resides() {
    ! pgrep -l '^herald' >said || fail "these run $1"
    [ -z "$(systemctl list-units --no-legend --plain 'herald-broker@*')" ] || fail "a unit stays $1"
}

# What this machine's kernel has refused so far to what is ours.
refused() {
    case $guard in
    apparmor) journalctl --boot --no-pager --grep 'apparmor="DENIED".*herald' ;;
    selinux) journalctl --boot --no-pager --grep 'avc: *denied.*herald' ;;
    esac >said 2>&1
}

# The machine -----------------------------------------------------------------------------------------------------------

installed() {
    must "apt-get install" apt-get install --yes ./first.deb
    getent passwd _herald | grep -q ':/nonexistent:/usr/sbin/nologin$' || fail "sysusers.d: $(getent passwd _herald)"
    rmdir /run/herald
    must "systemd-tmpfiles" systemd-tmpfiles --create herald.conf
    [ "$(stat -c '%a %U' /run/herald)" = '700 root' ] || fail "tmpfiles.d: /run/herald is $(stat -c '%a %U' /run/herald)"
    must_not "the broker's socket is on already" systemctl is-active herald-broker.socket
    must "systemd-analyze verify" systemd-analyze verify --man=no /usr/lib/systemd/system/herald-broker.socket
    [ -z "$text" ] || fail "systemd has something to say about the units"
    say "apt has installed it on $(. /etc/os-release && echo "$PRETTY_NAME"), kernel $(uname -r), $(systemctl --version | sed 1q)"
}

# A phone on loopback, at a port that the policies know; people; and the one line in the machine's own stacks.
set_up() {
    sysctl --quiet kernel.printk_ratelimit=0
    mkdir -m 700 "$phone"
    sleep infinity | ./demo-phone --url "$phone/url" --ca /etc/herald/ca.pem --token "$phone/token" \
        --answer-to "$phone/codes" --port 8443 >"$phone/screen" 2>&1 &
    await "the phone does not start" test -s "$phone/url"
    (umask 077 && printf '[delivery]\nca_file = "/etc/herald/ca.pem"\n[service.herald]\npolicy.unenrolled = "skip"\n' >/etc/herald/herald.toml)
    must "gateway add" sh -c 'herald gateway add telegram-bot --set token=- --set "api_url=$1" <"$2"' - \
        "$(cat "$phone/url")" "$phone/token"
    must "gateway status" herald gateway status
    must "enroll alice" herald enroll telegram 110000977 --user alice --assume-verified
    # Somebody whose messages never arrive: their helper can be looked at meanwhile.
    must "enroll carol" herald enroll telegram 9000001 --user carol --assume-verified
    cp "$examples/xscreensaver" "$examples/herald" "$examples/polkit-1" /etc/pam.d/
    for service in sshd sudo su; do
        sed -i '/^@include common-auth/a auth requisite pam_herald.so' "/etc/pam.d/$service"
        grep -q '^auth requisite pam_herald.so' "/etc/pam.d/$service" || fail "$service: no line to follow"
    done
    cp "$examples/sshd_config.d/herald.conf" /etc/ssh/sshd_config.d/00-herald.conf
    # Who starts the stories is no admin, for SELinux: what he makes in /etc is of another type.
    if [ "$guard" = selinux ]; then restorecon -R /etc; fi
    must "sshd's settings" sshd -t
    must "sshd" systemctl restart ssh.service
    must "herald-broker.socket" systemctl enable --now herald-broker.socket
    nobody_resides "though nobody logs in"
    must "herald doctor" sh -c 'herald --json doctor >doctor; [ -s doctor ]'
}

ssh_as() {
    echo ssh -tt -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR -o PubkeyAuthentication=no "$1@127.0.0.1"
}

# The doors -------------------------------------------------------------------------------------------------------------

# Their words are words.
# shellcheck disable=SC2046
ssh_sudo_su() {
    begin=$(date +%s%N)
    type_in "ssh" 'Password: ' "$password" "$prompt" code -- $(ssh_as alice) \
        'loginctl --no-pager show-session "$XDG_SESSION_ID" -p Service -p Remote -p Name; cat /proc/self/loginuid'
    for line in Service=sshd Remote=yes Name=alice "$(id -u alice)"; do
        grep -q "^$line" said || fail "logind knows nothing of $line"
    done
    took=$((($(date +%s%N) - begin) / 1000000))
    must_not "a wrong code" expect -f machine-type.exp 'Password: ' "$password" "$prompt" 000000 \
        'tries left' 000000 'try left' 000000 -- $(ssh_as alice) -o NumberOfPasswordPrompts=1 true
    must "herald unlock" herald unlock alice
    type_in "sudo" 'Password: ' "$password" "$prompt" code 'for alice: ' "$password" "$prompt" code -- \
        $(ssh_as alice) 'sudo id -un'
    grep -q '^root' said || fail "sudo"
    type_in "su" 'Password: ' "$password" "$prompt" code -- $(as bob su --command whoami alice)
    grep -q '^alice' said || fail "su"
    say "sshd ($took ms, a session of logind's), sudo and su: the password, then the code; no wrong code"
}

# shellcheck disable=SC2046
broker() {
    watched="systemctl list-units --plain --no-legend 'herald-broker@*' | grep -q running && systemd-cgls --no-pager | grep herald-broker"
    type_in "the locker" 'Password: ' "$password" "$prompt" "do:$watched" '' code -- \
        $(as alice pamtester xscreensaver alice authenticate)
    grep -q 'successfully authenticated' said || fail "the locker"
    journalctl --sync
    journalctl --quiet --no-pager --boot -t herald-broker | grep -q 'verified user=alice.*via=broker' || fail "the journal has no line of it"
    await "the broker does not end" sh -c '! pgrep ^herald'
    nobody_resides "after a conversation"
    type_in "herald status" "$prompt" code -- $(as alice herald status)
    rm -f /var/lib/herald/users/bob.toml
    type_in "bob's first factor" 'Password: ' "$password" 'Telegram to ...978: ' code -- \
        $(as bob herald enroll telegram 110000978 --no-backup-codes)
    await "the broker does not end" sh -c '! pgrep ^herald'
    nobody_resides "after self-service"
    say "the broker: a locker, herald status, herald enroll as ordinary people; nothing resides between"
}

# polkit's agent helper: setuid up to polkit 126, from 127 on a unit without network and with a read-only system.
# shellcheck disable=SC2046
polkit() {
    # pkexec's own agent at a terminal is no use over ssh ("No session for cookie"); with one beside it all is well.
    type_in "polkit" 'Password: ' "$password" "$prompt" code 'Password: ' "$password" "$prompt" code -- $(ssh_as alice) \
        'rm -f ready; mkfifo ready; pkttyagent --process $$ --notify-fd 3 3>ready & cat ready; pkcheck --process $$ --allow-user-interaction \
            --action-id org.freedesktop.policykit.exec && echo granted; kill %1; true'
    grep -q granted said || fail "polkit"
    journalctl --sync
    journalctl --quiet --no-pager --boot -t herald-broker | grep -q 'polkit-1:auth.*verified user=alice.*via=broker' ||
        fail "polkit's helper has not asked the broker"
    way=setuid
    ! systemctl cat polkit-agent-helper@.service >/dev/null 2>&1 || way="in its unit"
    await "the broker does not end" sh -c '! pgrep ^herald'
    say "polkit $(dpkg-query --show --showformat '${Version}' polkitd): its agent helper $way, through the broker"
}

# The package while somebody stands between the password and the code.
# shellcheck disable=SC2046
upgraded() {
    type_in "a login during the upgrade" 'Password: ' "$password" "$prompt" 'do:dpkg --install second.deb' '' code -- \
        $(ssh_as alice) 'dpkg-query --show herald'
    grep -q '999' said || fail "it was not upgraded"
    say "dpkg upgrades it between the password and the code"
}

# What lets people in unasked on this machine.
noticed() {
    must "doctor" sh -c 'herald doctor; true'
    ! grep -E 'NOPASSWD|unasked' said || fail "doctor sees what is not there"
    echo 'bob ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/bob
    mkdir -p /etc/systemd/system/getty@tty1.service.d
    printf '[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin bob --noclear %%I $TERM\n' >/etc/systemd/system/getty@tty1.service.d/auto.conf
    must "doctor" sh -c 'herald doctor; true'
    grep -q 'bob.*logged in there unasked' said || fail "doctor overlooks the console that opens by itself"
    grep -q 'NOPASSWD' said || fail "doctor overlooks NOPASSWD"
    say "doctor finds the console that opens by itself, and NOPASSWD"
}

# The network side while it waits for a gateway that does not answer: who it is, and in which cage.
watched() {
    expect -f machine-type.exp 'Password: ' "$password" 'never asked' '' -- "$@" >/dev/null 2>&1 &
    typing=$!
    await "herald-deliver does not start in its cage: $*" caged
    kill "$typing"
    wait "$typing" 2>/dev/null || true
    grep -q "^Uid:[[:space:]]$(id -u _herald)[[:space:]]" said || fail "herald-deliver is not _herald"
    grep -q '^NoNewPrivs:[[:space:]]1' said || fail "herald-deliver may gain privileges"
    grep -q '^CapEff:[[:space:]]0*$' said || fail "herald-deliver has capabilities"
}

# The filter for system calls comes last.
caged() {
    helper=/proc/$(pidof -s herald-deliver) || return
    { cat "$helper/status" && tr -d '\0' <"$helper/attr/current" && echo; } >said && grep -q '^Seccomp:[[:space:]]2' said
}

. ./machine-policies.sh

case $guard in
apparmor)
    installed
    set_up
    ssh_sudo_su
    broker
    polkit
    upgraded
    noticed
    apparmor
    ;;
selinux)
    installed
    selinux
    set_up
    ssh_sudo_su
    broker
    selinux_holds
    ;;
esac
say "all of it"
