#include <algorithm>

#include "repo/repository_impl.h"
#include "repo/snapshot.h"

namespace breakwater::repo {

Result<Id> RepositoryImpl::save_snapshot(Snapshot snapshot) {
  return files_.save(FileKind::kSnapshot, encode_snapshot(snapshot));
}

Result<Snapshot> RepositoryImpl::load_snapshot(const Id& id) {
  const std::string text = TRY(files_.load(FileKind::kSnapshot, id));
  Snapshot snapshot =
      TRY(while_doing(decode_snapshot(text), "reading snapshot {}", id.to_string()));
  snapshot.id = id;
  return snapshot;
}

Result<std::vector<Snapshot>> RepositoryImpl::snapshots() {
  std::vector<Snapshot> all;
  for (const StoredFile& file : TRY(list_files(files_.store(), FileKind::kSnapshot))) {
    Result<Snapshot> snapshot = load_snapshot(file.id);
    if (!snapshot && snapshot.error().is(Code::kNotFound)) continue;  // forgotten meanwhile
    if (!snapshot) return tl::unexpected(snapshot.error());
    all.push_back(std::move(*snapshot));
  }
  std::ranges::stable_sort(all, {}, &Snapshot::time);
  return all;
}

Result<> RepositoryImpl::remove_snapshot(const Id& id) {
  return files_.remove(FileKind::kSnapshot, id);
}

}  // namespace breakwater::repo
