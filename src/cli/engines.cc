#include "cli/engines.h"

#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/served_kinds.h"

namespace breakwater::cli {
namespace {

using kube::Object;

constexpr Duration kRest = std::chrono::seconds(30);
constexpr Duration kLookAgain = std::chrono::minutes(5);

// An engine's reconciler that rests while OADP is the engine. The flag is read and written by the
// one thread of the Runner.
class Resting final : public kube::Reconciler {
 public:
  Resting(std::unique_ptr<kube::Reconciler> inner, std::shared_ptr<const bool> rests)
      : inner_(std::move(inner)), rests_(std::move(rests)) {}
  kube::Outcome reconcile(const kube::Key& key) override {
    if (*rests_) return kube::Outcome::again_after(kRest);
    return inner_->reconcile(key);
  }

 private:
  const std::unique_ptr<kube::Reconciler> inner_;
  const std::shared_ptr<const bool> rests_;
};

class Engines final : public kube::Reconciler {
 public:
  Engines(EnginesServices services, EngineStarts starts)
      : reader_(services.reader),
        served_(services.client, services.clock),
        starts_(std::move(starts)),
        log_(std::move(services.log)) {}

  kube::Outcome reconcile(const kube::Key&) override {
    const Engine engine = TRY(who());
    const bool rests = engine == Engine::kOadp;
    if (rests != *rests_) log_.info("who the engine is", {{"engine", rests ? "oadp" : "builtin"}});
    *rests_ = rests;
    for (const Object& application : TRY(reader_.list(api::kDataProtectionApplication, ""))) {
      const std::string& ns = application.ns();
      if (engine == Engine::kBuiltin && engines_.insert(ns).second) start_engine(ns);
      if (movers_.insert(ns).second) {
        for (kube::ControllerSpec& controller : starts_.mover(ns)) {
          starts_.add(std::move(controller));
        }
      }
    }
    return kube::Outcome::again_after(kLookAgain);
  }

 private:
  enum class Engine { kUnknown, kBuiltin, kOadp };

  // Without an install policy it is OADP where there are operators, as that policy would choose.
  Result<Engine> who() {
    const auto policies = TRY(served_.list(reader_, api::kVirtInstallPolicy, ""));
    bool builtin = false;
    for (const Object& policy : policies) {
      const std::string& engine = policy.status()["engine"].as_string();
      if (engine == api::kEngineOadp) return Engine::kOadp;
      builtin = builtin || engine == api::kEngineBuiltin;
    }
    if (builtin) return Engine::kBuiltin;
    if (!policies.empty()) return Engine::kUnknown;
    const bool operators = TRY(served_.serves(api::kSubscription));
    return operators ? Engine::kOadp : Engine::kBuiltin;
  }

  void start_engine(const std::string& ns) {
    std::vector<kube::ControllerSpec> controllers = starts_.engine(ns);
    if (!controllers.empty()) log_.info("the engine serves a namespace", {{"namespace", ns}});
    for (kube::ControllerSpec& controller : controllers) {
      controller.reconciler = std::make_unique<Resting>(std::move(controller.reconciler), rests_);
      starts_.add(std::move(controller));
    }
  }

  kube::Reader& reader_;
  policy::ServedKinds served_;
  const EngineStarts starts_;
  const Logger log_;
  const std::shared_ptr<bool> rests_ = std::make_shared<bool>(false);
  std::set<std::string> engines_, movers_;
};

}  // namespace

kube::ControllerSpec make_engines_controller(EnginesServices services, EngineStarts starts) {
  const auto to_all = [](const Object&) { return std::vector<kube::Key>{{"", "engines"}}; };
  kube::ControllerSpec controller;
  controller.name = "engines";
  controller.reconciler = std::make_unique<Engines>(std::move(services), std::move(starts));
  controller.sources = {{api::kDataProtectionApplication, "", to_all},
                        {api::kVirtInstallPolicy, "", to_all}};
  return controller;
}

}  // namespace breakwater::cli
