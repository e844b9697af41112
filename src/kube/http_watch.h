// Watches over HTTP: one thread that reads every stream of a client.
//
// Private to kube/. The hub owns the thread; it outlives the watches it has opened, as the client
// outlives them.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "kube/client.h"
#include "kube/http_transport.h"

namespace breakwater::kube {

class WatchHub {
 public:
  // `endpoint` outlives the hub.
  explicit WatchHub(const Endpoint& endpoint);
  ~WatchHub();

  // Begins to stream GET `path`, which carries watch=1 already. Does not wait for the server: what
  // it answers, errors too, comes out of next().
  Result<std::unique_ptr<Watch>> open(const std::string& path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace breakwater::kube
