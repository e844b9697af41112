#include "blob/faulty_store.h"

#include <mutex>

namespace breakwater::blob {
namespace {

class FaultyStore final : public ObjectStore {
 public:
  FaultyStore(ObjectStore& inner, Random& random, StoreFaults faults, BeforeOperation before)
      : inner_(inner), random_(random), faults_(faults), before_(std::move(before)) {}

  Result<Bytes> get(const std::string& key) override {
    TRY(before("get " + key));
    return damage(TRY(inner_.get(key)));
  }

  Result<Bytes> get_range(const std::string& key, uint64_t offset, uint64_t length) override {
    TRY(before("get_range " + key));
    return damage(TRY(inner_.get_range(key, offset, length)));
  }

  Result<ObjectInfo> head(const std::string& key) override {
    TRY(before("head " + key));
    return inner_.head(key);
  }

  Result<> put(const std::string& key, ByteSpan data) override {
    TRY(before("put " + key));
    TRY(inner_.put(key, data));
    return answer("put " + key);
  }

  Result<> put_new(const std::string& key, ByteSpan data) override {
    TRY(before("put_new " + key));
    TRY(inner_.put_new(key, data));
    return answer("put_new " + key);
  }

  Result<> remove(const std::string& key) override {
    TRY(before("remove " + key));
    TRY(inner_.remove(key));
    return answer("remove " + key);
  }

  Result<Listing> list(const std::string& prefix, bool fold_directories) override {
    TRY(before("list " + prefix));
    return inner_.list(prefix, fold_directories);
  }

  Result<> prepare_writing() override { return inner_.prepare_writing(); }

  std::string describe() const override { return "faulty " + inner_.describe(); }

 private:
  Result<> before(const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++ordinal_;
    if (before_) TRY(before_(ordinal_, what));
    if (!random_.chance(faults_.unavailable)) return {};
    return fail(Code::kUnavailable, "injected fault: {} could not reach the store", what);
  }

  Result<> answer(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (!random_.chance(faults_.lost_answer)) return {};
    return fail(Code::kTimeout, "injected fault: the answer to {} was lost", what);
  }

  Bytes damage(Bytes data) {
    const std::lock_guard lock(mutex_);
    if (data.empty() || !random_.chance(faults_.corrupt_read)) return data;
    const uint64_t bit = random_.below(data.size() * 8);
    data[bit / 8] ^= std::byte{1} << (bit % 8);
    return data;
  }

  ObjectStore& inner_;
  std::mutex mutex_;  // for what follows: a seeded Random is not thread-safe
  Random& random_;
  const StoreFaults faults_;
  const BeforeOperation before_;
  int64_t ordinal_ = 0;
};

}  // namespace

std::unique_ptr<ObjectStore> make_faulty_store(ObjectStore& inner, Random& random,
                                               StoreFaults faults, BeforeOperation before) {
  return std::make_unique<FaultyStore>(inner, random, faults, std::move(before));
}

}  // namespace breakwater::blob
