#include "cli/hub.h"

#include "policy/registration.h"

namespace breakwater::cli {
namespace {

class WiredHub final : public Hub {
 public:
  explicit WiredHub(Environment environment)
      : environment_(std::move(environment)),
        events_(environment_.client, environment_.clock, "breakwater-hub", environment_.log),
        runner_(environment_.client, environment_.clock, environment_.random, environment_.log) {}

  void add_roles(const HubRoles& roles) {
    if (roles.roles.contains("registration")) {
      for (kube::ControllerSpec& controller : policy::make_registration_controllers(
               {runner_.reader(), environment_.client, environment_.clock, environment_.log})) {
        runner_.add(std::move(controller));
      }
    }
    for (kube::ControllerSpec& controller : policy::make_hub_controllers(
             roles.settings, {runner_.reader(), environment_.client, events_, environment_.clock,
                              environment_.random,
                              [this](const std::string&controller_name, const kube::Key&key) {
                                runner_.enqueue(controller_name, key);
                              },
                              environment_.log})) {
      const bool places = controller.name == policy::kClusterSetController ||
                          controller.name == policy::kPlacementController;
      if (roles.roles.contains(places ? "placement" : "propagation")) {
        runner_.add(std::move(controller));
      }
    }
  }

  void run(const CancelToken& stop) override { runner_.run(stop); }
  void wake() override { runner_.wake(); }
  kube::Runner& runner() override { return runner_; }

 private:
  const Environment environment_;
  kube::EventRecorder events_;
  kube::Runner runner_;
};

}  // namespace

std::unique_ptr<Hub> Hub::create(HubRoles roles, Environment environment) {
  auto hub = std::make_unique<WiredHub>(std::move(environment));
  hub->add_roles(roles);
  return hub;
}

}  // namespace breakwater::cli
