// Inputs of the restore policy, in few words.
#pragma once

#include <string>
#include <utility>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/restore_policy.h"
#include "tests/policy/fixtures.h"

namespace breakwater::policy::fixtures {

// Backup b-1 of this cluster, with vm-1 and vm-10 in "app", vm-1 in "other", "c" in "a--b".
inline kube::Object saved_backup(bool stamped = true) {
  kube::Object backup = kube::Object::make(api::kBackup, {"openshift-adp", "b-1"});
  if (stamped) backup.set_label(api::kManagedByLabel, api::kManagedBy);
  backup.set_annotation("uid-1", "app--vm-1");
  backup.set_annotation("uid-10", "app--vm-10");
  backup.set_annotation("uid-other", "other--vm-1");
  backup.set_annotation("uid-dashes", "a--b--c");
  backup.set({"spec", "includedNamespaces"}, Json::array({"app", "other", "a--b"}));
  backup.set({"spec", "storageLocation"}, "dpa-1");
  backup.set({"status", "phase"}, "Completed");
  return backup;
}

inline RestoreInputs asking(std::initializer_list<std::pair<const char*, const char*>> data) {
  RestoreInputs inputs;
  inputs.cluster_id = "id-1";
  inputs.ns = "openshift-adp";
  inputs.restore = Json::object();
  for (const auto& [key, value] : data) inputs.restore->set(key, value);
  inputs.restore_config = {"hub", "restore-config"};
  inputs.backups = {saved_backup()};
  kube::Object location =
      kube::Object::make(api::kBackupStorageLocation, {"openshift-adp", "dpa-1"});
  location.set({"spec", "default"}, true);
  location.set({"spec", "objectStorage", "prefix"}, "hub-a/id-1");
  inputs.locations = {location};
  return inputs;
}

inline const kube::Object* restore_of(const Evaluation& evaluation,
                                      const std::string& name = "r-1") {
  const Desired* desired = find(evaluation, api::kRestore, name);
  return desired == nullptr ? nullptr : &desired->object;
}

// What the API holds after `evaluation` was carried out.
inline RestoreInputs after(RestoreInputs inputs, const Evaluation& evaluation) {
  for (const Desired& desired : evaluation.desired) {
    if (desired.kind == api::kRestore) inputs.restores.push_back(desired.object);
    if (desired.kind == api::kConfigMap) inputs.copy = desired.object;
  }
  return inputs;
}

}  // namespace breakwater::policy::fixtures
