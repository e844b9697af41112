#!/bin/sh
# Hours, not minutes: many simulated seeds, and the story with the sandbox killed again and again.
# Usage: tools/soak.sh [build directory] [seeds, default 1000] [stories, default 50]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
seeds=${2:-1000}
stories=${3:-50}

echo "=== $seeds seeds of the simulation"
BREAKWATER_SEEDS=$seeds "$build/bin/test_sim" --gtest_brief=1
echo "=== $stories stories with 20 kills each"
story=1
while [ "$story" -le "$stories" ]; do
  echo "story $story: breakwater demo --kills 20 --seed $story"
  "$build/bin/breakwater" demo --kills 20 --seed "$story"
  story=$((story + 1))
done
