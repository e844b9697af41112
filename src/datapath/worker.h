// What a mover pod runs: one volume to or from one repository, from a description in one JSON
// object.
//
// The worker has no API token. It is told everything by its configuration and two secrets (the
// repository's password, the store's credentials), says how far it is by progress lines in its log,
// and what came of it by its termination message. To continue after a crash it needs nothing but
// the repository.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "blob/store_factory.h"
#include "repo/repository.h"

namespace breakwater::datapath {

// The environment variable with the text of the store's credentials file.
inline constexpr char kCredentialsVariable[] = "BREAKWATER_STORE_CREDENTIALS";

struct WorkerConfig {
  enum class Operation { kBackup, kRestore };
  Operation operation = Operation::kBackup;
  // The repository lies at this location's prefix.
  blob::StoreLocation location;
  std::string password;  // secret, in no JSON
  // A block device or a raw file; or a directory, whose files are moved (tree_backup.h).
  std::filesystem::path volume;
  // "Block", "Filesystem", or "" to decide by what `volume` is. A volume that is something else is
  // an error.
  std::string volume_mode;

  // Backup. Members mean what they mean in BackupOptions. A directory stands at its only path in
  // the snapshot ("/shop/disk"), or, unless there is exactly one, its entries at the root.
  std::string file_name = "disk.img";
  std::string hostname;
  std::vector<std::string> paths;
  std::vector<std::string> tags;
  std::optional<std::string> parent;
  std::filesystem::path changed_extents;  // a file as volume::parse_extents reads it; "" for none
  // The volume that `parent` was made from, unchanged since; "" if it is gone. Without a list of
  // changed extents the file system is asked for one (volume/shared_extents.h).
  std::filesystem::path parent_volume;
  bool init_if_missing = false;  // create the repository if there is none

  // Restore. Members mean what they mean in RestoreOptions; a directory becomes what was stored,
  // exactly, with `file` as the path of TreeRestoreOptions.
  std::string snapshot = "latest";
  std::string file;
  bool only_differences = false;
  bool lock = true;

  int threads = 2;
};

// {"operation":"backup","location":{"provider","bucket","prefix","config":{},"caCert"},"volume",
// "volumeMode","fileName","hostname","paths":[],"tags":[],"parent","changedExtents",
// "parentVolume","initIfMissing","snapshotID","file","onlyDifferences","lock","threads"}; what is
// absent has its default. Neither direction carries the password or the credentials. Parsing:
// kInvalid names the member.
Json worker_config_to_json(const WorkerConfig& config);
Result<WorkerConfig> worker_config_from_json(const Json& json);

// What a worker needs from outside; everything outlives the call.
struct WorkerEnvironment {
  const Clock& clock;
  Random& random;  // thread-safe
  Logger log;
  std::string hostname;  // of locks and keys: the pod's name
  std::string username;
  std::function<Result<std::unique_ptr<blob::ObjectStore>>(const blob::StoreLocation&)> open_store;
  repo::Settings settings = {};
  repo::KdfParameters kdf = {};  // of a repository that is created
};

// {"totalBytes","bytesDone","bytesRead","bytesMoved"}, at most once a second and once at the end.
using EmitProgress = std::function<void(const Json&)>;

// Runs the job to its end. The result becomes the termination message:
// {"snapshotID","parent","totalBytes","bytesRead","bytesMoved"}, parent only if there was one. What
// could not be restored of a file system without being an error is logged. A
// restore into a file that does not exist creates it; one that exists keeps its size, and kInvalid
// says so if that is too small. kConflict: somebody holds the repository's lock, come back later.
Result<Json> run_worker(const WorkerConfig& config, const WorkerEnvironment& environment,
                        const CancelToken& cancel, const EmitProgress& emit = {});

}  // namespace breakwater::datapath
