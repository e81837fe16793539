#!/bin/sh
# Speed and size of logins, side by side in one run (docs/performance.md): scripts/bench.sh [ROUNDS].
# Needs root, because only root's files are trusted by a module that root loads. A server (nginx) listens on a loopback
# port meanwhile, and what the modules log goes to a log of the run's own, not into the machine's; both, and everything
# that was written, are gone at the end, also after Ctrl-C.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
umask 022

built=${CARGO_TARGET_DIR:-target}/release

fail() {
    printf '%s\n' "bench: $1" >&2
    [ -z "${2:-}" ] || printf 'try: %s\n' "$2" >&2
    exit 1
}

if [ "${1:-}" != --inside ]; then
    rounds=${1:-${BENCH_ROUNDS:-60}}
    cargo build --quiet --release --locked --package herald-bench
    set -- unshare --mount --propagation private -- "$0" --inside "$rounds"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "only root can measure logins" "su -c 'make bench'"
        exec sudo CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}" "$@"
    fi
    unshare --mount true 2>/dev/null || fail "no namespaces may be made here (in a container without privileges?)"
    exec "$@"
fi
rounds=$2

folder='' runtime='' server='' log='' broker=''
clean_up() {
    end "$server"
    end "$log"
    end "$broker"
    rm -rf ${folder:+"$folder"} ${runtime:+"$runtime"}
}
end() {
    [ -n "$1" ] || return 0
    kill "$1" 2>/dev/null || true
    # It has written to the folder until now.
    wait "$1" 2>/dev/null || true
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# As where Herald keeps things: programs and state on disk, what belongs to this boot in memory.
# /run is the run's own: the broker listens there, and this machine's stays as it is.
mount -t tmpfs -o mode=0755,size=64m herald-bench /run
folder=$(mktemp -d /var/lib/herald-bench.XXXXXX)
runtime=$(mktemp -d /run/herald-bench.XXXXXX)
chmod 755 "$folder"
chmod 700 "$runtime"

first() {
    for path; do
        [ ! -e "$path" ] || { echo "$path"; return; }
    done
    fail "there is no $1" "scripts/setup.sh bench"
}

copy() {
    [ -e "$2" ] || fail "$2 is missing" "make build"
    install -m "$1" "$2" "$folder/$3"
}

copy 644 "$built/libpam_herald.so" pam_herald.so
copy 755 "$built/herald-deliver" herald-deliver
copy 755 "$built/herald-broker" herald-broker
copy 644 "$(first /usr/lib/*/pam_wrapper/pam_set_items.so /usr/lib64/pam_wrapper/pam_set_items.so)" pam_set_items.so
# The file as every login loads it: without symbols, whatever the profile says.
strip "$folder/pam_herald.so"

# An authority of its own and a certificate for loopback.
certificates() (
    cd "$folder"
    ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'
    # The options are a list of words.
    # shellcheck disable=SC2086
    openssl req -x509 $ec -subj '/CN=Herald bench CA' -keyout ca.key -out ca.pem -config authority.cnf -extensions v3
    # shellcheck disable=SC2086
    openssl req $ec -subj '/CN=localhost' -keyout server.key -out server.csr -config authority.cnf
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
        -extfile server.cnf
) 2>"$folder/openssl.log"

printf '%s\n' '[req]' 'distinguished_name = dn' '[dn]' '[v3]' 'basicConstraints = critical,CA:TRUE' \
    'keyUsage = critical,keyCertSign' 'subjectKeyIdentifier = hash' >"$folder/authority.cnf"
echo 'subjectAltName = IP:127.0.0.1' >"$folder/server.cnf"
certificates || fail "openssl makes no certificates: $(cat "$folder/openssl.log")"
chmod 600 "$folder/ca.key" "$folder/server.key"
# What Herald trusts, for curl: the system's certificates and the own authority.
cat /etc/ssl/certs/ca-certificates.crt "$folder/ca.pem" >"$folder/bundle.pem"

# nginx knows a request's body only if it hands it on, so it answers through a second server in the same process. It
# writes the log line after the answer is out: for what is measured, the bodies cost nothing.
configure() {
    cat >"$folder/nginx.conf" <<END
daemon off;
user nobody $(id -gn nobody);
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/nginx.log;
events { worker_connections 512; }
http {
    client_body_temp_path $folder/temp-body;
    proxy_temp_path $folder/temp-proxy;
    fastcgi_temp_path $folder/temp-fastcgi;
    uwsgi_temp_path $folder/temp-uwsgi;
    scgi_temp_path $folder/temp-scgi;
    client_body_buffer_size 16k;
    client_body_in_single_buffer on;
    log_format messages escape=json '\$status \$request_method \$request_body';
    access_log off;
    upstream answers {
        server unix:$folder/answers.sock;
        keepalive 64;
    }
    server {
        listen 127.0.0.1:$port ssl backlog=512;
        ssl_certificate $folder/server.pem;
        ssl_certificate_key $folder/server.key;
        ssl_protocols TLSv1.3;
        location ~ ^/(bot[^/]+/sendMessage|send/message)\$ {
            access_log $folder/gateway.log messages;
            proxy_pass http://answers;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
    server {
        listen unix:$folder/answers.sock;
        default_type application/json;
        return 200 '{"ok":true,"result":{"message_id":1},"code":"SUCCESS"}';
    }
}
END
}

serve() {
    for port in 18443 18444 18445 18446 18447 18448 18449; do
        configure
        rm -f "$folder/answers.sock"
        nginx -p "$folder" -e "$folder/nginx.log" -c "$folder/nginx.conf" 2>/dev/null &
        server=$!
        for _ in $(seq 100); do
            [ ! -s "$folder/nginx.pid" ] || return 0
            kill -0 "$server" 2>/dev/null || break
            sleep 0.05
        done
        end "$server"
        server=
    done
    fail "nginx does not start: $(cat "$folder/nginx.log")"
}
serve

# A /dev of the run's own, because there may be no /dev/log to put another one over: without one, a module that asks
# for the console instead (as pam_google_authenticator does) makes everybody's logging slow from then on.
listen() {
    mkdir "$folder/dev"
    mount -t tmpfs -o mode=0755,size=1m herald-bench "$folder/dev"
    for device in null zero full random urandom tty; do
        : >"$folder/dev/$device"
        mount --bind "/dev/$device" "$folder/dev/$device"
    done
    ln -s /proc/self/fd "$folder/dev/fd"
    "$built/herald-bench" log "$folder/dev/log" &
    log=$!
    for _ in $(seq 100); do
        [ ! -S "$folder/dev/log" ] || break
        sleep 0.05
    done
    mount --move "$folder/dev" /dev
    [ -S /dev/log ] || fail "there is no log"
}
listen

"$built/herald-bench" broker /run/herald-broker.sock "$folder/herald-broker" &
broker=$!
for _ in $(seq 100); do
    [ ! -S /run/herald-broker.sock ] || break
    sleep 0.05
done

about() {
    sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1
    nproc | sed 's/$/ processors/'
    uname -sr
    sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release
}
echo "$(about | paste -s -d ';' | sed 's/;/, /g'); load before: $(cut -d ' ' -f 1 /proc/loadavg); $rounds rounds."
echo

# The first factor: pam_set_items gives every stack this password (pam_set_items(8)). Nothing else of our own
# environment goes in.
status=0
env -i PATH=/usr/bin:/bin PAM_AUTHTOK='correct horse battery staple' \
    "$built/herald-bench" all "$folder" "$runtime" "https://127.0.0.1:$port" "$rounds" || status=$?
[ "$status" -eq 0 ] || sed 's/^/bench: nginx: /' "$folder/nginx.log" >&2
exit "$status"
