#include <map>

#include "base/check.h"
#include "datapath/counters.h"
#include "datapath/parallel.h"
#include "datapath/restore_plan.h"
#include "datapath/volume_backup.h"
#include "datapath/volume_layout.h"

namespace breakwater::datapath {
namespace {

using repo::Id;

struct Located {
  Id snapshot;
  StoredFile file;
};

Result<Located> locate(repo::Repository& repository, const RestoreOptions& options) {
  TRY(while_doing(repository.load_index(), "loading the repository's index"));
  const repo::Snapshot snapshot = TRY(find_named_snapshot(repository, options.snapshot));
  StoredFile file = TRY(while_doing(load_volume_trees(repository, snapshot.tree, options.file),
                                    "looking into snapshot {}", snapshot.id.short_string()));
  return Located{snapshot.id, std::move(file)};
}

// No lock at all where the repository may only be read.
Result<std::unique_ptr<repo::Lock>> take_lock(repo::Repository& repository,
                                              const RestoreOptions& options) {
  if (!options.lock) return nullptr;
  return while_doing(repository.lock(false), "locking the repository");
}

// One run of restore_volume.
class Restore {
 public:
  Restore(repo::Repository& repository, volume::BlockWriter& target, const RestoreOptions& options,
          const CancelToken& cancel, const OnProgress& on_progress)
      : repository_(repository),
        target_(target),
        options_(options),
        cancel_(cancel),
        on_progress_(on_progress) {}

  Result<RestoreResult> run() {
    TRY(cancel_.check());
    lock_ = TRY(take_lock(repository_, options_));
    Located located = TRY(locate(repository_, options_));
    size_ = located.file.size;
    if (target_.size() < size_) {
      return fail(Code::kInvalid, "{} has {} bytes, and {} of snapshot {} needs {}",
                  target_.describe(), target_.size(), located.file.path,
                  located.snapshot.short_string(), size_);
    }
    map_ = TRY(map_chunks(repository_, std::move(located.file)));
    if (options_.only_differences) TRY(compare());
    plan_ = make_restore_plan(repository_, map_, same_);
    TRY(write());
    TRY(while_doing(target_.sync(), "writing {}", target_.describe()));
    const Progress progress = counters_.progress(size_);
    if (on_progress_) on_progress_(progress);
    return RestoreResult{located.snapshot, progress};
  }

 private:
  Result<> tick() {
    TRY(cancel_.check());
    if (lock_) TRY(lock_->check());
    if (on_progress_) on_progress_(counters_.progress(size_));
    return {};
  }

  // Finds the chunks that are there already.
  Result<> compare() {
    same_.assign(map_.content.size(), 0);
    std::vector<Bytes> buffers(static_cast<size_t>(std::max(options_.threads, 1)));
    return parallel(
        map_.content.size(), options_.threads,
        [this, &buffers](int worker, uint64_t index) {
          return compare_chunk(index, buffers[static_cast<size_t>(worker)]);
        },
        [this] { return tick(); });
  }

  Result<> compare_chunk(uint64_t index, Bytes& buffer) {
    buffer.resize(map_.length(index));
    TRY(while_doing(target_.read(map_.offsets[index], buffer), "reading {}", target_.describe()));
    counters_.read += buffer.size();
    same_[index] =
        map_.zero[index] ? volume::is_zero(buffer) : Id{sha256(buffer)} == map_.content[index];
    if (same_[index]) counters_.done += buffer.size();
    return {};
  }

  Result<> write() {
    const uint64_t zeros = plan_.zeros.size();
    return parallel(
        zeros + plan_.groups.size() - 1, options_.threads,
        [this, zeros](int, uint64_t item) {
          return item < zeros ? write_zeros(plan_.zeros[item]) : write_group(item - zeros);
        },
        [this] { return tick(); });
  }

  Result<> write_zeros(const volume::Extent& run) {
    TRY(while_doing(target_.write_zeros(run.offset, run.length), "writing {}", target_.describe()));
    counters_.done += run.length;
    return {};
  }

  // Fetches the chunks of one group and writes each wherever it belongs.
  Result<> write_group(uint64_t group) {
    const uint64_t begin = plan_.groups[group], end = plan_.groups[group + 1];
    std::vector<Id> ids;
    std::map<Id, uint64_t> first_fetch;
    for (uint64_t i = begin; i < end; ++i) {
      const Id& id = map_.content[plan_.fetches[i].chunk];
      if (!first_fetch.try_emplace(id, i).second) continue;
      ids.push_back(id);
      counters_.moved += plan_.fetches[i].length;
    }
    size_t delivered = 0;
    const auto deliver = [&](const Id& id, ByteSpan plaintext) -> Result<> {
      const auto first = first_fetch.find(id);
      CHECK(first != first_fetch.end());
      ++delivered;
      for (uint64_t i = first->second; i < end; ++i) {
        const uint64_t chunk = plan_.fetches[i].chunk;
        if (map_.content[chunk] != id) break;
        TRY(write_chunk(chunk, plaintext));
      }
      return {};
    };
    TRY(repository_.load_from_pack(plan_.packs[plan_.fetches[begin].pack], ids, deliver));
    CHECK(delivered == ids.size());
    return {};
  }

  Result<> write_chunk(uint64_t index, ByteSpan data) {
    if (data.size() != map_.length(index)) {
      return fail(Code::kCorrupt, "chunk {} has {} bytes, and the index says {}",
                  map_.content[index].to_string(), data.size(), map_.length(index));
    }
    if (volume::is_zero(data)) return write_zeros({map_.offsets[index], data.size()});
    TRY(while_doing(target_.write(map_.offsets[index], data), "writing {}", target_.describe()));
    counters_.done += data.size();
    return {};
  }

  repo::Repository& repository_;
  volume::BlockWriter& target_;
  const RestoreOptions& options_;
  const CancelToken& cancel_;
  const OnProgress& on_progress_;

  std::unique_ptr<repo::Lock> lock_;
  uint64_t size_ = 0;
  ChunkMap map_;
  std::vector<char> same_;  // not vector<bool>: threads write neighbouring elements
  RestorePlan plan_;
  Counters counters_;
};

}  // namespace

Result<StoredVolume> find_volume(repo::Repository& repository, const RestoreOptions& options) {
  const auto lock = TRY(take_lock(repository, options));
  const Located located = TRY(locate(repository, options));
  return StoredVolume{located.snapshot, located.file.path, located.file.size};
}

Result<RestoreResult> restore_volume(repo::Repository& repository, volume::BlockWriter& target,
                                     const RestoreOptions& options, const CancelToken& cancel,
                                     const OnProgress& on_progress) {
  Restore restore(repository, target, options, cancel, on_progress);
  return while_doing(restore.run(), "restoring {}", target.describe());
}

}  // namespace breakwater::datapath
