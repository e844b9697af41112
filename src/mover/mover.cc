#include "mover/mover.h"

#include "api/kinds.h"
#include "mover/data_download.h"
#include "mover/data_upload.h"

namespace breakwater::mover {
namespace {

using kube::Key;
using kube::Outcome;

// What both directions share; it lives as long as the last of them.
struct Shared {
  Settings settings;
  Environment environment;
  std::shared_ptr<Slots> slots;

  Shared(Settings given, Environment outside)
      : settings(std::move(given)),
        environment(std::move(outside)),
        slots(std::make_shared<Slots>(settings, environment)) {}
};

class Mover final : public kube::Reconciler {
 public:
  using MakeDirection = std::unique_ptr<Direction>(const Settings&, const Environment&);

  Mover(std::shared_ptr<Shared> shared, MakeDirection* make)
      : shared_(std::move(shared)),
        reconciler_(shared_->settings, shared_->environment, shared_->slots,
                    make(shared_->settings, shared_->environment)) {}

  Outcome reconcile(const Key& key) override { return reconciler_.reconcile(key); }

 private:
  const std::shared_ptr<Shared> shared_;
  MoveReconciler reconciler_;
};

// Owned objects of the engine's namespace wake their move; what is elsewhere is polled.
kube::ControllerSpec make_controller(std::string name, const kube::Kind& kind,
                                     const std::shared_ptr<Shared>& shared,
                                     Mover::MakeDirection* make) {
  const std::string& ns = shared->settings.engine_namespace;
  kube::ControllerSpec spec;
  spec.name = std::move(name);
  spec.reconciler = std::make_unique<Mover>(shared, make);
  spec.sources.push_back({kind, ns, kube::map_to_self});
  spec.sources.push_back({api::kPod, ns, kube::map_to_owner(kind)});
  spec.sources.push_back({api::kPersistentVolumeClaim, ns, kube::map_to_owner(kind)});
  return spec;
}

}  // namespace

std::vector<kube::ControllerSpec> make_mover_controllers(Settings settings,
                                                         Environment environment) {
  const auto shared = std::make_shared<Shared>(std::move(settings), std::move(environment));
  std::vector<kube::ControllerSpec> specs;
  specs.push_back(make_controller("data-upload", api::kDataUpload, shared, make_upload_direction));
  specs.back().sources.push_back({api::kVolumeSnapshot, shared->settings.engine_namespace,
                                  kube::map_to_owner(api::kDataUpload)});
  specs.push_back(
      make_controller("data-download", api::kDataDownload, shared, make_download_direction));
  return specs;
}

}  // namespace breakwater::mover
