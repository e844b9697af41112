#include "cli/agent.h"

#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "cli/engines.h"
#include "cli/hub_side.h"
#include "kube/events.h"
#include "kube/http_client.h"
#include "mover/mover.h"
#include "policy/cluster_policies.h"
#include "velero/engine.h"

namespace breakwater::cli {
namespace {

class WiredAgent final : public Agent {
 public:
  WiredAgent(AgentSettings settings, Environment environment)
      : settings_(std::move(settings)),
        client_(environment.client),
        clock_(environment.clock),
        random_(environment.random),
        log_(environment.log),
        events_(client_, clock_, "breakwater-agent", log_),
        operations_(std::move(environment.operations)),
        runner_(client_, clock_, random_, log_) {
    if (settings_.roles.contains("link")) {
      hub_ = std::make_unique<HubSide>(
          settings_.link, HubSideServices{client_, runner_, clock_, random_, log_,
                                          environment.connect ? std::move(environment.connect)
                                                              : connect_over_https(log_)});
    }
  }

  // Operations use the runner and the controllers; they end before either goes.
  ~WiredAgent() override { operations_.reset(); }

  Result<> start() {
    id_ = TRY(while_doing(cluster_id(client_), "finding the cluster's id"));
    if (settings_.roles.contains("policy")) {
      for (kube::ControllerSpec& controller : policy::make_cluster_policy_controllers(
               {id_, ""}, runner_.reader(), client_, events_, clock_, log_)) {
        runner_.add(std::move(controller));
      }
    }
    EngineStarts starts;
    starts.engine = [this](const std::string& ns) { return engine_of(ns); };
    starts.mover = [this](const std::string& ns) { return mover_of(ns); };
    starts.add = [this](kube::ControllerSpec controller) { runner_.add(std::move(controller)); };
    runner_.add(
        make_engines_controller({runner_.reader(), client_, clock_, log_}, std::move(starts)));
    if (hub_) TRY(hub_->start());
    return {};
  }

  void run(const CancelToken& stop) override {
    std::thread hub_thread;
    if (hub_) hub_thread = std::thread([this, &stop] { hub_->runner().run(stop); });
    runner_.run(stop);
    if (!hub_) return;
    hub_->stop();
    hub_thread.join();
  }
  void wake() override {
    for (kube::Runner* runner : runners()) runner->wake();
  }

  bool step() override {
    const std::vector<kube::Runner*> all = runners();
    const size_t first = all.size() > 1 ? random_.below(all.size()) : 0;
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[(first + i) % all.size()]->step()) return true;
    }
    return false;
  }
  bool ready() const override { return runner_.ready() || (hub_ && hub_->runner().ready()); }
  std::optional<Duration> next_due() const override {
    auto due = runner_.next_due();
    if (!hub_) return due;
    const auto other = hub_->runner().next_due();
    if (!due || (other && *other < *due)) due = other;
    return due;
  }
  uint64_t trace_hash() const override {
    return runner_.trace_hash() * 31 + (hub_ ? hub_->runner().trace_hash() : 0);
  }
  std::vector<kube::Runner*> runners() override {
    std::vector<kube::Runner*> all = {&runner_};
    if (hub_) all.push_back(&hub_->runner());
    return all;
  }

 private:
  velero::Enqueue enqueue() {
    return [this](const std::string& controller, const kube::Key& key) {
      runner_.enqueue(controller, key);
    };
  }

  std::vector<kube::ControllerSpec> engine_of(const std::string& ns) {
    if (!settings_.roles.contains("engine")) return {};
    velero::EngineSettings engine;
    engine.ns = ns;
    engine.cluster_id = id_;
    return velero::make_engine_controllers(
        engine,
        {runner_.reader(), client_, *operations_, clock_, events_, log_,
         velero::make_store_factory(random_, client_), velero::make_discover(client_), enqueue()});
  }

  std::vector<kube::ControllerSpec> mover_of(const std::string& ns) {
    if (!settings_.roles.contains("mover")) return {};
    mover::Settings mover;
    mover.engine_namespace = ns;
    mover.cluster_id = id_;
    auto controllers =
        mover::make_mover_controllers(mover, {runner_.reader(), client_, clock_, log_});
    for (kube::ControllerSpec& controller : controllers) controller.name += "/" + ns;
    return controllers;
  }

  const AgentSettings settings_;
  kube::Client& client_;
  const Clock& clock_;
  Random& random_;
  Logger log_;
  std::string id_;
  kube::EventRecorder events_;
  std::unique_ptr<kube::Operations> operations_;
  kube::Runner runner_;
  std::unique_ptr<HubSide> hub_;
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

policy::Connect connect_over_https(Logger log) {
  return [log](const kube::ClientConfig& config) -> Result<std::shared_ptr<kube::Client>> {
    std::shared_ptr<kube::Client> client = TRY(kube::make_http_client(config, log));
    return client;
  };
}

Result<std::unique_ptr<Agent>> Agent::create(AgentSettings settings, Environment environment) {
  auto agent = std::make_unique<WiredAgent>(std::move(settings), std::move(environment));
  TRY(agent->start());
  return agent;
}

}  // namespace breakwater::cli
