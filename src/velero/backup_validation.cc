#include "velero/backup_validation.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "velero/selection.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

Result<std::string> default_location(const Context& context) {
  auto locations =
      TRY(context.services.reader.list(api::kBackupStorageLocation, context.settings.ns));
  std::string result;
  for (const kube::Object& location : locations) {
    if (location.spec()["default"].as_bool()) return location.name();
    if (location.name() == "default") result = "default";
  }
  return result;
}

Result<> check_location(const Context& context, Validation& validation) {
  if (validation.location.empty()) validation.location = TRY(default_location(context));
  if (validation.location.empty()) {
    validation.errors.push_back(fmt::format(
        "spec.storageLocation: there is no default BackupStorageLocation in {}: name one",
        context.settings.ns));
    return {};
  }
  auto location = context.services.reader.get(api::kBackupStorageLocation,
                                              {context.settings.ns, validation.location});
  if (!location && location.error().is(Code::kNotFound)) {
    validation.errors.push_back(
        fmt::format("spec.storageLocation: BackupStorageLocation {} does not exist in {}",
                    validation.location, context.settings.ns));
    return {};
  }
  const kube::Object object = TRY(std::move(location));
  if (object.spec()["accessMode"].as_string() == "ReadOnly")
    validation.errors.push_back(fmt::format(
        "spec.storageLocation: BackupStorageLocation {} is ReadOnly: nothing is written to it",
        validation.location));
  if (object.phase() == "Unavailable")
    validation.errors.push_back(
        fmt::format("spec.storageLocation: BackupStorageLocation {} is Unavailable: {}",
                    validation.location, object.status()["message"].as_string()));
  validation.location_pending = object.phase().empty();
  return {};
}

void check_durations(const Json& spec, std::vector<std::string>& errors) {
  for (const char* field : {"ttl", "csiSnapshotTimeout", "itemOperationTimeout"}) {
    const std::string& text = spec[field].as_string();
    if (text.empty()) continue;
    auto parsed = parse_duration(text);
    if (!parsed || parsed->count() < 0)
      errors.push_back(
          fmt::format("spec.{}: \"{}\" is no duration such as 24h or 10m0s", field, text));
  }
}

void check_offered(const Json& spec, std::vector<std::string>& errors) {
  for (const char* field : {"defaultVolumesToFsBackup", "defaultVolumesToRestic"})
    if (spec[field].as_bool())
      errors.push_back(fmt::format(
          "spec.{}: file-system backup is not offered: leave it out and volumes are saved by CSI "
          "snapshots",
          field));
  if (!spec["volumeSnapshotLocations"].empty())
    errors.push_back(
        "spec.volumeSnapshotLocations: volume-snapshot locations are not offered: leave the field "
        "out and volumes are saved by CSI snapshots");
  if (!spec["resourcePolicy"].empty())
    errors.push_back("spec.resourcePolicy: resource policies are not supported yet");
  if (!spec["hooks"]["resources"].empty())
    errors.push_back("spec.hooks: hooks are not supported yet");
}

}  // namespace

Result<Validation> validate_backup(const Context& context, const kube::Object& backup) {
  Validation validation;
  if (is_of_another_cluster(context, backup))
    validation.errors.push_back(
        fmt::format("metadata.labels: {} says {}, and this cluster is {}: remove the label",
                    api::kBackupClusterLabel, backup.label(api::kBackupClusterLabel),
                    context.settings.cluster_id));
  validation.location = backup.spec()["storageLocation"].as_string();
  TRY(check_location(context, validation));
  Selection::parse(backup.spec(), validation.errors);
  check_durations(backup.spec(), validation.errors);
  check_offered(backup.spec(), validation.errors);
  return validation;
}

}  // namespace breakwater::velero
