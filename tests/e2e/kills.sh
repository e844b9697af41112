#!/bin/sh
# The story with its processes killed (SIGKILL), each in turn, at 20 random moments: it ends well, every
# byte equal, and nothing is left that nobody owns. It is told on a loop-mounted XFS, where snapshots are
# reflinks and their shared extents say what has changed. Usage: kills.sh path/to/breakwater
set -eu
seed=${BREAKWATER_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
echo "seed $seed (BREAKWATER_SEED=$seed repeats the moments)"
dir=$(mktemp -d /var/tmp/breakwater-kills-XXXXXX)
trap 'umount "$dir/mnt" 2> /dev/null || true; rm -rf "$dir"' EXIT
mkdir "$dir/mnt"
truncate -s 12G "$dir/image"
PATH=$PATH:/usr/sbin:/sbin
mkfs.xfs -q -m reflink=1 "$dir/image"
if ! mount -o loop "$dir/image" "$dir/mnt"; then
  echo "this machine cannot mount a file: told on $(stat -f -c %T /var/tmp) instead of XFS"
fi
"$1" demo --kills 20 --seed "$seed" --directory "$dir/mnt"
