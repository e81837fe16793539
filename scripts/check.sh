#!/bin/sh
# What must hold before anything is tested: form, lints, unsafe code, licences, and what the module holds.
set -eu
cd "$(dirname "$0")/.."

failed=0
step() {
    echo "check: $1"
    shift
    "$@" || { failed=1; echo "check: FAILED: $*" >&2; }
}

# `unsafe` has two doors, src/pam and src/sys; in the tests one more, the PAM host that plays the application.
no_unsafe_elsewhere() {
    open=$(
        grep -rnw unsafe --include='*.rs' src tests | grep -vE '^(src/(pam|sys)|tests/src/bin/pam-host)/|: *//|unsafe_code'
        grep -L '^#!\[forbid(unsafe_code)\]' src/core/src/lib.rs src/deliver/src/*.rs src/cli/src/*.rs tests/src/lib.rs |
            grep -E '/(lib|main)\.rs$' | sed 's/$/: lacks #![forbid(unsafe_code)]/'
    ) || true
    printf %s "${open:+$open
}" >&2
    [ -z "$open" ]
}

# Every file that says it is one.
scripts() {
    grep -rlE --exclude-dir=target '^#!/(bin/sh|usr/bin/env bash)$' .ci packaging scripts src tests bench
}

step "form" cargo fmt --all --check
step "lints, warnings denied" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "every rule has its tests" scripts/check-rules.sh
step "unsafe code behind its doors" no_unsafe_elsewhere
step "what the module exports, needs and depends on" scripts/check-module.sh "${CARGO_TARGET_DIR:-target}/release/libpam_herald.so"
if cargo deny --version >/dev/null 2>&1; then
    step "licences, sources, banned crates" cargo deny --locked check --hide-inclusion-graph licenses bans sources
fi
if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2046
    step "shell scripts" shellcheck --severity=warning $(scripts)
fi
exit "$failed"
