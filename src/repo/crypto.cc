#include "repo/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace breakwater::repo {
namespace {

struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeCipher>;

constexpr size_t kMaxUpdate = size_t{1} << 30;  // EVP counts in int
constexpr uint64_t kMaxScryptMemory = uint64_t{1} << 30;

const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

bool all_zero(ByteSpan bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

// Fetched once: a fetch takes longer than sealing a small blob.
struct Sealer::Algorithms {
  Owned<EVP_CIPHER> aes_ctr{EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr)};
  Owned<EVP_CIPHER> aes_ecb{EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)};
  Owned<EVP_MAC> poly1305{EVP_MAC_fetch(nullptr, "POLY1305", nullptr)};

  // CTR: the same operation encrypts and decrypts.
  void crypt(const CipherKey& key, const std::byte* iv, const std::byte* in, std::byte* out,
             size_t size) const {
    const Owned<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
    CHECK(context && EVP_EncryptInit_ex2(context.get(), aes_ctr.get(), raw(key.encrypt.data()),
                                         raw(iv), nullptr) == 1);
    while (size > 0) {
      const size_t part = std::min(size, kMaxUpdate);
      int written = 0;
      CHECK(EVP_EncryptUpdate(context.get(), raw(out), &written, raw(in), static_cast<int>(part)) ==
            1);
      in += part;
      out += part;
      size -= part;
    }
  }

  std::array<std::byte, kMacSize> mac(const CipherKey& key, const std::byte* iv,
                                      ByteSpan ciphertext) const {
    std::array<std::byte, 32> one_time;  // r || AES-128(k, IV)
    std::ranges::copy(key.mac_r, one_time.begin());
    const Owned<EVP_CIPHER_CTX> block(EVP_CIPHER_CTX_new());
    int written = 0;
    CHECK(block && EVP_EncryptInit_ex2(block.get(), aes_ecb.get(), raw(key.mac_k.data()), nullptr,
                                       nullptr) == 1);
    EVP_CIPHER_CTX_set_padding(block.get(), 0);
    CHECK(EVP_EncryptUpdate(block.get(), raw(one_time.data() + 16), &written, raw(iv), kIvSize) ==
          1);
    const Owned<EVP_MAC_CTX> context(EVP_MAC_CTX_new(poly1305.get()));
    std::array<std::byte, kMacSize> tag{};
    size_t size = 0;
    CHECK(context &&
          EVP_MAC_init(context.get(), raw(one_time.data()), one_time.size(), nullptr) == 1);
    CHECK(EVP_MAC_update(context.get(), raw(ciphertext.data()), ciphertext.size()) == 1);
    CHECK(EVP_MAC_final(context.get(), raw(tag.data()), &size, tag.size()) == 1 &&
          size == tag.size());
    OPENSSL_cleanse(one_time.data(), one_time.size());
    return tag;
  }
};

CipherKey random_key(Random& random) {
  CipherKey key;
  random.fill(key.encrypt);
  random.fill(key.mac_k);
  random.fill(key.mac_r);
  return key;
}

Result<CipherKey> key_from_password(const std::string& password, ByteSpan salt, uint64_t n,
                                    uint64_t r, uint64_t p) {
  const bool power_of_two = n > 1 && (n & (n - 1)) == 0;
  if (!power_of_two || r == 0 || p == 0 || r >= (1u << 30) || p >= (1u << 30) / r) {
    return fail(Code::kInvalid, "scrypt parameters N={} r={} p={} are not valid", n, r, p);
  }
  if (n > kMaxScryptMemory / 128 / r || p > kMaxScryptMemory / 128 / r) {
    return fail(Code::kUnsupported, "scrypt parameters N={} r={} p={} need more than 1 GiB", n, r,
                p);
  }
  std::array<std::byte, 64> derived;
  // The limit leaves room for what scrypt needs beside its table.
  const int done =
      EVP_PBE_scrypt(password.data(), password.size(), raw(salt.data()), salt.size(), n, r, p,
                     4 * kMaxScryptMemory, raw(derived.data()), derived.size());
  if (done != 1) return fail(Code::kInternal, "scrypt failed with N={} r={} p={}", n, r, p);
  CipherKey key;
  std::copy_n(derived.begin(), 32, key.encrypt.begin());
  std::copy_n(derived.begin() + 32, 16, key.mac_k.begin());
  std::copy_n(derived.begin() + 48, 16, key.mac_r.begin());
  OPENSSL_cleanse(derived.data(), derived.size());
  return key;
}

Sealer::Sealer(const CipherKey& key) : algorithms_(std::make_unique<Algorithms>()), key_(key) {
  CHECK(algorithms_->aes_ctr && algorithms_->aes_ecb && algorithms_->poly1305);
}
Sealer::~Sealer() { OPENSSL_cleanse(&key_, sizeof key_); }
Sealer::Sealer(Sealer&&) noexcept = default;

void Sealer::seal_in_place(Random& random, std::span<std::byte> frame) const {
  CHECK(frame.size() >= kSealOverhead);
  const auto iv = frame.first(kIvSize);
  do random.fill(iv);
  while (all_zero(iv));  // restic refuses it
  const auto text = frame.subspan(kIvSize, frame.size() - kSealOverhead);
  algorithms_->crypt(key_, iv.data(), text.data(), text.data(), text.size());
  std::ranges::copy(algorithms_->mac(key_, iv.data(), text), frame.last(kMacSize).begin());
}

Bytes Sealer::seal(Random& random, ByteSpan plaintext) const {
  Bytes frame(plaintext.size() + kSealOverhead);
  std::ranges::copy(plaintext, frame.begin() + kIvSize);
  seal_in_place(random, frame);
  return frame;
}

Result<> Sealer::open_into(ByteSpan sealed, std::span<std::byte> out) const {
  if (sealed.size() < kSealOverhead) {
    return fail(Code::kCorrupt, "{} bytes are too few to be a sealed object", sealed.size());
  }
  const auto text = sealed.subspan(kIvSize, sealed.size() - kSealOverhead);
  CHECK(out.size() >= text.size());
  const auto expected = algorithms_->mac(key_, sealed.data(), text);
  if (CRYPTO_memcmp(expected.data(), sealed.last(kMacSize).data(), kMacSize) != 0) {
    return fail(Code::kCorrupt, "the authentication code does not match");
  }
  algorithms_->crypt(key_, sealed.data(), text.data(), out.data(), text.size());
  return {};
}

Result<Bytes> Sealer::open(ByteSpan sealed) const {
  Bytes plain(sealed.size() < kSealOverhead ? 0 : sealed.size() - kSealOverhead);
  TRY(open_into(sealed, plain));
  return plain;
}

}  // namespace breakwater::repo
