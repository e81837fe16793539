#!/bin/sh
# Every rule has a test that carries its number, and every test that a page names exists.
set -eu
cd "$(dirname "$0")/.."
status=0
for rule in $(seq 35); do
    if ! sed -n "/^## $rule\./,/^## /p" docs/rules.md | grep -q "^- \`rule_${rule}_"; then
        echo "docs/rules.md: rule $rule names no test of its number" >&2
        status=1
    fi
done
for test in $(grep -o '`rule_[a-z0-9_]*`' docs/rules.md | tr -d '`'); do
    if ! grep -rqE "fn $test\b" --include='*.rs' src tests; then
        echo "docs/rules.md: there is no test $test" >&2
        status=1
    fi
done
# On the other pages tests are the names of four words and more.
for page in docs/threat-model.md docs/recovery.md SECURITY.md; do
    named=$(grep -oE '`[a-z0-9]+(_[a-z0-9]+){3,}`' "$page" | tr -d '`' | sort -u)
    if [ -z "$named" ]; then
        echo "$page names no test" >&2
        status=1
    fi
    for test in $named; do
        if ! grep -rqE "fn $test\b" --include='*.rs' src tests; then
            echo "$page: there is no test $test" >&2
            status=1
        fi
    done
done
[ "$status" -ne 0 ] || echo "rules: 35, each with tests: $(grep -c '^- `rule_' docs/rules.md)"
exit "$status"
