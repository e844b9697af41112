#include "repo/blob_codec.h"

#include <algorithm>

#include "base/hash.h"

namespace breakwater::repo {
namespace {

constexpr size_t kMaxBlob = size_t{1} << 31;
constexpr int kTreeLevel = 3;  // for trees although compression is off
constexpr size_t kUsualBuffer = 8u << 20;

}  // namespace

Codec::Codec(const Sealer& sealer, Random& random, CodecSettings settings)
    : sealer_(sealer), random_(random), settings_(settings) {}

std::span<std::byte> Codec::room(Bytes& buffer, size_t size) {
  if (buffer.size() < size) buffer.resize(size);
  return std::span(buffer).first(size);
}

bool Codec::try_compress(BlobType type, ByteSpan plain, size_t& size) {
  const bool tree = type == BlobType::kTree;
  int level = zstd_level(settings_.compression);
  if (level == 0 && tree) level = kTreeLevel;
  if (!settings_.can_compress || level == 0 || plain.empty()) return false;
  const auto frame = room(frame_, kSealOverhead + Compressor::bound(plain.size()));
  size = compressor_.compress(plain, frame.subspan(kIvSize), level);
  return tree || size < plain.size();
}

Result<EncodedBlob> Codec::encode(BlobType type, const Id& id, ByteSpan plain) {
  if (plain.size() > kMaxBlob)
    return fail(Code::kInvalid, "a blob of {} bytes is too large", plain.size());
  EncodedBlob blob;
  size_t size = 0;
  if (try_compress(type, plain, size)) {
    blob.uncompressed_length = static_cast<uint32_t>(plain.size());
  } else {
    size = plain.size();
    std::ranges::copy(plain, room(frame_, kSealOverhead + size).begin() + kIvSize);
  }
  const auto frame = room(frame_, kSealOverhead + size);
  sealer_.seal_in_place(random_, frame);
  blob.sealed = frame;
  if (settings_.extra_verify) {
    TRY(while_doing(decode(id, blob.sealed, blob.uncompressed_length),
                    "verifying blob {} before it is stored", id.to_string()));
  }
  return blob;
}

Result<ByteSpan> Codec::decode(const Id& id, ByteSpan sealed, uint32_t uncompressed_length) {
  if (sealed.size() < kSealOverhead) return fail(Code::kCorrupt, "it is too short");
  std::span<std::byte> plain = room(opened_, sealed.size() - kSealOverhead);
  TRY(sealer_.open_into(sealed, plain));
  if (uncompressed_length != 0) {
    const auto out = room(plain_, uncompressed_length);
    TRY(compressor_.decompress_into(plain, out));
    plain = out;
  }
  if (sha256(plain) != id.bytes) return fail(Code::kCorrupt, "its content does not match its id");
  return ByteSpan(plain);
}

void Codec::trim() {
  for (Bytes* buffer : {&frame_, &opened_, &plain_}) {
    if (buffer->size() > kUsualBuffer) Bytes().swap(*buffer);
  }
}

CodecPool::Loan CodecPool::borrow() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Codec> codec = std::move(idle_.back());
      idle_.pop_back();
      return {*this, std::move(codec)};
    }
  }
  return {*this, std::make_unique<Codec>(sealer_, random_, settings_)};
}

CodecPool::Loan::~Loan() {
  codec_->trim();
  const std::lock_guard lock(pool_.mutex_);
  pool_.idle_.push_back(std::move(codec_));
}

}  // namespace breakwater::repo
