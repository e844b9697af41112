// A bucket of an S3 server as an object store: AWS, Ceph's radosgw, MinIO and others.
//
// Requests are signed with AWS Signature Version 4, body included; connections are kept and at most
// `connections` are open. What is worth repeating is repeated here (5xx, SlowDown, resets, stalls,
// damage on the way), with growing, jittered pauses and a ceiling, after which kUnavailable or
// kTimeout says what the server said last. Nothing else is repeated.
//
// What is written carries a Content-MD5 and a signed SHA-256, both of which the server checks, and
// the SHA-256 as metadata, by which get() finds damage (kCorrupt after the ceiling). get_range()
// checks the range and the length; its callers have checksums of their own. Objects above
// `multipart_threshold` go in parts, each repeated alone; an upload that fails is aborted.
//
// put_new() writes under "If-None-Match: *". On a server that honours it (AWS, radosgw, MinIO:
// found out once per store, by repeating the first successful write) exactly one of several writers
// succeeds, wherever they run. Each write carries a random mark, so that a write whose answer was
// lost is known as ours and not reported as kAlreadyExists. A server that refuses or ignores the
// header is asked whether the key is taken before the write and whose mark it carries after it:
// then an object is never replaced by a writer that starts after it was there, and the threads of
// one store still have one winner, but of two processes that write within the same round trip both
// may be told that they won. put_new() takes at most 5 GiB.
//
// kInvalid: the bucket does not exist, the region is another, the clock is off. kUnauthorized: the
// server does not accept the keys. kForbidden: it does, but not for this. Messages hold no secret.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/random.h"
#include "blob/object_store.h"
#include "blob/sigv4.h"

namespace breakwater::blob {

struct S3Settings {
  std::string endpoint;  // "https://s3.example.com[:port]"; "" is AWS's for the region
  std::string region;    // "" is us-east-1 until the server names another
  std::string bucket;
  bool path_style = false;  // https://host/bucket/key, not https://bucket.host/key
  S3Credentials credentials;
  std::string ca_pem;  // trusted instead of the system's authorities; "" for those
  // Takes any certificate, and plain http to another machine.
  bool insecure = false;
  std::map<std::string, std::string> put_headers;  // x-amz-server-side-encryption, x-amz-tagging

  size_t connections = 16;
  uint64_t multipart_threshold = 64 << 20;
  uint64_t part_size =
      32 << 20;  // at least 5 MiB; grows with the object, for there are 10,000 parts
  int attempts = 8;
  Duration first_pause = std::chrono::milliseconds(100);
  Duration longest_pause = std::chrono::seconds(10);
  Duration patience = std::chrono::seconds(30);  // without a byte moving
  CancelToken cancel;  // ends every operation, and every later one, with kCancelled
};

// kInvalid if a setting cannot work: a bucket or endpoint that is none, no keys, plain http to
// another machine. Nothing is contacted yet. `clock` must be right within 15 minutes. `random`,
// which must be thread-safe, outlives the store.
Result<std::unique_ptr<ObjectStore>> make_s3_store(S3Settings settings,
                                                   std::shared_ptr<const Clock> clock,
                                                   Random& random);

}  // namespace breakwater::blob
