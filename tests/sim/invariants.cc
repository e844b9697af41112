#include "tests/sim/invariants.h"

#include <charconv>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "backupstore/backup_store.h"
#include "base/ids.h"
#include "blob/local_store.h"
#include "mover/repository_place.h"

namespace breakwater::sim {
namespace {

using kube::Object;
using Event = kube::WatchEvent;

uint64_t number_of(const std::string& version) {
  uint64_t number = 0;
  std::from_chars(version.data(), version.data() + version.size(), number);
  return number;
}

// A location's phase and spec, without the time of its last validation.
bool is_heartbeat(const Object& object) {
  return object.is(api::kLease) || object.is(api::kNode) ||
         (object.is(api::kBackupStorageLocation) && object.phase() == "Available");
}

}  // namespace

bool selects(const Object& backup, const Object& vm) {
  const Json& wanted = backup.spec()["labelSelector"]["matchExpressions"][0]["values"][0];
  return wanted.as_string() == vm.label(api::kBackupVmLabel);
}

Invariants::Invariants(apiserver::ApiServer& server, kube::Client& client,
                       std::filesystem::path bucket, std::string secret, Trace& trace)
    : server_(server),
      client_(client),
      bucket_(std::move(bucket)),
      secret_(std::move(secret)),
      encoded_secret_(to_base64(as_bytes(secret_))),
      trace_(trace) {}

void Invariants::never_saved(const std::string& uid, const kube::Key& key) {
  never_saved_[uid] = key;
}

bool Invariants::mentions_secret(std::string_view text) const {
  return text.find(secret_) != text.npos || text.find(encoded_secret_) != text.npos;
}

Result<> Invariants::start() {
  kinds_ = server_.registry().all();
  std::set<std::string> seen;
  for (const auto& served : kinds_) {
    const kube::Kind kind = served->key();
    if (!seen.insert(kind.group_resource()).second) continue;  // another version of the same
    auto watch = client_.watch(kind, "", {});
    if (!watch) continue;  // reviews and such
    (*watch)->set_wake([] {});
    followed_.push_back({kind, std::move(*watch), 0});
  }
  if (followed_.size() < 20) return fail(Code::kInternal, "too few kinds can be watched");
  return {};
}

Result<> Invariants::look() {
  if (followed_.empty()) TRY(start());
  const uint64_t version = server_.resource_version();
  if (version < version_) return fail(Code::kInternal, "the resourceVersion went back");
  if (version == version_) return {};
  version_ = version;
  for (Followed& followed : followed_) {
    while (true) {
      const std::optional<Event> event = TRY(followed.watch->next());
      if (!event) break;
      if (event->type != Event::Type::kBookmark) TRY(judge(followed, *event));
    }
  }
  return {};
}

Result<> Invariants::judge(Followed& followed, const Event& event) {
  const Object& object = event.object;
  const uint64_t version = number_of(object.resource_version());
  const bool removed = event.type == Event::Type::kDeleted;
  const bool added = event.type == Event::Type::kAdded;
  ++changes_;
  trace_.add(fmt::format("{} {} {}{} {}", followed.kind.kind, object.key().to_string(), version,
                         removed ? " removed" : "", object.phase()));
  if (!added && version <= followed.version) {
    return fail(Code::kInternal, "resourceVersion {} follows {}", version, followed.version);
  }
  followed.version = std::max(version, followed.version);
  if (!object.is(api::kSecret) && mentions_secret(to_json(object.json()))) {
    return fail(Code::kInternal, "the password stands in {} {}", object.kind(),
                object.key().to_string());
  }
  if (quiet_) TRY(judge_quiet(object, removed));
  if (object.is(api::kSchedule)) return judge_schedule(object);
  if (object.is(api::kBackup)) return judge_backup(object, removed);
  if (object.is(api::kDataUpload)) return judge_upload(object, added);
  if (object.is(api::kVirtualMachineProtection) && !removed) return judge_protection(object);
  return {};
}

Result<> Invariants::judge_quiet(const Object& object, bool removed) const {
  if (is_heartbeat(object) || (object.is(api::kEvent) && removed)) return {};
  return fail(Code::kInternal, "{} {} was written although there was nothing to do: {}",
              object.kind(), object.key().to_string(), to_json(object.json()));
}

Result<> Invariants::judge_schedule(const Object& schedule) const {
  const std::string text = to_json(schedule.json());
  for (const auto& [uid, key] : never_saved_) {
    if (text.find(uid) == text.npos) continue;
    return fail(Code::kInternal, "Schedule {} names VM {}, which has no label", schedule.name(),
                key.to_string());
  }
  return {};
}

Result<> Invariants::judge_backup(const Object& backup, bool removed) {
  for (const auto& [uid, key] : never_saved_) {
    if (backup.annotation(uid).empty()) continue;
    return fail(Code::kInternal, "Backup {} names VM {}, which has no label", backup.name(),
                key.to_string());
  }
  const std::string& known = backups_.try_emplace(backup.name(), backup.uid()).first->second;
  if (known != backup.uid()) {
    return fail(Code::kInternal, "Backup {} was made a second time", backup.name());
  }
  std::set<std::string>& starting = starting_[backup.label(api::kScheduleNameLabel)];
  if (!removed && api::backup_blocks_schedule(backup.phase())) {
    starting.insert(backup.name());
  } else {
    starting.erase(backup.name());
  }
  if (backup.has_label(api::kScheduleNameLabel) && starting.size() > 1) {
    return fail(Code::kInternal, "two Backups of one Schedule start at once: {}, {}",
                *starting.begin(), *starting.rbegin());
  }
  const bool completed = !removed && backup.phase() == api::backup_phase::kCompleted;
  if (completed && completed_.insert(backup.uid()).second) return judge_completed(backup);
  return {};
}

// In the bucket, with the data of every volume.
Result<> Invariants::judge_completed(const Object& backup) {
  const std::string root = bucket_.string();
  if (!std::filesystem::exists(root + "/backups/" + backup.name() + "/velero-backup.json")) {
    return fail(Code::kInternal, "Backup {} is Completed and not in the bucket", backup.name());
  }
  const auto selector = kube::LabelSelector::equals(api::kBackupUidLabel, backup.uid());
  for (const Object& upload : TRY(client_.list(api::kDataUpload, backup.ns(), selector))) {
    const auto name = mover::SnapshotName::parse(upload.status()["snapshotID"].as_string());
    if (!name || upload.phase() != api::data_phase::kCompleted) {
      return fail(Code::kInternal, "Backup {} is Completed and its DataUpload {} is not",
                  backup.name(), upload.name());
    }
    if (!std::filesystem::exists(root + "/" + name->repository() + "/snapshots/" + name->id)) {
      return fail(Code::kInternal, "DataUpload {} names a snapshot that does not exist",
                  upload.name());
    }
  }
  return judge_archive(backup, root);
}

Result<> Invariants::judge_archive(const Object& backup, const std::string& root) const {
  SeededRandom random(1);
  blob::LocalSettings settings;
  settings.root = root;
  const auto store = blob::make_local_store(settings, random);
  backupstore::BackupStore files(*store);
  const backupstore::Archive archive = TRY(files.get_contents(backup.name()));
  for (const Object& vm : TRY(client_.list(api::kVirtualMachine, ""))) {
    if (backup.annotation(vm.uid()).empty() || backup.created() <= relabelled_) continue;
    if (!selects(backup, vm)) continue;  // its label has changed, and its Schedule has not yet
    if (archive.find({api::kVirtualMachine.group_resource(), vm.ns(), vm.name()})) continue;
    return fail(Code::kInternal, "Backup {} is Completed without VM {}", backup.name(),
                vm.key().to_string());
  }
  for (const auto& [key, item] : archive.items()) {
    const std::string text = to_json(item);
    if (mentions_secret(text)) {
      return fail(Code::kInternal, "the password stands in the tarball of {}", backup.name());
    }
    const Object object(item);
    if (!object.is(api::kVirtualMachine)) continue;
    for (const auto& [uid, other] : never_saved_) {
      if (object.key() != other) continue;
      return fail(Code::kInternal, "Backup {} holds VM {}, which has no label", backup.name(),
                  other.to_string());
    }
  }
  return {};
}

Result<> Invariants::judge_upload(const Object& upload, bool added) {
  if (!added) return {};
  const auto key = std::pair(upload.label(api::kBackupUidLabel), upload.label(api::kPvcUidLabel));
  const std::string& known = uploads_.try_emplace(key, upload.uid()).first->second;
  if (known == upload.uid()) return {};
  return fail(Code::kInternal, "claim {} is moved twice by one Backup: DataUpload {}",
              upload.spec()["sourcePVC"].as_string(), upload.name());
}

Result<> Invariants::judge_protection(const Object& protection) const {
  if (protection.status()["protected"].as_string() != "True") return {};
  const std::string& name = protection.status()["lastBackup"].as_string();
  for (const Object& backup : TRY(client_.list(api::kBackup, ""))) {
    if (backup.name() == name && backup.phase() == api::backup_phase::kCompleted) return {};
  }
  return fail(Code::kInternal, "{} says True, and Backup {} is not Completed",
              protection.key().to_string(), name);
}

}  // namespace breakwater::sim
