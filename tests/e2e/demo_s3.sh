#!/bin/sh
# The story against a real S3 server that checks signatures. Usage: demo_s3.sh path/to/breakwater
set -eu
program=$1
tools=$(dirname "$0")/../../tools
dir=$(mktemp -d /var/tmp/breakwater-s3-XXXXXX)
trap '"$tools/s3_server.sh" stop "$dir"; rm -rf "$dir"' EXIT
"$tools/s3_server.sh" start "$dir"
"$program" demo --s3 "$dir/s3.env"
