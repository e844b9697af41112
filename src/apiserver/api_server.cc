#include "apiserver/api_server.h"

#include <mutex>

#include "apiserver/bootstrap.h"
#include "apiserver/collector.h"
#include "apiserver/core.h"
#include "apiserver/local_client.h"
#include "apiserver/owner_index.h"

namespace breakwater::apiserver {
namespace {

constexpr kube::Kind kDefinitions{"apiextensions.k8s.io",      "v1",  "CustomResourceDefinition",
                                  "customresourcedefinitions", false, true};

class ApiServerImpl final : public ApiServer {
 public:
  ApiServerImpl(Settings settings, const Clock& clock, Random& random, Logger log)
      : settings_(std::move(settings)), clock_(clock), random_(random), log_(std::move(log)) {}

  Result<> start();
  Result<> install_crds(const std::vector<Json>& crds) override;
  std::unique_ptr<kube::Client> client(User user) override;
  bool collect() override;
  void set_wake(std::function<void()> wake) override { hub_.set_wake_all(std::move(wake)); }
  void set_raw_handler(RawHandler handler) override;
  const Registry& registry() const override { return registry_; }
  kube::Reader& reader() override { return *reader_; }
  uint64_t resource_version() const override { return storage_->version(); }

 private:
  Result<> load_definitions();
  Result<> bootstrap();
  Result<> install_crd(kube::Object crd);
  Result<std::string> raw(const User& user, const std::string& path);

  const Settings settings_;
  const Clock& clock_;
  Random& random_;
  Logger log_;
  Registry registry_;
  OwnerIndex owners_;
  WakeHub hub_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<kube::Client> reader_;
  std::mutex collect_mutex_;
  std::unique_ptr<Collector> collector_;
  std::mutex raw_mutex_;
  RawHandler raw_;
};

Result<> ApiServerImpl::start() {
  storage_ = TRY(Storage::open(
      settings_.database, settings_.history,
      [this](const TableId& table, const Change& change) { owners_.observe(table, change); }));
  core_ = std::make_unique<Core>(settings_, *storage_, registry_, hub_, clock_, random_);
  reader_ = make_local_client(*core_, registry_, nullptr, nullptr, admin_user());
  collector_ = std::make_unique<Collector>(settings_, *core_, owners_, clock_, log_);
  TRY(load_definitions());
  return bootstrap();
}

// Definitions that were stored are served again before anybody asks for their kinds.
Result<> ApiServerImpl::load_definitions() {
  const auto crds = TRY(reader_->list(kDefinitions, ""));
  for (const kube::Object& crd : crds) {
    TRY(while_doing(registry_.add_crd(crd.json()), "loading {} from {}", crd.name(),
                    settings_.database.string()));
  }
  return {};
}

Result<> ApiServerImpl::bootstrap() {
  for (const kube::Object& object : bootstrap_objects()) {
    const std::string& version = object.api_version();
    const size_t slash = version.find('/');
    const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
    const auto kind = TRY(registry_.find_kind(group, "v1", object.kind()));
    if (storage_->find(table_of(*kind), object.key())) continue;
    TRY(core_->create(*kind, object));
  }
  return {};
}

Result<> ApiServerImpl::install_crds(const std::vector<Json>& crds) {
  for (const Json& crd : crds) {
    TRY(while_doing(install_crd(kube::Object(crd)), "installing {}",
                    crd.at({"metadata", "name"}).as_string()));
  }
  return {};
}

// The stored definition gets the labels, annotations and spec of the one given.
Result<> ApiServerImpl::install_crd(kube::Object crd) {
  const auto existing = reader_->get(kDefinitions, {"", crd.name()});
  if (existing && existing->is_deleting()) {
    return fail(Code::kConflict, "it is being deleted");
  }
  if (!existing) {
    crd.erase({"status"});
    TRY(reader_->create(kDefinitions, crd));
    return {};
  }
  kube::Object next = *existing;
  for (const char* member : {"labels", "annotations"}) {
    for (const auto& [name, value] : crd.metadata()[member].members()) {
      next.set({"metadata", member, name}, value);
    }
  }
  next.set({"spec"}, crd.spec());
  TRY(reader_->update(kDefinitions, next));
  return {};
}

std::unique_ptr<kube::Client> ApiServerImpl::client(User user) {
  return make_local_client(
      *core_, registry_, reader_.get(),
      [this](const User& who, const std::string& path) { return raw(who, path); }, std::move(user));
}

Result<std::string> ApiServerImpl::raw(const User& user, const std::string& path) {
  RawHandler handler;
  {
    std::lock_guard lock(raw_mutex_);
    handler = raw_;
  }
  if (!handler) return fail(Code::kUnsupported, "nothing serves {} in this process", path);
  return handler(user, path);
}

void ApiServerImpl::set_raw_handler(RawHandler handler) {
  std::lock_guard lock(raw_mutex_);
  raw_ = std::move(handler);
}

bool ApiServerImpl::collect() {
  std::lock_guard lock(collect_mutex_);
  return collector_->round();
}

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::open(Settings settings, const Clock& clock,
                                                   Random& random, Logger log) {
  auto server = std::make_unique<ApiServerImpl>(std::move(settings), clock, random, std::move(log));
  TRY(server->start());
  return std::unique_ptr<ApiServer>(std::move(server));
}

}  // namespace breakwater::apiserver
