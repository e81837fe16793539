#!/bin/sh
# What `make test` shows in small, at full size: every fault, and the load of a company. Writes docs/reliability.md.
# HERALD_FAULTS=some takes a part of the faults only, and the page says so. Takes some ten minutes. Requests go to this
# machine's loopback only, for as long as the table says.
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")

export HERALD_MODULE="$target/release/libpam_herald.so"
export HERALD_DELIVER="$target/release/herald-deliver"
export HERALD_BROKER="$target/release/herald-broker"
export HERALD_BIN="$target/release/herald"
export HERALD_LOAD=full HERALD_FAULTS="${HERALD_FAULTS:-all}"
export HERALD_FIGURES="$target/figures"

if [ "$(id -u)" -ne 0 ]; then
    triple=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    export "CARGO_TARGET_${triple}_RUNNER=sudo --preserve-env -- env PATH=$PATH"
fi
prlimit --pid $$ --nofile=4096

cargo test --package herald-tests --locked --no-run
page=$target/reliability.md
cat >"$page" <<END
# How Herald holds up

Made by \`make reliability\`; not to be changed by hand. A part of every fault and a small load belong to \`make test\`.

Taken with $(nproc) processors, Linux $(uname -r | cut -d- -f1), $(uname -m); the module is $(stat -c %s "$HERALD_MODULE") bytes.
END

# part TITLE TEST THREADS: its figures become a table.
part() {
    title=$1 test=$2 threads=$3
    rm -f "$HERALD_FIGURES"
    began=$(date +%s)
    cargo test --package herald-tests --locked --test "$test" -- --test-threads="$threads"
    {
        printf '\n## %s\n\n| what | figure |\n|---|---|\n' "$title"
        cat "$HERALD_FIGURES"
        printf '| seconds, all together | %s |\n' "$(($(date +%s) - began))"
    } >>"$page"
}

part Load load 1
if [ "$HERALD_FAULTS" = all ]; then
    part "Faults, at every system call of a login, one after the other" faults "$(nproc)"
else
    part "Faults, at a part of the system calls of a login" faults "$(nproc)"
fi
# The last section is of scripts/fuzz.sh.
{ echo && sed -n '/^## Fuzzing$/,$p' docs/reliability.md; } >>"$page"
cp "$page" docs/reliability.md
rm -f "$HERALD_FIGURES" "$page"
cat docs/reliability.md
