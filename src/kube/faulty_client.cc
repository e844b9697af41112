#include "kube/faulty_client.h"

#include <map>
#include <mutex>

namespace breakwater::kube {
namespace {

// Faults and randomness, shared with the watches, which may outlive a change of either.
struct Dice {
  std::mutex mutex;
  Random& random;
  Faults faults;

  bool roll(double Faults::*fault) {
    std::lock_guard lock(mutex);
    const double chance = faults.*fault;
    return chance > 0 && random.chance(chance);
  }
};

class FaultyWatch final : public Watch {
 public:
  FaultyWatch(std::unique_ptr<Watch> inner, std::shared_ptr<Dice> dice)
      : inner_(std::move(inner)), dice_(std::move(dice)) {}

  Result<std::optional<WatchEvent>> next() override {
    if (!broken_ && dice_->roll(&Faults::expired_watch)) {
      broken_ = Error(Code::kExpired, "too old resource version (injected)");
    }
    if (!broken_ && dice_->roll(&Faults::dropped_watch)) {
      broken_ = Error(Code::kUnavailable, "the stream has ended (injected)");
    }
    if (broken_) return tl::unexpected(*broken_);
    return inner_->next();
  }
  void set_wake(std::function<void()> wake) override { inner_->set_wake(std::move(wake)); }

 private:
  const std::unique_ptr<Watch> inner_;
  const std::shared_ptr<Dice> dice_;
  std::optional<Error> broken_;  // a stream that has ended stays so
};

}  // namespace

struct FaultyClient::Impl {
  Client& inner;
  std::shared_ptr<Dice> dice;
  std::mutex mutex = {};
  BeforeWrite hook = {};
  int64_t writes = 0;
  std::map<std::string, ObjectList> earlier = {};  // answers by request

  Result<> before_call() {
    if (!dice->roll(&Faults::unavailable)) return {};
    return fail(Code::kUnavailable, "the API server cannot be reached (injected)");
  }

  Result<> count_write() {
    int64_t ordinal = 0;
    BeforeWrite current;
    {
      std::lock_guard lock(mutex);
      ordinal = ++writes;
      current = hook;
    }
    return current ? current(ordinal) : Result<>();
  }

  // Runs `call` as a write. `guarded`: the API could answer it with a conflict.
  template <class Call>
  auto write(bool guarded, Call call) -> decltype(call()) {
    TRY(count_write());
    TRY(before_call());
    if (guarded && dice->roll(&Faults::conflict)) {
      return fail(Code::kConflict, "the object has been modified (injected)");
    }
    if (dice->roll(&Faults::timeout_before_write)) return timeout();
    auto result = call();
    if (dice->roll(&Faults::timeout_after_write)) return timeout();
    return result;
  }

  static tl::unexpected<Error> timeout() {
    return fail(Code::kTimeout, "no answer in time (injected)");
  }
};

FaultyClient::FaultyClient(Client& inner, Random& random, Faults faults)
    : impl_(new Impl{inner, std::shared_ptr<Dice>(new Dice{{}, random, faults})}) {}

FaultyClient::~FaultyClient() = default;

void FaultyClient::set_faults(Faults faults) {
  std::lock_guard lock(impl_->dice->mutex);
  impl_->dice->faults = faults;
}

void FaultyClient::set_before_write(BeforeWrite hook) {
  std::lock_guard lock(impl_->mutex);
  impl_->hook = std::move(hook);
}

int64_t FaultyClient::writes() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->writes;
}

Result<Object> FaultyClient::get(const Kind& kind, const Key& key, const Call& call) {
  TRY(impl_->before_call());
  return impl_->inner.get(kind, key, call);
}

Result<ObjectList> FaultyClient::list_page(const Kind& kind, const std::string& ns,
                                           const ListOptions& options, const Call& call) {
  TRY(impl_->before_call());
  const std::string request = fmt::format("{} {} {}", kind.path(ns), options.labels.to_string(),
                                          options.fields.to_string());
  const bool first_page = options.continue_token.empty();
  if (first_page && options.any_version && impl_->dice->roll(&Faults::stale_list)) {
    std::lock_guard lock(impl_->mutex);
    if (const auto found = impl_->earlier.find(request); found != impl_->earlier.end()) {
      return found->second;
    }
  }
  ObjectList list = TRY(impl_->inner.list_page(kind, ns, options, call));
  if (first_page && list.continue_token.empty()) {  // complete, so it can be served again
    std::lock_guard lock(impl_->mutex);
    impl_->earlier.insert_or_assign(request, list);
  }
  return list;
}

Result<Object> FaultyClient::create(const Kind& kind, const Object& object, const Call& call) {
  return impl_->write(false, [&] { return impl_->inner.create(kind, object, call); });
}

Result<Object> FaultyClient::update(const Kind& kind, const Object& object, const Call& call) {
  return impl_->write(true, [&] { return impl_->inner.update(kind, object, call); });
}

Result<Object> FaultyClient::update_status(const Kind& kind, const Object& object,
                                           const Call& call) {
  return impl_->write(true, [&] { return impl_->inner.update_status(kind, object, call); });
}

Result<Object> FaultyClient::update_subresource(const Kind& kind, const Object& object,
                                                const std::string& subresource, const Call& call) {
  return impl_->write(
      true, [&] { return impl_->inner.update_subresource(kind, object, subresource, call); });
}

Result<Object> FaultyClient::patch(const Kind& kind, const Key& key, PatchType type,
                                   const Json& patch, const std::string& subresource,
                                   const Call& call) {
  return impl_->write(
      true, [&] { return impl_->inner.patch(kind, key, type, patch, subresource, call); });
}

Result<> FaultyClient::remove(const Kind& kind, const Key& key, const DeleteOptions& options,
                              const Call& call) {
  const bool guarded = !options.uid.empty() || !options.resource_version.empty();
  return impl_->write(guarded, [&] { return impl_->inner.remove(kind, key, options, call); });
}

Result<std::unique_ptr<Watch>> FaultyClient::watch(const Kind& kind, const std::string& ns,
                                                   const WatchOptions& options, const Call& call) {
  TRY(impl_->before_call());
  auto inner = TRY(impl_->inner.watch(kind, ns, options, call));
  return std::make_unique<FaultyWatch>(std::move(inner), impl_->dice);
}

Result<std::string> FaultyClient::get_raw(const std::string& path, const Call& call) {
  TRY(impl_->before_call());
  return impl_->inner.get_raw(path, call);
}

}  // namespace breakwater::kube
