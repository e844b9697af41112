#include "tests/sim/cluster.h"

#include "sandbox/setup.h"

namespace breakwater::sim {

Cluster::Cluster(std::filesystem::path directory, const Clock& clock, const SeededRandom& random,
                 const Swarm& swarm, Trace& trace, Logger log)
    : directory_(std::move(directory)),
      clock_(clock),
      server_random_(random.fork("server")),
      runner_random_(random.fork("runner")),
      worker_random_(random.fork("workers")),
      log_(std::move(log)),
      workers_(clock, worker_random_, swarm, trace, log_) {}

// Controllers go before what they work with.
Cluster::~Cluster() {
  rest_.reset();
  runner_.reset();
}

Result<std::unique_ptr<Cluster>> Cluster::create(std::filesystem::path directory,
                                                 const Clock& clock, const SeededRandom& random,
                                                 const Swarm& swarm, Trace& trace, Logger log) {
  std::unique_ptr<Cluster> cluster(
      new Cluster(std::move(directory), clock, random, swarm, trace, std::move(log)));
  TRY(while_doing(cluster->start(), "starting the cluster"));
  return cluster;
}

Result<> Cluster::start() {
  server_ = TRY(apiserver::ApiServer::open({}, clock_, server_random_, log_));
  TRY(server_->install_crds(TRY(sandbox::embedded_crds())));
  client_ = server_->client(apiserver::admin_user());
  TRY(sandbox::furnish(*client_));
  files_ =
      std::make_unique<sandbox::StorageDirectory>(TRY(sandbox::StorageDirectory::open(directory_)));
  operations_ = kube::make_inline_operations();
  events_ = std::make_unique<kube::EventRecorder>(*client_, clock_, "sandbox", log_);
  runner_ = std::make_unique<kube::Runner>(*client_, clock_, runner_random_, log_);
  const auto enqueue = [this](const std::string& controller, const kube::Key& key) {
    runner_->enqueue(controller, key);
  };
  storage_ = std::make_unique<sandbox::StorageContext>(sandbox::StorageContext{
      runner_->reader(), *client_, clock_, *events_, *operations_, *files_, enqueue, log_});
  for (auto& controller : sandbox::make_storage_controllers(*storage_)) {
    runner_->add(std::move(controller));
  }
  sandbox::NodeSettings settings;
  settings.directory = directory_;
  settings.binary = "/breakwater";
  node_ = TRY(sandbox::Node::create(
      settings, {runner_->reader(), *client_, clock_, workers_, enqueue, log_}));
  for (auto& controller : node_->make_controllers()) runner_->add(std::move(controller));
  runner_->enqueue(std::string(sandbox::kNodeController), node_->node_key());
  rest_ = std::make_unique<apiserver::Rest>(*server_, node_.get(), clock_);
  return {};
}

}  // namespace breakwater::sim
