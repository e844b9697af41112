#include "backupstore/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace breakwater::backupstore {
namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, with gzip framing
constexpr size_t kStep = 256 * 1024;
constexpr size_t kMaxFeed = std::numeric_limits<uInt>::max();

Bytef* input(const void* data) {
  return static_cast<Bytef*>(const_cast<void*>(data));  // zlib reads only, but says otherwise
}

struct Inflater {
  z_stream stream{};
  Inflater() { CHECK(inflateInit2(&stream, kGzipWindow) == Z_OK); }
  ~Inflater() { inflateEnd(&stream); }
};

}  // namespace

Bytes gzip(std::string_view data) {
  z_stream stream{};
  CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                     Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes out;
  size_t fed = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0 && fed < data.size()) {
      stream.next_in = input(data.data() + fed);
      stream.avail_in = static_cast<uInt>(std::min(data.size() - fed, kMaxFeed));
      fed += stream.avail_in;
    }
    size_t used = out.size();
    out.resize(used + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = kStep;
    state = deflate(&stream, fed == data.size() ? Z_FINISH : Z_NO_FLUSH);
    CHECK(state == Z_OK || state == Z_STREAM_END || state == Z_BUF_ERROR);
    out.resize(out.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  return out;
}

Result<std::string> gunzip(ByteSpan data, uint64_t limit) {
  Inflater inflater;
  z_stream& stream = inflater.stream;
  std::string out;
  size_t fed = 0;
  for (;;) {
    if (stream.avail_in == 0) {
      if (fed == data.size()) return fail(Code::kCorrupt, "gzip data is cut off");
      stream.next_in = input(data.data() + fed);
      stream.avail_in = static_cast<uInt>(std::min(data.size() - fed, kMaxFeed));
      fed += stream.avail_in;
    }
    size_t used = out.size();
    out.resize(used + kStep);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = kStep;
    int state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > limit)
      return fail(Code::kCorrupt, "gzip data unpacks to more than {} bytes", limit);
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0 && fed == data.size()) return out;
      if (inflateReset(&stream) != Z_OK) return fail(Code::kCorrupt, "gzip data is damaged");
    } else if (state != Z_OK && state != Z_BUF_ERROR) {
      return fail(Code::kCorrupt, "gzip data is damaged: {}",
                  stream.msg == nullptr ? "no gzip header" : stream.msg);
    }
  }
}

}  // namespace breakwater::backupstore
