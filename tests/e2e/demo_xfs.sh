#!/bin/sh
# The story on a loop-mounted XFS, where snapshots are reflinks and their shared extents say what has
# changed. Usage: demo_xfs.sh path/to/breakwater. Exit code 77: this machine has no loop mounts.
set -eu
dir=$(mktemp -d /var/tmp/breakwater-xfs-XXXXXX)
trap 'umount "$dir/mnt" 2> /dev/null || true; rm -rf "$dir"' EXIT
mkdir "$dir/mnt"
truncate -s 12G "$dir/image"
PATH=$PATH:/usr/sbin:/sbin
mkfs.xfs -q -m reflink=1 "$dir/image"
if ! mount -o loop "$dir/image" "$dir/mnt"; then
  echo "skipped: this machine cannot mount a file"
  exit 77
fi
"$1" demo --directory "$dir/mnt"
