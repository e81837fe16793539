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
        grep -L '^#!\[forbid(unsafe_code)\]' src/core/src/lib.rs src/deliver/src/*.rs src/broker/src/*.rs src/cli/src/*.rs tests/src/lib.rs |
            grep -E '/(lib|main)\.rs$' | sed 's/$/: lacks #![forbid(unsafe_code)]/'
    ) || true
    printf %s "${open:+$open
}" >&2
    [ -z "$open" ]
}

# Of the host's items one is set, by input=append: the password without the code behind it (rule 22). In password.rs a
# program of our own is the host.
one_item_is_set() {
    set=$(grep -rn 'pam_set_item(' src/pam/src src/sys/src | grep -v 'fn pam_set_item(\|^src/sys/src/password.rs:') || true
    [ "$(printf '%s\n' "$set" | wc -l)" -eq 1 ] || { printf '%s\n' "$set" >&2; return 1; }
    case $set in *'src/pam/src/edge/handle.rs:'*'PAM_AUTHTOK'*) ;; *) printf '%s\n' "$set" >&2; return 1 ;; esac
}

# Every file that says it is one.
scripts() {
    grep -rlE --exclude-dir=target '^#!/(bin/sh|usr/bin/env bash)$' .ci packaging scripts src tests bench
    echo packaging/arch/*
}

# What man(1) warns about, or mandoc(1).
manual_pages() {
    pages=$(mktemp -d)
    "${CARGO_TARGET_DIR:-target}/release/herald" __manual "$pages" && cp packaging/man/* "$pages"
    for page in "$pages"/*.[158]; do
        if command -v mandoc >/dev/null; then
            mandoc -T lint -W warning "$page" || echo "${page##*/}: mandoc"
        fi
        if command -v man >/dev/null; then
            MANWIDTH=80 man --warnings=w --encoding UTF-8 --local-file --troff-device=utf8 "$page" 2>&3 >/dev/null
        fi
    done >"$pages/said" 3>&1
    cat "$pages/said" >&2
    [ -s "$pages/herald.1" ] && [ ! -s "$pages/said" ] && rm -r "$pages"
}

# What the shells themselves think of their completions.
completions() {
    made=$(mktemp -d)
    "${CARGO_TARGET_DIR:-target}/release/herald" __manual "$made"
    bash -n "$made/herald.bash" || return 1
    if command -v zsh >/dev/null; then zsh -n "$made/_herald" || return 1; fi
    if command -v fish >/dev/null; then fish --no-execute "$made/herald.fish" || return 1; fi
    # As bash asks: what begins with "sta" behind herald, and what follows behind "herald gateway".
    offered=$(bash -c '. "$1"; COMP_WORDS=(herald sta) COMP_CWORD=1; _herald herald sta herald; echo "${COMPREPLY[@]}"
        COMP_WORDS=(herald gateway "") COMP_CWORD=2; _herald herald "" gateway; echo "${COMPREPLY[@]}"' - "$made/herald.bash")
    rm -r "$made"
    case $offered in
    *status*drivers*add*) ;;
    *) echo "bash offers: $offered" >&2 && return 1 ;;
    esac
}

# Of each fuzz target docs/reliability.md has a line, and in the end nothing broke.
fuzz_figures() {
    missing=$(
        for target in fuzz/fuzz_targets/*.rs; do
            name=$(basename "$target" .rs)
            grep -q "^| $name | .* | 0 |\$" docs/reliability.md || echo "$name: no figures, or broken: make fuzz"
        done
    )
    printf %s "${missing:+$missing
}" >&2
    [ -z "$missing" ]
}

step "form" cargo fmt --all --check
step "lints, warnings denied" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "every rule has its tests" scripts/check-rules.sh
step "figures of every fuzz target" fuzz_figures
step "the same commands in both READMEs" scripts/check-readme.sh
step "unsafe code behind its doors" no_unsafe_elsewhere
step 'items of the host' one_item_is_set
step "what the module exports, needs and depends on" scripts/check-module.sh "${CARGO_TARGET_DIR:-target}/release/libpam_herald.so"
step "manual pages" manual_pages
step "completions" completions
if cargo deny --version >/dev/null 2>&1; then
    step "licences, sources, banned crates" cargo deny --locked check --hide-inclusion-graph licenses bans sources
fi
if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2046
    step "shell scripts" shellcheck --severity=warning $(scripts)
fi
exit "$failed"
