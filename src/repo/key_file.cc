#include "repo/key_file.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/encoding.h"
#include "repo/json_reader.h"
#include "repo/json_writer.h"
#include "repo/polynomial.h"

namespace breakwater::repo {
namespace {

constexpr size_t kSaltSize = 64;
constexpr int kPolynomialBits = 54;

std::string encode_master(const CipherKey& master) {
  JsonWriter json;
  json.begin_object();
  json.name("mac");
  json.begin_object();
  json.member("k", to_base64(master.mac_k));
  json.member("r", to_base64(master.mac_r));
  json.end_object();
  json.member("encrypt", to_base64(master.encrypt));
  json.end_object();
  return json.take();
}

// Base64 of exactly as many bytes as `out` has.
void read_key_bytes(JsonReader& json, std::span<std::byte> out) {
  const Result<Bytes> bytes = from_base64(json.string());
  if (bytes && bytes->size() == out.size()) {
    std::ranges::copy(*bytes, out.begin());
  } else {
    json.fail_here("a part of the key has the wrong length");
  }
}

void read_mac(JsonReader& json, CipherKey& key) {
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "k")
      read_key_bytes(json, key.mac_k);
    else if (name == "r")
      read_key_bytes(json, key.mac_r);
    else
      json.skip();
  }
}

Result<CipherKey> decode_master(std::string_view text) {
  CipherKey key;
  JsonReader json(text);
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "mac")
      read_mac(json, key);
    else if (name == "encrypt")
      read_key_bytes(json, key.encrypt);
    else
      json.skip();
  }
  TRY(json.finish("master key"));
  return key;
}

struct KeyRecord {
  std::string kdf, salt, data;
  uint64_t n = 0, r = 0, p = 0;
};

Result<KeyRecord> decode_record(std::string_view file) {
  KeyRecord record;
  JsonReader json(file);
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "kdf")
      record.kdf = json.string();
    else if (name == "salt")
      record.salt = json.string();
    else if (name == "data")
      record.data = json.string();
    else if (name == "N")
      record.n = json.number();
    else if (name == "r")
      record.r = json.number();
    else if (name == "p")
      record.p = json.number();
    else
      json.skip();
  }
  TRY(json.finish("key file"));
  return record;
}

}  // namespace

Result<std::string> make_key_file(const CipherKey& master, const std::string& password,
                                  const KdfParameters& kdf, const KeyOrigin& origin,
                                  Random& random) {
  Bytes salt(kSaltSize);
  random.fill(salt);
  const Sealer sealer(TRY(key_from_password(password, salt, kdf.n, kdf.r, kdf.p)));
  JsonWriter json;
  json.begin_object();
  json.name("created");
  json.time(origin.created);
  json.member("username", origin.username);
  json.member("hostname", origin.hostname);
  json.member("kdf", "scrypt");
  json.member("N", kdf.n);
  json.member("r", kdf.r);
  json.member("p", kdf.p);
  json.member("salt", to_base64(salt));
  json.member("data", to_base64(sealer.seal(random, as_bytes(encode_master(master)))));
  json.end_object();
  return json.take();
}

Result<CipherKey> open_key_file(std::string_view file, const std::string& password) {
  const KeyRecord record = TRY(decode_record(file));
  if (record.kdf != "scrypt") {
    return fail(Code::kUnsupported, "the key file uses \"{}\" instead of scrypt", record.kdf);
  }
  const Result<Bytes> salt = from_base64(record.salt);
  const Result<Bytes> data = from_base64(record.data);
  if (!salt || !data || salt->size() != kSaltSize) {
    return fail(Code::kCorrupt, "the key file has a wrong salt or data");
  }
  const Sealer sealer(TRY(key_from_password(password, *salt, record.n, record.r, record.p)));
  const Result<Bytes> master = sealer.open(*data);
  if (!master) return fail(Code::kForbidden, "the password does not open this key");
  return decode_master(as_text(*master));
}

Config new_config(Random& random) {
  Config config;
  random.fill(config.id.bytes);
  config.chunker_polynomial = random_polynomial(random);
  return config;
}

std::string encode_config(const Config& config) {
  JsonWriter json;
  json.begin_object();
  json.member("version", static_cast<uint64_t>(config.version));
  json.name("id");
  json.id(config.id);
  json.member("chunker_polynomial", fmt::format("{:x}", config.chunker_polynomial));
  json.end_object();
  return json.take();
}

Result<Config> decode_config(std::string_view text) {
  Config config;
  std::string polynomial;
  uint64_t version = 0;
  JsonReader json(text);
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "version")
      version = json.number();
    else if (name == "id")
      config.id = json.id();
    else if (name == "chunker_polynomial")
      polynomial = json.string();
    else
      json.skip();
  }
  TRY(json.finish("config"));
  if (version != 1 && version != 2) {
    return fail(Code::kUnsupported, "the repository has version {}, not 1 or 2", version);
  }
  config.version = static_cast<int>(version);
  const char* end = polynomial.data() + polynomial.size();
  const auto [stop, problem] =
      std::from_chars(polynomial.data(), end, config.chunker_polynomial, 16);
  const bool good = problem == std::errc() && stop == end &&
                    std::bit_width(config.chunker_polynomial) == kPolynomialBits &&
                    is_irreducible(config.chunker_polynomial);
  if (!good) {
    return fail(Code::kCorrupt, "the config has a wrong chunker_polynomial");
  }
  return config;
}

}  // namespace breakwater::repo
