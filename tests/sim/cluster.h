// The cluster that the agent works on: the embedded API in memory, the sandbox's storage driver and
// node on their own Runner. It has no faults of its own; its workers do.
#pragma once

#include <filesystem>
#include <memory>

#include "apiserver/api_server.h"
#include "apiserver/rest.h"
#include "base/random.h"
#include "kube/events.h"
#include "kube/runner.h"
#include "sandbox/node.h"
#include "sandbox/storage_driver.h"
#include "tests/sim/workers.h"

namespace breakwater::sim {

class Cluster {
 public:
  // References outlive this.
  static Result<std::unique_ptr<Cluster>> create(std::filesystem::path directory,
                                                 const Clock& clock, const SeededRandom& random,
                                                 const Swarm& swarm, Trace& trace, Logger log);
  ~Cluster();

  apiserver::ApiServer& server() { return *server_; }
  // An administrator's; never fails for fun.
  kube::Client& client() { return *client_; }
  kube::Runner& runner() { return *runner_; }
  Workers& workers() { return workers_; }

 private:
  Cluster(std::filesystem::path directory, const Clock& clock, const SeededRandom& random,
          const Swarm& swarm, Trace& trace, Logger log);
  Result<> start();

  const std::filesystem::path directory_;
  const Clock& clock_;
  SeededRandom server_random_, runner_random_, worker_random_;
  const Logger log_;
  Workers workers_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::EventRecorder> events_;
  std::unique_ptr<kube::Operations> operations_;
  std::unique_ptr<sandbox::StorageDirectory> files_;
  std::unique_ptr<kube::Runner> runner_;
  std::unique_ptr<sandbox::StorageContext> storage_;
  std::unique_ptr<sandbox::Node> node_;
  std::unique_ptr<apiserver::Rest> rest_;
};

}  // namespace breakwater::sim
