#!/bin/sh
# The SELinux module, compiled as an admin compiles it, and what it came to; and the AppArmor profiles, as their parser
# reads them. Neither is loaded into this machine's kernel.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

fail() {
    printf '%s\n' "policies: FAILED: $1" >&2
    exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

cp packaging/selinux/herald.te packaging/selinux/herald.fc packaging/selinux/herald.if "$scratch"
(cd "$scratch" && make --file /usr/share/selinux/devel/Makefile herald.pp) >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; fail "herald.pp"; }
! grep -iE 'warning|deprecated' "$scratch/said" || fail "herald.pp compiles with warnings"
/usr/libexec/selinux/hll/pp "$scratch/herald.pp" >"$scratch/herald.cil"

# What the module allows, one rule a line.
rules() {
    sed 's/^ *//' "$scratch/herald.cil"
}

# Whoever logs people in starts the network side in its own domain, and connects nowhere itself.
for domain in sshd_t local_login_t xdm_t sudodomain sysadm_su_t dovecot_auth_t herald_broker_t; do
    rules | grep -qx "(typetransition $domain herald_deliver_exec_t process herald_deliver_t)" ||
        fail "$domain does not start herald-deliver in a domain of its own"
done
connects=$(rules | sed -n 's/^(allow \([a-z_]*\) .*name_connect.*/\1/p' | sort -u)
[ "$connects" = herald_deliver_t ] || fail "these connect: $connects"
# Who talks to a network reads nothing of Herald's, no passwords, and starts nothing unless an admin allows it.
for type in herald_conf_t herald_var_lib_t herald_runtime_t shadow_t; do
    ! rules | grep "^(allow herald_deliver_t $type " || fail "herald-deliver may reach $type"
done
rules | grep -q '^(allow herald_broker_t herald_conf_t (file' || fail "the broker may not read its settings"
[ "$(rules | grep -c '^(allow herald_deliver_t .*execute_no_trans')" = "$(rules | sed -n '/^(booleanif (herald_deliver_exec)/,$p' | grep -c '^(allow herald_deliver_t .*execute_no_trans')" ] ||
    fail "herald-deliver may start programs though herald_deliver_exec is off"
# A label for each path that is installed.
for path in /usr/libexec/herald/herald-deliver /etc/herald /var/lib/herald /run/herald; do
    grep -qE "^$path(\(/\.\*\)\?)?[[:space:]]" packaging/selinux/herald.fc || fail "no label for $path"
done

for profile in packaging/apparmor/*; do
    apparmor_parser --skip-kernel-load --skip-cache --warn=all "$profile" 2>"$scratch/said" || { cat "$scratch/said" >&2; fail "$profile"; }
done
echo "policies: the SELinux module compiles and confines, the AppArmor profiles parse"
