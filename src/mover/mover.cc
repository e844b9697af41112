#include "mover/mover.h"

#include "api/kinds.h"
#include "mover/data_download.h"
#include "mover/data_mover_options.h"
#include "mover/data_upload.h"
#include "mover/location_secret.h"
#include "mover/snapshot_backup.h"
#include "mover/snapshot_base.h"
#include "mover/snapshot_restore.h"

namespace breakwater::mover {
namespace {

using kube::Key;
using kube::Outcome;

// What all directions share; it lives as long as the last of them.
struct Shared {
  Settings settings;
  Environment environment;

  Shared(Settings given, Environment outside)
      : settings(std::move(given)), environment(std::move(outside)) {}
};
using SharedPtr = std::shared_ptr<Shared>;

// A reconciler that keeps what it refers to alive.
class Kept final : public kube::Reconciler {
 public:
  Kept(SharedPtr shared, std::unique_ptr<kube::Reconciler> reconciler)
      : shared_(std::move(shared)), reconciler_(std::move(reconciler)) {}
  Outcome reconcile(const Key& key) override { return reconciler_->reconcile(key); }

 private:
  const SharedPtr shared_;
  const std::unique_ptr<kube::Reconciler> reconciler_;
};

using MakeDirection = std::unique_ptr<Direction>(const Settings&, const Environment&);

// Objects made in the engine's namespace wake their move; what is elsewhere is polled.
kube::ControllerSpec make_controller(std::string name, const kube::Kind& kind,
                                     const SharedPtr& shared, std::shared_ptr<Slots> slots,
                                     MakeDirection* make) {
  const std::string& ns = shared->settings.engine_namespace;
  kube::ControllerSpec spec;
  spec.name = std::move(name);
  auto reconciler =
      std::make_unique<MoveReconciler>(shared->settings, shared->environment, std::move(slots),
                                       make(shared->settings, shared->environment));
  spec.reconciler = std::make_unique<Kept>(shared, std::move(reconciler));
  const bool is_velero = kind == api::kDataUpload || kind == api::kDataDownload;
  spec.sources.push_back({kind, is_velero ? ns : "", kube::map_to_self});
  for (const kube::Kind* child :
       {&api::kPod, &api::kPersistentVolumeClaim, &api::kVolumeSnapshot}) {
    spec.sources.push_back({*child, ns, map_to_move(kind)});
  }
  return spec;
}

std::shared_ptr<Slots> make_slots(const Shared& shared, std::vector<kube::Kind> kinds,
                                  std::string ns, Slots::Limit limit) {
  return std::make_shared<Slots>(shared.settings, shared.environment, std::move(kinds),
                                 std::move(ns), std::move(limit));
}

}  // namespace

std::vector<kube::ControllerSpec> make_mover_controllers(Settings settings,
                                                         Environment environment) {
  const auto shared = std::make_shared<Shared>(std::move(settings), std::move(environment));
  const auto velero =
      make_slots(*shared, {api::kDataUpload, api::kDataDownload}, shared->settings.engine_namespace,
                 [limit = shared->settings.concurrency] { return limit; });
  std::vector<kube::ControllerSpec> specs;
  specs.push_back(
      make_controller("data-upload", api::kDataUpload, shared, velero, make_upload_direction));
  specs.push_back(make_controller("data-download", api::kDataDownload, shared, velero,
                                  make_download_direction));
  const auto option = [shared](int DataMoverOptions::*member) {
    return [shared, member]() -> Result<int> {
      return TRY(data_mover_options(shared->settings, shared->environment)).*member;
    };
  };
  specs.push_back(make_controller(
      "volume-snapshot-backup", api::kVolumeSnapshotBackup, shared,
      make_slots(*shared, {api::kVolumeSnapshotBackup}, "", option(&DataMoverOptions::backups)),
      make_snapshot_backup_direction));
  specs.push_back(make_controller(
      "volume-snapshot-restore", api::kVolumeSnapshotRestore, shared,
      make_slots(*shared, {api::kVolumeSnapshotRestore}, "", option(&DataMoverOptions::restores)),
      make_snapshot_restore_direction));
  specs.push_back(make_base_controller(shared->settings, shared->environment));
  specs.push_back(make_location_secret_controller(shared->settings, shared->environment));
  for (kube::ControllerSpec* spec : {&specs[specs.size() - 2], &specs.back()}) {
    spec->reconciler = std::make_unique<Kept>(shared, std::move(spec->reconciler));
  }
  return specs;
}

}  // namespace breakwater::mover
