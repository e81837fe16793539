#!/bin/sh
# What `make test` shows in small, at full size: every fault, and the load of a company. Writes docs/reliability.md.
# HERALD_FAULTS=some takes a part of the faults only, and the page says so. Takes some twenty minutes. Requests go to this
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

Made by \`make reliability\`; not to be changed by hand. A part of every fault and a small load belong to \`make test\`, and so
does all the rest but what the address sanitizer and the fuzzer do.

Taken with $(nproc) processors, Linux $(uname -r | cut -d- -f1), $(uname -m); the module is $(stat -c %s "$HERALD_MODULE") bytes.
END

# part TITLE THREADS WORDS…: the figures of what cargo tests by these words become a table.
part() {
    title=$1 threads=$2
    shift 2
    rm -f "$HERALD_FIGURES"
    began=$(date +%s)
    cargo test --locked "$@" -- --test-threads="$threads"
    table "$title" "$HERALD_FIGURES"
}

# table TITLE FILE: the rows of a file, and how long they took.
table() {
    {
        printf '\n## %s\n\n| what | figure |\n|---|---|\n' "$1"
        cat "$2"
        printf '| seconds, all together | %s |\n' "$(($(date +%s) - began))"
    } >>"$page"
}

stories='--package herald-tests --test'
# shellcheck disable=SC2086 # words of their own
{
    part Load 1 $stories load
    if [ "$HERALD_FAULTS" = all ]; then
        part "Faults, at every system call of a login, one after the other" "$(nproc)" $stories faults
    else
        part "Faults, at a part of the system calls of a login" "$(nproc)" $stories faults
    fi
    part "Hostile conversations" 1 $stories hostile_conversations
    part "Manners" 1 $stories manners
    part "Races" 1 $stories crowds
    part "The broker" 1 $stories broker
    part "Kernels that lack something" 1 $stories old_kernels
    part "Valgrind" 1 $stories valgrind
}
part "Hostile gateways: what one request cost" 1 --package herald-deliver --test delivery hostile

# The sanitizer ends a host at its first finding, and the story fails with it.
began=$(date +%s)
scripts/sanitize.sh >"$HERALD_FIGURES.log" 2>&1 || { tail -n 60 "$HERALD_FIGURES.log" && exit 1; }
awk '/^test result:/ { stories += $4; failed += $6 }
     END { printf "| stories against the module under the address sanitizer | %d |\n| findings | %d |\n", stories, failed }' \
    "$HERALD_FIGURES.log" >"$HERALD_FIGURES"
table "Address sanitizer" "$HERALD_FIGURES"
rm -f "$HERALD_FIGURES.log"

# The last section is of scripts/fuzz.sh.
{ echo && sed -n '/^## Fuzzing$/,$p' docs/reliability.md; } >>"$page"
cp "$page" docs/reliability.md
rm -f "$HERALD_FIGURES" "$page"
cat docs/reliability.md
