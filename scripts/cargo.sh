#!/bin/sh
# Cargo as whoever called sudo, not as root: target/ and the Rust toolchain are theirs.
set -eu
if [ "$(id -u)" -eq 0 ] && [ "${SUDO_USER:-root}" != root ]; then
    exec sudo -u "$SUDO_USER" --set-home -- sh "$0" "$@"
fi
PATH=$PATH:${HOME:-/root}/.cargo/bin
exec cargo "$@"
