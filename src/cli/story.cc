#include "cli/story.h"

#include <fmt/format.h>

#include <cmath>
#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/quantity.h"
#include "cli/story_disk.h"
#include "cli/story_objects.h"
#include "cli/subprocess.h"
#include "volume/block_volume.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;
using kube::Object;

constexpr auto kPoll = std::chrono::milliseconds(200);
constexpr Duration kStepLimit = std::chrono::minutes(2);

// What a killed and restarted API server explains.
bool passes_by_itself(const Error& error) {
  return error.is(Code::kUnavailable) || error.is(Code::kTimeout) || error.is(Code::kConflict);
}

double seconds_between(const Json& from, const Json& to) {
  const auto start = parse_rfc3339(from.as_string());
  const auto end = parse_rfc3339(to.as_string());
  return start && end ? std::chrono::duration<double>(*end - *start).count() : 0;
}

uint64_t figure(const Json& text) {
  return text.is_int() ? static_cast<uint64_t>(text.as_int())
                       : static_cast<uint64_t>(parse_quantity(text.as_string()).value_or(0));
}

// "restic/<cluster>/<namespace>#<snapshot>"
std::pair<std::string, std::string> split_snapshot_id(const std::string& id) {
  const size_t hash = id.find('#');
  return {id.substr(0, hash), hash == std::string::npos ? "" : id.substr(hash + 1)};
}

}  // namespace

Story::Story(StoryOptions options, const Clock& clock, Random& random,
             std::function<void(const std::string&)> say)
    : options_(std::move(options)),
      clock_(clock),
      random_(random),
      say_(std::move(say)),
      sandbox_(options_.program, options_.directory / "sandbox", clock) {
  Bytes secret(24);
  random_.fill(secret);
  password_ = to_hex(secret);
}

Result<> Story::until(const std::string& what, Duration limit, const Attempt& attempt) {
  const Duration start = clock_.monotonic();
  std::string last = "it did not happen";
  while (clock_.monotonic() - start < limit) {
    auto done = attempt();
    if (done && *done) return {};
    if (!done && !passes_by_itself(done.error())) {
      return while_doing(Result<>(tl::unexpected(done.error())), "waiting for {}", what);
    }
    if (!done) last = done.error().to_string();
    std::this_thread::sleep_for(kPoll);
  }
  return fail(Code::kTimeout, "waited {} for {}: {}", format_duration(limit), what, last);
}

Result<> Story::ensure(const kube::Kind& kind, const Object& object) {
  return until(fmt::format("{} {}", kind.kind, object.key().to_string()), kStepLimit,
               [&]() -> Result<bool> {
                 auto created = sandbox_.client().create(kind, object);
                 if (created || created.error().is(Code::kAlreadyExists)) return true;
                 return tl::unexpected(created.error());
               });
}

Result<> Story::set_up_engine() {
  const fs::path backups = options_.directory / "object-store";
  TRY(make_directories(backups));
  TRY(ensure(api::kNamespace, story::namespace_object(story::kEngineNamespace)));
  TRY(ensure(api::kSecret, story::repository_secret(password_)));
  TRY(ensure(api::kVirtInstallPolicy, story::install_policy(backups, story::crons())));
  TRY(ensure(api::kVirtBackupPolicy, story::backup_policy(backups, story::crons())));
  return until("BackupStorageLocation velero-sample-1 to be Available", kStepLimit,
               [&]() -> Result<bool> {
                 auto location = sandbox_.client().get(
                     api::kBackupStorageLocation, {story::kEngineNamespace, "velero-sample-1"});
                 return location && location->phase() == "Available";
               });
}

Result<fs::path> Story::volume_file() {
  fs::path file;
  TRY(until("the disk's PersistentVolume", kStepLimit, [&]() -> Result<bool> {
    auto claim =
        sandbox_.client().get(api::kPersistentVolumeClaim, {story::kNamespace, story::kDisk});
    if (!claim || claim->phase() != "Bound") return false;
    const std::string& name = claim->spec()["volumeName"].as_string();
    const Object volume = TRY(sandbox_.client().get(api::kPersistentVolume, {"", name}));
    file = volume.spec()["csi"]["volumeAttributes"]["path"].as_string();
    return !file.empty();
  }));
  return file;
}

Result<> Story::create_vm() {
  TRY(ensure(api::kNamespace, story::namespace_object(story::kNamespace)));
  TRY(ensure(api::kPersistentVolumeClaim, story::disk_claim(options_.size)));
  const fs::path disk = TRY(volume_file());
  TRY(fill_disk(disk, options_.directory, random_));
  TRY(volume::clone_file(disk, options_.directory / "expected-1.img"));
  return ensure(api::kVirtualMachine, story::virtual_machine());
}

Result<> Story::label_vm() {
  return until("the label on the VM", kStepLimit, [&]() -> Result<bool> {
    const Json patch = Json::object(
        {{"metadata", Json::object({{"labels", Json::object({{std::string(api::kBackupVmLabel),
                                                              story::kCron}})}})}});
    const Object vm = TRY(sandbox_.client().patch(
        api::kVirtualMachine, {story::kNamespace, story::kVm}, kube::PatchType::kMerge, patch));
    vm_uid_ = vm.uid();
    return true;
  });
}

Result<Object> Story::wait_for_backup(Time started_after) {
  Object found;
  TRY(until("a Backup of the VM to be Completed", 2 * kStepLimit, [&]() -> Result<bool> {
    for (const Object& backup :
         TRY(sandbox_.client().list(api::kBackup, story::kEngineNamespace))) {
      if (backup.phase() != api::backup_phase::kCompleted) continue;
      if (backup.annotation(vm_uid_).empty()) continue;
      auto started = parse_rfc3339(backup.status()["startTimestamp"].as_string());
      if (!started || *started <= started_after) continue;
      found = backup;
      return true;
    }
    return false;
  }));
  return found;
}

Result<Object> Story::find_upload(const Object& backup) {
  Object found;
  TRY(until("the DataUpload of " + backup.name(), kStepLimit, [&]() -> Result<bool> {
    for (const Object& upload :
         TRY(sandbox_.client().list(api::kDataUpload, story::kEngineNamespace))) {
      if (upload.label(api::kBackupNameLabel) != backup.name()) continue;
      found = upload;
      return true;
    }
    return false;
  }));
  return found;
}

Result<> Story::add_backup_row(const std::string& what, const Object& backup,
                               const fs::path& expected) {
  const Object upload = TRY(find_upload(backup));
  const Json& status = upload.status();
  StoryRow row;
  row.what = what;
  row.logical_size = figure(status["progress"]["totalBytes"]);
  row.bytes_read = figure(status["dataMoverResult"]["bytesRead"]);
  row.bytes_moved = figure(status["dataMoverResult"]["bytesMoved"]);
  row.seconds =
      seconds_between(backup.status()["startTimestamp"], backup.status()["completionTimestamp"]);
  const auto [path, snapshot] = split_snapshot_id(status["snapshotID"].as_string());
  repository_ = options_.directory / "object-store" / "vb-velero-backup" / "cls1" / path;
  // The peer's word: restic reads the same disk out of the repository.
  const fs::path dump = options_.directory / "restic-dump.img";
  const std::string script =
      "exec restic --no-cache --no-lock -q -r \"$0\" dump \"$1\" \"$2\" > \"$3\"";
  TRY(run_checked({"sh", "-c", script, repository_.string(), snapshot, "/disk.img", dump.string()},
                  {{"RESTIC_PASSWORD", password_}}));
  const auto difference = TRY(first_difference(dump, expected));
  fs::remove(dump);
  if (difference) {
    return fail(Code::kCorrupt, "restic dumps another disk from Backup {}: byte {} differs",
                backup.name(), *difference);
  }
  row.verified = true;
  rows_.push_back(row);
  return {};
}

Result<> Story::destroy() {
  const fs::path file = TRY(volume_file());
  TRY(until("the namespace to be deleted", kStepLimit, [&]() -> Result<bool> {
    auto removed = sandbox_.client().remove(api::kNamespace, {"", story::kNamespace});
    if (removed) return false;
    if (removed.error().is(Code::kNotFound)) return true;
    return tl::unexpected(removed.error());
  }));
  return until("the volume's file to be gone", kStepLimit,
               [&]() -> Result<bool> { return !fs::exists(file); });
}

Result<> Story::restore(const Object& backup) {
  const Object wanted = story::restore_by_uid("restore-vm-1", backup.name(), vm_uid_);
  TRY(ensure(api::kRestore, wanted));
  Object restore;
  TRY(until("the Restore to finish", 2 * kStepLimit, [&]() -> Result<bool> {
    restore = TRY(sandbox_.client().get(api::kRestore, wanted.key()));
    return api::restore_is_terminal(restore.phase());
  }));
  if (restore.phase() != api::backup_phase::kCompleted) {
    return fail(Code::kInternal, "Restore {} is {}: {}", wanted.name(), restore.phase(),
                to_json(restore.status()));
  }
  StoryRow row;
  row.what = "restore by UID";
  row.seconds =
      seconds_between(restore.status()["startTimestamp"], restore.status()["completionTimestamp"]);
  for (const Object& download :
       TRY(sandbox_.client().list(api::kDataDownload, story::kEngineNamespace))) {
    row.logical_size = figure(download.status()["progress"]["totalBytes"]);
    row.bytes_moved = figure(Json(download.annotation(api::kBytesMovedAnnotation)));
    row.bytes_read = row.bytes_moved;
  }
  rows_.push_back(row);
  return {};
}

Result<> Story::compare() {
  TRY(until("the restored VM", kStepLimit, [&]() -> Result<bool> {
    return sandbox_.client().get(api::kVirtualMachine, {story::kNamespace, story::kVm}).has_value();
  }));
  const fs::path disk = TRY(volume_file());
  const auto difference = TRY(first_difference(disk, options_.directory / "expected-2.img"));
  if (difference) {
    return fail(Code::kCorrupt, "the restored disk differs from the lost one at byte {}",
                *difference);
  }
  TRY(check_file_system(disk));
  rows_.back().verified = true;
  return {};
}

// Every part of the story gets its share of the kills.
void Story::allow_kills(double share) {
  sandbox_.allow_kills(static_cast<int>(std::lround(static_cast<double>(options_.kills) * share)));
}

Result<> Story::run() {
  say_("starting a cluster on loopback");
  TRY(sandbox_.start());
  if (options_.kills > 0) sandbox_.kill_at_random(static_cast<uint64_t>(options_.seed));
  say_("admin: a backup location, a repository password, the cron every_15s");
  allow_kills(0.2);
  TRY(set_up_engine());
  say_(fmt::format("VM user: vm-1 with an ext4 disk of {}", options_.size));
  TRY(create_vm());
  say_("VM user: labels the VM backup-vm: every_15s");
  TRY(label_vm());
  allow_kills(0.4);
  const Object first = TRY(wait_for_backup(Time{}));
  say_(fmt::format("{} is Completed; 1 % of the disk changes", first.name()));
  TRY(add_backup_row("first backup", first, options_.directory / "expected-1.img"));
  const fs::path disk = TRY(volume_file());
  TRY(change_one_percent(disk, options_.directory, random_));
  TRY(volume::clone_file(disk, options_.directory / "expected-2.img"));
  allow_kills(0.6);
  const Object second = TRY(wait_for_backup(clock_.now()));
  TRY(add_backup_row("second backup, 1 % changed", second, options_.directory / "expected-2.img"));
  say_(fmt::format("{} is Completed; disaster: the namespace and its volume are deleted",
                   second.name()));
  allow_kills(0.7);
  TRY(destroy());
  allow_kills(1);
  say_("restore by UID " + vm_uid_);
  TRY(restore(second));
  TRY(compare());
  say_("the disk is back, every byte equal; restic checks the repository");
  TRY(quiesce());
  TRY(let_restic_check());
  for (const std::string& left : TRY(leftovers())) {
    return fail(Code::kInternal, "left behind: {}", left);
  }
  sandbox_.stop();
  return {};
}

}  // namespace breakwater::cli
