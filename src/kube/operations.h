// Operations: work too long for a reconcile run (object-store I/O, collecting items, prune).
//
// A reconciler starts an operation under an id derived from the object it serves and looks at it in
// later runs; nothing but the objects tells what to do after a restart, so an operation that died
// with its process is simply started again. One bounded pool per process; in the simulator the
// operation runs inline at start().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"

namespace breakwater::kube {

class Operations {
 public:
  using Work = std::function<Result<Json>(const CancelToken&)>;
  struct State {
    bool finished = false;
    Result<Json> result = Json();  // once finished
  };

  virtual ~Operations() = default;
  // Starts `work` unless an operation of this id is known already. `on_finish` is called from the
  // pool's thread when it ends (to enqueue the key again). kUnavailable when the pool's queue is
  // full: come back later.
  virtual Result<> start(const std::string& id, Work work, std::function<void()> on_finish) = 0;
  // Nothing if the id is unknown (never started, or forgotten).
  virtual std::optional<State> find(const std::string& id) = 0;
  // Asks it to stop. It is finished when find() says so.
  virtual void cancel(const std::string& id) = 0;
  // Drops a finished operation's result; a running one is cancelled and dropped at its end.
  virtual void forget(const std::string& id) = 0;
};

// `threads` workers and room for `queue` waiting operations. The destructor cancels and waits.
std::unique_ptr<Operations> make_operations(int threads, int queue = 1000);
// Runs everything at start(), on the caller's thread.
std::unique_ptr<Operations> make_inline_operations();

}  // namespace breakwater::kube
