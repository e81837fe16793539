#!/bin/sh
# Every test. First those of what is installed, then those of cargo, whose last lines say how many there were.
set -eu
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")

# What the stories with real programs run: the release build, wherever it is.
export HERALD_MODULE="$target/release/libpam_herald.so"
export HERALD_DELIVER="$target/release/herald-deliver"
export HERALD_BROKER="$target/release/herald-broker"
export HERALD_BIN="$target/release/herald"

# Everything is built by whoever calls this, and run by root.
cargo build --workspace --all-targets --locked
if [ "$(id -u)" -ne 0 ]; then
    triple=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    export "CARGO_TARGET_${triple}_RUNNER=sudo --preserve-env -- env PATH=$PATH"
fi

scripts/test-install.sh
scripts/test-package.sh
scripts/test-rpm.sh
scripts/test-arch.sh
scripts/test-alpine.sh
scripts/check-policies.sh
ANSWER=auto scripts/demo.sh
cargo test --workspace --locked
