// The end of a run: everything works again, then everything comes to rest, and nothing is left.
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "blob/local_store.h"
#include "mover/repository_place.h"
#include "repo/repository.h"
#include "tests/sim/story.h"

namespace breakwater::sim {
namespace {

namespace fs = std::filesystem;
using kube::Object;

constexpr Duration kConvergence = std::chrono::minutes(5);
constexpr Duration kQuiet = std::chrono::minutes(5);

}  // namespace

Result<> Story::recover() {
  world_.stop_faults();
  const Time since = world_.clock().now();
  return world_.until("all VMs to be protected again", kConvergence, [&]() -> Result<bool> {
    for (const Machine& machine : machines_) {
      if (!machine.labelled()) continue;
      const auto protection = client().get(api::kVirtualMachineProtection, machine.key);
      if (!protection) return false;
      const Json& status = protection->status();
      const auto saved = parse_rfc3339(status["lastBackupTime"].as_string());
      if (status["protected"].as_string() != "True" || !saved || *saved <= since) return false;
    }
    return true;
  });
}

Result<bool> Story::at_rest() {
  if (!TRY(client().list(api::kSchedule, "")).empty()) return false;
  for (const Object& backup : TRY(client().list(api::kBackup, ""))) {
    if (!api::backup_is_terminal(backup.phase())) return false;
  }
  for (const kube::Kind& kind : {api::kDataUpload, api::kDataDownload}) {
    for (const Object& move : TRY(client().list(kind, ""))) {
      if (!api::data_move_is_terminal(move.phase())) return false;
    }
  }
  return TRY(leftovers()).empty();
}

Result<std::vector<std::string>> Story::leftovers() {
  std::vector<std::string> left;
  for (const kube::Kind& kind : {api::kPod, api::kVolumeSnapshot, api::kVolumeSnapshotContent}) {
    for (const Object& object : TRY(client().list(kind, ""))) {
      left.push_back(object.kind() + " " + object.key().to_string());
    }
  }
  for (const Object& claim : TRY(client().list(api::kPersistentVolumeClaim, kEngineNamespace))) {
    left.push_back("PersistentVolumeClaim " + claim.name());
  }
  std::set<std::string> files;
  for (const Object& volume : TRY(client().list(api::kPersistentVolume, ""))) {
    files.insert(volume.spec()["csi"]["volumeAttributes"]["path"].as_string());
    if (volume.phase() != "Bound") left.push_back("PersistentVolume " + volume.name());
  }
  for (const char* folder : {"volumes", "snapshots", "logs", "run"}) {
    std::error_code error;
    for (const auto& entry :
         fs::directory_iterator(world_.directory() / "sandbox" / folder, error)) {
      if (!files.contains(entry.path().string())) {
        left.push_back(fmt::format("file {}/{}", folder, entry.path().filename().string()));
      }
    }
  }
  return left;
}

Result<> Story::check_repository(const fs::path& path) {
  SeededRandom random(1);
  ManualClock later(world_.clock().now() + std::chrono::minutes(31));
  blob::LocalSettings files;
  files.root = path;
  const auto store = blob::make_local_store(files, random);
  repo::Settings settings;
  settings.lock_recheck = Duration(0);
  auto repository =
      TRY(repo::Repository::open(repo::Environment{*store, later, random, Logger(), "sim", "root"},
                                 world_.password(), settings));
  // Who was killed left its lock; everybody else has taken theirs along.
  const size_t locks = TRY(store->list("locks/")).objects.size();
  const int stale = TRY(repository->unlock(false));
  if (static_cast<int>(locks) != stale || stale > world_.cluster().workers().killed()) {
    return fail(Code::kInternal, "{} locks are left, {} of them stale, and {} workers were killed",
                locks, stale, world_.cluster().workers().killed());
  }
  const auto report = TRY(repository->check(true, CancelToken()));
  if (!report.errors.empty()) return fail(Code::kCorrupt, "{}", report.errors.front());
  std::set<std::string> known;
  for (const repo::Snapshot& snapshot : TRY(repository->snapshots())) {
    known.insert(snapshot.id.to_string());
  }
  for (const Object& upload : TRY(client().list(api::kDataUpload, ""))) {
    const auto name = mover::SnapshotName::parse(upload.status()["snapshotID"].as_string());
    if (!name || path.filename() != name->ns || known.contains(name->id)) continue;
    return fail(Code::kCorrupt, "the repository does not know snapshot {}", name->id);
  }
  return {};
}

Result<> Story::check_repositories() {
  std::error_code error;
  std::set<fs::path> found;
  for (const auto& cluster : fs::directory_iterator(world_.bucket() / "restic", error)) {
    for (const auto& repository : fs::directory_iterator(cluster.path())) {
      found.insert(repository.path());
    }
  }
  if (found.empty()) return fail(Code::kNotFound, "there is no repository");
  for (const fs::path& path : found) {
    TRY(while_doing(check_repository(path), "checking repository {}", path.filename().string()));
  }
  return {};
}

Result<> Story::end() {
  for (const Machine& machine : machines_) {
    if (machine.labelled()) TRY(set_label(machine, Json()));
  }
  const auto rest = world_.until("everything to come to rest", kConvergence,
                                 [this]() -> Result<bool> { return at_rest(); });
  if (!rest) {
    for (const std::string& one : TRY(leftovers())) world_.trace().note("left: " + one);
    return rest;
  }
  TRY(check_repositories());
  TRY(world_.pass(std::chrono::minutes(2)));
  world_.invariants().expect_quiet();
  return world_.pass(kQuiet);
}

std::string Story::summary() {
  std::map<std::string, int> phases;
  for (const Object& backup : client().list(api::kBackup, "").value_or(std::vector<Object>())) {
    ++phases[backup.phase()];
  }
  std::string text =
      fmt::format("{} simulated, {} changes, {} crashes, {} workers killed, Backups",
                  format_duration(world_.clock().monotonic()), world_.invariants().changes(),
                  world_.agent().crashes(), world_.cluster().workers().killed());
  for (const auto& [phase, count] : phases) text += fmt::format(" {} {}", count, phase);
  return text;
}

}  // namespace breakwater::sim
