#include <memory>

#include "api/names.h"
#include "cli/commands.h"
#include "cli/hub.h"
#include "cli/roles.h"
#include "cli/service.h"
#include "cli/terminal.h"

namespace breakwater::cli {
namespace {

struct HubOptions {
  ServiceOptions service;
  std::string roles = "registration,placement,propagation";
};

class HubService final : public Service {
 public:
  explicit HubService(std::unique_ptr<Hub> hub) : hub_(std::move(hub)) {}
  void run(const CancelToken& stop) override { hub_->run(stop); }
  void wake() override { hub_->wake(); }

 private:
  const std::unique_ptr<Hub> hub_;
};

Result<> run_hub(const HubOptions& options) {
  HubRoles roles;
  roles.roles = TRY(parse_roles(options.roles, {"registration", "placement", "propagation"}));
  return run_service(
      options.service,
      [&roles](const ServiceEnvironment& given) -> Result<std::unique_ptr<Service>> {
        auto hub = Hub::create(roles, {given.client, given.clock, given.random, given.log});
        std::unique_ptr<Service> service = std::make_unique<HubService>(std::move(hub));
        return service;
      });
}

}  // namespace

void add_hub_command(Command& program) {
  auto options = std::make_shared<HubOptions>();
  options->service.ns = api::kHubNamespace;
  options->service.lease = "breakwater-hub";
  Command& command = program.add(
      "hub", "Runs a fleet from its hub",
      "Lets clusters in, decides which Policies go to which, and gathers their status. Of several\n"
      "hubs one works at a time (Lease breakwater-hub). A hub with ACM has its own controllers\n"
      "for all of it and needs none of these.\n");
  add_service_options(command, options->service);
  command.option("--controllers", options->roles, "which parts run");
  command.action([options] {
    const Result<> result = run_hub(*options);
    return result ? 0 : complain(result.error());
  });
}

}  // namespace breakwater::cli
