#include "velero/storage_location.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "api/kinds.h"
#include "backupstore/backup_store.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using kube::Object;
using kube::Outcome;

Result<> look(const Context& context, const Object& location) {
  if (location.spec()["objectStorage"]["bucket"].as_string().empty())
    return fail(Code::kInvalid, "spec.objectStorage.bucket: a bucket must be named");
  auto store = TRY(context.services.open_store(location));
  if (location.spec()["accessMode"].as_string() != "ReadOnly") TRY(store->prepare_writing());
  return backupstore::BackupStore(*store).check_layout();
}

class StorageLocationReconciler final : public kube::Reconciler {
 public:
  explicit StorageLocationReconciler(ContextPtr context) : context_(std::move(context)) {}

  Outcome reconcile(const kube::Key& key) override {
    auto found = services().reader.get(api::kBackupStorageLocation, key);
    if (!found && found.error().is(Code::kNotFound)) return Outcome::done();
    Object location = TRY(std::move(found));
    if (location.is_deleting()) return Outcome::done();
    const Json& frequency = location.spec()["validationFrequency"];
    Duration period = parse_duration(frequency.as_string()).value_or(Duration(-1));
    if (period.count() < 0) period = context_->settings.validation_period;
    if (auto wait = until_due(location, period)) return Outcome::again_after(*wait);

    // The spec is part of the id, so that a changed location is not judged by the old one.
    const std::string id = fmt::format("location/{}/{}", location.uid(), to_json(location.spec()));
    auto looked = run_operation(*context_, kStorageLocationController, key, id,
                                [context = context_, location](const CancelToken&) -> Result<Json> {
                                  auto result = look(*context, location);
                                  return Json(result ? "" : result.error().to_string());
                                });
    const std::optional<Json> message = TRY(std::move(looked));
    if (!message) return Outcome::again_after(std::chrono::seconds(30));
    services().operations.forget(id);
    return report(std::move(location), message->as_string());
  }

 private:
  const EngineServices& services() const { return context_->services; }

  // Nothing if a look is due. A changed spec is looked at at once.
  std::optional<Duration> until_due(const Object& location, Duration period) {
    if (location.phase().empty()) return std::nullopt;
    auto judged = judged_.find(location.uid());
    if (judged == judged_.end() || !(judged->second == location.spec())) return std::nullopt;
    if (period.count() == 0) return std::chrono::hours(24);
    Time last = time_or(location.status()["lastValidationTime"], Time());
    Duration left = last + period - services().clock.now();
    if (left.count() <= 0) return std::nullopt;
    return left;
  }

  Outcome report(Object location, const std::string& message) {
    judged_[location.uid()] = location.spec();
    const bool was_available = location.phase() == "Available";
    location.set({"status", "phase"}, message.empty() ? "Available" : "Unavailable");
    location.set({"status", "lastValidationTime"}, format_rfc3339(services().clock.now()));
    if (message.empty()) {
      location.erase({"status", "message"});
    } else {
      location.set({"status", "message"}, message);
      if (was_available) services().events.warning(location, "Unavailable", message);
    }
    return write_object(*context_, api::kBackupStorageLocation, location);
  }

  const ContextPtr context_;
  std::map<std::string, Json> judged_;  // spec by uid
};

}  // namespace

kube::ControllerSpec make_storage_location_controller(ContextPtr context) {
  kube::ControllerSpec spec;
  spec.name = controller_name(*context, kStorageLocationController);
  spec.sources.push_back({api::kBackupStorageLocation, context->settings.ns, kube::map_to_self});
  spec.reconciler = std::make_unique<StorageLocationReconciler>(std::move(context));
  return spec;
}

}  // namespace breakwater::velero
