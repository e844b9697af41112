#include "cli/agent.h"

#include "api/kinds.h"
#include "api/names.h"
#include "kube/events.h"
#include "mover/mover.h"
#include "policy/cluster_policies.h"
#include "velero/engine.h"

namespace breakwater::cli {
namespace {

class WiredAgent final : public Agent {
 public:
  explicit WiredAgent(Environment environment)
      : client_(environment.client),
        clock_(environment.clock),
        random_(environment.random),
        log_(environment.log),
        events_(client_, clock_, "breakwater-agent", log_),
        operations_(std::move(environment.operations)),
        runner_(client_, clock_, random_, log_) {}

  // Operations use the runner and the controllers; they end before either goes.
  ~WiredAgent() override { operations_.reset(); }

  void add_roles(const AgentSettings& settings, const std::string& id) {
    if (settings.roles.contains("policy")) {
      add(policy::make_cluster_policy_controllers({id, ""}, runner_.reader(), client_, events_,
                                                  clock_, log_));
    }
    if (settings.roles.contains("engine")) add_engine(settings, id);
    if (settings.roles.contains("mover")) add_mover(settings, id);
  }

  void run(const CancelToken& stop) override { runner_.run(stop); }
  void wake() override { runner_.wake(); }
  kube::Runner& runner() override { return runner_; }

 private:
  void add(std::vector<kube::ControllerSpec> controllers) {
    for (kube::ControllerSpec& controller : controllers) runner_.add(std::move(controller));
  }

  velero::Enqueue enqueue() {
    return [this](const std::string& controller, const kube::Key& key) {
      runner_.enqueue(controller, key);
    };
  }

  void add_engine(const AgentSettings& settings, const std::string& id) {
    velero::EngineSettings engine;
    engine.ns = settings.ns;
    engine.cluster_id = id;
    add(velero::make_engine_controllers(
        engine, {runner_.reader(), client_, *operations_, clock_, events_, log_,
                 velero::make_store_factory(random_), velero::make_discover(client_), enqueue()}));
  }

  void add_mover(const AgentSettings& settings, const std::string& id) {
    mover::Settings mover;
    mover.engine_namespace = settings.ns;
    mover.cluster_id = id;
    add(mover::make_mover_controllers(mover, {runner_.reader(), client_, clock_, log_}));
  }

  kube::Client& client_;
  const Clock& clock_;
  Random& random_;
  Logger log_;
  kube::EventRecorder events_;
  std::unique_ptr<kube::Operations> operations_;
  kube::Runner runner_;
};

}  // namespace

Result<std::string> cluster_id(kube::Client& client) {
  for (std::string_view name : {api::kClaimOpenShift, api::kClaimKubernetes}) {
    auto claim = client.get(api::kClusterClaim, {"", std::string(name)});
    if (claim) return claim->spec()["value"].as_string();
    if (!claim.error().is(Code::kNotFound)) return tl::unexpected(claim.error());
  }
  const kube::Object system = TRY(client.get(api::kNamespace, {"", "kube-system"}));
  kube::Object claim =
      kube::Object::make(api::kClusterClaim, {"", std::string(api::kClaimKubernetes)});
  claim.set({"spec", "value"}, system.uid());
  auto created = client.create(api::kClusterClaim, claim);
  if (!created && !created.error().is(Code::kAlreadyExists)) {
    return tl::unexpected(created.error());
  }
  return system.uid();
}

Result<std::unique_ptr<Agent>> Agent::create(AgentSettings settings, Environment environment) {
  const std::string id =
      TRY(while_doing(cluster_id(environment.client), "finding the cluster's id"));
  auto agent = std::make_unique<WiredAgent>(std::move(environment));
  agent->add_roles(settings, id);
  return agent;
}

}  // namespace breakwater::cli
