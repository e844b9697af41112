#!/bin/sh
# Installs newer versions of the peers than Debian 12 has, pinned, from the Go module proxy into a cache
# outside the tree. Tests use what they find there beside Debian's: `ctest -N` lists them by name after
# the next configure.
# Usage: tools/peers.sh
#
# The cache is $BREAKWATER_PEERS, or ~/.cache/breakwater/peers; a program is <peer>-<version>/bin/<peer>.
#
# Needs Go, as new as the peer's go.mod asks (1.25.8 for restic 0.19.1). kube-apiserver is not among the
# peers: k8s.io/kubernetes cannot be built as a module, for its go.mod replaces thirty modules by
# folders that its archive lacks.
set -eu
cd "$(dirname "$0")/.."
peers=${BREAKWATER_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/breakwater/peers}

# peer, module, version, package to build, checksum of the module as in go.sum
list='
restic github.com/restic/restic v0.18.1 ./cmd/restic h1:XmTfPA6+cUP2hPKXjUhHTj0GNfoWM1G1uhf+Ssg/j1M=
restic github.com/restic/restic v0.19.1 ./cmd/restic h1:LQKkar5/gYxay1OCokAWPBNiLr1lTpt4fhdM4GWqSlY=
'

if ! command -v go > /dev/null; then
  echo "peers.sh: there is no go: install Go 1.25.8 or newer (https://go.dev/dl), Debian 12's is too old" >&2
  exit 1
fi

# Not `go install package@version`: that asks the proxy for a list of versions, which not every proxy
# gives. The module's own go.sum pins what it is built from.
echo "$list" | while read -r peer module version package sum; do
  [ -n "$peer" ] || continue
  target=$peers/$peer-${version#v}
  if [ -x "$target/bin/$peer" ]; then
    echo "$peer $version is there"
    continue
  fi
  echo "building $peer $version"
  answer=$(go mod download -json "$module@$version" < /dev/null) || {
    echo "$answer" >&2
    exit 1
  }
  got=$(echo "$answer" | sed -n 's/.*"Sum": "\(.*\)".*/\1/p')
  source=$(echo "$answer" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  if [ "$got" != "$sum" ]; then
    echo "peers.sh: $module $version has checksum $got, not $sum" >&2
    exit 1
  fi
  mkdir -p "$target/bin"
  (cd "$source" && go build -trimpath -o "$target/bin/$peer.new" "$package") < /dev/null || {
    echo "peers.sh: $(go version) cannot build $peer $version" >&2
    exit 1
  }
  mv "$target/bin/$peer.new" "$target/bin/$peer"
done
find "$peers" -path '*/bin/*' -type f -perm -u+x | sort
