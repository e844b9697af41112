// Controllers: a reconciler, the queue of keys it has to look at, and what wakes it.
//
// A Reconciler is a plain, synchronous function with only bounded API calls: it reads through a
// Reader (a cache, which may be stale), writes through a Client, and can be stopped after any write
// and repeated. Waiting is an Outcome, never a sleep. Long work is an Operation
// (kube/operations.h).
//
// A Controller owns a queue and no thread: the Runner of the process (kube/runner.h) drives all of
// them. A key is in the queue at most once; a key that fails is retried with exponential back-off
// (5 ms to 60 s), a key that succeeds forgets its failures.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "kube/client.h"

namespace breakwater::kube {

// What a reconcile run wants next.
class Outcome {
 public:
  // Nothing until something changes.
  static Outcome done() { return Outcome(); }
  // Look again after `delay`, whatever happens (sooner if something changes).
  static Outcome again_after(Duration delay);
  // So that TRY and `return fail(…)` work in a reconciler: retry with back-off, log the error.
  Outcome(tl::unexpected<Error> error) : error_(std::move(error).value()) {}

  const std::optional<Error>& error() const { return error_; }
  const std::optional<Duration>& again() const { return again_; }

 private:
  Outcome() = default;
  std::optional<Error> error_;
  std::optional<Duration> again_;
};

class Reconciler {
 public:
  virtual ~Reconciler() = default;
  virtual Outcome reconcile(const Key& key) = 0;
};

// Turns a changed object into the keys that need another look.
using Mapper = std::function<std::vector<Key>(const Object&)>;
// The key of the changed object itself.
std::vector<Key> map_to_self(const Object& object);
// The key of its controlling owner, if that is of kind `owner`, in the same namespace.
Mapper map_to_owner(const Kind& owner);
// The key {ns of the object, value of label}, if the label is there.
Mapper map_to_label(std::string label);

// One thing a controller watches.
struct Source {
  Kind kind;
  std::string ns;  // "" = all namespaces
  Mapper map = map_to_self;
};

struct ControllerSpec {
  std::string name;  // "schedule"; in logs and metrics
  std::unique_ptr<Reconciler> reconciler;
  std::vector<Source> sources;
};

}  // namespace breakwater::kube
