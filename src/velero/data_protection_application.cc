#include "velero/data_protection_application.h"

#include <fmt/format.h>

#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "kube/names.h"
#include "velero/dpa_data_mover.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using kube::Object;
using kube::Outcome;

constexpr char kReconciled[] = "Reconciled";
constexpr Duration kLookAgain = std::chrono::minutes(5);
constexpr Duration kLookAgainSoon = std::chrono::seconds(30);

std::string unsupported_provider(const Object& dpa);

class DpaReconciler final : public kube::Reconciler {
 public:
  explicit DpaReconciler(ContextPtr context) : context_(std::move(context)) {}

  Outcome reconcile(const kube::Key& key) override {
    auto found = services().reader.get(api::kDataProtectionApplication, key);
    if (!found && found.error().is(Code::kNotFound)) return Outcome::done();
    const Object dpa = TRY(std::move(found));
    if (dpa.is_deleting()) return Outcome::done();
    std::string refusal = check_dpa(dpa);
    if (refusal.empty()) {
      std::set<std::string> wanted;
      for (const Object& location : locations_of_dpa(dpa)) {
        wanted.insert(location.name());
        std::string clash = TRY(apply(dpa, location));
        if (refusal.empty()) refusal = std::move(clash);
      }
      TRY(remove_others(dpa, wanted));
    }
    if (refusal.empty()) refusal = unsupported_provider(dpa);
    if (refusal.empty()) refusal = check_data_mover(dpa);
    if (refusal.empty()) refusal = TRY(check_data_mover_objects(services().client, dpa));
    TRY(report(dpa, refusal));
    if (!dpa.spec()["features"]["dataMover"]["enable"].as_bool()) return Outcome::done();
    // What it names may come and go.
    return Outcome::again_after(refusal.empty() ? kLookAgain : kLookAgainSoon);
  }

 private:
  const EngineServices& services() const { return context_->services; }

  // The sentence to report if the name belongs to somebody else; "" on success.
  Result<std::string> apply(const Object& dpa, const Object& location) {
    auto there = services().client.get(api::kBackupStorageLocation, location.key());
    if (!there && there.error().is(Code::kNotFound)) {
      TRY(services().client.create(api::kBackupStorageLocation, location));
      return std::string();
    }
    Object current = TRY(std::move(there));
    if (current.controller_uid() != dpa.uid())
      return fmt::format("spec.backupLocations: BackupStorageLocation {} exists and is not ours",
                         location.name());
    Object next = current;
    next.set({"spec"}, location.spec());
    if (!(next == current)) TRY(services().client.update(api::kBackupStorageLocation, next));
    return std::string();
  }

  Result<> remove_others(const Object& dpa, const std::set<std::string>& wanted) {
    auto all = TRY(services().client.list(api::kBackupStorageLocation, dpa.ns()));
    for (const Object& location : all) {
      if (location.controller_uid() != dpa.uid() || wanted.contains(location.name())) continue;
      kube::DeleteOptions only_this;
      only_this.uid = location.uid();
      TRY(kube::remove_if_exists(services().client, api::kBackupStorageLocation, location.key(),
                                 only_this));
    }
    return {};
  }

  Result<> report(const Object& dpa, const std::string& refusal) {
    Object next = dpa;
    bool ok = refusal.empty();
    if (!kube::set_condition(next, kReconciled, ok ? "True" : "False", ok ? "Complete" : "Error",
                             ok ? "Reconcile complete" : refusal, services().clock.now()))
      return {};
    if (!ok) services().events.warning(dpa, "NotOffered", refusal);
    TRY(services().client.update_status(api::kDataProtectionApplication, next));
    return {};
  }

  const ContextPtr context_;
};

std::string check_location(const Json& entry, size_t index) {
  const Json& velero = entry["velero"];
  if (velero.is_null()) return fmt::format("spec.backupLocations[{}].velero: must be given", index);
  const std::string& provider = velero["provider"].as_string();
  if (velero["objectStorage"]["bucket"].as_string().empty())
    return fmt::format("spec.backupLocations[{}].velero.objectStorage.bucket: must be given",
                       index);
  if (provider == api::kLocalProvider && velero["config"]["path"].as_string().empty())
    return fmt::format("spec.backupLocations[{}].velero.config.path: must name a directory", index);
  return "";
}

std::string check_names(const Object& dpa) {
  std::set<std::string> names, defaults;
  for (const Object& location : locations_of_dpa(dpa)) {
    if (!kube::is_dns_subdomain(location.name()))
      return fmt::format("spec.backupLocations: \"{}\" is no name for a BackupStorageLocation",
                         location.name());
    if (!names.insert(location.name()).second)
      return fmt::format("spec.backupLocations: two locations are called {}", location.name());
    if (location.spec()["default"].as_bool()) defaults.insert(location.name());
  }
  if (defaults.size() > 1)
    return fmt::format("spec.backupLocations: {} and {} are both the default; one may be",
                       *defaults.begin(), *std::next(defaults.begin()));
  return "";
}

// Such a location is created all the same, and says on its own why it is Unavailable.
std::string unsupported_provider(const Object& dpa) {
  const auto& entries = dpa.spec()["backupLocations"].items();
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string& provider = entries[i]["velero"]["provider"].as_string();
    if (provider != api::kLocalProvider && provider != api::kS3Provider)
      return fmt::format(
          "spec.backupLocations[{}].velero.provider: {} is not supported; {} and {} are", i,
          provider, api::kS3Provider, api::kLocalProvider);
  }
  return "";
}

}  // namespace

std::string check_dpa(const Object& dpa) {
  const Json& spec = dpa.spec();
  if (!spec["snapshotLocations"].empty())
    return "spec.snapshotLocations: volume-snapshot locations are not offered: leave the field out "
           "and "
           "volumes are saved by CSI snapshots";
  if (spec["configuration"]["restic"]["enable"].as_bool())
    return "spec.configuration.restic.enable: file-system backup is not offered: set it to false";
  const auto& entries = spec["backupLocations"].items();
  if (entries.empty()) return "spec.backupLocations: at least one location must be given";
  for (size_t i = 0; i < entries.size(); ++i)
    if (std::string wrong = check_location(entries[i], i); !wrong.empty()) return wrong;
  return check_names(dpa);
}

std::vector<Object> locations_of_dpa(const Object& dpa) {
  std::vector<Object> result;
  size_t n = 0;
  for (const Json& entry : dpa.spec()["backupLocations"].items()) {
    ++n;
    std::string name = entry["name"].as_string();
    if (name.empty()) name = fmt::format("{}-{}", dpa.name(), n);
    Object location = Object::make(api::kBackupStorageLocation, {dpa.ns(), name});
    location.set_label(api::kManagedByLabel, api::kManagedBy);
    location.add_owner(dpa, true);
    location.set({"spec"}, entry["velero"]);
    result.push_back(std::move(location));
  }
  return result;
}

kube::ControllerSpec make_dpa_controller(ContextPtr context) {
  const std::string ns = context->settings.ns;
  kube::ControllerSpec spec;
  spec.name = controller_name(*context, kDpaController);
  spec.sources.push_back({api::kDataProtectionApplication, ns, kube::map_to_self});
  spec.sources.push_back(
      {api::kBackupStorageLocation, ns, kube::map_to_owner(api::kDataProtectionApplication)});
  spec.reconciler = std::make_unique<DpaReconciler>(std::move(context));
  return spec;
}

}  // namespace breakwater::velero
