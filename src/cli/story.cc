#include "cli/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/check.h"
#include "base/encoding.h"
#include "base/quantity.h"
#include "cli/story_disk.h"
#include "volume/block_volume.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;
using kube::Object;
using story::DiskMode;

constexpr auto kPoll = std::chrono::milliseconds(200);
constexpr Duration kStepLimit = std::chrono::minutes(2);
constexpr const char* kLedger = "ledger";    // a namespace without any VM
constexpr const char* kArchive = "archive";  // its volume
constexpr const char* kArchiveSize = "64Mi";
constexpr const char* kMapped = "office-dr";  // where a VM of "office" comes back

double seconds_between(const Json& from, const Json& to) {
  const auto start = parse_rfc3339(from.as_string());
  const auto end = parse_rfc3339(to.as_string());
  return start && end ? std::chrono::duration<double>(*end - *start).count() : 0;
}

uint64_t figure(const Json& text) {
  return text.is_int() ? static_cast<uint64_t>(text.as_int())
                       : static_cast<uint64_t>(parse_quantity(text.as_string()).value_or(0));
}

}  // namespace

bool passes_by_itself(const Error& error) {
  return error.is(Code::kUnavailable) || error.is(Code::kTimeout) || error.is(Code::kConflict);
}

Story::Story(StoryOptions options, const Clock& clock, Random& random,
             std::function<void(const std::string&)> say)
    : options_(std::move(options)),
      clock_(clock),
      random_(random),
      say_(std::move(say)),
      fleet_(options_.program, options_.directory, clock) {
  Bytes secret(24);
  random_.fill(secret);
  password_ = to_hex(secret);
  vms_ = {{"shop", "vm-1", options_.size},
          {"shop", "vm-10", "128Mi"},
          {"office", "vm-1", "256Mi"},
          {"office", "files", "128Mi", DiskMode::kFilesystem},
          {"office", "scratch", "64Mi", DiskMode::kBlock, false}};
}

story::Vm& Story::vm(const std::string& title) {
  const auto found = std::find_if(vms_.begin(), vms_.end(),
                                  [&](const story::Vm& one) { return one.title() == title; });
  CHECK(found != vms_.end());
  return *found;
}

Result<> Story::until(const std::string& what, Duration limit, const Attempt& attempt) {
  const Duration start = clock_.monotonic();
  std::string last = "it did not happen";
  while (clock_.monotonic() - start < limit) {
    auto done = attempt();
    TRY(check_pod_logs());
    if (done && *done) return {};
    if (!done && !passes_by_itself(done.error())) {
      return while_doing(Result<>(tl::unexpected(done.error())), "waiting for {}", what);
    }
    if (!done) last = done.error().to_string();
    std::this_thread::sleep_for(kPoll);
  }
  return fail(Code::kTimeout, "waited {} for {}: {}", format_duration(limit), what, last);
}

Result<> Story::ensure(const std::string& cluster, const kube::Kind& kind, const Object& object) {
  return until(fmt::format("{} {}", kind.kind, object.key().to_string()), kStepLimit,
               [&]() -> Result<bool> {
                 auto created = fleet_.client(cluster).create(kind, object);
                 if (created || created.error().is(Code::kAlreadyExists)) return true;
                 return tl::unexpected(created.error());
               });
}

Result<> Story::change(const std::string& cluster, const kube::Kind& kind, const kube::Key& key,
                       const Json& merge_patch) {
  return until(fmt::format("a change of {} {}", kind.kind, key.to_string()), kStepLimit,
               [&]() -> Result<bool> {
                 TRY(fleet_.client(cluster).patch(kind, key, kube::PatchType::kMerge, merge_patch));
                 return true;
               });
}

Result<> Story::remove(const std::string& cluster, const kube::Kind& kind, const kube::Key& key) {
  return until(fmt::format("{} {} to be gone", kind.kind, key.to_string()), kStepLimit,
               [&]() -> Result<bool> {
                 auto removed = fleet_.client(cluster).remove(kind, key);
                 if (removed) return false;
                 if (removed.error().is(Code::kNotFound)) return true;
                 return tl::unexpected(removed.error());
               });
}

Result<Object> Story::wait_for_backup(Time started_after) {
  Object found;
  TRY(until("a Backup of the VMs to be Completed", 2 * kStepLimit, [&]() -> Result<bool> {
    for (const Object& backup :
         TRY(fleet_.client("cls1").list(api::kBackup, story::kEngineNamespace))) {
      if (backup.phase() != api::backup_phase::kCompleted) continue;
      const auto started = parse_rfc3339(backup.status()["startTimestamp"].as_string());
      if (!started || *started <= started_after) continue;
      bool has_all = true;
      for (const story::Vm& vm : vms_) {
        if (vm.labelled && backup.annotation(vm.uid).empty()) has_all = false;
      }
      if (!has_all) continue;
      found = backup;
      return true;
    }
    return false;
  }));
  return found;
}

// Green means protected: nobody has to look further than at the hub.
Result<> Story::wait_until_green() {
  return until("policy acm-dr-virt-backup to be Compliant", kStepLimit, [&]() -> Result<bool> {
    const Object policy = TRY(fleet_.client(kHubName).get(
        api::kPolicy, {story::kHubNamespace, std::string(api::kBackupPolicyName)}));
    return policy.status()["compliant"].as_string() == "Compliant";
  });
}

Result<> Story::add_backup_rows(const Object& backup) {
  for (const story::Vm& vm : vms_) {
    if (!vm.labelled) continue;
    Object upload;
    TRY(until(fmt::format("the DataUpload of {} in {}", vm.title(), backup.name()), kStepLimit,
              [&]() -> Result<bool> {
                for (const Object& one :
                     TRY(fleet_.client("cls1").list(api::kDataUpload, story::kEngineNamespace))) {
                  if (one.label(api::kBackupNameLabel) != backup.name() ||
                      one.spec()["sourceNamespace"].as_string() != vm.ns ||
                      one.spec()["sourcePVC"].as_string() != vm.disk()) {
                    continue;
                  }
                  upload = one;
                  return true;
                }
                return false;
              }));
    const Json& status = upload.status();
    StoryRow row;
    row.what = "backup of " + vm.title();
    row.cluster = "cls1";
    row.by = backup.name();
    row.logical_size = figure(status["progress"]["totalBytes"]);
    row.bytes_read = figure(status["dataMoverResult"]["bytesRead"]);
    row.bytes_moved = figure(status["dataMoverResult"]["bytesMoved"]);
    row.seconds = seconds_between(status["startTimestamp"], status["completionTimestamp"]);
    TRY(restic_agrees(upload, vm));
    row.verified = true;
    rows_.push_back(row);
  }
  return {};
}

Result<> Story::move_one_volume() {
  const std::string cluster = "cls1";
  const kube::Key claim{kLedger, kArchive};
  TRY(ensure(cluster, api::kNamespace, story::namespace_object(kLedger)));
  TRY(ensure(cluster, api::kPersistentVolumeClaim,
             story::claim(kLedger, kArchive, kArchiveSize, DiskMode::kBlock)));
  const fs::path disk = TRY(volume_of(cluster, claim));
  TRY(fill_disk(disk, options_.directory, random_));
  const fs::path expected = options_.directory / "archive.expected";
  TRY(volume::clone_file(disk, expected));
  TRY(ensure(cluster, api::kVolumeSnapshot, story::volume_snapshot(kLedger, kArchive, kArchive)));
  std::string content;
  TRY(until("the snapshot of the volume", kStepLimit, [&]() -> Result<bool> {
    const Object snapshot = TRY(fleet_.client(cluster).get(api::kVolumeSnapshot, claim));
    content = snapshot.status()["boundVolumeSnapshotContentName"].as_string();
    return snapshot.status()["readyToUse"].as_bool();
  }));
  TRY(ensure(cluster, api::kVolumeSnapshotBackup,
             story::volume_snapshot_backup(kLedger, kArchive, content)));
  const Object backup = TRY(wait_for_move(api::kVolumeSnapshotBackup, claim));
  // The snapshot and the volume go; what is left of the data is in the object store.
  TRY(change(cluster, api::kVolumeSnapshotContent, {"", content},
             Json::object({{"spec", Json::object({{"deletionPolicy", "Delete"}})}})));
  TRY(remove(cluster, api::kVolumeSnapshot, claim));
  TRY(remove(cluster, api::kPersistentVolumeClaim, claim));
  TRY(until("the volume's file to be gone", kStepLimit,
            [&]() -> Result<bool> { return !fs::exists(disk); }));
  TRY(ensure(cluster, api::kVolumeSnapshotRestore,
             story::volume_snapshot_restore(kLedger, kArchive, backup)));
  const Object restore = TRY(wait_for_move(api::kVolumeSnapshotRestore, claim));
  const std::string& handle = restore.status()["snapshotHandle"].as_string();
  TRY(ensure(cluster, api::kVolumeSnapshotContent,
             story::static_content(kLedger, "archive-back", handle, DiskMode::kBlock)));
  TRY(ensure(cluster, api::kVolumeSnapshot, story::static_snapshot(kLedger, "archive-back")));
  TRY(ensure(cluster, api::kPersistentVolumeClaim,
             story::claim_from(kLedger, kArchive, kArchiveSize, DiskMode::kBlock, "archive-back")));
  const fs::path back = TRY(volume_of(cluster, claim));
  if (const auto difference = TRY(first_difference(back, expected))) {
    return fail(Code::kCorrupt, "the volume that came back differs at byte {}", *difference);
  }
  rows_[rows_.size() - 1].verified = rows_[rows_.size() - 2].verified = true;
  TRY(remove(cluster, api::kVolumeSnapshotRestore, claim));
  TRY(change(cluster, api::kVolumeSnapshotContent, {"", "archive-back"},
             Json::object({{"spec", Json::object({{"deletionPolicy", "Delete"}})}})));
  TRY(remove(cluster, api::kVolumeSnapshot, {kLedger, "archive-back"}));
  namespaces_saved_.insert(kLedger);
  return {};
}

// A VolumeSnapshotBackup or -Restore on cls1, once it is Completed; adds its row.
Result<Object> Story::wait_for_move(const kube::Kind& kind, const kube::Key& key) {
  Object move;
  TRY(until(fmt::format("{} {} to be Completed", kind.kind, key.to_string()), 2 * kStepLimit,
            [&]() -> Result<bool> {
              move = TRY(fleet_.client("cls1").get(kind, key));
              if (move.phase() == "Failed" || move.phase() == "PartiallyFailed") {
                return fail(Code::kInternal, "it is {}: {}", move.phase(), to_json(move.status()));
              }
              return move.phase() == "Completed";
            }));
  StoryRow row;
  row.what = (kind == api::kVolumeSnapshotBackup ? "VSB of " : "VSR of ") + key.to_string();
  row.cluster = "cls1";
  row.by = key.name;
  row.logical_size = figure(Json(kArchiveSize));
  row.bytes_moved = figure(Json(move.annotation(api::kBytesMovedAnnotation)));
  row.seconds =
      seconds_between(move.status()["startTimestamp"], move.status()["completionTimestamp"]);
  rows_.push_back(row);
  return move;
}

Result<> Story::destroy_namespace() {
  std::vector<fs::path> disks;
  for (const story::Vm& vm : vms_) {
    if (vm.ns == "shop") disks.push_back(TRY(volume_of("cls1", {vm.ns, vm.disk()})));
  }
  TRY(remove("cls1", api::kNamespace, {"", "shop"}));
  return until("the volumes' files to be gone", kStepLimit, [&]() -> Result<bool> {
    for (const fs::path& disk : disks) {
      if (fs::exists(disk)) return false;
    }
    return true;
  });
}

// The hub admin edits one ConfigMap; nobody touches the clusters.
Result<> Story::ask_for_restores(const Object& backup) {
  Json data = Json::object();
  const std::string in_place = cluster_ids_["cls1"] + "_", other = cluster_ids_["cls2"] + "_";
  data.set(in_place + "restoreName", "restore-shop");
  data.set(in_place + "backupName", backup.name());
  data.set(in_place + "vmsUID", vm("shop/vm-1").uid);
  data.set(other + "restoreName", "restore-office");
  data.set(other + "backupName", backup.name());
  data.set(other + "vmsUID", vm("office/vm-1").uid);
  data.set(other + "namespaceMapping", fmt::format("office={}", kMapped));
  data.set(other + "sourceCluster", "cls1");
  return change(kHubName, api::kConfigMap, {story::kHubNamespace, story::kRestoreConfig},
                Json::object({{"data", data}}));
}

Result<> Story::wait_for_restore(const std::string& cluster, const std::string& name,
                                 const story::Vm& vm, const std::string& ns) {
  kube::Client& client = fleet_.client(cluster);
  Object restore;
  TRY(until(fmt::format("Restore {} on {} to finish", name, cluster), 2 * kStepLimit,
            [&]() -> Result<bool> {
              auto found = client.get(api::kRestore, {story::kEngineNamespace, name});
              if (!found && found.error().is(Code::kNotFound)) return false;
              restore = TRY(std::move(found));
              return api::restore_is_terminal(restore.phase());
            }));
  if (restore.phase() != api::backup_phase::kCompleted) {
    return fail(Code::kInternal, "Restore {} is {}: {}", name, restore.phase(),
                to_json(restore.status()));
  }
  StoryRow row;
  row.what =
      fmt::format("restore of {}{}", vm.title(), ns == vm.ns ? "" : " as " + ns + "/" + vm.name);
  row.cluster = cluster;
  row.by = name;
  row.seconds =
      seconds_between(restore.status()["startTimestamp"], restore.status()["completionTimestamp"]);
  TRY(until("the figures of " + name, kStepLimit, [&]() -> Result<bool> {
    for (const Object& download : TRY(client.list(api::kDataDownload, story::kEngineNamespace))) {
      if (download.label(api::kRestoreNameLabel) != name) continue;
      row.logical_size = figure(download.status()["progress"]["totalBytes"]);
      row.bytes_moved = figure(Json(download.annotation(api::kBytesMovedAnnotation)));
    }
    TRY(client.get(api::kVirtualMachine, {ns, vm.name}));
    return true;
  }));
  const fs::path disk = TRY(volume_of(cluster, {ns, vm.disk()}));
  row.verified = TRY(disk_equals(disk, vm));
  if (!row.verified) return fail(Code::kCorrupt, "the restored disk of {} differs", vm.title());
  TRY(check_file_system(disk));
  rows_.push_back(row);
  return {};
}

// What nobody asked for was neither saved nor restored nor touched.
Result<> Story::check_unselected() {
  return until("a look at what nobody selected", kStepLimit, [&]() -> Result<bool> {
    kube::Client& client = fleet_.client("cls1");
    const story::Vm& scratch = vm("office/scratch");
    const Object there = TRY(client.get(api::kVirtualMachine, {scratch.ns, scratch.name}));
    if (there.resource_version() != unselected_version_) {
      return fail(Code::kInternal, "VirtualMachine {} has been changed", scratch.title());
    }
    if (!TRY(disk_equals(TRY(volume_of("cls1", {scratch.ns, scratch.disk()})), scratch))) {
      return fail(Code::kInternal, "the disk of {} has been changed", scratch.title());
    }
    for (const Object& upload : TRY(client.list(api::kDataUpload, story::kEngineNamespace))) {
      if (upload.spec()["sourcePVC"].as_string() == scratch.disk()) {
        return fail(Code::kInternal, "{} was saved", scratch.title());
      }
    }
    for (const auto& [cluster, ns] : {std::pair("cls1", "shop"), std::pair("cls2", kMapped)}) {
      const auto vms = TRY(fleet_.client(cluster).list(api::kVirtualMachine, ns));
      if (vms.size() != 1) {
        return fail(Code::kInternal, "{} VMs came back in {} where one was asked for", vms.size(),
                    ns);
      }
    }
    return true;
  });
}

// Every part of the story gets its share of the kills.
void Story::allow_kills(double share) {
  fleet_.allow_kills(static_cast<int>(std::lround(static_cast<double>(options_.kills) * share)));
}

Result<> Story::run() {
  say_("starting a hub and two clusters on loopback; cls1 and cls2 join the hub");
  TRY(set_up_fleet());
  if (options_.kills > 0) fleet_.kill_at_random(static_cast<uint64_t>(options_.seed));
  allow_kills(0.15);
  say_("hub admin: policies, three ConfigMaps, one Secret, the label acm-virt-config");
  TRY(set_up_policies());
  say_("policy acm-dr-virt-install is Compliant on both; VM users on cls1 make five VMs");
  TRY(create_vms());
  say_(fmt::format("VM users: label four of them backup-vm: {}", story::kCron));
  TRY(label_vms());
  allow_kills(0.4);
  const Object first = TRY(wait_for_backup(Time{}));
  TRY(add_backup_rows(first));
  TRY(wait_until_green());
  say_(fmt::format("{} is Completed, acm-dr-virt-backup is Compliant; 1 % of the disks changes",
                   first.name()));
  TRY(change_disks());
  allow_kills(0.6);
  const Object second = TRY(wait_for_backup(clock_.now()));
  TRY(add_backup_rows(second));
  say_(
      fmt::format("{} is Completed, restic has the same disks; one volume goes by "
                  "VolumeSnapshotBackup and comes back",
                  second.name()));
  allow_kills(0.75);
  TRY(move_one_volume());
  say_("disaster: namespace shop is deleted with its volumes");
  TRY(destroy_namespace());
  allow_kills(1);
  say_(fmt::format("hub admin: asks for shop/vm-1 in place and for office/vm-1 on cls2 in {}",
                   kMapped));
  TRY(ask_for_restores(second));
  TRY(wait_for_restore("cls1", "restore-shop", vm("shop/vm-1"), "shop"));
  TRY(wait_for_restore("cls2", "restore-office", vm("office/vm-1"), kMapped));
  TRY(check_unselected());
  say_("both are back, every byte equal, and nothing else; restic checks the repositories");
  TRY(quiesce());
  TRY(let_restic_check());
  TRY(check_secrets());
  fleet_.stop();
  return {};
}

}  // namespace breakwater::cli
