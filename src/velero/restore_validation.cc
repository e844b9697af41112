#include "velero/restore_validation.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "kube/names.h"
#include "velero/selection.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using kube::Object;

// The Completed Backup of a Schedule that started last; "" if there is none.
Result<std::string> newest_of_schedule(const Context& context, const std::string& schedule) {
  auto backups = TRY(context.services.client.list(
      api::kBackup, context.settings.ns,
      kube::LabelSelector::equals(api::kScheduleNameLabel, label_value(schedule))));
  const Object* newest = nullptr;
  auto started = [](const Object& backup) {
    return time_or(backup.status()["startTimestamp"], Time());
  };
  for (const Object& backup : backups)
    if (backup.phase() == api::backup_phase::kCompleted &&
        !is_of_another_cluster(context, backup) &&
        (newest == nullptr || started(backup) > started(*newest)))
      newest = &backup;
  return newest == nullptr ? std::string() : newest->name();
}

Result<> find_backup(const Context& context, const Object& restore, RestoreValidation& result) {
  const std::string& schedule = restore.spec()["scheduleName"].as_string();
  result.backup = restore.spec()["backupName"].as_string();
  if (result.backup.empty() && schedule.empty()) {
    result.errors.push_back("spec: either backupName or scheduleName must be given");
    return {};
  }
  if (result.backup.empty()) {
    result.backup = TRY(newest_of_schedule(context, schedule));
    if (result.backup.empty()) {
      result.errors.push_back(
          fmt::format("spec.scheduleName: Schedule {} has no completed Backup", schedule));
      return {};
    }
  } else if (!schedule.empty()) {
    // Our own earlier choice, if it is one of the Schedule's; two different wishes otherwise.
    auto chosen = context.services.client.get(api::kBackup, {context.settings.ns, result.backup});
    if (!chosen || chosen->label(api::kScheduleNameLabel) != label_value(schedule)) {
      result.errors.push_back("spec: backupName and scheduleName cannot both be given");
      return {};
    }
  }
  auto backup = context.services.client.get(api::kBackup, {context.settings.ns, result.backup});
  if (!backup && backup.error().is(Code::kNotFound)) {
    result.errors.push_back(fmt::format("spec.backupName: Backup {} does not exist in {}",
                                        result.backup, context.settings.ns));
    return {};
  }
  const Object object = TRY(std::move(backup));
  const std::string& phase = object.phase();
  if (phase != api::backup_phase::kCompleted && phase != api::backup_phase::kPartiallyFailed)
    result.errors.push_back(fmt::format(
        "spec.backupName: Backup {} is {}; only a Completed or PartiallyFailed one can be "
        "restored",
        result.backup, phase.empty() ? "New" : phase));
  result.location = object.spec()["storageLocation"].as_string();
  result.stored_backup = stored_name(object);
  auto location = context.services.client.get(api::kBackupStorageLocation,
                                              {context.settings.ns, result.location});
  if (!location && location.error().is(Code::kNotFound)) {
    result.errors.push_back(
        fmt::format("spec.backupName: BackupStorageLocation {} of Backup {} does not exist in {}",
                    result.location, result.backup, context.settings.ns));
    return {};
  }
  result.location_object = TRY(std::move(location));
  return {};
}

void check_mapping(const Json& mapping, std::vector<std::string>& errors) {
  for (const auto& [from, to] : mapping.members()) {
    for (const std::string& name : {from, to.as_string()})
      if (!kube::is_dns_label(name))
        errors.push_back(
            fmt::format("spec.namespaceMapping: \"{}\" is no name of a namespace", name));
  }
}

void check_offered(const Json& spec, std::vector<std::string>& errors) {
  const std::string& policy = spec["existingResourcePolicy"].as_string();
  if (!policy.empty() && policy != "none")
    errors.push_back(fmt::format(
        "spec.existingResourcePolicy: \"{}\" is not supported yet; leave it out or say none",
        policy));
  if (!spec["resourceModifier"].empty())
    errors.push_back("spec.resourceModifier: resource modifiers are not supported yet");
  if (!spec["hooks"]["resources"].empty())
    errors.push_back("spec.hooks: hooks are not supported yet");
  if (!spec["restoreStatus"]["includedResources"].empty())
    errors.push_back("spec.restoreStatus: restoring status is not supported yet");
  const std::string& timeout = spec["itemOperationTimeout"].as_string();
  if (!timeout.empty() && !parse_duration(timeout))
    errors.push_back(fmt::format(
        "spec.itemOperationTimeout: \"{}\" is no duration such as 4h or 10m0s", timeout));
}

}  // namespace

Result<RestoreValidation> validate_restore(const Context& context, const Object& restore) {
  RestoreValidation result;
  TRY(find_backup(context, restore, result));
  Selection::parse(restore.spec(), result.errors);
  check_mapping(restore.spec()["namespaceMapping"], result.errors);
  check_offered(restore.spec(), result.errors);
  return result;
}

}  // namespace breakwater::velero
