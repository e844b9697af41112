#include <fmt/format.h>

#include <map>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "backupstore/backup_store.h"
#include "velero/restore_item.h"
#include "velero/restore_operations.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using kube::Object;

class Checker {
 public:
  Checker(const Context& context, const Object& restore)
      : client_(context.services.client), restore_(restore) {}

  Result<Json> run(const RestorePlan& plan) {
    if (plan.items.empty() && plan.findings.errors() == 0)
      errors_.push_back(fmt::format("nothing in backup {} matches what spec selects",
                                    restore_.spec()["backupName"].as_string()));
    std::set<std::string> namespaces;
    for (const RestoreItem& item : plan.items)
      if (!item.target.ns.empty()) namespaces.insert(item.target.ns);
    check_targets(plan);
    for (const std::string& ns : namespaces) TRY(check_namespace(ns));
    for (const RestoreItem& item : plan.items) {
      if (item.saved.is(api::kPersistentVolumeClaim))
        TRY(check_absent(api::kPersistentVolumeClaim, item));
      if (item.saved.is(api::kVirtualMachine)) TRY(check_absent(api::kVirtualMachine, item));
    }
    TRY(check_contents(plan));
    return Json::object({{"errors", Json(std::move(errors_))}, {"wait", wait_}});
  }

 private:
  // Two namespaces may be mapped to one, but not two objects to one name.
  void check_targets(const RestorePlan& plan) {
    std::map<std::pair<std::string, kube::Key>, const RestoreItem*> taken;
    for (const RestoreItem& item : plan.items) {
      auto [other, is_new] =
          taken.emplace(std::pair(item.source.group_resource, item.target), &item);
      if (is_new || may_share(item, *other->second)) continue;
      errors_.push_back(fmt::format(
          "spec.namespaceMapping: {} {} of namespaces {} and {} would be one", item.saved.kind(),
          item.target.to_string(), other->second->source.ns, item.source.ns));
    }
  }

  // What every namespace has, and what says the same in both; a machine's disk is its own.
  bool may_share(const RestoreItem& a, const RestoreItem& b) const {
    if (a.saved.is(api::kServiceAccount)) return true;
    if (a.saved.is(api::kVirtualMachine) || a.saved.is(api::kPersistentVolumeClaim)) return false;
    return restored_object(restore_, "", a) == restored_object(restore_, "", b);
  }

  Result<> check_namespace(const std::string& name) {
    auto ns = client_.get(api::kNamespace, {"", name});
    if (!ns && ns.error().is(Code::kNotFound)) return {};
    if (TRY(std::move(ns)).is_deleting())
      wait_ = fmt::format("namespace {} is still being deleted", name);
    return {};
  }

  Result<> check_absent(const kube::Kind& kind, const RestoreItem& item) {
    auto found = client_.get(kind, item.target);
    if (!found && found.error().is(Code::kNotFound)) return {};
    const Object there = TRY(std::move(found));
    if (is_restored_by(there, restore_)) return {};
    if (there.is_deleting()) {
      wait_ = fmt::format("{} {} is still being deleted", kind.kind, item.target.to_string());
    } else {
      errors_.push_back(
          fmt::format("{} {} already exists: delete it, or map its namespace to another one",
                      kind.kind, item.target.to_string()));
    }
    return {};
  }

  // A content that still claims the name of a saved snapshot means that the old volume's snapshots
  // are not gone: whoever cleans them up later must not find a restored disk.
  Result<> check_contents(const RestorePlan& plan) {
    std::set<kube::Key> snapshots;
    for (const RestoreItem& item : plan.items)
      if (item.data.kind == DataSource::Kind::kMoved ||
          item.data.kind == DataSource::Kind::kSnapshotBackup)
        snapshots.insert({item.target.ns, item.saved.annotation(api::kVolumeSnapshotNameLabel)});
    if (snapshots.empty()) return {};
    auto contents = TRY(client_.list(api::kVolumeSnapshotContent, ""));
    for (const Object& content : contents) {
      const Json& ref = content.spec()["volumeSnapshotRef"];
      if (content.is_deleting() ||
          !snapshots.contains({ref["namespace"].as_string(), ref["name"].as_string()}))
        continue;
      errors_.push_back(fmt::format(
          "VolumeSnapshotContent {} of VolumeSnapshot {}/{} is left over: delete it first",
          content.name(), ref["namespace"].as_string(), ref["name"].as_string()));
    }
    return {};
  }

  kube::Client& client_;
  const Object& restore_;
  Json::Array errors_;
  std::string wait_;
};

}  // namespace

Result<Json> check_restore(const Context& context, const Object& restore) {
  auto store = TRY(open_location(context, restore.annotation(api::kStorageLocationLabel)));
  backupstore::BackupStore files(*store);
  const std::string name = stored_name(restore);
  const Object backup(TRY(files.get_backup(name)));
  backupstore::Archive archive = TRY(files.get_contents(name));
  return Checker(context, restore).run(plan_restore(restore, backup, archive));
}

}  // namespace breakwater::velero
