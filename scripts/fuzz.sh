#!/bin/sh
# Feeds what Herald reads from outside (fuzz/) with everything else: scripts/fuzz.sh [TARGET…], by default all.
# FUZZ_SECONDS is what each gets of the processor's time, however long that takes. What was found stays in fuzz/corpus
# and, where a target broke, in fuzz/artifacts; `cargo fuzz run TARGET FILE` plays it again. Without FUZZ_SECONDS each gets
# the 300 that it shall have, and the figures go into docs/reliability.md, below "Fuzzing", the last section there.
set -eu
cd "$(dirname "$0")/.."
# The sanitizers are switched on by flags that a stable compiler takes only like this.
export RUSTC_BOOTSTRAP=1

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR="$target/fuzz"
seconds=${FUZZ_SECONDS:-300}

host=$(rustc -vV | sed -n 's/^host: //p')
fuzzer=
trap '[ -z "$fuzzer" ] || kill "$fuzzer" 2>/dev/null' EXIT
trap 'exit 1' INT TERM HUP

# Seconds of the processor that the fuzzer took so far (proc_pid_stat(5)). None once it has ended.
clock() {
    awk -v ticks="$(getconf CLK_TCK)" '$3 == "Z" { exit 1 } { print int(($14 + $15) / ticks) }' "/proc/$fuzzer/stat" 2>/dev/null
}

# fuzz NAME: until its time is used up, or it broke. The fuzzer itself would count by the clock. Without entropic, which
# spends more of five minutes on weighing inputs than it wins.
fuzz() {
    log="$CARGO_TARGET_DIR/$1.log"
    mkdir -p "fuzz/corpus/$1" "fuzz/artifacts/$1"
    cargo fuzz build "$1"
    "$CARGO_TARGET_DIR/$host/release/$1" "fuzz/corpus/$1" "fuzz/seeds/$1" -artifact_prefix="fuzz/artifacts/$1/" \
        -timeout=10 -rss_limit_mb=1024 -entropic=0 -print_final_stats=1 >"$log" 2>&1 &
    fuzzer=$!
    used=0 ended=0 broken=1
    while now=$(clock) && used=$now && [ "$used" -lt "$seconds" ]; do sleep 1; done
    kill -INT "$fuzzer" 2>/dev/null || true
    wait "$fuzzer" || ended=$?
    fuzzer=
    # Interrupted, as it was told to be (-interrupted_exitcode).
    [ "$ended" -ne 72 ] || broken=0
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "fuzz: $1: $used s of the processor, ${runs:-0} runs, ${edges:-0} edges reached, broken: $broken"
    [ "$broken" -eq 0 ] || tail -n 60 "$log"
}

# record NAME: replaces its line on the page, and drops those of targets that are no more.
record() {
    page=docs/reliability.md
    new=$(mktemp)
    {
        sed '/^## Fuzzing$/,$d' "$page"
        # shellcheck disable=SC2016
        printf '## Fuzzing\n\nMade by `make fuzz`, a line for each target.\n\n'
        printf '| target | seconds of the processor | runs | edges reached | broken |\n|---|---|---|---|---|\n'
        for other in fuzz/fuzz_targets/*.rs; do
            other=$(basename "$other" .rs)
            if [ "$other" = "$1" ]; then
                echo "| $1 | $used | ${runs:-0} | ${edges:-0} | $broken |"
            else
                sed -n '/^## Fuzzing$/,$p' "$page" | grep "^| $other |" || true
            fi
        done
    } >"$new"
    cat "$new" >"$page"
    rm "$new"
}

[ "$#" -gt 0 ] || set -- fuzz/fuzz_targets/*.rs
failed=
for name; do
    name=$(basename "$name" .rs)
    fuzz "$name"
    [ -n "${FUZZ_SECONDS:-}" ] || record "$name"
    [ "$broken" -eq 0 ] || failed="$failed $name"
done
[ -z "$failed" ] || { echo "fuzz: broken:$failed" >&2; exit 1; }
