#!/bin/sh
# The story with its processes killed (SIGKILL), each in turn, at 20 random moments: it ends well, every
# byte equal, and nothing is left that nobody owns. Usage: kills.sh path/to/breakwater
set -eu
seed=${BREAKWATER_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
echo "seed $seed (BREAKWATER_SEED=$seed repeats the moments)"
exec "$1" demo --kills 20 --seed "$seed" --size 256Mi
