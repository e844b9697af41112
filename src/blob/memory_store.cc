#include "blob/memory_store.h"

#include <map>
#include <mutex>

#include "blob/key.h"

namespace breakwater::blob {
namespace {

class MemoryStore final : public ObjectStore {
 public:
  Result<Bytes> get(const std::string& key) override { return *TRY(find(key)); }

  Result<Bytes> get_range(const std::string& key, uint64_t offset, uint64_t length) override {
    const auto object = TRY(find(key));
    if (offset > object->size() || length > object->size() - offset) {
      return fail(Code::kInvalid, "object {} has {} bytes, asked for {} from {}", key,
                  object->size(), length, offset);
    }
    const auto begin = object->begin() + static_cast<ptrdiff_t>(offset);
    return Bytes(begin, begin + static_cast<ptrdiff_t>(length));
  }

  Result<ObjectInfo> head(const std::string& key) override {
    const Object object = TRY(find(key));
    return ObjectInfo{key, object->size()};
  }

  Result<> put(const std::string& key, ByteSpan data) override {
    TRY(check_key(key));
    auto object = std::make_shared<const Bytes>(data.begin(), data.end());
    const std::lock_guard lock(mutex_);
    objects_[key] = std::move(object);
    return {};
  }

  Result<> put_new(const std::string& key, ByteSpan data) override {
    TRY(check_key(key));
    auto object = std::make_shared<const Bytes>(data.begin(), data.end());
    const std::lock_guard lock(mutex_);
    if (objects_.emplace(key, std::move(object)).second) return {};
    return fail(Code::kAlreadyExists, "object {} exists already", key);
  }

  Result<> remove(const std::string& key) override {
    TRY(check_key(key));
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
    return {};
  }

  Result<Listing> list(const std::string& prefix, bool fold_directories) override {
    TRY(check_prefix(prefix));
    Listing listing;
    const std::lock_guard lock(mutex_);
    for (auto it = objects_.lower_bound(prefix); it != objects_.end(); ++it) {
      const std::string& key = it->first;
      if (!key.starts_with(prefix)) break;
      const size_t slash = fold_directories ? key.find('/', prefix.size()) : std::string::npos;
      if (slash == std::string::npos) {
        listing.objects.push_back({key, it->second->size()});
      } else if (listing.prefixes.empty() || !key.starts_with(listing.prefixes.back())) {
        listing.prefixes.push_back(key.substr(0, slash + 1));
      }
    }
    return listing;
  }

  std::string describe() const override { return "memory"; }

 private:
  using Object = std::shared_ptr<const Bytes>;

  Result<Object> find(const std::string& key) const {
    TRY(check_key(key));
    const std::lock_guard lock(mutex_);
    const auto it = objects_.find(key);
    if (it == objects_.end()) return fail(Code::kNotFound, "object {} does not exist", key);
    return it->second;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;
};

}  // namespace

std::unique_ptr<ObjectStore> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace breakwater::blob
