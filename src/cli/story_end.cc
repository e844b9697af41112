// The end of the story: everything comes to rest, restic looks at the repository, and nothing is
// left that nobody owns.
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "cli/story.h"
#include "cli/story_objects.h"
#include "cli/subprocess.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;
using kube::Object;

constexpr Duration kRestLimit = std::chrono::minutes(3);

}  // namespace

Result<> Story::quiesce() {
  TRY(until("all kills to have happened", kRestLimit,
            [&]() -> Result<bool> { return sandbox_.kills() >= options_.kills; }));
  TRY(until("the VM to be unlabelled", kRestLimit, [&]() -> Result<bool> {
    const Json patch = Json::object(
        {{"metadata",
          Json::object({{"labels", Json::object({{std::string(api::kBackupVmLabel), Json()}})}})}});
    TRY(sandbox_.client().patch(api::kVirtualMachine, {story::kNamespace, story::kVm},
                                kube::PatchType::kMerge, patch));
    return true;
  }));
  return until("everything to come to rest", kRestLimit, [&]() -> Result<bool> {
    kube::Client& client = sandbox_.client();
    if (!TRY(client.list(api::kSchedule, story::kEngineNamespace)).empty()) return false;
    for (const Object& backup : TRY(client.list(api::kBackup, story::kEngineNamespace))) {
      if (!api::backup_is_terminal(backup.phase())) return false;
    }
    for (const kube::Kind& kind : {api::kDataUpload, api::kDataDownload}) {
      for (const Object& move : TRY(client.list(kind, story::kEngineNamespace))) {
        if (!api::data_move_is_terminal(move.phase())) return false;
      }
    }
    const auto left = TRY(leftovers());
    if (left.empty()) return true;
    return fail(Code::kUnavailable, "left behind: {}", left.front());
  });
}

Result<> Story::let_restic_check() {
  return run_checked(
             {"restic", "--no-cache", "-q", "-r", repository_.string(), "check", "--read-data"},
             {{"RESTIC_PASSWORD", password_}})
      .map([](const std::string&) {});
}

Result<std::vector<std::string>> Story::leftovers() {
  kube::Client& client = sandbox_.client();
  std::vector<std::string> left;
  std::set<std::string> files;
  for (const Object& pod : TRY(client.list(api::kPod, story::kEngineNamespace))) {
    left.push_back("Pod " + pod.name());
  }
  for (const Object& claim :
       TRY(client.list(api::kPersistentVolumeClaim, story::kEngineNamespace))) {
    left.push_back("PersistentVolumeClaim " + claim.name());
  }
  for (const Object& snapshot : TRY(client.list(api::kVolumeSnapshot, ""))) {
    left.push_back("VolumeSnapshot " + snapshot.key().to_string());
  }
  for (const Object& content : TRY(client.list(api::kVolumeSnapshotContent, ""))) {
    left.push_back("VolumeSnapshotContent " + content.name());
  }
  for (const Object& volume : TRY(client.list(api::kPersistentVolume, ""))) {
    files.insert(volume.spec()["csi"]["volumeAttributes"]["path"].as_string());
    if (volume.phase() != "Bound") left.push_back("PersistentVolume " + volume.name());
  }
  const fs::path sandbox = options_.directory / "sandbox";
  std::error_code error;
  for (const char* folder : {"volumes", "snapshots"}) {
    for (const auto& entry : fs::directory_iterator(sandbox / folder, error)) {
      if (!files.contains(entry.path().string())) left.push_back("file " + entry.path().string());
    }
  }
  for (const auto& entry : fs::directory_iterator(repository_ / "locks", error)) {
    left.push_back("repository lock " + entry.path().filename().string());
  }
  return left;
}

}  // namespace breakwater::cli
