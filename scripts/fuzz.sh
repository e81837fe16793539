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
page=docs/reliability.md

# Seconds of the processor that went into everything that this script has waited for (proc_pid_stat(5)).
spent() {
    awk -v ticks="$(getconf CLK_TCK)" '{ print int(($16 + $17) / ticks) }' "/proc/$$/stat"
}

# fuzz NAME: as often as it takes to use up its time. The fuzzer itself counts seconds by the clock.
fuzz() {
    log="$CARGO_TARGET_DIR/$1.log"
    mkdir -p "fuzz/corpus/$1" "$CARGO_TARGET_DIR"
    cargo fuzz build "$1"
    : >"$log"
    began=$(spent) used=0 found=0
    while [ "$used" -lt "$seconds" ] && [ "$found" -eq 0 ]; do
        cargo fuzz run "$1" "fuzz/corpus/$1" "fuzz/seeds/$1" -- -max_total_time="$((seconds - used))" -timeout=10 \
            -rss_limit_mb=1024 -print_final_stats=1 >>"$log" 2>&1 || found=1
        used=$(($(spent) - began))
    done
    runs=$(awk '/^stat::number_of_executed_units:/ { sum += $2 } END { print sum + 0 }' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    echo "fuzz: $1: $used s of the processor, $runs runs, ${edges:-0} edges reached, broken: $found"
    [ "$found" -eq 0 ] || tail -n 60 "$log"
}

[ "$#" -gt 0 ] || set -- fuzz/fuzz_targets/*.rs
rows=$(mktemp)
broken=
for name; do
    name=$(basename "$name" .rs)
    fuzz "$name"
    echo "| $name | $used | $runs | ${edges:-0} | $found |" >>"$rows"
    [ "$found" -eq 0 ] || broken="$broken $name"
done

if [ -z "${FUZZ_SECONDS:-}" ]; then
    new=$(mktemp)
    sed '/^## Fuzzing$/,$d' "$page" >"$new"
    {
        printf '## Fuzzing\n\nMade by `make fuzz`, which replaces a line when it has run that target.\n\n'
        printf '| target | seconds of the processor | runs | edges reached | broken |\n|---|---|---|---|---|\n'
        for name in fuzz/fuzz_targets/*.rs; do
            name=$(basename "$name" .rs)
            grep "^| $name |" "$rows" || sed -n '/^## Fuzzing$/,$p' "$page" | grep "^| $name |" || true
        done
    } >>"$new"
    cat "$new" >"$page"
    rm "$new"
fi
rm "$rows"
[ -z "$broken" ] || { echo "fuzz: broken:$broken" >&2; exit 1; }
