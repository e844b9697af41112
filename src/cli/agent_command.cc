#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <thread>

#include "base/ids.h"
#include "cli/agent.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "kube/http_client.h"
#include "kube/kubeconfig.h"
#include "kube/leader.h"

namespace breakwater::cli {
namespace {

struct AgentOptions {
  std::string kubeconfig, context, roles = "policy,engine,mover", ns = "openshift-adp";
  bool json_log = false, verbose = false;
};

constexpr int kOperationThreads = 4;
constexpr auto kPoll = std::chrono::milliseconds(200);

Result<std::set<std::string>> parse_roles(const std::string& text) {
  std::set<std::string> roles;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    const std::string role = text.substr(start, end - start);
    if (role != "policy" && role != "engine" && role != "mover") {
      return fail(Code::kInvalid, "--controllers names \"{}\": use policy, engine, mover", role);
    }
    roles.insert(role);
    start = end + 1;
  }
  return roles;
}

Result<kube::ClientConfig> find_config(const AgentOptions& options) {
  if (!options.kubeconfig.empty()) {
    return kube::load_kubeconfig(options.kubeconfig, options.context);
  }
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return fail(Code::kInvalid, "no cluster given: use --kubeconfig FILE, or run in a pod");
  }
  return kube::in_cluster_config(host, port);
}

// Leads or waits to lead; works only while it leads. Losing the lease ends the process, so that it
// starts again from nothing.
Result<> lead_and_run(Agent& agent, kube::LeaderElection& election) {
  while (!interrupt_token().cancelled() && !election.tick()) std::this_thread::sleep_for(kPoll);
  CancelToken stop;
  std::thread work([&] { agent.run(stop); });
  while (!interrupt_token().cancelled() && election.tick()) std::this_thread::sleep_for(kPoll);
  const bool lost = !interrupt_token().cancelled();
  stop.cancel();
  agent.wake();
  work.join();
  if (lost) return fail(Code::kUnavailable, "lost the leader lease");
  election.release();
  return {};
}

Result<> run_agent(const AgentOptions& options) {
  install_interrupt_handler();
  const SystemClock clock;
  SystemRandom random;
  const Logger log(fd_log_sink(STDERR_FILENO), clock,
                   options.verbose ? LogLevel::kDebug : LogLevel::kInfo,
                   options.json_log ? LogFormat::kJson : LogFormat::kText);
  kube::ClientConfig config = TRY(find_config(options));
  auto client = TRY(kube::make_http_client(std::move(config), log));
  AgentSettings settings;
  settings.ns = options.ns;
  settings.roles = TRY(parse_roles(options.roles));
  auto agent = TRY(Agent::create(
      settings, {*client, clock, random, log, kube::make_operations(kOperationThreads)}));
  kube::LeaderSettings lease;
  lease.lease = {options.ns, "breakwater-agent"};
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  lease.identity = std::string(host) + "_" + name_suffix(random);
  kube::LeaderElection election(*client, clock, lease, log);
  return lead_and_run(*agent, election);
}

}  // namespace

void add_agent_command(Command& program) {
  auto options = std::make_shared<AgentOptions>();
  Command& command = program.add(
      "agent", "Protects the VMs of one cluster",
      "Runs the backup policy, the backup engine and the data mover against a cluster. Of several\n"
      "agents one works at a time (Lease breakwater-agent). On a cluster with OADP leave its "
      "Velero\n"
      "the engine's part: --controllers=policy,mover.\n");
  command.option("--kubeconfig", options->kubeconfig, "how to reach the cluster", "KUBECONFIG");
  command.option("--context", options->context, "context of the kubeconfig");
  command.option("--namespace", options->ns, "namespace of Velero's objects");
  command.option("--controllers", options->roles, "which parts run");
  command.flag("--json-log", options->json_log, "log lines as JSON");
  command.flag("--verbose", options->verbose, "log debug messages too");
  command.action([options] {
    const Result<> result = run_agent(*options);
    return result ? 0 : complain(result.error());
  });
}

}  // namespace breakwater::cli
