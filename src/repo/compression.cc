#include "repo/compression.h"

#include <zstd.h>

#include "base/check.h"

namespace breakwater::repo {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

int zstd_level(Compression compression) {
  switch (compression) {
    case Compression::kOff:
      return 0;
    case Compression::kFastest:
      return 1;
    case Compression::kAuto:
      return 3;
    case Compression::kBetter:
      return 7;
    case Compression::kMax:
      return 19;
  }
  return 3;
}

struct Compressor::Contexts {
  std::unique_ptr<ZSTD_CCtx, FreeContext> compress{ZSTD_createCCtx()};
  std::unique_ptr<ZSTD_DCtx, FreeContext> decompress{ZSTD_createDCtx()};
};

Compressor::Compressor() : contexts_(std::make_unique<Contexts>()) {
  CHECK(contexts_->compress && contexts_->decompress);
}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

size_t Compressor::bound(size_t size) { return ZSTD_compressBound(size); }

size_t Compressor::compress(ByteSpan plain, std::span<std::byte> out, int level) {
  const size_t size = ZSTD_compressCCtx(contexts_->compress.get(), out.data(), out.size(),
                                        plain.data(), plain.size(), level);
  CHECK(!ZSTD_isError(size));  // with enough room it cannot fail
  return size;
}

Result<> Compressor::decompress_into(ByteSpan frames, std::span<std::byte> out) {
  const size_t size = ZSTD_decompressDCtx(contexts_->decompress.get(), out.data(), out.size(),
                                          frames.data(), frames.size());
  if (ZSTD_isError(size)) {
    return fail(Code::kCorrupt, "the compressed data is damaged: {}", ZSTD_getErrorName(size));
  }
  if (size != out.size()) {
    return fail(Code::kCorrupt, "it decompresses to {} bytes, not {}", size, out.size());
  }
  return {};
}

Result<Bytes> Compressor::decompress(ByteSpan frames, uint64_t limit) {
  ZSTD_DCtx* context = contexts_->decompress.get();
  ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
  Bytes out;
  ZSTD_inBuffer in{frames.data(), frames.size(), 0};
  size_t wanted = 1;  // 0 at the end of a frame
  while (in.pos < in.size || wanted != 0) {
    const size_t before = out.size();
    out.resize(before + std::max(ZSTD_DStreamOutSize(), before));
    ZSTD_outBuffer room{out.data() + before, out.size() - before, 0};
    wanted = ZSTD_decompressStream(context, &room, &in);
    out.resize(before + room.pos);
    if (ZSTD_isError(wanted)) {
      return fail(Code::kCorrupt, "the compressed data is damaged: {}", ZSTD_getErrorName(wanted));
    }
    if (out.size() > limit) {
      return fail(Code::kCorrupt, "it decompresses to more than {} bytes", limit);
    }
    const bool stuck = in.pos == in.size && room.pos < room.size;
    if (stuck && wanted != 0) return fail(Code::kCorrupt, "the compressed data is cut off");
  }
  return out;
}

}  // namespace breakwater::repo
