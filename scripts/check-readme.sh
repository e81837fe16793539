#!/bin/sh
# Holds README.ja.md against README.md: the same commands and files in the same order, the same words in code letters,
# the same links, as many sections. What is said between them is read by people.
set -u
cd "$(dirname "$0")/.." || exit 2

# Everything to be typed or copied, without its remarks. The first block is a screen, in its own language.
blocks() {
    awk '/^```/ { inside = !inside; if (inside) count++; next } inside && count > 1' "$1" | sed 's/  *# .*$//'
}

words() {
    awk '/^```/ { inside = !inside; next } !inside' "$1" | tr '\n' ' ' | grep -o '`[^`]*`' | sort -u
}

links() {
    grep -oE '\]\((docs|pam\.d-example)[^)]*\)' "$1" | sort -u
}

sections() {
    grep -c '^## ' "$1"
}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
status=0
for part in blocks words links sections; do
    "$part" README.md >"$scratch/en"
    "$part" README.ja.md >"$scratch/ja"
    if [ ! -s "$scratch/en" ]; then
        echo "README.md: no $part found" >&2
        status=1
    elif ! diff "$scratch/en" "$scratch/ja" >"$scratch/diff"; then
        echo "README.md (<) and README.ja.md (>) differ in their $part:" >&2
        cat "$scratch/diff" >&2
        status=1
    fi
done
[ "$status" -ne 0 ] || echo "readme: $(blocks README.md | grep -c .) lines to type, the same in both languages"
exit "$status"
