// Inputs of the backup policy, in few words.
#pragma once

#include <string>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/backup_policy.h"

namespace breakwater::policy::fixtures {

inline constexpr const char* kNow = "2026-11-21T12:00:00Z";

inline Time at(const char* text) { return *parse_rfc3339(text); }

inline kube::Object vm(const std::string& ns, const std::string& name, const std::string& cron,
                       std::vector<std::string> disks = {"disk"}) {
  kube::Object object = kube::Object::make(api::kVirtualMachine, {ns, name});
  object.set({"metadata", "uid"}, "uid-" + ns + "-" + name);
  if (cron != "(none)") object.set_label(api::kBackupVmLabel, cron);
  Json volumes = Json::array();
  for (const std::string& disk : disks) {
    volumes.push_back(Json::object(
        {{"name", disk}, {"persistentVolumeClaim", Json::object({{"claimName", disk}})}}));
  }
  object.set({"spec", "template", "spec", "volumes"}, volumes);
  return object;
}

inline BackupInputs inputs(std::vector<kube::Object> vms,
                           std::map<std::string, std::string> crons) {
  BackupInputs result;
  result.now = at(kNow);
  result.cluster_id = "cluster-1";
  result.ns = "openshift-adp";
  result.backup_label = api::kBackupVmLabel;
  result.crons = std::move(crons);
  result.cron_config = {"openshift-adp", std::string(api::kScheduleCronCopy)};
  result.vms = std::move(vms);
  return result;
}

// A finished Backup that was asked to save `vm`.
inline kube::Object backup(const std::string& name, const kube::Object& vm, const char* started,
                           const std::string& phase) {
  kube::Object object = kube::Object::make(api::kBackup, {"openshift-adp", name});
  object.set_annotation(vm.uid(), vm.ns() + "--" + vm.name());
  object.set({"spec", "snapshotMoveData"}, true);
  object.set({"status", "phase"}, phase);
  object.set({"status", "startTimestamp"}, started);
  return object;
}

inline kube::Object upload(const std::string& backup, const std::string& ns, const std::string& pvc,
                           const std::string& phase) {
  kube::Object object = kube::Object::make(api::kDataUpload, {"openshift-adp", backup + "-" + pvc});
  object.set_label(api::kBackupNameLabel, backup);
  object.set({"spec", "sourceNamespace"}, ns);
  object.set({"spec", "sourcePVC"}, pvc);
  object.set({"status", "phase"}, phase);
  return object;
}

inline const Desired* find(const Evaluation& evaluation, const kube::Kind& kind,
                           const std::string& name) {
  for (const Desired& desired : evaluation.desired) {
    if (desired.kind == kind && desired.object.name() == name) return &desired;
  }
  return nullptr;
}

inline const Finding* find_reason(const Evaluation& evaluation, const std::string& reason) {
  for (const Finding& finding : evaluation.findings) {
    if (finding.reason == reason) return &finding;
  }
  return nullptr;
}

}  // namespace breakwater::policy::fixtures
