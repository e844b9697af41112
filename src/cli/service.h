// What `breakwater agent` and `breakwater hub` have in common: a process that works against one
// cluster for as long as it leads.
#pragma once

#include <functional>
#include <string>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/command_line.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace breakwater::cli {

struct ServiceOptions {
  std::string kubeconfig, context;
  std::string ns;     // of the Lease that decides who leads; created if it is absent
  std::string lease;  // its name
  bool json_log = false, verbose = false;
};

// --kubeconfig, --context, --namespace, --json-log, --verbose.
void add_service_options(Command& command, ServiceOptions& options);
// The kubeconfig given, else the service account of the pod; kInvalid if there is neither.
Result<kube::ClientConfig> find_cluster(const std::string& kubeconfig, const std::string& context);

// What a service is given; outlives it.
struct ServiceEnvironment {
  kube::Client& client;
  const Clock& clock;
  SystemRandom& random;
  Logger log;
};
class Service {
 public:
  virtual ~Service() = default;
  // Works until `stop` is cancelled; wake() makes it look.
  virtual void run(const CancelToken& stop) = 0;
  virtual void wake() = 0;
};
// An error that passes (the API is not there yet) makes the process try again.
using MakeService =
    std::function<Result<std::unique_ptr<Service>>(const ServiceEnvironment& environment)>;

// Waits until it leads, works, and ends with Ctrl-C or SIGTERM. Losing the Lease is an error: the
// process is started again from nothing.
Result<> run_service(const ServiceOptions& options, const MakeService& make);

}  // namespace breakwater::cli
