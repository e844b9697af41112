// Plaintext of a blob to its sealed form in a pack, and back.
//
// Each Codec keeps contexts and buffers, so that coding a blob allocates nothing; it is used by one
// thread at a time. A CodecPool lends them to whoever comes.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/random.h"
#include "repo/compression.h"
#include "repo/crypto.h"
#include "repo/types.h"

namespace breakwater::repo {

struct EncodedBlob {
  ByteSpan sealed;                   // valid until the codec is used again
  uint32_t uncompressed_length = 0;  // 0: not compressed
};

struct CodecSettings {
  Compression compression = Compression::kAuto;
  bool can_compress = true;  // false in repositories of version 1
  bool extra_verify = true;  // decode again and compare before handing out what was encoded
};

class Codec {
 public:
  // `sealer` and `random` outlive it.
  Codec(const Sealer& sealer, Random& random, CodecSettings settings);

  // Data that does not shrink stays uncompressed; trees are always compressed in version 2, for
  // restic repacks those that are not. kInvalid for more than 2 GiB; kCorrupt if extra_verify finds
  // that the result does not decode to what was given: this machine computes wrongly.
  Result<EncodedBlob> encode(BlobType type, const Id& id, ByteSpan plain);
  // The plaintext, verified against `id`; valid until the codec is used again.
  // `uncompressed_length` as the index says. kCorrupt when anything does not match.
  Result<ByteSpan> decode(const Id& id, ByteSpan sealed, uint32_t uncompressed_length);
  // Gives back buffers that an unusually large blob (a tree of a huge volume) has grown.
  void trim();

 private:
  // Grows and never shrinks, so that bytes are zeroed once.
  static std::span<std::byte> room(Bytes& buffer, size_t size);
  bool try_compress(BlobType type, ByteSpan plain, size_t& size);

  const Sealer& sealer_;
  Random& random_;
  const CodecSettings settings_;
  Compressor compressor_;
  Bytes frame_, opened_, plain_;
};

class CodecPool {
 public:
  CodecPool(const Sealer& sealer, Random& random, CodecSettings settings)
      : sealer_(sealer), random_(random), settings_(settings) {}

  // Gives its codec back at the end of its life. The pool outlives it.
  class Loan {
   public:
    Loan(CodecPool& pool, std::unique_ptr<Codec> codec) : pool_(pool), codec_(std::move(codec)) {}
    Loan(const Loan&) = delete;
    ~Loan();
    Codec* operator->() const { return codec_.get(); }

   private:
    CodecPool& pool_;
    std::unique_ptr<Codec> codec_;
  };
  Loan borrow();

 private:
  const Sealer& sealer_;
  Random& random_;
  const CodecSettings settings_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Codec>> idle_;
};

}  // namespace breakwater::repo
