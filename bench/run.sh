#!/usr/bin/env bash
# Runs Breakwater beside restic on the same disk image and prints what each took, and the ratios.
# Usage: bench/run.sh [options] <breakwater binary>
#   --size GIB      size of the image, default 1
#   --runs N        medians of N runs, default 1
#   --restic PATH   default: the newest that `make peers` installed, else the one of Debian
#   --write         also writes docs/benchmarks.md
#   --keep          leaves the working directory (below TMPDIR) behind
#
# What is alike: one machine, one image, warm page cache, a local repository each, no restic cache, the
# same key (both repositories are made by `breakwater repo init`), zstd at its default level,
# repositories of version 2, default pack sizes and threads.
# What is not is said in the notes that are printed with the table.
set -euo pipefail
cd "$(dirname "$0")/.."

size=1 runs=1 restic='' write=false keep=false binary=''
while [ $# -gt 0 ]; do
  case $1 in
    --size) size=$2; shift ;;
    --runs) runs=$2; shift ;;
    --restic) restic=$2; shift ;;
    --write) write=true ;;
    --keep) keep=true ;;
    -*) sed -n '2,9s/^# \?//p' "$0"; exit 2 ;;
    *) binary=$(realpath "$1") ;;
  esac
  shift
done
[ -x "$binary" ] || { echo "usage: bench/run.sh [options] <breakwater binary>" >&2; exit 2; }
tools/install_packages.sh tools/packages-bench.txt

peers=${BREAKWATER_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/breakwater/peers}
if [ -z "$restic" ]; then
  restic=$(find "$peers" -path '*/restic-*/bin/restic' -type f 2>/dev/null | sort -V | tail -n 1)
  restic=${restic:-$(command -v restic)}
fi

load=$(cut -d ' ' -f 1-3 /proc/loadavg)
# restic before 0.15 cannot restore sparse files.
sparse=
if "$restic" restore --help | grep -q -- --sparse; then sparse=--sparse; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/breakwater-bench.XXXXXX")
$keep || trap 'rm -rf "$work"' EXIT
image=$work/vm.img
export RESTIC_PASSWORD=bench
say() { echo "$*" >&2; }

# An ext4 file system of the size asked for: half of it files of this machine's own system, a sixth
# random bytes (what compresses badly in real disks), the rest never written.
make_image() {
  local bytes=$((size << 30)) tree=$work/tree total=0 file length
  mkdir -p "$tree"
  while IFS=' ' read -r length file; do
    total=$((total + length))
    [ $total -lt $((bytes / 2)) ] || break
    echo "${file#/}"
  done < <(find /usr/bin /usr/lib/x86_64-linux-gnu -xdev -type f -size -20M -printf '%s %p\n' | sort -k 2) |
    tar -C / -cf - -T - 2> /dev/null | tar -C "$tree" -xf -
  head -c $((bytes / 6)) /dev/urandom > "$tree/random"
  truncate -s "$bytes" "$image"
  mke2fs -q -t ext4 -E lazy_itable_init=0 -d "$tree" "$image"
  rm -rf "$tree"
}

# Overwrites 1 % of the 64 KiB blocks, scattered, and lists them.
change_image() {
  local blocks=$((size << 14)) block
  : > "$work/changed"
  for block in $(shuf -i 0-$((blocks - 1)) -n $((blocks / 100))); do
    dd if=/dev/urandom of="$image" bs=64K count=1 seek="$block" conv=notrunc status=none
    echo "$((block << 16)) 65536" >> "$work/changed"
  done
}

bytes_in() { du -sb "$1" | cut -f 1; }

# measure <tool> <scenario> <repository> <command>…: one line of wall seconds, CPU seconds, peak RSS in
# KiB and bytes added to the repository.
measure() {
  local tool=$1 scenario=$2 repository=$3 before after
  shift 3
  before=$(bytes_in "$repository")
  cat "$image" > /dev/null
  /usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" > "$work/out" 2> "$work/err" || {
    say "failed: $*"
    cat "$work/out" "$work/err" >&2
    exit 1
  }
  after=$(bytes_in "$repository")
  awk -v added=$((after - before)) 'END { print $1, $2 + $3, $4, added }' "$work/time" \
    >> "$work/$scenario.$tool"
}

ours() { measure breakwater "$1" "$2" "$binary" repo "${@:3}" --repo "$2"; }
theirs() { measure restic "$1" "$2" "$restic" --no-cache --quiet --repo "$2" "${@:3}"; }

expect_same() {
  cmp "$1" "$image" || { say "$2 restored something else"; exit 1; }
  rm -rf "$1"
}

run_once() {
  local a=$work/repo-breakwater b=$work/repo-restic c=$work/repo-extents repository
  rm -rf "$a" "$b" "$c"
  for repository in "$a" "$b"; do "$binary" repo init --repo "$repository" > /dev/null; done
  ours initial "$a" backup --block "$image"
  theirs initial "$b" backup "$image"
  ours unchanged "$a" backup --block "$image"
  theirs unchanged "$b" backup --force "$image"
  : > "$work/changed"
  ours unchanged-extents "$a" backup --block "$image" --parent latest \
    --changed-extents "$work/changed"
  cp -a "$a" "$c"
  change_image
  ours changed "$a" backup --block "$image"
  theirs changed "$b" backup "$image"
  ours changed-extents "$c" backup --block "$image" --parent latest \
    --changed-extents "$work/changed"
  ours restore "$a" restore latest --block "$work/restored.img"
  expect_same "$work/restored.img" breakwater
  # shellcheck disable=SC2086 # nothing or one word
  theirs restore "$b" restore latest $sparse --target "$work/restored"
  expect_same "$work/restored$image" restic
  ours restore "$c" restore latest --block "$work/restored.img"
  expect_same "$work/restored.img" "breakwater from changed extents"
  ours check "$a" check --read-data
  theirs check "$b" check --read-data
  # What each left behind is sound by the other's judgement.
  "$restic" --no-cache --quiet --repo "$c" check > /dev/null
  "$binary" repo check --repo "$b" > /dev/null
}

# median <file> <column>
median() {
  sort -g -k "$2,$2" "$1" | awk -v column="$2" '{ value[NR] = $column } END {
    print (NR % 2) ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

# row <label> <scenario of breakwater> <scenario of restic>
row() {
  local cells='' column
  for column in 1 2 3 4; do
    cells+=" $(median "$work/$2.breakwater" $column) $(median "$work/$3.restic" $column)"
  done
  awk -v label="$1" -v cells="$cells" 'BEGIN {
    split(cells, c, " ")
    printf "| %s | %.2f | %.2f | %.2f | %.1f | %.1f | %.2f | %.0f | %.0f | %.2f | %s | %s |\n", label,
      c[1], c[2], c[1] / c[2], c[3], c[4], c[3] / c[4], c[5] / 1024, c[6] / 1024, c[5] / c[6],
      added(c[7]), added(c[8]) }
    function added(bytes) { return sprintf(bytes < 1048576 ? "%.2f" : "%.1f", bytes / 1048576) }'
}

report() {
  cat <<END
| | wall s, ours | restic | ratio | CPU s, ours | restic | ratio | peak MiB, ours | restic | ratio | MiB added, ours | restic |
|---|---|---|---|---|---|---|---|---|---|---|---|
$(row "initial backup" initial initial)
$(row "unchanged, everything read" unchanged unchanged)
$(row "unchanged, list of changed extents ¹" unchanged-extents unchanged)
$(row "1 % changed, everything read" changed changed)
$(row "1 % changed, list of changed extents ¹" changed-extents changed)
$(row "restore to a new file ²" restore restore)
$(row "check --read-data" check check)

Ratio: ours divided by restic's; below 1 we take less. MiB added is how much the repository grew.
END
}

describe_machine() {
  printf '%s, %s cores, %s GiB RAM, %s, Linux %s; ' \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)" \
    "$(stat -f -c %T "$work")" "$(uname -r)"
  printf '%s; %s\n' "$("$binary" version | head -n 1)" \
    "$("$restic" version | head -n 1)"
}

document() {
  cat <<END
# Benchmarks

Written by \`bench/run.sh --write --size $size --runs $runs\` on $(date -u +%F). Numbers are of one machine;
what carries over is the ratio, so run it on yours.

$(describe_machine)

Load averages of the machine when it began: $load. Other work disturbs wall times more than CPU times;
on an idle machine the first is below 0.5.

The image is a $size GiB ext4 file system: half real files, a sixth random bytes, the rest never written.
Both tools read it from a warm page cache and write to a repository of their own in a local directory.
Medians of $runs runs.

$(report)

What is alike: the image, the machine, the repository's version (2), the key and so scrypt's cost (both
repositories are made by \`breakwater repo init\`), zstd at the default level, encryption, verification
of each blob after compressing it, default pack sizes and threads. restic runs with \`--no-cache\`.

What is not:

- We cut a volume at fixed 512 KiB; restic finds its cuts in the content (1 MiB on average). Fixed cuts
  cost no rolling hash, and are right for disks, where data does not move; for files that grow in the
  middle restic's are better. With small scattered changes the smaller chunk adds less.
- We skip holes by asking the file system; restic reads them as zeros.
- "unchanged" is \`restic backup --force\`, because restic skips a regular file whose time and size did
  not change, which a running VM's disk or a device never offers.
- ¹ restic has no such list; it is compared with restic reading everything.
- ² restic restores with \`--sparse\` where it has that (since 0.15).
END
}

say "making a $size GiB image"
make_image
for i in $(seq "$runs"); do
  say "run $i of $runs"
  run_once
done
describe_machine
report
if $write; then document > docs/benchmarks.md; fi
