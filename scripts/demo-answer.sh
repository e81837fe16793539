#!/bin/sh
# Types the code for `make demo ANSWER=auto`: ssh's askpass program (ssh(1), SSH_ASKPASS). It gets the prompt as its
# argument; what it prints is the answer.
set -eu

printf %s "$1" >&2
for _ in $(seq 200); do
    [ -s "$DEMO_CODES" ] && break
    sleep 0.05
done
code=$(tail -n 1 "$DEMO_CODES")
printf '%s\n' "$code" >&2
printf '%s\n' "$code"
