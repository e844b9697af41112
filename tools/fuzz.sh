#!/bin/sh
# Fuzzes every target of tests/fuzz for some seconds each, with clang's libFuzzer, AddressSanitizer
# and UndefinedBehaviorSanitizer.
# Usage: tools/fuzz.sh [seconds, default 60] [target...]
#
# What each run learns is kept in build/fuzz/corpus/<target>, so that the next one goes on from there.
# An input that crashes or hangs a target is kept in build/fuzz/crashes/<target>-*: run it again with
#   build/fuzz/bin/fuzz_<target> <file>
# and put it into tests/fuzz/corpus/<target>/ together with the repair.
# BREAKWATER_FUZZ_DIR chooses another directory than build/fuzz.
set -eu
seconds=${1:-60}
[ $# -eq 0 ] || shift
cd "$(dirname "$0")/.."
tools/install_packages.sh
tools/install_packages.sh tools/packages-fuzz.txt
build=${BREAKWATER_FUZZ_DIR:-build/fuzz}
jobs=$(nproc)

cmake -S . -B "$build" -G Ninja --log-level=WARNING -DCMAKE_CXX_COMPILER=clang++-19 \
  -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DBREAKWATER_WERROR=OFF \
  -DBREAKWATER_SANITIZE=fuzzer-no-link,address,undefined -DBREAKWATER_FUZZ=ON
cmake --build "$build" -j "$jobs" --target fuzz_all

# shellcheck disable=SC2046 # a list of words
[ $# -gt 0 ] || set -- $(ls tests/fuzz/corpus)
crashes=$build/crashes
mkdir -p "$crashes" "$build/log"

# One target: its exit status goes to a file, because xargs stops for none of them.
fuzz_one='
  target=$1
  mkdir -p "$build/corpus/$target"
  "$build/bin/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -rss_limit_mb=2048 -artifact_prefix="$crashes/$target-" -print_final_stats=1 \
    "$build/corpus/$target" "tests/fuzz/corpus/$target" > "$build/log/$target" 2>&1
  echo $? > "$build/log/$target.status"
'
echo "fuzzing $# targets, $seconds s each, $jobs at a time"
export build seconds crashes
export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-19/bin/llvm-symbolizer
export UBSAN_OPTIONS=print_stacktrace=1
printf '%s\n' "$@" | xargs -P "$jobs" -I '{}' nice sh -c "$fuzz_one" sh '{}'

failed=0
for target in "$@"; do
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/log/$target")
  if [ "$(cat "$build/log/$target.status")" = 0 ]; then
    echo "$target: ${runs:-0} runs"
  else
    failed=1
    echo "$target: FAILED"
    grep -E 'ERROR|SUMMARY|check failed|runtime error|Test unit written' "$build/log/$target" || true
  fi
done
exit $failed
