// What must be true during and after the story: disks are equal, restic agrees, and nothing is left
// that nobody owns.
#include <fmt/format.h>

#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/encoding.h"
#include "base/file.h"
#include "cli/story.h"
#include "cli/story_disk.h"
#include "velero/discovery.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;
using kube::Object;
using story::DiskMode;

constexpr Duration kRestLimit = std::chrono::minutes(3);

// The file of a snapshot that the mover keeps to compare the next one with, which its claim owns;
// "" for any other content.
Result<std::string> file_of_base(kube::Client& client, const Object& content) {
  if (!content.has_label(api::kBaseOfLabel)) return "";
  for (const Object& claim : TRY(client.list(api::kPersistentVolumeClaim, ""))) {
    if (claim.uid() != content.label(api::kBaseOfLabel)) continue;
    return content.spec()["source"]["snapshotHandle"].as_string() + ".raw";
  }
  return "";
}

// An error if `text` holds one of the secrets.
Result<> tell_no_secret(const std::string& text, const std::vector<std::string>& secrets,
                        const std::string& where) {
  for (const std::string& secret : secrets) {
    if (text.find(secret) == text.npos) continue;
    return fail(Code::kInternal, "a secret stands in {}", where);
  }
  return {};
}

}  // namespace

// The password, the key of the object store, and private keys, as they are and as Secrets hold
// them.
std::vector<std::string> Story::secrets() const {
  std::vector<std::string> secrets = {password_, to_base64(as_bytes(password_)),
                                      "-----BEGIN PRIVATE KEY",
                                      to_base64(as_bytes("-----BEGIN PRIVATE KEY---"))};
  const auto key = store_.restic_environment.find("AWS_SECRET_ACCESS_KEY");
  if (key != store_.restic_environment.end()) {
    secrets.push_back(key->second);
    secrets.push_back(to_base64(as_bytes(store_.credentials)));
  }
  return secrets;
}

// Mover pods' logs go with their pods, so they are looked at while the story waits.
Result<> Story::check_pod_logs() {
  std::error_code error;
  for (const char* cluster : {"cls1", "cls2"}) {
    for (const auto& entry : fs::directory_iterator(fleet_.folder(cluster) / "logs", error)) {
      const auto text = read_file(entry.path());
      if (!text) continue;  // gone since
      TRY(tell_no_secret(*text, secrets(), entry.path().string()));
      pod_logs_.insert(entry.path().string());
    }
  }
  return {};
}

// Every log of every process, and every object of every kind but Secrets.
Result<> Story::check_secrets() {
  const std::vector<std::string> never = secrets();
  std::error_code error;
  int logs = 0;
  for (const auto& entry : fs::directory_iterator(options_.directory, error)) {
    if (entry.path().extension() != ".log") continue;
    TRY(tell_no_secret(TRY(read_file(entry.path())), never, entry.path().string()));
    ++logs;
  }
  if (logs != 6 || pod_logs_.empty()) {
    return fail(Code::kInternal, "{} logs of processes and {} of pods were found", logs,
                pod_logs_.size());
  }
  for (const char* cluster : {kHubName, "cls1", "cls2"}) {
    kube::Client& client = fleet_.client(cluster);
    const velero::Discovery discovery = TRY(velero::discover(client));
    for (const velero::DiscoveredKind& discovered : discovery.kinds()) {
      const kube::Kind kind = discovered.as_kind();
      if (kind == api::kSecret) continue;
      for (const Object& object : TRY(client.list(kind, ""))) {
        TRY(tell_no_secret(
            to_json(object.json()), never,
            fmt::format("{} {} of {}", kind.kind, object.key().to_string(), cluster)));
      }
    }
  }
  return {};
}

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
  for (const Object& content : TRY(client.list(api::kVolumeSnapshotContent, ""))) {
    const std::string base = TRY(file_of_base(client, content));
    if (base.empty()) left.push_back("VolumeSnapshotContent " + content.name());
    files.insert((fleet_.folder(cluster) / "snapshots" / base).string());
  }
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
