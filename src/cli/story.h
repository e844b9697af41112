// The story that `make demo` tells: a hub and two clusters. On cls1 four labelled VMs and one
// without a label; backups by policy; 1 % changes, backups again; a volume goes by
// VolumeSnapshotBackup and comes back by VolumeSnapshotRestore; a namespace is destroyed with its
// volumes; the hub admin asks for one VM by uid in place and for another on cls2, under another
// namespace. Every byte is compared, by us and by the real restic.
//
// Everything is done as users would: objects through the APIs over HTTPS, data on the volumes'
// files. Each step can meet a process that has just been killed: it is repeated until its deadline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "cli/fleet_process.h"
#include "cli/story_objects.h"
#include "cli/story_store.h"
#include "kube/client.h"

namespace breakwater::cli {

struct StoryOptions {
  std::filesystem::path program;    // our own binary
  std::filesystem::path directory;  // of everything that the story makes
  std::filesystem::path s3;         // settings of an S3 server (story_store.h); "": a directory
  std::string size = "512Mi";       // of the largest disk
  int64_t kills = 0;                // of the fleet's processes, at random moments
  int64_t seed = 1;
};

// One line of the table at the end.
struct StoryRow {
  std::string what;  // "shop/vm-1"
  std::string cluster;
  std::string by;  // name of the Backup, Restore, VolumeSnapshotBackup or -Restore
  uint64_t logical_size = 0, bytes_read = 0, bytes_moved = 0;
  double seconds = 0;
  bool verified = false;
};

class Story {
 public:
  // `say` prints one line of progress.
  Story(StoryOptions options, const Clock& clock, Random& random,
        std::function<void(const std::string&)> say);

  // Runs to the end. An error says which step failed and why.
  Result<> run();
  const std::vector<StoryRow>& rows() const { return rows_; }

 private:
  using Attempt = std::function<Result<bool>()>;
  // Repeats `attempt` until it returns true; errors that a restart explains are not final.
  Result<> until(const std::string& what, Duration limit, const Attempt& attempt);
  Result<> ensure(const std::string& cluster, const kube::Kind& kind, const kube::Object& object);
  Result<> change(const std::string& cluster, const kube::Kind& kind, const kube::Key& key,
                  const Json& merge_patch);
  // Deletes, and waits until it is gone.
  Result<> remove(const std::string& cluster, const kube::Kind& kind, const kube::Key& key);
  void allow_kills(double share);

  // story_setup.cc: the fleet, the admin's objects, the VMs.
  Result<> set_up_fleet();
  Result<> set_up_policies();
  Result<> learn_cluster_ids();
  Result<> create_vms();
  Result<> label_vms();
  Result<> change_disks();
  // The file or directory of a claim's volume.
  Result<std::filesystem::path> volume_of(const std::string& cluster, const kube::Key& claim);
  // What the disk of a VM must be like from now on.
  Result<> expect(const story::Vm& vm);

  // story.cc: what happens.
  Result<kube::Object> wait_for_backup(Time started_after);
  Result<> wait_until_green();
  Result<> add_backup_rows(const kube::Object& backup);
  Result<> move_one_volume();
  Result<kube::Object> wait_for_move(const kube::Kind& kind, const kube::Key& key);
  Result<> destroy_namespace();
  Result<> ask_for_restores(const kube::Object& backup);
  Result<> wait_for_restore(const std::string& cluster, const std::string& restore,
                            const story::Vm& vm, const std::string& ns);
  Result<> check_unselected();

  // story_check.cc: what must be true.
  Result<bool> disk_equals(const std::filesystem::path& disk, const story::Vm& vm);
  Result<> restic_agrees(const kube::Object& upload, const story::Vm& vm);
  std::vector<std::string> secrets() const;
  Result<> check_pod_logs();
  Result<> check_secrets();
  Result<> quiesce();
  Result<bool> unlabel_all(const std::string& cluster);
  Result<bool> at_rest(const std::string& cluster);
  Result<> let_restic_check();
  // What is left although nobody owns it; empty is right.
  Result<std::vector<std::string>> leftovers(const std::string& cluster);
  std::string repository_of(const std::string& cluster, const std::string& ns) const;
  std::map<std::string, std::string> restic_environment() const;

  story::Vm& vm(const std::string& title);

  const StoryOptions options_;
  const Clock& clock_;
  Random& random_;
  std::function<void(const std::string&)> say_;
  FleetProcess fleet_;
  StoryStore store_;
  std::string password_;
  std::vector<story::Vm> vms_;  // on cls1
  std::map<std::string, std::string> cluster_ids_;
  std::map<std::string, std::string> expected_trees_;  // of Filesystem disks, by title
  std::string unselected_version_;                     // resourceVersion of the VM without label
  std::set<std::string> namespaces_saved_;             // with a repository of their own
  std::set<std::string> pod_logs_;                     // that have been looked at
  std::vector<StoryRow> rows_;
};

// What a killed and restarted process explains.
bool passes_by_itself(const Error& error);

}  // namespace breakwater::cli
