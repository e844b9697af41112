#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "apiserver/api_server.h"
#include "apiserver/http_server.h"
#include "apiserver/rest.h"
#include "apiserver/tokens.h"
#include "base/file.h"
#include "kube/events.h"
#include "kube/kubeconfig.h"
#include "kube/operations.h"
#include "kube/runner.h"
#include "sandbox/node.h"
#include "sandbox/rest_raw.h"
#include "sandbox/setup.h"
#include "sandbox/signer.h"
#include "sandbox/storage_driver.h"
#include "volume/shared_extents.h"

namespace breakwater::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr int kCopyThreads = 4;
constexpr auto kCollectPeriod = std::chrono::seconds(10);

// Calls collect() whenever something has changed, on a thread of its own.
class Collector {
 public:
  explicit Collector(apiserver::ApiServer& server) : server_(server) {
    server_.set_wake([this] { wake(); });
    thread_ = std::thread([this] { loop(); });
  }
  ~Collector() {
    server_.set_wake({});
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

 private:
  void wake() {
    {
      std::lock_guard lock(mutex_);
      dirty_ = true;
    }
    changed_.notify_one();
  }
  void loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      dirty_ = false;
      lock.unlock();
      const bool more = server_.collect();
      lock.lock();
      if (more) continue;
      changed_.wait_for(lock, kCollectPeriod, [this] { return dirty_ || stopping_; });
    }
  }
  apiserver::ApiServer& server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool dirty_ = true, stopping_ = false;
  std::thread thread_;
};

// Two processes on one directory would each believe the files are theirs.
Result<Fd> lock_directory(const fs::path& directory) {
  const fs::path path = directory / "lock";
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return tl::unexpected(errno_error("opening", path));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::kUnavailable, "another sandbox runs in {}", directory.string());
  }
  return fd;
}

uint16_t last_port(const fs::path& directory) {
  auto text = read_file(directory / "port");
  return text ? static_cast<uint16_t>(std::atoi(text->c_str())) : 0;
}

class RunningSandbox final : public Sandbox {
 public:
  RunningSandbox(SandboxSettings settings, const Clock& clock, Random& random, Logger log)
      : settings_(std::move(settings)), clock_(clock), random_(random), log_(std::move(log)) {}

  ~RunningSandbox() override {
    stop_.cancel();
    if (runner_) runner_->wake();
    if (thread_.joinable()) thread_.join();
    if (http_) http_->stop();
    if (server_) server_->set_raw_handler({});
    collector_.reset();
    // Copies and pods report their ends to the runner, whose controllers use storage and node.
    operations_.reset();
    processes_.reset();
    runner_.reset();
  }

  Result<> start() {
    TRY(make_directories(settings_.directory, 0700));
    lock_ = TRY(lock_directory(settings_.directory));
    TRY(open_api());
    pki_ = TRY(load_certificates(settings_.directory, clock_.now()));
    TRY(make_controllers());
    TRY(listen());
    collector_ = std::make_unique<Collector>(*server_);
    thread_ = std::thread([this] { runner_->run(stop_); });
    return {};
  }

  std::unique_ptr<kube::Client> client(apiserver::User user) override {
    return server_->client(std::move(user));
  }
  std::string url() const override { return fmt::format("https://127.0.0.1:{}", http_->port()); }
  fs::path kubeconfig() const override { return settings_.directory / "kubeconfig"; }
  kube::ClientConfig admin() const override {
    kube::ClientConfig admin;
    admin.server = url();
    admin.ca_pem = pki_.ca.cert_pem;
    admin.client_cert_pem = pki_.admin.cert_pem;
    admin.client_key_pem = pki_.admin.key_pem;
    return admin;
  }

 private:
  Result<> open_api() {
    apiserver::Settings settings;
    settings.database = settings_.directory / "api.sqlite";
    settings.cluster_name = settings_.name;
    server_ = TRY(apiserver::ApiServer::open(settings, clock_, random_, log_));
    TRY(server_->install_crds(TRY(embedded_crds(settings_.olm))));
    client_ = server_->client(apiserver::admin_user());
    if (settings_.hub) return furnish_hub(*client_);
    return furnish(*client_, volume::shares_extents(settings_.directory));
  }

  // What every cluster has, hubs too.
  Result<> make_controllers() {
    runner_ = std::make_unique<kube::Runner>(*client_, clock_, random_, log_);
    add(make_signer_controllers({runner_->reader(), *client_, clock_, pki_.ca, log_}));
    return settings_.hub ? Result<>() : make_node();
  }

  // Volumes, and pods that use them.
  Result<> make_node() {
    files_ = std::make_unique<StorageDirectory>(TRY(StorageDirectory::open(settings_.directory)));
    operations_ = kube::make_operations(kCopyThreads);
    events_ = std::make_unique<kube::EventRecorder>(*client_, clock_, "sandbox", log_);
    const auto enqueue = [this](const std::string& controller, const kube::Key& key) {
      runner_->enqueue(controller, key);
    };
    storage_ = std::make_unique<StorageContext>(StorageContext{
        runner_->reader(), *client_, clock_, *events_, *operations_, *files_, enqueue, log_});
    TRY(sweep_storage(*storage_));
    add(make_storage_controllers(*storage_));
    processes_ = TRY(make_processes());
    NodeSettings node;
    node.directory = settings_.directory;
    node.binary = settings_.binary;
    node_ =
        TRY(Node::create(node, {runner_->reader(), *client_, clock_, *processes_, enqueue, log_}));
    add(node_->make_controllers());
    runner_->enqueue(std::string(kNodeController), node_->node_key());
    return {};
  }

  void add(std::vector<kube::ControllerSpec> controllers) {
    for (auto& controller : controllers) runner_->add(std::move(controller));
  }

  Result<> listen() {
    tokens_ = std::make_unique<apiserver::BootstrapTokens>(server_->reader(), clock_);
    rest_ = std::make_unique<apiserver::Rest>(*server_, node_.get(), clock_);
    server_->set_raw_handler([this](const apiserver::User& user, const std::string& path) {
      return get_raw(*rest_, user, path);
    });
    apiserver::HttpSettings http;
    http.port = settings_.port != 0 ? settings_.port : last_port(settings_.directory);
    http.cert_pem = pki_.server.cert_pem;
    http.key_pem = pki_.server.key_pem;
    http.client_ca_pem = pki_.ca.cert_pem;
    http_ = TRY(apiserver::HttpServer::start(http, *rest_, *tokens_, log_));
    TRY(write_file(settings_.directory / "port", std::to_string(http_->port())));
    return write_file(kubeconfig(), kube::write_kubeconfig(settings_.name, admin()), 0600);
  }

  const SandboxSettings settings_;
  const Clock& clock_;
  Random& random_;
  Logger log_;
  CancelToken stop_;
  Fd lock_;
  Certificates pki_;
  // In the order of their dependence; destroyed from the last to the first.
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<StorageDirectory> files_;
  std::unique_ptr<kube::EventRecorder> events_;
  std::unique_ptr<kube::Operations> operations_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<kube::Runner> runner_;
  std::unique_ptr<StorageContext> storage_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<apiserver::BootstrapTokens> tokens_;
  std::unique_ptr<apiserver::Rest> rest_;
  std::unique_ptr<apiserver::HttpServer> http_;
  std::unique_ptr<Collector> collector_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Sandbox>> Sandbox::start(SandboxSettings settings, const Clock& clock,
                                                Random& random, Logger log) {
  auto sandbox =
      std::make_unique<RunningSandbox>(std::move(settings), clock, random, std::move(log));
  TRY(while_doing(sandbox->start(), "starting the sandbox"));
  return sandbox;
}

Result<std::string> sandbox_url(const fs::path& directory) {
  auto config = kube::load_kubeconfig(directory / "kubeconfig");
  if (config) return config->server;
  if (!config.error().is(Code::kNotFound)) return tl::unexpected(config.error());
  return fail(Code::kNotFound, "no sandbox was started in {}", directory.string());
}

}  // namespace breakwater::sandbox
