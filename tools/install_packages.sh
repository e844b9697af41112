#!/bin/sh
# Installs what packages.txt lists; does nothing, quickly, when everything is there.
# Usage: tools/install_packages.sh [packages.txt]
set -eu
list=${1:-$(dirname "$0")/../packages.txt}
peers=${BREAKWATER_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/breakwater/peers}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing=
for package in $(sed -e 's/#.*//' -e '/extract/d' "$list"); do
  state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case $state in
    ii*) ;;
    *) missing="$missing $package" ;;
  esac
done

extract=
for package in $(sed -n -e 's/#.*//' -e 's/ extract *$//p' "$list"); do
  [ -e "$peers/$package/.complete" ] || extract="$extract $package"
done

[ -n "$missing$extract" ] || exit 0
echo "installing:$missing$extract"
as_root apt-get update -qq
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086 # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi
for package in $extract; do
  mkdir -p "$peers/$package"
  work=$(mktemp -d)
  (cd "$work" && apt-get download -qq "$package" && dpkg -x ./*.deb "$peers/$package")
  rm -rf "$work"
  touch "$peers/$package/.complete"
done
