// What must be true during and after the story: disks are equal, restic agrees, and nothing is left
// that nobody owns.
#include <fmt/format.h>

#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "cli/story.h"
#include "cli/story_disk.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;
using kube::Object;
using story::DiskMode;

constexpr Duration kRestLimit = std::chrono::minutes(3);

}  // namespace

std::string Story::repository_of(const std::string& cluster, const std::string& ns) const {
  const std::string& id = cluster_ids_.at(cluster);
  return fmt::format("{}/{}/{}/restic/{}/{}", store_.restic_base, kStoryPrefix, id, id, ns);
}

std::map<std::string, std::string> Story::restic_environment() const {
  auto environment = store_.restic_environment;
  environment["RESTIC_PASSWORD"] = password_;
  return environment;
}

Result<bool> Story::disk_equals(const fs::path& disk, const story::Vm& vm) {
  if (vm.mode == DiskMode::kFilesystem) {
    return TRY(describe_tree(disk)) == expected_trees_.at(vm.title());
  }
  const fs::path expected = options_.directory / (vm.ns + "-" + vm.name + ".expected");
  return !TRY(first_difference(disk, expected)).has_value();
}

// The peer's word: restic reads the same disk out of the repository.
Result<> Story::restic_agrees(const Object& upload, const story::Vm& vm) {
  const std::string& id = upload.status()["snapshotID"].as_string();
  const std::string snapshot = id.substr(id.find('#') + 1);
  const fs::path target = options_.directory / "restic-says";
  const std::string repository = repository_of("cls1", vm.ns);
  if (vm.mode == DiskMode::kBlock) {
    const std::string script =
        "exec restic --no-cache --no-lock -q -r \"$0\" dump \"$1\" /disk.img > \"$2\"";
    TRY(run_checked({"sh", "-c", script, repository, snapshot, target.string()},
                    restic_environment()));
  } else {
    TRY(run_checked({"restic", "--no-cache", "--no-lock", "-q", "-r", repository, "restore",
                     snapshot, "--target", target.string()},
                    restic_environment()));
  }
  // A directory is stored under the name of its claim.
  const fs::path found = vm.mode == DiskMode::kBlock ? target : target / vm.ns / vm.disk();
  const bool equal = TRY(disk_equals(found, vm));
  std::error_code error;
  fs::remove_all(target, error);
  if (equal) return {};
  return fail(Code::kCorrupt, "restic has another disk of {} in snapshot {}", vm.title(), snapshot);
}

Result<bool> Story::at_rest(const std::string& cluster) {
  kube::Client& client = fleet_.client(cluster);
  if (!TRY(client.list(api::kSchedule, story::kEngineNamespace)).empty()) return false;
  for (const Object& backup : TRY(client.list(api::kBackup, story::kEngineNamespace))) {
    if (!api::backup_is_terminal(backup.phase())) return false;
  }
  for (const kube::Kind& kind : {api::kDataUpload, api::kDataDownload}) {
    for (const Object& move : TRY(client.list(kind, story::kEngineNamespace))) {
      if (!api::data_move_is_terminal(move.phase())) return false;
    }
  }
  const auto left = TRY(leftovers(cluster));
  if (left.empty()) return true;
  return fail(Code::kUnavailable, "left behind on {}: {}", cluster, left.front());
}

Result<bool> Story::unlabel_all(const std::string& cluster) {
  const Json patch = Json::object(
      {{"metadata",
        Json::object({{"labels", Json::object({{std::string(api::kBackupVmLabel), Json()}})}})}});
  kube::Client& client = fleet_.client(cluster);
  for (const Object& vm : TRY(client.list(api::kVirtualMachine, ""))) {
    if (!vm.has_label(api::kBackupVmLabel)) continue;
    TRY(client.patch(api::kVirtualMachine, vm.key(), kube::PatchType::kMerge, patch));
  }
  return true;
}

Result<> Story::quiesce() {
  TRY(until("all kills to have happened", kRestLimit,
            [&]() -> Result<bool> { return fleet_.kills() >= options_.kills; }));
  // Wherever they are: a VM that came back elsewhere brought its label along.
  for (const char* cluster : {"cls1", "cls2"}) {
    TRY(until(fmt::format("the VMs of {} to be unlabelled", cluster), kRestLimit,
              [&]() -> Result<bool> { return unlabel_all(cluster); }));
  }
  for (const char* cluster : {"cls1", "cls2"}) {
    TRY(until(fmt::format("{} to come to rest", cluster), kRestLimit,
              [&]() -> Result<bool> { return at_rest(cluster); }));
  }
  return {};
}

Result<> Story::let_restic_check() {
  for (const std::string& ns : namespaces_saved_) {
    const std::string repository = repository_of("cls1", ns);
    TRY(run_checked({"restic", "--no-cache", "-q", "-r", repository, "check", "--read-data"},
                    restic_environment()));
    const std::string locks = TRY(
        run_checked({"restic", "--no-cache", "--no-lock", "-q", "-r", repository, "list", "locks"},
                    restic_environment()));
    if (!locks.empty()) return fail(Code::kInternal, "repository {} has locks", repository);
  }
  return {};
}

Result<std::vector<std::string>> Story::leftovers(const std::string& cluster) {
  kube::Client& client = fleet_.client(cluster);
  std::vector<std::string> left;
  std::set<std::string> files;
  const auto none_of = [&](const kube::Kind& kind, const std::string& ns) -> Result<> {
    for (const Object& object : TRY(client.list(kind, ns))) {
      left.push_back(fmt::format("{} {}", kind.kind, object.key().to_string()));
    }
    return {};
  };
  TRY(none_of(api::kPod, story::kEngineNamespace));
  TRY(none_of(api::kPersistentVolumeClaim, story::kEngineNamespace));
  TRY(none_of(api::kVolumeSnapshot, ""));
  TRY(none_of(api::kVolumeSnapshotContent, ""));
  for (const Object& volume : TRY(client.list(api::kPersistentVolume, ""))) {
    files.insert(volume.spec()["csi"]["volumeAttributes"]["path"].as_string());
    if (volume.phase() != "Bound") left.push_back("PersistentVolume " + volume.name());
  }
  std::error_code error;
  for (const char* folder : {"volumes", "snapshots"}) {
    for (const auto& entry : fs::directory_iterator(fleet_.folder(cluster) / folder, error)) {
      const fs::path volume = entry.is_directory(error) ? entry.path() / "data" : entry.path();
      if (!files.contains(volume.string())) left.push_back("file " + entry.path().string());
    }
  }
  return left;
}

}  // namespace breakwater::cli
