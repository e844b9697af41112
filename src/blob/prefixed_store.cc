#include "blob/key.h"
#include "blob/object_store.h"

namespace breakwater::blob {
namespace {

class PrefixedStore final : public ObjectStore {
 public:
  PrefixedStore(ObjectStore& inner, std::unique_ptr<ObjectStore> owned, std::string prefix)
      : owned_(std::move(owned)), inner_(inner), prefix_(std::move(prefix)) {
    while (prefix_.ends_with('/')) prefix_.pop_back();
    if (!prefix_.empty()) prefix_ += '/';
  }

  Result<Bytes> get(const std::string& key) override {
    TRY(check_key(key));
    return inner_.get(prefix_ + key);
  }

  Result<Bytes> get_range(const std::string& key, uint64_t offset, uint64_t length) override {
    TRY(check_key(key));
    return inner_.get_range(prefix_ + key, offset, length);
  }

  Result<ObjectInfo> head(const std::string& key) override {
    TRY(check_key(key));
    const ObjectInfo info = TRY(inner_.head(prefix_ + key));
    return ObjectInfo{key, info.size};
  }

  Result<> put(const std::string& key, ByteSpan data) override {
    TRY(check_key(key));
    return inner_.put(prefix_ + key, data);
  }

  Result<> put_new(const std::string& key, ByteSpan data) override {
    TRY(check_key(key));
    return inner_.put_new(prefix_ + key, data);
  }

  Result<> remove(const std::string& key) override {
    TRY(check_key(key));
    return inner_.remove(prefix_ + key);
  }

  Result<Listing> list(const std::string& prefix, bool fold_directories) override {
    TRY(check_prefix(prefix));
    Listing listing = TRY(inner_.list(prefix_ + prefix, fold_directories));
    for (ObjectInfo& object : listing.objects) object.key.erase(0, prefix_.size());
    for (std::string& folder : listing.prefixes) folder.erase(0, prefix_.size());
    return listing;
  }

  Result<> prepare_writing() override { return inner_.prepare_writing(); }

  std::string describe() const override {
    return prefix_.empty() ? inner_.describe() : inner_.describe() + " below " + prefix_;
  }

 private:
  const std::unique_ptr<ObjectStore> owned_;
  ObjectStore& inner_;
  std::string prefix_;  // "" or ends in '/'
};

}  // namespace

std::unique_ptr<ObjectStore> prefixed_store(ObjectStore& inner, std::string prefix) {
  return std::make_unique<PrefixedStore>(inner, nullptr, std::move(prefix));
}

std::unique_ptr<ObjectStore> prefixed_store(std::unique_ptr<ObjectStore> inner,
                                            std::string prefix) {
  ObjectStore& borrowed = *inner;
  return std::make_unique<PrefixedStore>(borrowed, std::move(inner), std::move(prefix));
}

}  // namespace breakwater::blob
