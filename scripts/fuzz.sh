#!/bin/sh
# Feeds what Herald reads from outside (fuzz/) with everything else: scripts/fuzz.sh [TARGET…], by default all.
# FUZZ_SECONDS is the time of each, 300 if it is not set: of the processor as well where nothing else runs. What was found stays in fuzz/corpus and, where a target
# broke, in fuzz/artifacts; `cargo fuzz run TARGET FILE` plays it again.
set -eu
cd "$(dirname "$0")/.."
# The sanitizers are switched on by flags that a stable compiler takes only like this.
export RUSTC_BOOTSTRAP=1

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR="$target/fuzz"
[ "$#" -gt 0 ] || set -- fuzz/fuzz_targets/*.rs

broken=
for name; do
    name=$(basename "$name" .rs)
    echo "fuzz: $name, ${FUZZ_SECONDS:-300} s"
    mkdir -p "fuzz/corpus/$name"
    cargo fuzz run "$name" "fuzz/corpus/$name" "fuzz/seeds/$name" -- -max_total_time="${FUZZ_SECONDS:-300}" -timeout=10 \
        -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 || broken="$broken $name"
done
[ -z "$broken" ] || { echo "fuzz: broken:$broken" >&2; exit 1; }
