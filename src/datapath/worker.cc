#include "datapath/worker.h"

#include "base/file.h"
#include "datapath/tree_backup.h"
#include "datapath/tree_restore.h"
#include "datapath/volume_backup.h"
#include "volume/block_volume.h"
#include "volume/shared_extents.h"

namespace breakwater::datapath {
namespace {

constexpr Duration kEmitInterval = std::chrono::seconds(1);

Json progress_json(const Progress& progress) {
  return Json::object({{"totalBytes", progress.total_bytes},
                       {"bytesDone", progress.bytes_done},
                       {"bytesRead", progress.bytes_read},
                       {"bytesMoved", progress.bytes_moved}});
}

Json result_json(const repo::Id& snapshot, const std::optional<repo::Id>& parent,
                 const Progress& progress) {
  Json json = Json::object({{"snapshotID", snapshot.to_string()}});
  if (parent) json.set("parent", parent->to_string());
  json.set("totalBytes", progress.total_bytes);
  json.set("bytesRead", progress.bytes_read);
  json.set("bytesMoved", progress.bytes_moved);
  return json;
}

// Passes progress on, at most once a second.
class Throttle {
 public:
  Throttle(const Clock& clock, const EmitProgress& emit) : clock_(clock), emit_(emit) {}

  OnProgress listener() {
    if (!emit_) return {};
    return [this](const Progress& progress) {
      const Duration now = clock_.monotonic();
      if (last_ && now - *last_ < kEmitInterval) return;
      last_ = now;
      emit_(progress_json(progress));
    };
  }
  void finish(const Progress& progress) {
    if (emit_) emit_(progress_json(progress));
  }

 private:
  const Clock& clock_;
  const EmitProgress& emit_;
  std::optional<Duration> last_;
};

Result<std::unique_ptr<repo::Repository>> open_repository(const WorkerConfig& config,
                                                          const WorkerEnvironment& environment,
                                                          blob::ObjectStore& store) {
  const repo::Environment outside{store,           environment.clock,    environment.random,
                                  environment.log, environment.hostname, environment.username};
  const bool may_create =
      config.operation == WorkerConfig::Operation::kBackup && config.init_if_missing;
  if (may_create && !TRY(repo::Repository::exists(store))) {
    const auto created = repo::Repository::init(outside, config.password, environment.kdf);
    // Another worker may have been quicker.
    if (!created && !created.error().is(Code::kAlreadyExists)) {
      return tl::unexpected(created.error());
    }
  }
  auto repository = TRY(repo::Repository::open(outside, config.password, environment.settings));
  // A worker that was killed left its lock, and so may this pod's predecessor of the same name
  // have.
  if (config.lock) TRY(repository->unlock_own_host());
  return repository;
}

// Nothing if nobody knows what changed; then everything is read.
Result<std::optional<volume::Extents>> find_changed(const WorkerConfig& config) {
  if (!config.changed_extents.empty()) {
    const std::string text = TRY(read_file(config.changed_extents));
    return while_doing(volume::parse_extents(text), "reading {}", config.changed_extents.string());
  }
  if (!config.parent || config.parent_volume.empty()) return std::nullopt;
  auto changed = volume::changed_between(config.parent_volume, config.volume);
  // A device, or a volume that is gone: no reason to fail.
  if (!changed) return std::nullopt;
  return std::move(*changed);
}

Result<BackupOptions> backup_options(const WorkerConfig& config) {
  BackupOptions options;
  options.file_name = config.file_name;
  options.hostname = config.hostname;
  options.paths = config.paths;
  options.tags = config.tags;
  options.parent = config.parent;
  options.threads = config.threads;
  options.changed = TRY(find_changed(config));
  return options;
}

Result<Json> run_backup(const WorkerConfig& config, const WorkerEnvironment& environment,
                        repo::Repository& repository, const CancelToken& cancel,
                        Throttle& throttle) {
  const auto source = TRY(volume::open_block_reader(config.volume));
  const BackupOptions options = TRY(backup_options(config));
  const BackupResult result = TRY(
      backup_volume(*source, repository, environment.clock, options, cancel, throttle.listener()));
  throttle.finish(result.progress);
  return result_json(result.snapshot, result.parent, result.progress);
}

Result<Json> run_tree_backup(const WorkerConfig& config, const WorkerEnvironment& environment,
                             repo::Repository& repository, const CancelToken& cancel,
                             Throttle& throttle) {
  TreeBackupOptions options;
  options.sources = {{config.volume, config.paths.size() == 1 ? config.paths[0] : ""}};
  options.hostname = config.hostname;
  options.paths = config.paths;
  options.tags = config.tags;
  options.parent = config.parent;
  options.skip_lost_and_found = true;
  options.threads = config.threads;
  const TreeBackupResult result =
      TRY(backup_tree(repository, environment.clock, options, cancel, throttle.listener()));
  throttle.finish(result.progress);
  return result_json(result.snapshot, result.parent, result.progress);
}

Result<Json> run_tree_restore(const WorkerConfig& config, const WorkerEnvironment& environment,
                              repo::Repository& repository, const CancelToken& cancel,
                              Throttle& throttle) {
  TreeRestoreOptions options;
  options.snapshot = config.snapshot;
  options.path = config.file;
  options.as_volume = true;
  options.exact = true;
  options.threads = config.threads;
  options.lock = config.lock;
  const TreeRestoreResult result =
      TRY(restore_tree(repository, config.volume, options, cancel, throttle.listener()));
  for (const std::string& note : result.notes) environment.log.warning(note, {});
  throttle.finish(result.progress);
  return result_json(result.snapshot, std::nullopt, result.progress);
}

// Whether the volume is a directory, as it should be if the configuration says so.
Result<bool> is_file_system(const WorkerConfig& config) {
  std::error_code ignored;
  const auto status = std::filesystem::status(config.volume, ignored);
  const bool directory = std::filesystem::is_directory(status);
  if (config.volume_mode == "Filesystem" && !directory) {
    return fail(Code::kInvalid, "{} is no directory, and the volume's mode is Filesystem",
                config.volume.string());
  }
  if (config.volume_mode == "Block" && directory) {
    return fail(Code::kInvalid, "{} is a directory, and the volume's mode is Block",
                config.volume.string());
  }
  return directory;
}

// A volume keeps its size, and a file that is not there gets that of the stored volume.
Result<uint64_t> target_size(const WorkerConfig& config, uint64_t stored_size) {
  const auto existing = volume::open_block_reader(config.volume);
  if (existing) return (*existing)->size();
  if (existing.error().is(Code::kNotFound)) return stored_size;
  return tl::unexpected(existing.error());
}

Result<Json> run_restore(const WorkerConfig& config, const WorkerEnvironment&,
                         repo::Repository& repository, const CancelToken& cancel,
                         Throttle& throttle) {
  RestoreOptions options;
  options.snapshot = config.snapshot;
  options.file = config.file;
  options.only_differences = config.only_differences;
  options.lock = config.lock;
  options.threads = config.threads;
  const StoredVolume stored = TRY(find_volume(repository, options));
  options.snapshot = stored.snapshot.to_string();  // "latest" must not become another one meanwhile
  options.file = stored.file;
  const uint64_t size = TRY(target_size(config, stored.size));
  if (size < stored.size) {
    return fail(Code::kInvalid, "{} has {} bytes, and {} of snapshot {} needs {}",
                config.volume.string(), size, stored.file, stored.snapshot.short_string(),
                stored.size);
  }
  const auto target = TRY(volume::open_block_writer(config.volume, size));
  const RestoreResult result =
      TRY(restore_volume(repository, *target, options, cancel, throttle.listener()));
  throttle.finish(result.progress);
  return result_json(result.snapshot, std::nullopt, result.progress);
}

}  // namespace

Result<Json> run_worker(const WorkerConfig& config, const WorkerEnvironment& environment,
                        const CancelToken& cancel, const EmitProgress& emit) {
  const bool directory = TRY(is_file_system(config));
  const auto store = TRY(environment.open_store(config.location));
  const auto repository = TRY(while_doing(open_repository(config, environment, *store),
                                          "opening the repository in {}", store->describe()));
  Throttle throttle(environment.clock, emit);
  if (config.operation == WorkerConfig::Operation::kBackup) {
    return (directory ? run_tree_backup : run_backup)(config, environment, *repository, cancel,
                                                      throttle);
  }
  return (directory ? run_tree_restore : run_restore)(config, environment, *repository, cancel,
                                                      throttle);
}

}  // namespace breakwater::datapath
