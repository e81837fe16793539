#!/bin/sh
# Looks at a built pam_herald.so from outside: what it exports, what it needs, what it calls, what went into it,
# and how big it is. Every login host on the machine loads this file.
#
#   scripts/check-module.sh [MODULE.so [CARGO-PACKAGE]]
#
# Exit 0 if everything is as it must be, 1 if not, 2 if a check could not be made.
set -u
cd "$(dirname "$0")/.." || exit 2

module=${1:-target/release/libpam_herald.so}
package=${2:-pam_herald}

hooks='pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok pam_sm_close_session pam_sm_open_session pam_sm_setcred'
libraries='libpam\.so\.0|libc\.so\.6|ld-linux[-a-z0-9_]*\.so\.[0-9]+'
# What would change the host, leave the thread or reach a network, as far as libc's names show it.
calls='setenv|unsetenv|putenv|clearenv|openlog|closelog|pthread_create|thrd_create|system|popen|fork|vfork|chdir|fchdir'
calls="$calls|umask|sigaction|signal|sigprocmask|pthread_sigmask|setuid|seteuid|setreuid|setresuid|setgid|setegid|setregid"
calls="$calls|setresgid|setgroups|initgroups|sleep|usleep|nanosleep|clock_nanosleep|socket|connect|getaddrinfo|gethostbyname"
calls="$calls|exit|_exit|atexit|waitpid|wait|wait3|wait4|dlopen|setlocale|pam_putenv"
http='reqwest|hyper|hyper-util|http|http-body|h2|h3|ureq|attohttpc|minreq|isahc|curl|curl-sys|surf|url|lettre'
tls='rustls|rustls-pki-types|rustls-native-certs|webpki|rustls-webpki|ring|aws-lc-rs|aws-lc-sys|openssl|openssl-sys|native-tls|boring'
async='tokio|mio|async-std|async-io|smol|futures|futures-util|futures-core|futures-channel|async-trait|zbus|polling'
command='clap|clap_builder|clap_derive|lexopt|pico-args|argh|gumdrop|structopt|rpassword|dialoguer|inquire|anstream|termcolor'
limit=${HERALD_MODULE_LIMIT:-800000}

failures=0
pass() { printf 'ok    %s\n' "$1"; }
fail() { printf 'FAIL  %s\n' "$1"; failures=$((failures + 1)); }
give_up() { printf 'herald: %s\n' "$1" >&2; exit 2; }
one_line() { tr '\n' ' ' | sed 's/ *$//'; }

for tool in nm readelf cargo sort; do
    command -v "$tool" >/dev/null || give_up "$tool is missing (Debian: apt install binutils cargo)"
done
[ -r "$module" ] || give_up "$module is missing: cargo build --release -p pam_herald"
dynamic=$(readelf -dW "$module") || give_up "$module cannot be read"
printf '%s\n' "$dynamic" | grep -q 'NEEDED' || give_up "$module is no shared library"

exported=$(nm -D --defined-only "$module" | awk '{ print $NF }' | LC_ALL=C sort | one_line)
if [ "$exported" = "$hooks" ]; then
    pass "exports: $exported"
else
    fail "exports: '$exported' instead of '$hooks'"
fi

needed=$(printf '%s\n' "$dynamic" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
strange=$(printf '%s\n' "$needed" | grep -vxE "$libraries" | one_line)
if [ -n "$strange" ]; then fail "libraries: $strange"; else pass "libraries: $(printf '%s' "$needed" | one_line)"; fi

imported=$(nm -D --undefined-only "$module" | awk '{ print $NF }' | sed 's/@.*//')
strange=$(printf '%s\n' "$imported" | grep -xE "$calls" | one_line)
if [ -n "$strange" ]; then
    fail "calls that change the host: $strange"
else
    pass "calls: none of $(printf '%s' "$calls" | tr '|' '\n' | grep -c .) that change the host, of $(printf '%s\n' "$imported" | grep -c .)"
fi

if printf '%s\n' "$dynamic" | grep -q 'TEXTREL'; then fail "code is written to while loading"; else pass "no text relocations"; fi
if readelf -lW "$module" | grep 'GNU_STACK' | grep -q 'RW '; then pass "stack is not executable"; else fail "executable stack"; fi
if printf '%s\n' "$dynamic" | grep -q 'BIND_NOW'; then pass "bound at load (read-only relocations)"; else fail "not bound at load"; fi

crates=$(cargo tree --locked --package "$package" --edges normal --prefix none) || give_up "cargo tree failed"
crates=$(printf '%s\n' "$crates" | awk '{ print $1 }' | LC_ALL=C sort -u)
printf '%s\n' "$crates" | grep -qx "$package" || give_up "cargo tree does not show $package"
strange=$(printf '%s\n' "$crates" | grep -xE "$http|$tls|$async|$command" | one_line)
if [ -n "$strange" ]; then
    fail "crates of HTTP, TLS, async or command lines in $package: $strange"
else
    pass "crates: $(printf '%s\n' "$crates" | grep -c .), none of HTTP, TLS, async or command lines"
fi

stripped=$(mktemp) || give_up "no scratch file"
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$module" || give_up "strip failed"
bytes=$(wc -c <"$stripped" | tr -d ' ')
if [ "$bytes" -le "$limit" ]; then pass "size: $bytes bytes stripped, of $limit"; else fail "size: $bytes bytes stripped, more than $limit"; fi

[ "$failures" -eq 0 ] || { printf '%s: %s of 8 checks failed\n' "$module" "$failures"; exit 1; }
