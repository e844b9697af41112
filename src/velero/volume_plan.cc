#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "api/kinds.h"
#include "api/names.h"
#include "velero/collector.h"
#include "velero/volumes.h"

namespace breakwater::velero {
namespace {

constexpr std::string_view kClassAnnotation = "velero.io/csi-volumesnapshot-class";

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

class Planner {
 public:
  Planner(const kube::Object& backup, kube::Client& client, Findings& findings)
      : backup_(backup), client_(client), findings_(findings) {}

  Result<> add(const kube::Object& pvc) {
    const std::string& pv_name = pvc.spec()["volumeName"].as_string();
    if (backup_.spec()["snapshotVolumes"].is_bool() &&
        !backup_.spec()["snapshotVolumes"].as_bool()) {
      skip(pvc, "spec.snapshotVolumes of the Backup is false");
      return {};
    }
    if (pv_name.empty()) {
      findings_.warning(pvc.ns(),
                        fmt::format("PersistentVolumeClaim {} is not bound: it has no data "
                                    "to save",
                                    pvc.key().to_string()));
      skip(pvc, "not bound");
      return {};
    }
    auto pv = client_.get(api::kPersistentVolume, {"", pv_name});
    if (!pv && pv.error().is(Code::kNotFound)) {
      refuse(pvc, fmt::format("its PersistentVolume {} does not exist", pv_name));
      return {};
    }
    const kube::Object volume = TRY(std::move(pv));
    const std::string& driver = volume.spec()["csi"]["driver"].as_string();
    if (driver.empty()) {
      refuse(pvc, fmt::format("PersistentVolume {} is not a CSI volume", pv_name));
      return {};
    }
    TRY(load_classes());
    auto chosen = choose_snapshot_class(backup_, pvc, driver, classes_, findings_);
    if (!chosen) {
      refuse(pvc, chosen.error().message());
      return {};
    }
    plan_.volumes.push_back({pvc.key(), pvc.uid(), pv_name,
                             pvc.spec()["storageClassName"].as_string(), driver,
                             std::move(*chosen)});
    return {};
  }

  VolumePlan take() { return std::move(plan_); }

 private:
  void skip(const kube::Object& pvc, std::string why) {
    plan_.skipped.push_back({pvc.key(), pvc.spec()["volumeName"].as_string(), std::move(why)});
  }
  void refuse(const kube::Object& pvc, const std::string& why) {
    findings_.error(pvc.ns(), fmt::format("PersistentVolumeClaim {}: its data is not saved: {}",
                                          pvc.key().to_string(), why));
    skip(pvc, why);
  }
  Result<> load_classes() {
    if (loaded_) return {};
    classes_ = TRY(
        while_doing(client_.list(api::kVolumeSnapshotClass, ""), "listing VolumeSnapshotClasses"));
    loaded_ = true;
    return {};
  }

  const kube::Object& backup_;
  kube::Client& client_;
  Findings& findings_;
  std::vector<kube::Object> classes_;
  bool loaded_ = false;
  VolumePlan plan_;
};

}  // namespace

Json Volume::to_json() const {
  return Json::object({{"ns", pvc.ns},
                       {"pvc", pvc.name},
                       {"uid", pvc_uid},
                       {"pv", pv},
                       {"storageClass", storage_class},
                       {"driver", driver},
                       {"snapshotClass", snapshot_class}});
}

Volume Volume::from_json(const Json& json) {
  return {{json["ns"].as_string(), json["pvc"].as_string()},
          json["uid"].as_string(),
          json["pv"].as_string(),
          json["storageClass"].as_string(),
          json["driver"].as_string(),
          json["snapshotClass"].as_string()};
}

Result<std::string> choose_snapshot_class(const kube::Object& backup, const kube::Object& pvc,
                                          const std::string& driver,
                                          const std::vector<kube::Object>& classes,
                                          Findings& findings) {
  std::vector<const kube::Object*> usable, labelled, defaults;
  for (const kube::Object& candidate : classes) {
    if (candidate["driver"].as_string() != driver) continue;
    usable.push_back(&candidate);
    if (candidate.has_label(api::kSnapshotClassLabel)) labelled.push_back(&candidate);
    if (candidate.annotation(api::kDefaultSnapshotClassAnnotation) == "true")
      defaults.push_back(&candidate);
  }
  for (const std::string& asked :
       {pvc.annotation(kClassAnnotation),
        backup.annotation(fmt::format("{}_{}", kClassAnnotation, lower(driver)))}) {
    if (asked.empty()) continue;
    for (const kube::Object* candidate : usable)
      if (candidate->name() == asked) return asked;
    return fail(Code::kNotFound,
                "there is no VolumeSnapshotClass {} of driver {}, which {} asks for", asked, driver,
                kClassAnnotation);
  }
  if (!labelled.empty()) return labelled.front()->name();
  if (defaults.size() > 1)
    findings.warning("", fmt::format("driver {} has {} default VolumeSnapshotClasses; {} is taken",
                                     driver, defaults.size(), defaults.front()->name()));
  if (!defaults.empty()) return defaults.front()->name();
  if (usable.size() == 1) return usable.front()->name();
  return fail(Code::kNotFound,
              "driver {} has {} VolumeSnapshotClasses; label the one to use with {}: \"true\"",
              driver, usable.size(), api::kSnapshotClassLabel);
}

Result<VolumePlan> plan_volumes(const kube::Object& backup, const backupstore::Archive& items,
                                kube::Client& client, Findings& findings) {
  Planner planner(backup, client, findings);
  const std::string claims = api::kPersistentVolumeClaim.group_resource();
  for (const auto& [key, json] : items.items())
    if (key.group_resource == claims) TRY(planner.add(kube::Object(json)));
  return planner.take();
}

}  // namespace breakwater::velero
