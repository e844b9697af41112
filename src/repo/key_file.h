// Key files: the master key, sealed with a key made of a password by scrypt; and the config, sealed
// with the master key. Source: restic doc/design.rst, "Repository Format" and "Keys".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "repo/crypto.h"
#include "repo/repository.h"

namespace breakwater::repo {

// Who made a key and when; for people only.
struct KeyOrigin {
  Time created{};
  std::string username, hostname;
};

// A new key file (JSON) that opens `master` with `password`. kInvalid for impossible costs.
Result<std::string> make_key_file(const CipherKey& master, const std::string& password,
                                  const KdfParameters& kdf, const KeyOrigin& origin,
                                  Random& random);
// The master key. kForbidden when the password is not this key's; kCorrupt, kUnsupported when no
// password could open it.
Result<CipherKey> open_key_file(std::string_view file, const std::string& password);

struct Config {
  int version = 2;
  Id id;  // random
  uint64_t chunker_polynomial = 0;
};
Config new_config(Random& random);
std::string encode_config(const Config& config);
// kUnsupported for versions other than 1 and 2, kCorrupt for what is no config.
Result<Config> decode_config(std::string_view text);

}  // namespace breakwater::repo
