#!/bin/sh
# Every rule has a test that carries its number, and every test that docs/rules.md names exists.
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
[ "$status" -ne 0 ] || echo "rules: 35, each with tests: $(grep -c '^- `rule_' docs/rules.md)"
exit "$status"
