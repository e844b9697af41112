#include "datapath/backup_plan.h"

#include <algorithm>

#include "datapath/volume_layout.h"

namespace breakwater::datapath {
namespace {

using repo::Id;
using repo::Snapshot;

// Errors that mean "this parent is of no use", not "try again".
bool means_no_parent(const Error& error) {
  return error.is(Code::kNotFound) || error.is(Code::kCorrupt) || error.is(Code::kInvalid) ||
         error.is(Code::kUnsupported);
}

// A chunk's place follows from the lengths before it or, the size being known, from those after it.
// So with chunks that no index knows (their length is unknown), what lies between the first and the
// last of them is not usable. Empty when the content is not cut this way.
std::vector<bool> usable_chunks(repo::Repository& repository, const std::vector<Id>& content,
                                const Cut& cut) {
  std::vector<bool> usable(content.size(), true);
  size_t first_unknown = content.size(), last_unknown = 0;
  for (size_t i = 0; i < content.size(); ++i) {
    const auto location = repository.find(repo::BlobType::kData, content[i]);
    if (!location) {
      first_unknown = std::min(first_unknown, i);
      last_unknown = i;
      usable[i] = false;
    } else if (location->plain_length() != cut.length(i)) {
      return {};
    }
  }
  for (size_t i = first_unknown; i < last_unknown; ++i) usable[i] = false;
  return usable;
}

Result<std::optional<Parent>> try_parent(repo::Repository& repository, const Snapshot& snapshot,
                                         const std::string& file, const Cut& cut) {
  auto stored = load_volume_trees(repository, snapshot.tree, file);
  if (!stored) {
    if (means_no_parent(stored.error())) return std::nullopt;
    return tl::unexpected(stored.error());
  }
  const Cut old_cut{stored->size, cut.chunk};
  if (stored->content.size() != old_cut.count()) return std::nullopt;
  Parent parent{snapshot.id, std::move(stored->content), {}};
  parent.usable = usable_chunks(repository, parent.content, old_cut);
  if (parent.usable.size() != parent.content.size()) return std::nullopt;
  // The volume may have been resized since: what was beyond the old end, or is now, is of no use.
  parent.content.resize(cut.count());
  parent.usable.resize(cut.count(), false);
  if (cut.size != old_cut.size) {
    const uint64_t last = std::min(cut.count(), old_cut.count());
    if (last > 0 && cut.length(last - 1) != old_cut.length(last - 1)) {
      parent.usable[last - 1] = false;
    }
  }
  return parent;
}

}  // namespace

uint64_t default_chunk_size(uint64_t volume_size) {
  return volume_size > uint64_t{2} << 40 ? 1 << 20 : 512 << 10;
}

Result<std::optional<Parent>> find_parent(repo::Repository& repository,
                                          const BackupOptions& options, const Cut& cut) {
  if (options.parent == "none") return std::nullopt;
  if (options.parent) {
    auto named = find_named_snapshot(repository, *options.parent);
    if (named) return try_parent(repository, *named, options.file_name, cut);
    if (means_no_parent(named.error())) return std::nullopt;
    return tl::unexpected(named.error());
  }
  const auto snapshots = repository.snapshots();
  if (!snapshots) {
    if (means_no_parent(snapshots.error())) return std::nullopt;
    return tl::unexpected(snapshots.error());
  }
  for (auto snapshot = snapshots->rbegin(); snapshot != snapshots->rend(); ++snapshot) {
    if (snapshot->hostname != options.hostname || snapshot->paths != options.paths) continue;
    auto parent = TRY(try_parent(repository, *snapshot, options.file_name, cut));
    if (parent) return parent;
  }
  return std::nullopt;
}

BackupPlan make_backup_plan(const Cut& cut, const Id& zero_chunk, const volume::Extents& data,
                            const Parent* parent, const volume::Extents* changed) {
  BackupPlan plan;
  plan.content.resize(cut.count());
  for (uint64_t i = 0; i < cut.count(); ++i) {
    const uint64_t offset = cut.offset(i), length = cut.length(i);
    if (parent && changed && parent->usable[i] && !volume::overlaps(*changed, offset, length)) {
      plan.content[i] = parent->content[i];
    } else if (length == cut.chunk && !volume::overlaps(data, offset, length)) {
      plan.content[i] = zero_chunk;
      plan.has_zeros = true;
    } else {
      plan.read.push_back(i);
      plan.bytes_to_read += length;
    }
  }
  return plan;
}

}  // namespace breakwater::datapath
