// SHA-256, the only hash that formats we write ask for; and what S3's protocol wants besides.
#pragma once

#include <array>
#include <memory>

#include "base/encoding.h"

namespace breakwater {

using Sha256Digest = std::array<std::byte, 32>;

Sha256Digest sha256(ByteSpan data);
// RFC 2104 with SHA-256.
Sha256Digest hmac_sha256(ByteSpan key, ByteSpan data);
// Finds damage on the way, as the Content-MD5 header does; protects against nobody.
std::array<std::byte, 16> md5(ByteSpan data);

// A digest of data that arrives in parts. Movable, not copyable, one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(ByteSpan data);
  // Ends the digest; the object may then only be destroyed or assigned to.
  Sha256Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace breakwater
