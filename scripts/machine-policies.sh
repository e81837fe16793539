#!/bin/sh
# What keeps Herald in on the machine of scripts/machine.sh: read by scripts/machine-stories.sh, which has the rest.
# shellcheck disable=SC2154

# shellcheck disable=SC2046
apparmor() {
    cp /usr/share/doc/herald/apparmor/* /etc/apparmor.d/
    must "apparmor_parser" apparmor_parser --replace /etc/apparmor.d/herald-deliver /etc/apparmor.d/herald-broker
    for profile in herald-deliver herald-broker; do
        grep -qx "$profile (enforce)" /sys/kernel/security/apparmor/profiles || fail "$profile is not enforced"
    done
    ssh_sudo_su
    watched $(ssh_as carol) true
    grep -q '^herald-deliver (enforce)' said || fail "sshd's helper is not confined"
    broker
    watched $(as carol pamtester xscreensaver carol authenticate)
    grep -q '^herald-broker (enforce)' said || fail "the broker's helper is not confined"
    ! refused || fail "AppArmor has refused what belongs to a login"
    # What the profile keeps from it, tried by a program that it would let run.
    mkdir -p /etc/apparmor.d/local
    echo '/{usr/,}bin/cat mr,' | tee /etc/apparmor.d/local/herald-deliver >/etc/apparmor.d/local/herald-broker
    must "apparmor_parser" apparmor_parser --replace /etc/apparmor.d/herald-deliver /etc/apparmor.d/herald-broker
    must "the profile lets nothing run" aa-exec -p herald-deliver -- cat /etc/hosts
    for file in /etc/shadow /etc/herald/herald.toml /var/lib/herald/users/alice.toml; do
        must_not "herald-deliver's profile lets it read $file" aa-exec -p herald-deliver -- cat "$file"
    done
    must_not "herald-broker's profile lets it read a home" aa-exec -p herald-broker -- cat /home/alice/.profile
    rm /etc/apparmor.d/local/herald-deliver /etc/apparmor.d/local/herald-broker
    say "AppArmor enforces both profiles, refuses nothing to these logins, and shadow, settings and state to the network side"
}

# Where sshd itself may connect to: Debian's policy lets it forward every port.
sshd_connects() {
    must "sesearch" sesearch --allow --source sshd_t --class tcp_socket --perm name_connect
}

# As docs/packages.md has it, compiled against this machine's own policy.
selinux() {
    [ "$(getenforce)" = Enforcing ] || fail "SELinux is $(getenforce)"
    sshd_connects
    before=$text
    mkdir policy
    cp /usr/share/doc/herald/selinux/* policy
    must "herald.pp" make -C policy -f /usr/share/selinux/devel/Makefile herald.pp
    must "semodule" semodule --install policy/herald.pp
    must "restorecon" restorecon -RF /usr/libexec/herald /etc/herald /var/lib/herald /run/herald
    say "its module compiles and loads, $(dpkg-query --show selinux-policy-default | tr '\t' ' ')"
}

typed() {
    for path in /etc/herald/herald.toml:herald_conf_t /var/lib/herald/users/alice.toml:herald_var_lib_t \
        /run/herald/ledger/alice:herald_runtime_t /run/herald-broker.sock:herald_broker_runtime_t; do
        [ "$(stat -c %C "${path%:*}" | cut -d : -f 3)" = "${path#*:}" ] || fail "$(ls -Z "${path%:*}") is not ${path#*:}"
    done
}

# shellcheck disable=SC2046
selinux_holds() {
    typed
    watched $(ssh_as carol) true
    grep -q ':herald_deliver_t:' said || fail "sshd's helper is not in its domain"
    watched $(as carol pamtester xscreensaver carol authenticate)
    grep -q ':herald_deliver_t:' said || fail "the broker's helper is not in its domain"
    ! refused || fail "SELinux has refused what belongs to a login"
    sshd_connects
    [ "$text" = "$before" ] || fail "sshd may connect to more than before: $text"
    # In the place of herald-deliver something that looks for what the policy keeps from it, as root, and started by sshd.
    must "setsebool" setsebool herald_deliver_exec on
    printf '#!/bin/sh\ncat /etc/passwd /etc/shadow /etc/herald/herald.toml /var/lib/herald/users/alice.toml\n' >/usr/libexec/herald/probe
    chmod 755 /usr/libexec/herald/probe
    chcon -t herald_deliver_exec_t /usr/libexec/herald/probe
    printf '[paths]\ndeliver = "/usr/libexec/herald/probe"\n' >>/etc/herald/herald.toml
    heard expect -f machine-type.exp 'Password: ' "$password" 'Password: ' '' -- $(ssh_as alice) true || true
    journalctl --sync
    refused || fail "what pries in herald_deliver_t is let in"
    for type in shadow_t herald_conf_t herald_var_lib_t; do
        grep -q "scontext=[^ ]*:herald_deliver_t:.*tcontext=[^ ]*:$type:" said || fail "herald_deliver_t may reach $type"
    done
    ! grep -q 'name="passwd"' said || fail "it was refused more than that"
    say "SELinux enforces: sshd_t has got no network of ours, herald_deliver_t reads no shadow, settings or state"
}
