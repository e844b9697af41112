// How a repository's bytes are sealed: AES-256-CTR and Poly1305-AES, as restic does it.
//
// A sealed object is IV (16) || ciphertext (as long as the plaintext) || MAC (16). The IV is the
// initial big-endian counter block. The MAC covers the ciphertext with the one-time key r ||
// AES-128(k, IV). Source: restic doc/design.rst, "Keys, Encryption and MAC".
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/encoding.h"
#include "base/error.h"
#include "base/random.h"

namespace breakwater::repo {

constexpr size_t kIvSize = 16;
constexpr size_t kMacSize = 16;
constexpr size_t kSealOverhead = kIvSize + kMacSize;

// Secret: never printed, logged or put into an error.
struct CipherKey {
  std::array<std::byte, 32> encrypt{};
  std::array<std::byte, 16> mac_k{}, mac_r{};
};

CipherKey random_key(Random& random);

// The key that scrypt makes of a password. kInvalid for parameters that scrypt does not allow,
// kUnsupported for those that would take more than 1 GiB of memory. Takes long on purpose.
Result<CipherKey> key_from_password(const std::string& password, ByteSpan salt, uint64_t n,
                                    uint64_t r, uint64_t p);

// Seals and opens with one key. Thread-safe.
class Sealer {
 public:
  explicit Sealer(const CipherKey& key);
  ~Sealer();
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) = delete;

  // Seals `frame` in place: the caller has put the plaintext at kIvSize and left kMacSize bytes
  // after it. `random` makes the IV.
  void seal_in_place(Random& random, std::span<std::byte> frame) const;
  // A sealed copy of `plaintext`.
  Bytes seal(Random& random, ByteSpan plaintext) const;

  // Writes the plaintext, sealed.size() - kSealOverhead bytes, to `out`, which has at least as
  // many; it may be sealed's own bytes from kIvSize on. kCorrupt, and nothing written, if the MAC
  // is wrong.
  Result<> open_into(ByteSpan sealed, std::span<std::byte> out) const;
  Result<Bytes> open(ByteSpan sealed) const;

 private:
  struct Algorithms;
  std::unique_ptr<Algorithms> algorithms_;
  CipherKey key_;
};

}  // namespace breakwater::repo
