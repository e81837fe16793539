#!/bin/sh
# Run in a mount namespace of its own: puts the machine of the story in $1 over this one's /etc, PAM modules (which are
# in $2) and sshd, and becomes the command behind.
set -eu
story=$1 modules=$2
shift 2

place() { [ ! -e "$2" ] || mount --bind "$story/$1" "$2"; }
place machine/modules "$modules"
place machine/kernel /sys/kernel/security
place machine/nothing /usr/lib/pam.d
place machine/nothing /usr/share/pam-configs
place machine/timedatectl /usr/bin/timedatectl
place machine/journalctl /usr/bin/journalctl
place machine/var/log /var/log
place machine/sbin /usr/sbin
place machine/etc /etc
place etc /etc/herald
exec "$@"
