#include "cli/service.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <thread>

#include "api/kinds.h"
#include "base/ids.h"
#include "cli/interrupt.h"
#include "kube/http_client.h"
#include "kube/leader.h"

namespace breakwater::cli {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(200);
constexpr auto kRetry = std::chrono::seconds(1);

bool passes(const Error& error) {
  return error.is(Code::kUnavailable) || error.is(Code::kTimeout) || error.is(Code::kConflict);
}

// The API may come later than we do.
Result<std::unique_ptr<Service>> make_patiently(const MakeService& make,
                                                const ServiceEnvironment& environment) {
  while (true) {
    auto service = make(environment);
    if (service || !passes(service.error()) || interrupt_token().cancelled()) return service;
    environment.log.warning("cannot start yet", {{"error", service.error().to_string()}});
    std::this_thread::sleep_for(kRetry);
  }
}

// A pod's account may not create namespaces; then the Lease says what is missing.
void ensure_namespace(kube::Client& client, const std::string& ns) {
  const kube::Object object = kube::Object::make(api::kNamespace, {"", ns});
  if (!client.get(api::kNamespace, {"", ns})) (void)client.create(api::kNamespace, object);
}

std::string identity(Random& random) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return std::string(host) + "_" + name_suffix(random);
}

Result<> lead_and_run(Service& service, kube::LeaderElection& election) {
  while (!interrupt_token().cancelled() && !election.tick()) std::this_thread::sleep_for(kPoll);
  if (interrupt_token().cancelled()) return {};
  CancelToken stop;
  std::thread work([&] { service.run(stop); });
  while (!interrupt_token().cancelled() && election.tick()) std::this_thread::sleep_for(kPoll);
  const bool lost = !interrupt_token().cancelled();
  stop.cancel();
  service.wake();
  work.join();
  if (lost) return fail(Code::kUnavailable, "lost the leader lease");
  election.release();
  return {};
}

}  // namespace

void add_service_options(Command& command, ServiceOptions& options) {
  command.option("--kubeconfig", options.kubeconfig, "how to reach the cluster", "KUBECONFIG");
  command.option("--context", options.context, "context of the kubeconfig");
  command.option("--namespace", options.ns, "namespace of the Lease that decides who works");
  command.flag("--json-log", options.json_log, "log lines as JSON");
  command.flag("--verbose", options.verbose, "log debug messages too");
}

Result<kube::ClientConfig> find_cluster(const std::string& kubeconfig, const std::string& context) {
  if (!kubeconfig.empty()) return kube::load_kubeconfig(kubeconfig, context);
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return fail(Code::kInvalid, "no cluster given: use --kubeconfig FILE, or run in a pod");
  }
  return kube::in_cluster_config(host, port);
}

Result<> run_service(const ServiceOptions& options, const MakeService& make) {
  install_interrupt_handler();
  const SystemClock clock;
  SystemRandom random;
  const Logger log(fd_log_sink(STDERR_FILENO), clock,
                   options.verbose ? LogLevel::kDebug : LogLevel::kInfo,
                   options.json_log ? LogFormat::kJson : LogFormat::kText);
  kube::ClientConfig config = TRY(find_cluster(options.kubeconfig, options.context));
  auto client = TRY(kube::make_http_client(std::move(config), log));
  auto service = TRY(make_patiently(make, {*client, clock, random, log}));
  ensure_namespace(*client, options.ns);
  kube::LeaderSettings lease;
  lease.lease = {options.ns, options.lease};
  lease.identity = identity(random);
  kube::LeaderElection election(*client, clock, lease, log);
  return lead_and_run(*service, election);
}

}  // namespace breakwater::cli
