#!/bin/sh
# A real S3 server for tests and the demo: Ceph's radosgw with one monitor and one disk, on loopback.
# Usage: tools/s3_server.sh start|stop DIR
#
# start  makes a cluster in DIR (all its data lie there), or starts the one that lies there already,
#        with a user and a bucket "breakwater"; takes about ten seconds and returns when requests are
#        answered. Writes, readable by the owner only:
#          DIR/s3.env        S3_ENDPOINT, S3_TLS_ENDPOINT, S3_CA (a file), S3_BUCKET, AWS_ACCESS_KEY_ID,
#                            AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION: for "." of a shell
#          DIR/credentials   the same keys as AWS's tools, Velero and OADP want them in a file
#        Buckets that S3_MORE_BUCKETS names, separated by blanks, are made too.
# stop   ends the processes that start made; the data stay. DIR can be removed then.
#
# Needs the Debian packages radosgw, ceph-mon, ceph-osd, ceph-common, curl, openssl and python3; not root.
# DIR must be on a file system with O_DIRECT (any but tmpfs).
set -eu
umask 077

usage() {
  sed -n '3,3s/^# //p' "$0" >&2
  exit 2
}
[ $# -eq 2 ] || usage
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
conf=$dir/ceph.conf
bucket=breakwater

die() {
  echo "s3_server.sh: $1" >&2
  exit 1
}

# Whether the process of DIR/$1.pid runs and is ours: pids come back after a restart of the machine.
runs() {
  [ -s "$dir/$1.pid" ] && tr '\0' ' ' < "/proc/$(cat "$dir/$1.pid")/cmdline" 2> /dev/null |
    grep -qF -- "-c $conf "
}

stop() {
  for name in rgw osd mon; do
    if runs "$name"; then kill "$(cat "$dir/$name.pid")" 2> /dev/null || true; fi
    tries=0
    while runs "$name"; do
      tries=$((tries + 1))
      if [ $tries -eq 50 ]; then kill -9 "$(cat "$dir/$name.pid")" 2> /dev/null || true; fi
      sleep 0.1
    done
    rm -f "$dir/$name.pid"
  done
}

# launch NAME PROGRAM ARGUMENTS: in the background, in a session of its own, so that it outlives this
# script and no Ctrl-C meant for another program reaches it.
launch() {
  name=$1
  shift
  setsid "$@" < /dev/null > "$dir/log/$name.out" 2>&1 &
  echo $! > "$dir/$name.pid"
}

# Free ports below those that the kernel hands out on its own, so that they are still free when radosgw
# is started some seconds later, and when the cluster is started again.
free_ports() {
  python3 -c '
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", random.randrange(20000, 32000)))
        held.append(one)
    except OSError:
        pass
print(*[one.getsockname()[1] for one in held])' "$1"
}

random_hex() {
  od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

write_conf() {
  cat > "$conf" << END
[global]
fsid = $fsid
mon_host = v2:127.0.0.1:$mon_port
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
keyring = $dir/keyring
run_dir = $dir/run
admin_socket = $dir/run/\$name.asok
crash_dir = $dir/log
log_file = $dir/log/\$name.log
mon_cluster_log_file = $dir/log/cluster.log
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data = $dir/mon
mon_data_avail_warn = 1
mon_data_avail_crit = 1
mon_osd_full_ratio = 0.99
mon_osd_backfillfull_ratio = 0.98
mon_osd_nearfull_ratio = 0.97
paxos_propose_interval = 0.05
[osd]
osd_data = $dir/osd
osd_objectstore = bluestore
osd_memory_target = 939524096
bluestore_block_size = 68719476736
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$port ssl_endpoint=127.0.0.1:$tls_port ssl_certificate=$dir/tls.pem ssl_private_key=$dir/tls.key
rgw_dns_name = localhost
rgw_thread_pool_size = 64
rgw_run_sync_thread = false
rgw_enable_usage_log = false
END
}

# A certificate authority of its own, and a certificate for 127.0.0.1, localhost and the bucket's host.
make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=s3 test CA" \
    -keyout "$dir/ca.key" -out "$dir/ca.pem" 2> /dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
    -keyout "$dir/tls.key" -out "$dir/tls.csr" 2> /dev/null
  printf 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:%s.localhost\n' "$bucket" > "$dir/tls.ext"
  openssl x509 -req -in "$dir/tls.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
    -days 30 -extfile "$dir/tls.ext" -out "$dir/tls.pem" 2> /dev/null
}

make_keyring() {
  ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *' > /dev/null
  ceph-authtool "$dir/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
  ceph-authtool "$dir/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
  ceph-authtool "$dir/keyring" --gen-key -n client.rgw --cap mon 'allow rw' --cap osd 'allow rwx'
}

# The pools that radosgw would make itself, each after a wait of its own.
make_pools() {
  for pool in .rgw.root default.rgw.log default.rgw.control default.rgw.meta \
    default.rgw.buckets.index default.rgw.buckets.data default.rgw.buckets.non-ec; do
    echo "osd pool create $pool 1 1"
    echo "osd pool application enable $pool rgw"
  done | timeout 60 ceph -c "$conf" > "$dir/log/pools.out" 2>&1
}

make_cluster() {
  fsid=$(cat /proc/sys/kernel/random/uuid)
  access_key=BW$(random_hex 9 | tr a-f A-F)
  secret_key=$(random_hex 20)
  # shellcheck disable=SC2046 # three words
  set -- $(free_ports 3)
  mon_port=$1 port=$2 tls_port=$3
  mkdir -p "$dir/mon" "$dir/osd" "$dir/run" "$dir/log"
  write_conf
  make_certificates
  make_keyring
  monmaptool --create --addv a "[v2:127.0.0.1:$mon_port]" --fsid "$fsid" \
    --set-min-mon-release pacific "$dir/monmap" > /dev/null
  ceph-mon -c "$conf" -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring"
  launch mon ceph-mon -c "$conf" -i a -f
  make_pools
  osd=$(cat /proc/sys/kernel/random/uuid)
  timeout 60 ceph -c "$conf" osd new "$osd" > /dev/null
  ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd" > "$dir/log/mkfs.out" 2>&1
  launch osd ceph-osd -c "$conf" -i 0 -f
  timeout 60 radosgw-admin -c "$conf" user create --uid=breakwater --display-name=Breakwater \
    --access-key="$access_key" --secret-key="$secret_key" > "$dir/log/user.out" 2>&1
  rm "$dir/log/user.out"
  write_env
}

write_env() {
  cat > "$dir/s3.env" << END
S3_ENDPOINT=http://127.0.0.1:$port
S3_TLS_ENDPOINT=https://127.0.0.1:$tls_port
S3_CA=$dir/ca.pem
S3_BUCKET=$bucket
AWS_ACCESS_KEY_ID=$access_key
AWS_SECRET_ACCESS_KEY=$secret_key
AWS_DEFAULT_REGION=us-east-1
END
  cat > "$dir/credentials" << END
[default]
aws_access_key_id=$access_key
aws_secret_access_key=$secret_key
END
}

# make_bucket NAME: also succeeds if the bucket is there. The keys go through a pipe: arguments can be
# seen by others.
make_bucket() {
  printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" |
    curl -K - -sS -f -o /dev/null -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --noproxy '*' \
      -H 'x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
      "$S3_ENDPOINT/$1"
}

wait_until_it_answers() {
  tries=0
  until curl -s -o /dev/null --noproxy '*' "$S3_ENDPOINT/"; do
    runs rgw || die "radosgw ended: see $dir/log"
    tries=$((tries + 1))
    [ $tries -lt 600 ] || die "radosgw does not answer after a minute: see $dir/log"
    sleep 0.1
  done
}

start() {
  for program in ceph ceph-mon ceph-osd radosgw radosgw-admin curl openssl; do
    command -v $program > /dev/null || die "there is no $program: make deps installs it"
  done
  if runs rgw && runs osd && runs mon; then return; fi
  trap 'test $? = 0 || stop' EXIT
  stop
  if [ -s "$dir/s3.env" ]; then
    launch mon ceph-mon -c "$conf" -i a -f
    launch osd ceph-osd -c "$conf" -i 0 -f
  else
    make_cluster
  fi
  launch rgw radosgw -c "$conf" -n client.rgw -f
  # shellcheck source=/dev/null
  . "$dir/s3.env"
  wait_until_it_answers
  for name in $S3_BUCKET ${S3_MORE_BUCKETS:-}; do make_bucket "$name"; done
  echo "S3 at $S3_ENDPOINT, bucket $S3_BUCKET; keys in $dir/s3.env"
}

case $command in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
