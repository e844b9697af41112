#include "velero/backup_files.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "base/quantity.h"
#include "velero/collector.h"
#include "velero/names.h"

namespace breakwater::velero {
namespace {

using State = VolumeProgress::State;

bool was_cut(const SavedVolume& saved) { return saved.progress.state != State::kFailed; }

kube::Key move_of(MoveMethod method, const kube::Object& backup, const Volume& volume) {
  return move_key(method, backup, volume.pvc, volume.pvc_uid);
}

std::string operation_of(MoveMethod method, const kube::Object& backup, const Volume& volume) {
  if (method == MoveMethod::kSnapshotBackup) return move_of(method, backup, volume).to_string();
  return operation_id("du", backup.uid(), volume.pvc_uid);
}

void annotate_claim(kube::Object& claim, const kube::Object& backup, MoveMethod method,
                    const SavedVolume& saved) {
  const std::string snapshot =
      snapshot_name(backup.uid(), saved.volume.pvc.name, saved.volume.pvc_uid);
  claim.set_label(api::kVolumeSnapshotNameLabel, label_value(snapshot));
  claim.set_annotation(api::kVolumeSnapshotNameLabel, snapshot);
  if (method == MoveMethod::kDataUpload)
    claim.set_annotation(api::kDataUploadNameAnnotation,
                         move_of(method, backup, saved.volume).to_string());
}

void annotate_data_volumes(backupstore::Archive& items) {
  std::vector<kube::Key> done;
  for (const auto& [key, json] : items.items())
    if (key.group_resource == api::kDataVolume.group_resource() &&
        json["status"]["phase"].as_string() == "Succeeded")
      done.push_back({key.ns, key.name});
  for (const kube::Key& key : done) {
    auto annotate = [&](const kube::Kind& kind, std::string_view annotation) {
      const Json* json = items.find(item_key(kind, key));
      if (json == nullptr) return;
      kube::Object object(*json);
      object.set_annotation(annotation, key.name);
      items.put(item_key(kind, key), object.json());
    };
    annotate(api::kDataVolume, "cdi.kubevirt.io/storage.prePopulated");
    annotate(api::kPersistentVolumeClaim, "cdi.kubevirt.io/storage.populatedFor");
  }
}

std::map<std::string, const kube::Object*> by_name(const std::vector<kube::Object>& objects) {
  std::map<std::string, const kube::Object*> result;
  for (const kube::Object& object : objects) result[object.name()] = &object;
  return result;
}

Json identifier(std::string_view group, std::string_view resource, const kube::Key& key) {
  return Json::object(
      {{"Group", group}, {"Resource", resource}, {"Namespace", key.ns}, {"Name", key.name}});
}

const std::string& move_name_of(const Json& operation) {
  return operation["spec"]["postOperationItems"][0]["Name"].as_string();
}

std::string_view kind_of(const Json& operation) {
  const std::string& plural = operation["spec"]["postOperationItems"][0]["Resource"].as_string();
  for (const kube::Kind& kind :
       {api::kDataDownload, api::kVolumeSnapshotBackup, api::kVolumeSnapshotRestore})
    if (plural == kind.plural) return kind.kind;
  return api::kDataUpload.kind;
}

// Why a move that says Completed has nothing to restore from, or "".
std::string_view missing_result(const kube::Object& move) {
  auto lacks = [&](const kube::Kind& kind, const char* field) {
    return move.is(kind) && move.status()[field].as_string().empty();
  };
  if (lacks(api::kDataUpload, "snapshotID")) return "completed without a snapshotID";
  if (lacks(api::kVolumeSnapshotBackup, "resticrepository"))
    return "completed without a resticrepository";
  if (lacks(api::kVolumeSnapshotRestore, "snapshotHandle"))
    return "completed without a snapshotHandle";
  return "";
}

Json snapshot_info(const SavedVolume& saved, const std::string& operation) {
  const kube::Object& snapshot = saved.progress.snapshot;
  const Json& size = snapshot.status()["restoreSize"];
  return Json::object({{"snapshotHandle", snapshot.annotation(api::kSnapshotHandleAnnotation)},
                       {"size", size.as_int(parse_quantity(size.as_string()).value_or(0))},
                       {"driver", saved.volume.driver},
                       {"vscName", snapshot.status()["boundVolumeSnapshotContentName"].as_string()},
                       {"operationID", operation},
                       {"ReadyToUse", was_cut(saved)}});
}

}  // namespace

void annotate_items(backupstore::Archive& items, const kube::Object& backup, MoveMethod method,
                    const std::vector<SavedVolume>& volumes) {
  annotate_data_volumes(items);
  for (const SavedVolume& saved : volumes) {
    if (!was_cut(saved)) continue;
    backupstore::ItemKey key = item_key(api::kPersistentVolumeClaim, saved.volume.pvc);
    const Json* json = items.find(key);
    if (json == nullptr) continue;
    kube::Object claim(*json);
    annotate_claim(claim, backup, method, saved);
    items.put(std::move(key), claim.json());
  }
}

Json resource_list(const backupstore::Archive& items) {
  std::map<std::string, std::set<std::string>> lists;
  for (const auto& [key, json] : items.items()) {
    std::string kind =
        fmt::format("{}/{}", json["apiVersion"].as_string(), json["kind"].as_string());
    lists[kind].insert(kube::Key{key.ns, key.name}.to_string());
  }
  Json result = Json::object();
  for (const auto& [kind, names] : lists)
    result.set({kind}, Json(Json::Array(names.begin(), names.end())));
  return result;
}

Json item_operations(const kube::Object& backup, MoveMethod method,
                     const std::vector<SavedVolume>& volumes, Time now) {
  Json result = Json::array();
  if (method == MoveMethod::kNone) return result;
  const kube::Kind& kind = kind_of(method);
  for (const SavedVolume& saved : volumes) {
    if (!was_cut(saved)) continue;
    const kube::Key move = move_of(method, backup, saved.volume);
    result.push_back(Json::object(
        {{"spec",
          Json::object(
              {{"backupName", backup.name()},
               {"backupUID", backup.uid()},
               {"backupItemAction", method == MoveMethod::kDataUpload
                                        ? "velero.io/csi-pvc-backupper"
                                        : "velero.io/vsm-volumesnapshotcontent-backupper"},
               {"resourceIdentifier", identifier("", "persistentvolumeclaims", saved.volume.pvc)},
               {"operationID", operation_of(method, backup, saved.volume)},
               {"postOperationItems", Json::array({identifier(kind.group, kind.plural, move)})}})},
         {"status", Json::object({{"phase", "New"},
                                  {"operationUnits", "Bytes"},
                                  {"created", format_rfc3339(now)}})}}));
  }
  return result;
}

Json update_operations(const Json& operations, const std::vector<kube::Object>& moves, Time now,
                       Duration timeout) {
  const auto known = by_name(moves);
  Json result = Json::array();
  for (Json operation : operations.items()) {
    auto found = known.find(move_name_of(operation));
    std::string error;
    if (found == known.end()) {
      error = "was deleted before it ended";
    } else {
      const kube::Object& move = *found->second;
      MoveState state = move_state(move, now, timeout);
      operation.set({"status", "description"}, move.phase());
      operation.set({"status", "nCompleted"}, move.status()["progress"]["bytesDone"].as_int());
      operation.set({"status", "nTotal"}, move.status()["progress"]["totalBytes"].as_int());
      operation.set({"status", "started"}, move.status()["startTimestamp"].as_string());
      operation.set({"status", "updated"}, move.status()["completionTimestamp"].as_string());
      operation.set({"status", "phase"}, state == MoveState::kRunning ? "InProgress" : "Completed");
      if (state == MoveState::kFailed || state == MoveState::kOverdue)
        error = move_error(move, timeout);
      if (state == MoveState::kCompleted) error = missing_result(move);
    }
    if (!error.empty()) {
      operation.set({"status", "phase"}, "Failed");
      operation.set({"status", "error"}, error);
    }
    result.push_back(std::move(operation));
  }
  return result;
}

void add_move_errors(const Json& operations, Findings& findings) {
  for (const Json& operation : operations.items()) {
    if (operation["status"]["phase"].as_string() != "Failed") continue;
    const Json& claim = operation["spec"]["resourceIdentifier"];
    findings.error(
        claim["Namespace"].as_string(),
        fmt::format("PersistentVolumeClaim {}/{}: {} {} {}", claim["Namespace"].as_string(),
                    claim["Name"].as_string(), kind_of(operation), move_name_of(operation),
                    operation["status"]["error"].as_string()));
  }
}

Json volume_infos(const kube::Object& backup, MoveMethod method,
                  const std::vector<SavedVolume>& volumes,
                  const std::vector<SkippedVolume>& skipped, Time now) {
  Json result = Json::array();
  for (const SavedVolume& saved : volumes) {
    const Volume& volume = saved.volume;
    const bool moved = method != MoveMethod::kNone;
    const std::string operation = operation_of(method, backup, volume);
    Json info = Json::object({{"pvcName", volume.pvc.name},
                              {"pvcNamespace", volume.pvc.ns},
                              {"pvName", volume.pv},
                              {"backupMethod", "CSISnapshot"},
                              {"snapshotDataMoved", moved},
                              {"preserveLocalSnapshot", !moved},
                              {"skipped", false},
                              {"startTimestamp", format_rfc3339(now)},
                              {"result", was_cut(saved) ? "succeeded" : "failed"},
                              {"csiSnapshotInfo", snapshot_info(saved, operation)}});
    if (moved)
      info.set({"snapshotDataMovementInfo"},
               Json::object({{"dataMover", method == MoveMethod::kSnapshotBackup
                                               ? "vsm"
                                               : backup.spec()["datamover"].as_string()},
                             {"uploaderType", "restic"},
                             {"retainedSnapshot", ""},
                             {"snapshotHandle", ""},
                             {"operationID", operation},
                             {"Phase", was_cut(saved) ? "New" : "Failed"}}));
    result.push_back(std::move(info));
  }
  for (const SkippedVolume& volume : skipped)
    result.push_back(Json::object({{"pvcName", volume.pvc.name},
                                   {"pvcNamespace", volume.pvc.ns},
                                   {"pvName", volume.pv},
                                   {"snapshotDataMoved", false},
                                   {"skipped", true},
                                   {"skippedReason", volume.reason}}));
  return result;
}

Json update_volume_infos(const Json& infos, const std::vector<kube::Object>& moves, Time now) {
  std::map<kube::Key, const kube::Object*> by_claim;
  for (const kube::Object& move : moves) {
    const bool vsb = move.is(api::kVolumeSnapshotBackup);
    kube::Key claim{move.spec()["sourceNamespace"].as_string(),
                    move.spec()["sourcePVC"].as_string()};
    if (vsb) claim = {move.ns(), move.status()["sourcePVCData"]["name"].as_string()};
    by_claim[std::move(claim)] = &move;
  }
  Json result = Json::array();
  for (Json info : infos.items()) {
    auto found = by_claim.find({info["pvcNamespace"].as_string(), info["pvcName"].as_string()});
    if (found != by_claim.end() && info["snapshotDataMoved"].as_bool()) {
      const kube::Object& move = *found->second;
      const Json& status = move.status();
      const Json& where =
          status[move.is(api::kVolumeSnapshotBackup) ? "resticrepository" : "snapshotID"];
      bool ok = move.phase() == api::data_phase::kCompleted;
      info.set({"result"}, ok ? "succeeded" : "failed");
      info.set({"completionTimestamp"},
               status["completionTimestamp"].as_string_or(format_rfc3339(now)));
      info.set({"snapshotDataMovementInfo", "Phase"}, move.phase());
      info.set({"snapshotDataMovementInfo", "snapshotHandle"}, where.as_string());
      info.set({"snapshotDataMovementInfo", "size"}, status["progress"]["totalBytes"].as_int());
      info.set({"snapshotDataMovementInfo", "incrementalSize"},
               status["incrementalBytes"].as_int());
    }
    result.push_back(std::move(info));
  }
  return result;
}

}  // namespace breakwater::velero
