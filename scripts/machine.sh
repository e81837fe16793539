#!/bin/sh
# Herald on a whole machine: scripts/machine.sh [SUITE…], by default bookworm (Debian 12). A machine of Debian's packages
# with Debian's own kernel boots under qemu, installs the package with its own apt, and lives through the stories in
# scripts/machine-stories.sh: once under AppArmor, once under SELinux. It has no network but its own loopback.
#
# Without a /dev/kvm on a processor that can, qemu emulates one: some ten minutes for each.
# A disk is made once for a suite and stays in target/machine; no machine ever writes to it.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$target/machine

fail() {
    printf '%s\n' "machine: FAILED: $1" >&2
    exit 1
}

disk() {
    made="$(sha256sum scripts/machine-disk.sh)"
    [ "$(cat "$work/$1.made" 2>/dev/null)" != "$made" ] || return 0
    echo "$1: making the disk; some minutes"
    rm -f "$work/$1.made"
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    $as_root sh scripts/machine-disk.sh "$1" "$work" "$(id -u):$(id -g)" >"$work/$1.log" 2>&1 || fail "no disk: see $work/$1.log"
    echo "$made" >"$work/$1.made"
}

# What a machine gets, as a second disk that is a tar file.
box() {
    scripts/cargo.sh build --quiet --locked --package herald-tests --bin demo-phone
    scripts/package.sh --output "$work/first.deb" >/dev/null
    scripts/package.sh --output "$work/second.deb" --deb-version 999 >/dev/null
    tar -c -f "$work/box.tar" -C "$work" first.deb second.deb -C "$target/debug" demo-phone \
        -C "$PWD/scripts" machine-stories.sh machine-policies.sh machine-type.exp
}

# One life of a machine. What it tells comes over its second serial line, what the kernel says over the first.
boot() {
    begin=$(date +%s)
    heard=$work/$1-$2
    accelerator=tcg,thread=multi
    ! { [ -w /dev/kvm ] && grep -qE '^flags.* (vmx|svm)( |$)' /proc/cpuinfo; } || accelerator=kvm
    : >"$heard.told"
    qemu-system-x86_64 -accel "$accelerator" -cpu Nehalem -smp 2 -m 1536 \
        -nodefaults -no-user-config -nic none -display none -no-reboot \
        -kernel "$work/$1.kernel" -initrd "$work/$1.initrd" \
        -append "root=/dev/vda rw console=ttyS0 loglevel=5 printk.devkmsg=on mitigations=off security=$2" \
        -drive "file=$work/$1.disk,format=raw,if=virtio,snapshot=on" \
        -drive "file=$work/box.tar,format=raw,if=virtio,readonly=on" \
        -device virtio-rng-pci -serial "file:$heard.console" -serial "file:$heard.told" </dev/null 2>"$heard.qemu" &
    machine=$!
    trap 'kill "$machine" 2>/dev/null || true' EXIT
    trap 'exit 1' HUP INT TERM
    tail --pid="$machine" --lines=+1 --follow "$heard.told" | sed -u "s/\r\$//; s/^/$1: /" &
    # Long enough for an emulated one on a busy machine.
    for _ in $(seq 3600); do
        kill -0 "$machine" 2>/dev/null || break
        sleep 1
    done
    ! kill "$machine" 2>/dev/null || fail "$1 under $2 did not come to its end: see $heard.told and $heard.console"
    wait "$machine" || fail "$1 under $2: qemu: $(cat "$heard.qemu")"
    wait
    trap - EXIT
    [ "$(tail -n 1 "$heard.told" | tr -d '\r')" = "$2: all of it" ] || fail "$1 under $2: see $heard.told and $heard.console"
    echo "$1: $(($(date +%s) - begin)) s under $2, $accelerator"
}

[ "$(dpkg --print-architecture)" = amd64 ] || fail "it is made for amd64"
mkdir -p "$work"
box
[ $# -gt 0 ] || set -- bookworm
for suite; do
    disk "$suite"
    boot "$suite" apparmor
    boot "$suite" selinux
done
