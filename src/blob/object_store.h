// Object stores: flat maps from keys to bytes, as S3 offers them.
//
// Implementations: a local directory (blob/local_store.h), memory (blob/memory_store.h), a wrapper
// that misbehaves for tests (blob/faulty_store.h); S3 joins them. All are thread-safe.
//
// Keys are '/'-separated, relative, without empty, "." or ".." segments; kInvalid otherwise. An
// object appears whole or not at all, and once put() has returned it survives a crash of the
// machine. A key that was put is listed at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "base/error.h"

namespace breakwater::blob {

struct ObjectInfo {
  std::string key;
  uint64_t size = 0;
};

struct Listing {
  std::vector<ObjectInfo> objects;    // sorted by key
  std::vector<std::string> prefixes;  // with a delimiter: what stands below, each ending in '/'
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // The whole object. kNotFound if there is none.
  virtual Result<Bytes> get(const std::string& key) = 0;
  // `length` bytes from `offset`. kInvalid if the object is shorter than offset + length.
  virtual Result<Bytes> get_range(const std::string& key, uint64_t offset, uint64_t length) = 0;
  virtual Result<ObjectInfo> head(const std::string& key) = 0;
  // Creates or replaces.
  virtual Result<> put(const std::string& key, ByteSpan data) = 0;
  // Creates. kAlreadyExists if the key is taken, even by a writer that started at the same time.
  virtual Result<> put_new(const std::string& key, ByteSpan data) = 0;
  // Removing what is not there is success.
  virtual Result<> remove(const std::string& key) = 0;
  // Everything whose key starts with `prefix` ("a/b" finds "a/bc"). With delimiter '/', keys that
  // have one after the prefix are folded into `prefixes`.
  virtual Result<Listing> list(const std::string& prefix, bool fold_directories = false) = 0;
  // Finds out early what the first put() would fail with, as far as that is cheap, and prepares the
  // place if need be: a directory is made. Success promises nothing.
  virtual Result<> prepare_writing() { return {}; }
  // For messages: "directory /backups", "s3 bucket b at host". No secret.
  virtual std::string describe() const = 0;
};

// The objects of `inner` below `prefix` ("a/b"), seen without it. `inner` outlives the view.
std::unique_ptr<ObjectStore> prefixed_store(ObjectStore& inner, std::string prefix);
// The same, owning `inner`.
std::unique_ptr<ObjectStore> prefixed_store(std::unique_ptr<ObjectStore> inner, std::string prefix);

}  // namespace breakwater::blob
