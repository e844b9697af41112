#!/bin/sh
# What a machine can say about the style beyond the test `tidy`: format, headers that compile alone,
# shell scripts. Usage: tools/lint.sh [build directory]
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
