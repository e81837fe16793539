#!/bin/sh
# Runs a program as root on this machine as it is, but lets it change nothing: scripts/private.sh PROGRAM ARGUMENT…
# What it writes below /etc, /usr, /var, /opt and /root stays in memory; /run and /home are empty and in memory as well.
# When it ends, or whoever called this, every process that it started ends, and all that it wrote is gone.
set -eu

fail() {
    printf '%s\n' "private: $1" >&2
    exit 1
}

if [ "${1:-}" != --inside ]; then
    [ "$(id -u)" -eq 0 ] || fail "only root can make namespaces"
    unshare --mount true 2>/dev/null || fail "no namespaces may be made here (in a container without privileges?)"
    # Not exec: setpriv watches over the shell that called it.
    setpriv --pdeathsig KILL -- unshare --mount --pid --fork --kill-child --propagation private --mount-proc -- \
        sh "$0" --inside "$@"
    exit
fi
shift

umask 022
here=$(pwd)
mount -t tmpfs -o mode=0700 herald /mnt
for folder in /etc /usr /var /opt /root; do
    [ -d "$folder" ] || continue
    # The work tree itself stays as it is.
    case $here/ in "$folder"/*) continue ;; esac
    mkdir -p "/mnt$folder/new" "/mnt$folder/work"
    chmod --reference="$folder" "/mnt$folder/new"
    mount -t overlay -o "lowerdir=$folder,upperdir=/mnt$folder/new,workdir=/mnt$folder/work" herald "$folder" ||
        fail "no overlay over $folder (does this kernel have overlayfs?)"
done
# The overlays keep it; nobody else needs to see it, and something may be mounted below.
umount --lazy /mnt
mount -t tmpfs -o mode=0755 herald /run
case $here/ in /home/*) ;; *) mount -t tmpfs -o mode=0755 herald /home ;; esac
cd "$here"

"$@"
