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

std::string upload_of(const kube::Object& backup, const Volume& volume) {
  return data_upload_name(backup.name(), backup.uid(), volume.pvc_uid);
}

void annotate_claim(kube::Object& claim, const kube::Object& backup, bool moved,
                    const SavedVolume& saved) {
  const std::string snapshot =
      snapshot_name(backup.uid(), saved.volume.pvc.name, saved.volume.pvc_uid);
  claim.set_label(api::kVolumeSnapshotNameLabel, label_value(snapshot));
  claim.set_annotation(api::kVolumeSnapshotNameLabel, snapshot);
  if (moved)
    claim.set_annotation(api::kDataUploadNameAnnotation,
                         fmt::format("{}/{}", backup.ns(), upload_of(backup, saved.volume)));
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

const std::string& upload_name_of(const Json& operation) {
  return operation["spec"]["postOperationItems"][0]["Name"].as_string();
}

std::string_view kind_of(const Json& operation) {
  bool down = operation["spec"]["postOperationItems"][0]["Resource"].as_string() ==
              api::kDataDownload.plural;
  return down ? api::kDataDownload.kind : api::kDataUpload.kind;
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

void annotate_items(backupstore::Archive& items, const kube::Object& backup, bool moved,
                    const std::vector<SavedVolume>& volumes) {
  annotate_data_volumes(items);
  for (const SavedVolume& saved : volumes) {
    if (!was_cut(saved)) continue;
    backupstore::ItemKey key = item_key(api::kPersistentVolumeClaim, saved.volume.pvc);
    const Json* json = items.find(key);
    if (json == nullptr) continue;
    kube::Object claim(*json);
    annotate_claim(claim, backup, moved, saved);
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

Json item_operations(const kube::Object& backup, bool moved,
                     const std::vector<SavedVolume>& volumes, Time now) {
  Json result = Json::array();
  if (!moved) return result;
  for (const SavedVolume& saved : volumes) {
    if (!was_cut(saved)) continue;
    const kube::Key upload{backup.ns(), upload_of(backup, saved.volume)};
    result.push_back(Json::object(
        {{"spec",
          Json::object(
              {{"backupName", backup.name()},
               {"backupUID", backup.uid()},
               {"backupItemAction", "velero.io/csi-pvc-backupper"},
               {"resourceIdentifier", identifier("", "persistentvolumeclaims", saved.volume.pvc)},
               {"operationID", operation_id("du", backup.uid(), saved.volume.pvc_uid)},
               {"postOperationItems",
                Json::array({identifier("velero.io", "datauploads", upload)})}})},
         {"status", Json::object({{"phase", "New"},
                                  {"operationUnits", "Bytes"},
                                  {"created", format_rfc3339(now)}})}}));
  }
  return result;
}

Json update_operations(const Json& operations, const std::vector<kube::Object>& uploads, Time now,
                       Duration timeout) {
  const auto known = by_name(uploads);
  Json result = Json::array();
  for (Json operation : operations.items()) {
    auto found = known.find(upload_name_of(operation));
    std::string error;
    if (found == known.end()) {
      error = "was deleted before it ended";
    } else {
      const kube::Object& upload = *found->second;
      MoveState state = move_state(upload, now, timeout);
      operation.set({"status", "description"}, upload.phase());
      operation.set({"status", "nCompleted"}, upload.status()["progress"]["bytesDone"].as_int());
      operation.set({"status", "nTotal"}, upload.status()["progress"]["totalBytes"].as_int());
      operation.set({"status", "started"}, upload.status()["startTimestamp"].as_string());
      operation.set({"status", "updated"}, upload.status()["completionTimestamp"].as_string());
      operation.set({"status", "phase"}, state == MoveState::kRunning ? "InProgress" : "Completed");
      if (state == MoveState::kFailed || state == MoveState::kOverdue)
        error = move_error(upload, timeout);
      if (state == MoveState::kCompleted && upload.is(api::kDataUpload) &&
          upload.status()["snapshotID"].as_string().empty())
        error = "completed without a snapshotID";
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
                    claim["Name"].as_string(), kind_of(operation), upload_name_of(operation),
                    operation["status"]["error"].as_string()));
  }
}

Json volume_infos(const kube::Object& backup, bool moved, const std::vector<SavedVolume>& volumes,
                  const std::vector<SkippedVolume>& skipped, Time now) {
  Json result = Json::array();
  for (const SavedVolume& saved : volumes) {
    const Volume& volume = saved.volume;
    const std::string operation = operation_id("du", backup.uid(), volume.pvc_uid);
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
               Json::object({{"dataMover", backup.spec()["datamover"].as_string()},
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

Json update_volume_infos(const Json& infos, const std::vector<kube::Object>& uploads, Time now) {
  std::map<kube::Key, const kube::Object*> by_claim;
  for (const kube::Object& upload : uploads)
    by_claim[{upload.spec()["sourceNamespace"].as_string(),
              upload.spec()["sourcePVC"].as_string()}] = &upload;
  Json result = Json::array();
  for (Json info : infos.items()) {
    auto found = by_claim.find({info["pvcNamespace"].as_string(), info["pvcName"].as_string()});
    if (found != by_claim.end() && info["snapshotDataMoved"].as_bool()) {
      const kube::Object& upload = *found->second;
      const Json& status = upload.status();
      bool ok = upload.phase() == api::data_phase::kCompleted;
      info.set({"result"}, ok ? "succeeded" : "failed");
      info.set({"completionTimestamp"},
               status["completionTimestamp"].as_string_or(format_rfc3339(now)));
      info.set({"snapshotDataMovementInfo", "Phase"}, upload.phase());
      info.set({"snapshotDataMovementInfo", "snapshotHandle"}, status["snapshotID"].as_string());
      info.set({"snapshotDataMovementInfo", "size"}, status["progress"]["totalBytes"].as_int());
      info.set({"snapshotDataMovementInfo", "incrementalSize"},
               status["incrementalBytes"].as_int());
    }
    result.push_back(std::move(info));
  }
  return result;
}

}  // namespace breakwater::velero
