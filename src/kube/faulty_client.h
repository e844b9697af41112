// A client that misbehaves as real API servers and networks do, for tests and the simulator.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "kube/client.h"

namespace breakwater::kube {

// Chances between 0 and 1 per call, each drawn from the Random given.
struct Faults {
  double timeout_before_write = 0;  // kTimeout, nothing happened
  double timeout_after_write = 0;   // kTimeout, although the write took effect
  double conflict = 0;              // a write fails with kConflict
  double unavailable = 0;           // kUnavailable on any call
  double expired_watch = 0;         // next() says kExpired
  double dropped_watch = 0;         // next() says kUnavailable
  double stale_list = 0;            // a list that asks for any version gets an earlier answer
};

// Wraps `inner`; both references outlive it. `faults` may be changed between calls.
// `before_write` is called before each write with its ordinal (from 1) and may return an error to
// fail it: "crash after the k-th write" is a hook that fails every write past k.
class FaultyClient final : public Client {
 public:
  FaultyClient(Client& inner, Random& random, Faults faults);
  ~FaultyClient() override;

  void set_faults(Faults faults);
  using BeforeWrite = std::function<Result<>(int64_t ordinal)>;
  void set_before_write(BeforeWrite hook);
  int64_t writes() const;  // attempted so far

  Result<Object> get(const Kind& kind, const Key& key, const Call& call) override;
  Result<ObjectList> list_page(const Kind& kind, const std::string& ns, const ListOptions& options,
                               const Call& call) override;
  Result<Object> create(const Kind& kind, const Object& object, const Call& call) override;
  Result<Object> update(const Kind& kind, const Object& object, const Call& call) override;
  Result<Object> update_status(const Kind& kind, const Object& object, const Call& call) override;
  Result<Object> update_subresource(const Kind& kind, const Object& object,
                                    const std::string& subresource, const Call& call) override;
  Result<Object> patch(const Kind& kind, const Key& key, PatchType type, const Json& patch,
                       const std::string& subresource, const Call& call) override;
  Result<> remove(const Kind& kind, const Key& key, const DeleteOptions& options,
                  const Call& call) override;
  Result<std::unique_ptr<Watch>> watch(const Kind& kind, const std::string& ns,
                                       const WatchOptions& options, const Call& call) override;
  Result<std::string> get_raw(const std::string& path, const Call& call) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace breakwater::kube
