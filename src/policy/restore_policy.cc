#include "policy/restore_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "policy/restore_request.h"
#include "policy/restore_selection.h"

namespace breakwater::policy {
namespace {

using kube::Object;

const Object* find_named(const std::vector<Object>& objects, const std::string& name) {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const Object& object) { return object.name() == name; });
  return found == objects.end() ? nullptr : &*found;
}

bool is_ours(const Object& object) { return object.label(api::kManagedByLabel) == api::kManagedBy; }

// What Velero says about a Restore, if it is not well.
std::optional<std::string> trouble_of(const Object& restore) {
  const std::string& phase = restore.phase();
  if (!api::restore_is_terminal(phase) || phase == api::backup_phase::kCompleted) {
    return std::nullopt;
  }
  std::string text = fmt::format("Restore {} is {}", restore.name(), phase);
  const Json& status = restore.status();
  if (const std::string& reason = status["failureReason"].as_string(); !reason.empty()) {
    text += ": " + reason;
  }
  for (const Json& error : status["validationErrors"].items()) text += ": " + error.as_string();
  return text + "; mend that and ask for it under a new restoreName";
}

class Evaluator {
 public:
  explicit Evaluator(const RestoreInputs& inputs) : inputs_(inputs) {
    if (inputs.copy) {
      auto parsed = parse_json(inputs.copy->annotation(kCarriedOutAnnotation));
      if (parsed && parsed->is_object()) carried_out_ = *parsed;
    }
  }

  Evaluation evaluate() {
    if (!inputs_.removal.empty()) return remove_ours();
    result_.findings = inputs_.findings;
    if (!inputs_.restore) return std::move(result_);  // never seen: what is there stays
    const RestoreRequests asked = read_restore_requests(*inputs_.restore, inputs_.restore_config);
    result_.findings.insert(result_.findings.end(), asked.findings.begin(), asked.findings.end());
    if (inputs_.ns.empty()) {  // nowhere to put anything
      result_.summary = summary(0);
      if (!asked.requests.empty()) result_.pending = "waits for " + inputs_.waits_for;
      return std::move(result_);
    }
    for (const RestoreRequest& request : asked.requests) consider(request);
    result_.summary = summary(asked.requests.size());
    if (running_ > 0 && result_.pending.empty()) result_.pending = result_.summary;
    keep_copy();
    return std::move(result_);
  }

 private:
  void about_config(const char* reason, std::string message,
                    Finding::Weight weight = Finding::Weight::kViolation) {
    result_.findings.push_back(
        {api::kConfigMap, inputs_.restore_config, reason, std::move(message), weight});
  }

  std::string summary(size_t requests) const {
    if (requests == 0) return "no restore is requested";
    const size_t done = requests - running_;
    return fmt::format("{} of {} requested restores {} Completed", done, requests,
                       done == 1 ? "is" : "are");
  }

  void consider(const RestoreRequest& request) {
    const Object* live = find_named(inputs_.restores, request.name);
    if (live != nullptr && !is_ours(*live)) {
      about_config("RestoreNameTaken",
                   fmt::format("{}restoreName is {}: a Restore of that name exists already and is "
                               "not this policy's; choose another name",
                               request.prefix, request.name));
      return;
    }
    const std::string done = live != nullptr ? live->annotation(kRestoreRequestAnnotation)
                                             : carried_out_[request.name].as_string();
    if (done.empty()) {
      create(request);
      return;
    }
    carried_out_.set(request.name, done);
    if (!request.problems.empty() || done != request.fingerprint()) {
      about_config("RestoreAlreadyCarriedOut",
                   fmt::format("{}restoreName is {}: that restore has been carried out with other "
                               "values; give the changed request a new restoreName",
                               request.prefix, request.name));
    }
    if (live == nullptr) return;
    if (!api::restore_is_terminal(live->phase())) ++running_;
    if (auto trouble = trouble_of(*live)) {
      result_.findings.push_back(
          {api::kRestore, live->key(), "RestoreFailed", std::move(*trouble)});
    }
  }

  void create(const RestoreRequest& request) {
    if (!request.problems.empty()) {
      result_.findings.insert(result_.findings.end(), request.problems.begin(),
                              request.problems.end());
      return;
    }
    if (!inputs_.waits_for.empty()) {
      result_.pending = "waits for " + inputs_.waits_for;
      return;
    }
    const auto location = find_location(request);
    if (!location) return;
    const Object* backup = find_backup(request, *location);
    if (backup == nullptr) return;
    RestoreSelection selection = select_vms(request, *backup, inputs_.restore_config);
    check_absent(request, selection);
    if (selection.problems.empty()) {
      result_.desired.push_back(
          {api::kRestore, make_restore(request, *backup, selection), Desired::Mode::kEnsure});
      carried_out_.set(request.name, request.fingerprint());
      ++running_;
    }
    result_.findings.insert(result_.findings.end(), selection.problems.begin(),
                            selection.problems.end());
  }

  // The name of the location that the Backup must be in; "" for any. Nothing: not there yet.
  std::optional<std::string> find_location(const RestoreRequest& request) {
    const std::string& source = request.source_cluster;
    if (source.empty() || source == inputs_.cluster_id) return "";
    const Object* own = default_location();
    if (own == nullptr) {
      about_config(
          "WaitsForLocation",
          fmt::format("{}sourceCluster: there is no default BackupStorageLocation in {} yet",
                      request.prefix, inputs_.ns),
          Finding::Weight::kPending);
      return std::nullopt;
    }
    const std::string& prefix = own->spec()["objectStorage"]["prefix"].as_string();
    // One prefix for all clusters: the other's Backups are in our own location.
    if (!prefix.ends_with(inputs_.cluster_id)) return own->name();
    const std::string name = own->name() + "-" + source;
    Object location = Object::make(api::kBackupStorageLocation, {inputs_.ns, name});
    location.set_label(api::kManagedByLabel, api::kManagedBy);
    Json spec = own->spec();
    spec.set({"objectStorage", "prefix"},
             prefix.substr(0, prefix.size() - inputs_.cluster_id.size()) + source);
    spec.set({"accessMode"}, "ReadOnly");
    spec.set({"default"}, false);
    location.set({"spec"}, std::move(spec));
    result_.desired.push_back(
        {api::kBackupStorageLocation, std::move(location), Desired::Mode::kEnsure});
    return name;
  }

  const Object* default_location() const {
    for (const Object& location : inputs_.locations) {
      if (location.spec()["default"].as_bool()) return &location;
    }
    return inputs_.locations.size() == 1 ? &inputs_.locations.front() : nullptr;
  }

  const Object* find_backup(const RestoreRequest& request, const std::string& location) {
    for (const Object& backup : inputs_.backups) {
      // Of another cluster it may be called something else here.
      const std::string& stored = backup.annotation(api::kStoredNameAnnotation);
      if (backup.name() != request.backup && (location.empty() || stored != request.backup))
        continue;
      if (!location.empty() && backup.spec()["storageLocation"].as_string() != location) continue;
      const std::string& phase = backup.phase();
      if (phase == api::backup_phase::kCompleted || phase == api::backup_phase::kPartiallyFailed) {
        return &backup;
      }
      const bool over = api::backup_is_terminal(phase);
      about_config(over ? "BackupUnusable" : "WaitsForBackup",
                   fmt::format("{}backupName: Backup {} is {}{}", request.prefix, backup.name(),
                               phase.empty() ? "New" : phase,
                               over ? ": name one that is Completed or PartiallyFailed"
                                    : "; the restore waits until it is Completed"),
                   over ? Finding::Weight::kViolation : Finding::Weight::kPending);
      return nullptr;
    }
    about_config("WaitsForBackup",
                 fmt::format("{}backupName: Backup {} is not known in {}{} yet; the restore waits "
                             "for it. {}",
                             request.prefix, request.backup, inputs_.ns,
                             location.empty() ? "" : ", location " + location,
                             hint_for_unknown_backup(request, location)),
                 Finding::Weight::kPending);
    return nullptr;
  }

  std::string hint_for_unknown_backup(const RestoreRequest& request, const std::string& location) {
    if (location.empty()) {
      return fmt::format("Backups of another cluster need {}sourceCluster", request.prefix);
    }
    const auto known =
        std::count_if(inputs_.backups.begin(), inputs_.backups.end(), [&](const Object& backup) {
          return backup.spec()["storageLocation"].as_string() == location;
        });
    return fmt::format(
        "{} Backups are known in that location; {}sourceCluster, which must be name "
        "or id of the cluster that saved, is {}",
        known, request.prefix, request.source_cluster);
  }

  void check_absent(const RestoreRequest& request, RestoreSelection& selection) {
    for (const SavedVm& vm : selection.vms) {
      const kube::Key target{target_of(request, vm.key.ns), vm.key.name};
      const bool there =
          std::any_of(inputs_.vms.begin(), inputs_.vms.end(),
                      [&](const Object& existing) { return existing.key() == target; });
      if (!there) continue;
      selection.problems.push_back(
          {api::kVirtualMachine, target, "VirtualMachineExists",
           fmt::format("VirtualMachine {} exists, so {} cannot be restored: delete it with its "
                       "disks, or map its namespace to another one with {}namespaceMapping",
                       target.to_string(), vm.uid, request.prefix)});
    }
  }

  Object make_restore(const RestoreRequest& request, const Object& backup,
                      const RestoreSelection& selection) const {
    Object restore = Object::make(api::kRestore, {inputs_.ns, request.name});
    restore.set_label(api::kManagedByLabel, api::kManagedBy);
    restore.set_label(api::kBackupClusterLabel, inputs_.cluster_id);
    restore.set_annotation(kRestoreRequestAnnotation, request.fingerprint());
    restore.set({"spec"}, selection.selector);
    restore.set({"spec", "backupName"}, backup.name());
    restore.set({"spec", "restorePVs"}, true);
    for (const auto& [from, to] : request.mapping) {
      restore.set({"spec", "namespaceMapping", from}, to);
    }
    return restore;
  }

  // After the Restores, so that a crash between the two repeats nothing: the Restore is seen.
  void keep_copy() {
    Object copy = Object::make(api::kConfigMap, {inputs_.ns, std::string(api::kRestoreConfigCopy)});
    copy.set_label(api::kManagedByLabel, api::kManagedBy);
    Json data = Json::object();
    for (const auto& [key, value] : inputs_.restore->members()) {
      data.set(inputs_.cluster_id + "_" + key, value);
    }
    copy.set({"data"}, std::move(data));
    if (!carried_out_.empty()) copy.set_annotation(kCarriedOutAnnotation, to_json(carried_out_));
    result_.desired.push_back({api::kConfigMap, std::move(copy), Desired::Mode::kEnsure, {"data"}});
  }

  Evaluation remove_ours() {
    result_.removal = inputs_.removal;
    const auto unwanted = [&](const kube::Kind& kind, const std::vector<Object>& objects) {
      for (const Object& object : objects) {
        if (is_ours(object)) result_.unwanted.push_back({kind, object.key(), object.uid()});
      }
    };
    unwanted(api::kRestore, inputs_.restores);
    for (const Object& location : inputs_.locations) {
      if (is_ours(location) && location.spec()["accessMode"].as_string() == "ReadOnly") {
        unwanted(api::kBackupStorageLocation, {location});
      }
    }
    if (inputs_.copy) unwanted(api::kConfigMap, {*inputs_.copy});
    return std::move(result_);
  }

  const RestoreInputs& inputs_;
  Json carried_out_ = Json::object();
  size_t running_ = 0;
  Evaluation result_;
};

}  // namespace

Evaluation evaluate_restore(const RestoreInputs& inputs) { return Evaluator(inputs).evaluate(); }

}  // namespace breakwater::policy
