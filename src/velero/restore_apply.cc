#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "velero/collector.h"
#include "velero/names.h"
#include "velero/restore_files.h"
#include "velero/restore_item.h"
#include "velero/restore_operations.h"
#include "velero/snapshot_restores.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using backupstore::RestoreFile;
using kube::Object;

class Applier {
 public:
  Applier(const Context& context, const Object& restore, const Object& backup,
          const Discovery& discovery)
      : context_(context),
        client_(context.services.client),
        restore_(restore),
        backup_(backup),
        discovery_(discovery) {}

  Result<> run(const RestorePlan& plan, const backupstore::Archive& archive,
               const CancelToken& cancel) {
    findings_ = plan.findings;
    for (const RestoreItem& item : plan.items) {
      TRY(cancel.check());
      TRY(ensure_namespace(item, archive));
      TRY(while_doing(restore_item(item), "restoring {} {}", item.saved.kind(),
                      item.target.to_string()));
    }
    return {};
  }

  Result<> write_files(RestoreFiles& files) const {
    std::string log = fmt::format("level=info msg=\"Restoring backup {}\" restore={}\n",
                                  backup_.name(), restore_.name());
    files.put_logs(log + log_ + findings_.to_log());
    Json list = Json::object();
    for (const auto& [kind, names] : outcome_)
      list.set({kind}, Json(Json::Array(names.begin(), names.end())));
    files.put_json(RestoreFile::kResourceList, std::move(list));
    files.put_json(RestoreFile::kItemOperations, operations_);
    files.put_json(RestoreFile::kVolumeInfo, volumes_);
    files.put_results(findings_);
    return files.commit();
  }

  Json next_status(size_t planned) const {
    namespace phase = api::backup_phase;
    bool clean = findings_.errors() == 0;
    Json status = restore_.status();
    if (!operations_.empty()) {
      status.set("phase", clean ? phase::kWaiting : phase::kWaitingPartiallyFailed);
    } else {
      status.set("phase", clean ? phase::kFinalizing : phase::kFinalizingPartiallyFailed);
    }
    status.set("warnings", static_cast<int64_t>(findings_.warnings()));
    status.set("errors", static_cast<int64_t>(findings_.errors()));
    status.set({"progress", "totalItems"}, static_cast<int64_t>(planned));
    status.set({"progress", "itemsRestored"}, restored_);
    status.set("restoreItemOperationsAttempted", static_cast<int64_t>(operations_.size()));
    return status;
  }

 private:
  Result<> ensure_namespace(const RestoreItem& item, const backupstore::Archive& archive) {
    const std::string& name = item.target.ns;
    if (name.empty() || !ensured_.insert(name).second) return {};
    Object ns = Object::make(api::kNamespace, {"", name});
    if (const Json* saved = archive.find(item_key(api::kNamespace, {"", item.source.ns}))) {
      for (const char* field : {"labels", "annotations"})
        if (!(*saved)["metadata"][field].empty())
          ns.set({"metadata", field}, (*saved)["metadata"][field]);
      ns.erase({"metadata", "labels", "kubernetes.io/metadata.name"});
    }
    auto created = client_.create(api::kNamespace, ns);
    if (created || created.error().is(Code::kAlreadyExists)) return {};
    return while_doing(Result<>(tl::unexpected<Error>(created.error())), "creating namespace {}",
                       name);
  }

  Result<> restore_item(const RestoreItem& item) {
    const DiscoveredKind* served = discovery_.find(item.source.group_resource);
    if (served == nullptr) {
      report_error(item, "this cluster does not serve the kind");
      return {};
    }
    // As it was saved, whatever version the cluster prefers.
    const std::string& api_version = item.saved.api_version();
    std::string version = api_version.substr(api_version.find('/') + 1);
    kube::Kind kind = served->as_kind();
    kind.version = version;
    if (item.data.kind == DataSource::Kind::kSnapshot) TRY(create_snapshot(item));
    const Object wanted = restored_object(restore_, backup_.name(), item);
    auto created = client_.create(kind, wanted);
    bool there = true;
    if (created) {
      note(item, "created");
    } else if (created.error().is(Code::kAlreadyExists)) {
      there = TRY(take_existing(kind, item, wanted));
    } else if (is_transient(created.error())) {
      return tl::unexpected<Error>(created.error());
    } else {
      report_error(item, created.error().message());
      there = false;
    }
    if (there) ++restored_;
    if (there && item.data.kind == DataSource::Kind::kMoved) return create_download(item);
    if (there && item.data.kind == DataSource::Kind::kSnapshotBackup)
      return create_snapshot_restore(item);
    return {};
  }

  // Whether the existing object is as good as restored.
  Result<bool> take_existing(const kube::Kind& kind, const RestoreItem& item,
                             const Object& wanted) {
    const Object there = TRY(client_.get(kind, item.target));
    if (is_restored_by(there, restore_)) {
      note(item, "created");
      return true;
    }
    if (kind == api::kPersistentVolumeClaim || item.saved.is(api::kVirtualMachine)) {
      report_error(item, "it already exists");
      return false;
    }
    RestoreItem as_saved = item;
    as_saved.saved = there;
    note(item, "skipped");
    if (kind.kind == "ServiceAccount" ||
        same(restored_object(restore_, backup_.name(), as_saved), wanted))
      return true;
    findings_.warning(
        item.target.ns,
        fmt::format("could not restore, {}:{} already exists. Warning: the in-cluster "
                    "version is different than the backed-up version",
                    kind.kind, item.target.name));
    return true;
  }

  static bool same(const Object& a, const Object& b) {
    Object left = a, right = b;
    for (Object* object : {&left, &right})
      for (std::string_view label :
           {api::kBackupNameLabel, api::kRestoreNameLabel, api::kRestoreUidLabel})
        object->erase({"metadata", "labels", label});
    return left == right;
  }

  Result<> create(const kube::Kind& kind, const Object& object) {
    auto created = client_.create(kind, object);
    if (created || created.error().is(Code::kAlreadyExists)) return {};
    return while_doing(Result<>(tl::unexpected<Error>(created.error())), "creating {} {}",
                       kind.kind, object.name());
  }

  void label(Object& object) const {
    object.set_label(api::kRestoreNameLabel, label_value(restore_.name()));
    object.set_label(api::kRestoreUidLabel, restore_.uid());
  }

  Result<> create_snapshot(const RestoreItem& item) {
    const std::string name = restored_snapshot_name(restore_, item.target);
    Object content = Object::make(api::kVolumeSnapshotContent, {"", name});
    label(content);
    content.set({"spec"},
                Json::object({{"deletionPolicy", "Retain"},
                              {"driver", item.data.driver},
                              {"source", Json::object({{"snapshotHandle", item.data.handle}})},
                              {"volumeSnapshotRef",
                               Json::object({{"apiVersion", api::kVolumeSnapshot.api_version()},
                                             {"kind", api::kVolumeSnapshot.kind},
                                             {"namespace", item.target.ns},
                                             {"name", name}})}}));
    TRY(create(api::kVolumeSnapshotContent, content));
    Object snapshot = Object::make(api::kVolumeSnapshot, {item.target.ns, name});
    label(snapshot);
    snapshot.set({"spec", "source", "volumeSnapshotContentName"}, name);
    return create(api::kVolumeSnapshot, snapshot);
  }

  Result<> create_download(const RestoreItem& item) {
    const std::string name =
        data_download_name(restore_.name(), restore_.uid(), item.target.to_string());
    const std::string operation = operation_id("dd", restore_.uid(), item.saved.uid());
    Object download = Object::make(api::kDataDownload, {restore_.ns(), name});
    label(download);
    download.set_label(api::kAsyncOperationIdLabel, label_value(operation));
    download.add_owner(restore_, true);
    Json spec = Json::object(
        {{"targetVolume",
          Json::object({{"pvc", item.target.name}, {"pv", ""}, {"namespace", item.target.ns}})},
         {"backupStorageLocation", restore_.annotation(api::kStorageLocationLabel)},
         {"datamover", item.data.datamover},
         {"snapshotID", item.data.snapshot_id},
         {"sourceNamespace", item.source.ns},
         {"operationTimeout", backup_.spec()["csiSnapshotTimeout"].as_string_or(
                                  context_.settings.csi_snapshot_timeout)}});
    if (item.data.size > 0) spec.set("snapshotSize", item.data.size);
    download.set({"spec"}, std::move(spec));
    download.set({"status", "phase"}, api::data_phase::kNew);
    TRY(create(api::kDataDownload, download));
    add_operation(item, api::kDataDownload, download.key(), operation);
    return {};
  }

  Result<> create_snapshot_restore(const RestoreItem& item) {
    const Object vsr = make_snapshot_restore(context_, restore_, backup_.name(), item);
    TRY(create(api::kVolumeSnapshotRestore, vsr));
    add_operation(item, api::kVolumeSnapshotRestore, vsr.key(), vsr.key().to_string());
    return {};
  }

  void add_operation(const RestoreItem& item, const kube::Kind& kind, const kube::Key& move,
                     const std::string& operation) {
    const bool by_download = kind == api::kDataDownload;
    auto identifier = [](std::string_view group, std::string_view resource, const kube::Key& key) {
      return Json::object(
          {{"Group", group}, {"Resource", resource}, {"Namespace", key.ns}, {"Name", key.name}});
    };
    operations_.push_back(Json::object(
        {{"spec",
          Json::object(
              {{"restoreName", restore_.name()},
               {"restoreUID", restore_.uid()},
               {"restoreItemAction",
                by_download ? "velero.io/csi-pvc-restorer" : "velero.io/vsm-datamover-restorer"},
               {"resourceIdentifier", identifier("", "persistentvolumeclaims", item.target)},
               {"operationID", operation},
               {"postOperationItems", Json::array({identifier(kind.group, kind.plural, move)})}})},
         {"status", Json::object({{"phase", "New"},
                                  {"operationUnits", "Bytes"},
                                  {"created", format_rfc3339(context_.services.clock.now())}})}}));
    volumes_.push_back(Json::object(
        {{"pvcName", item.target.name},
         {"pvcNamespace", item.target.ns},
         {"restoreMethod", "CSISnapshot"},
         {"snapshotDataMoved", true},
         {"snapshotDataMovementInfo",
          Json::object(
              {{"dataMover", by_download ? item.data.datamover : "vsm"},
               {"uploaderType", "restic"},
               {"snapshotHandle", by_download ? item.data.snapshot_id : item.data.repository},
               {"operationID", operation},
               {"size", item.data.size}})}}));
  }

  void note(const RestoreItem& item, std::string_view what) {
    outcome_[fmt::format("{}/{}", item.saved.api_version(), item.saved.kind())].insert(
        fmt::format("{}({})", item.target.to_string(), what));
    log_ += fmt::format("level=info msg=\"{} {} {}\"\n", item.source.group_resource,
                        item.target.to_string(), what);
  }

  void report_error(const RestoreItem& item, std::string_view why) {
    note(item, "failed");
    findings_.error(item.target.ns, fmt::format("{} {} is not restored: {}", item.saved.kind(),
                                                item.target.to_string(), why));
  }

  const Context& context_;
  kube::Client& client_;
  const Object& restore_;
  const Object& backup_;
  const Discovery& discovery_;
  Findings findings_;
  std::set<std::string> ensured_;
  std::map<std::string, std::set<std::string>> outcome_;
  std::string log_;
  Json operations_ = Json::array();
  Json volumes_ = Json::array();
  int64_t restored_ = 0;
};

}  // namespace

Result<Json> apply_restore(const Context& context, const Object& restore,
                           const CancelToken& cancel) {
  RestoreFiles files = TRY(RestoreFiles::open(context, restore));
  const std::string name = stored_name(restore);
  const Object backup(TRY(files.backup().get_backup(name)));
  backupstore::Archive archive = TRY(files.backup().get_contents(name));
  Discovery discovery = TRY(context.services.discover());
  RestorePlan plan = plan_restore(restore, backup, archive);
  Applier applier(context, restore, backup, discovery);
  TRY(applier.run(plan, archive, cancel));
  TRY(applier.write_files(files));
  return applier.next_status(plan.items.size());
}

}  // namespace breakwater::velero
