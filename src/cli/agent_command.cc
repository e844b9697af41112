#include <memory>

#include "api/names.h"
#include "cli/agent.h"
#include "cli/commands.h"
#include "cli/roles.h"
#include "cli/service.h"
#include "cli/terminal.h"

namespace breakwater::cli {
namespace {

struct AgentOptions {
  ServiceOptions service;
  std::string roles = "link,policy,engine,mover";
};

constexpr int kOperationThreads = 4;

class AgentService final : public Service {
 public:
  explicit AgentService(std::unique_ptr<Agent> agent) : agent_(std::move(agent)) {}
  void run(const CancelToken& stop) override { agent_->run(stop); }
  void wake() override { agent_->wake(); }

 private:
  const std::unique_ptr<Agent> agent_;
};

Result<> run_agent(const AgentOptions& options) {
  AgentSettings settings;
  settings.roles = TRY(parse_roles(options.roles, {"link", "policy", "engine", "mover"}));
  return run_service(
      options.service,
      [&settings](const ServiceEnvironment& given) -> Result<std::unique_ptr<Service>> {
        Agent::Environment environment{given.client,
                                       given.clock,
                                       given.random,
                                       given.log,
                                       kube::make_operations(kOperationThreads),
                                       {}};
        auto agent = TRY(Agent::create(settings, std::move(environment)));
        std::unique_ptr<Service> service = std::make_unique<AgentService>(std::move(agent));
        return service;
      });
}

}  // namespace

void add_agent_command(Command& program) {
  auto options = std::make_shared<AgentOptions>();
  options->service.ns = api::kAgentNamespace;
  options->service.lease = "breakwater-agent";
  Command& command = program.add(
      "agent", "Protects the VMs of one cluster",
      "Runs against a cluster: the link to its hub (breakwater join), the policies, and the "
      "backup\n"
      "engine and the data mover of every namespace with a DataProtectionApplication. Of several\n"
      "agents one works at a time (Lease breakwater-agent). Where OADP is the engine, ours rests.\n"
      "A cluster whose policies come by ACM needs no link: --controllers=policy,engine,mover.\n");
  add_service_options(command, options->service);
  command.option("--controllers", options->roles, "which parts run");
  command.action([options] {
    const Result<> result = run_agent(*options);
    return result ? 0 : complain(result.error());
  });
}

}  // namespace breakwater::cli
