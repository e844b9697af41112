#!/bin/sh
# What a machine can say beyond the tests: format, style, headers that compile alone, shell scripts,
# and clang-tidy (.clang-tidy) on the sources of src/ that differ from a commit. All of them take half
# an hour: BREAKWATER_LINT_BASE=$(git hash-object -t tree /dev/null).
# Usage: [BREAKWATER_LINT_BASE=HEAD] tools/lint.sh [build directory]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
tools/install_packages.sh tools/packages-lint.txt

echo "=== clang-format"
git ls-files '*.cc' '*.h' | xargs clang-format --dry-run -Werror
echo "=== tidy"
"$build/bin/test_tidy" --gtest_brief=1
echo "=== headers compile alone"
cmake --build "$build" --target headers
echo "=== shell scripts"
git ls-files '*.sh' | xargs shellcheck -S warning
echo "=== clang-tidy"
git diff --name-only --diff-filter=d "${BREAKWATER_LINT_BASE:-HEAD}" -- 'src/*.cc' |
  xargs -r -n 1 -P "$(nproc)" clang-tidy-19 -p "$build" --quiet
