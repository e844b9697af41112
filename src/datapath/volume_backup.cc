#include "datapath/volume_backup.h"

#include <mutex>

#include "base/encoding.h"
#include "datapath/backup_plan.h"
#include "datapath/counters.h"
#include "datapath/parallel.h"
#include "datapath/volume_layout.h"

namespace breakwater::datapath {
namespace {

using repo::BlobType;
using repo::Id;

// One run of backup_volume.
class Backup {
 public:
  Backup(volume::BlockReader& source, repo::Repository& repository, const Clock& clock,
         const BackupOptions& options, const CancelToken& cancel, const OnProgress& on_progress)
      : source_(source),
        repository_(repository),
        clock_(clock),
        options_(options),
        cancel_(cancel),
        on_progress_(on_progress) {}

  Result<BackupResult> run() {
    started_ = clock_.now();
    TRY(check_options());
    TRY(cancel_.check());
    lock_ = TRY(while_doing(repository_.lock(false), "locking the repository"));
    TRY(while_doing(repository_.load_index(), "loading the repository's index"));
    zeros_.resize(cut_.chunk);
    zero_id_ = Id{sha256(zeros_)};
    auto parent = TRY(while_doing(find_parent(repository_, options_, cut_), "finding the parent"));
    plan_ = TRY(make_plan(parent ? &*parent : nullptr));
    const std::optional<Id> parent_id = parent ? std::optional<Id>(parent->snapshot) : std::nullopt;
    parent.reset();
    auto stored = store_chunks();
    if (!stored) {
      // For the next run. Not without the lock: what we would write could be pruned at once.
      if (lock_->check()) static_cast<void>(repository_.flush());
      return tl::unexpected(stored.error());
    }
    const Id snapshot = TRY(save_snapshot(parent_id));
    const Progress progress = counters_.progress(cut_.size);
    if (on_progress_) on_progress_(progress);
    return BackupResult{snapshot, parent_id, progress};
  }

 private:
  Result<> check_options() {
    if (options_.file_name.empty() || options_.file_name.find('/') != std::string::npos ||
        options_.file_name == "." || options_.file_name == "..") {
      return fail(Code::kInvalid, "'{}' is no name for a file in a snapshot", options_.file_name);
    }
    if (options_.paths.empty()) options_.paths = {"/" + options_.file_name};
    cut_.size = source_.size();
    cut_.chunk = options_.chunk_size ? options_.chunk_size : default_chunk_size(cut_.size);
    if (options_.extent_size == 0 || options_.extent_size % cut_.chunk != 0) {
      return fail(Code::kInvalid, "extents of {} bytes cannot be cut into chunks of {} bytes",
                  options_.extent_size, cut_.chunk);
    }
    return {};
  }

  Result<BackupPlan> make_plan(const Parent* parent) {
    const volume::Extents data =
        TRY(while_doing(source_.data_extents(), "looking for holes in {}", source_.describe()));
    std::optional<volume::Extents> changed;
    if (options_.parent && options_.changed) changed = volume::normalize(*options_.changed);
    return make_backup_plan(cut_, zero_id_, data, parent, changed ? &*changed : nullptr);
  }

  Result<> store_chunks() {
    counters_.done = cut_.size - plan_.bytes_to_read;
    if (plan_.has_zeros) TRY(save_zeros());
    buffers_.assign(static_cast<size_t>(std::max(options_.threads, 1)), Bytes(cut_.chunk));
    const uint64_t batch = std::max<uint64_t>(options_.checkpoint / cut_.chunk, 1);
    for (uint64_t first = 0; first < plan_.read.size(); first += batch) {
      const uint64_t count = std::min<uint64_t>(batch, plan_.read.size() - first);
      TRY(parallel(
          count, options_.threads,
          [this, first](int worker, uint64_t item) {
            return store_chunk(plan_.read[first + item], buffers_[static_cast<size_t>(worker)]);
          },
          [this] { return tick(); }));
      // What an index names is not uploaded again, should this run not come to its end.
      if (first + count < plan_.read.size()) TRY(repository_.flush());
    }
    return tick();
  }

  // On the calling thread, several times a second.
  Result<> tick() {
    TRY(cancel_.check());
    TRY(lock_->check());
    if (on_progress_) on_progress_(counters_.progress(cut_.size));
    return {};
  }

  Result<> store_chunk(uint64_t index, Bytes& buffer) {
    const std::span<std::byte> data(buffer.data(), cut_.length(index));
    TRY(while_doing(source_.read(cut_.offset(index), data), "reading {}", source_.describe()));
    counters_.read += data.size();
    if (data.size() == cut_.chunk && volume::is_zero(data)) {
      TRY(save_zeros());
      plan_.content[index] = zero_id_;
    } else {
      plan_.content[index] = Id{sha256(data)};
      TRY(save_blob(plan_.content[index], data));
    }
    counters_.done += data.size();
    return {};
  }

  // The chunk of zeros is stored when first needed.
  Result<> save_zeros() {
    const std::lock_guard guard(zeros_mutex_);
    if (zeros_saved_) return {};
    TRY(save_blob(zero_id_, zeros_));
    zeros_saved_ = true;
    return {};
  }

  Result<> save_blob(const Id& id, ByteSpan data) {
    const auto saved = TRY(repository_.save_blob(BlobType::kData, id, data));
    if (saved.added) {
      ++counters_.blobs;
      counters_.blob_bytes += data.size();
      counters_.moved += saved.packed_size;
    }
    return {};
  }

  Result<Id> save_snapshot(const std::optional<Id>& parent) {
    const StoredFile file{options_.file_name, cut_.size, std::move(plan_.content)};
    const SavedTrees trees = TRY(save_volume_trees(repository_, file, cut_.chunk, started_,
                                                   {options_.flat_limit, options_.extent_size}));
    counters_.moved += trees.packed_bytes;
    TRY(while_doing(repository_.flush(), "storing the last packs"));
    TRY(cancel_.check());
    TRY(lock_->check());
    repo::Snapshot snapshot;
    snapshot.time = started_;
    snapshot.parent = parent;
    snapshot.tree = trees.root;
    snapshot.paths = options_.paths;
    snapshot.hostname = options_.hostname;
    snapshot.tags = options_.tags;
    snapshot.summary = summary(trees);
    return while_doing(repository_.save_snapshot(std::move(snapshot)), "storing the snapshot");
  }

  repo::Summary summary(const SavedTrees& trees) const {
    repo::Summary summary;
    summary.backup_start = started_;
    summary.backup_end = clock_.now();
    summary.data_blobs = counters_.blobs;
    summary.tree_blobs = trees.added.size();
    summary.data_added = counters_.blob_bytes;
    for (const Id& id : trees.added) {
      const auto location = repository_.find(BlobType::kTree, id);
      if (location) summary.data_added += location->plain_length();
    }
    summary.data_added_packed = counters_.moved;
    summary.total_files_processed = 1;
    summary.total_bytes_processed = cut_.size;
    return summary;
  }

  volume::BlockReader& source_;
  repo::Repository& repository_;
  const Clock& clock_;
  BackupOptions options_;
  const CancelToken& cancel_;
  const OnProgress& on_progress_;

  Time started_{};
  Cut cut_;
  BackupPlan plan_;
  std::unique_ptr<repo::Lock> lock_;
  Bytes zeros_;
  Id zero_id_;
  std::mutex zeros_mutex_;
  bool zeros_saved_ = false;    // guarded by zeros_mutex_
  std::vector<Bytes> buffers_;  // one a worker
  Counters counters_;
};

}  // namespace

Result<BackupResult> backup_volume(volume::BlockReader& source, repo::Repository& repository,
                                   const Clock& clock, const BackupOptions& options,
                                   const CancelToken& cancel, const OnProgress& on_progress) {
  Backup backup(source, repository, clock, options, cancel, on_progress);
  return while_doing(backup.run(), "backing up {}", source.describe());
}

}  // namespace breakwater::datapath
