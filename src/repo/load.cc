#include <algorithm>

#include "repo/repository_impl.h"
#include "repo/tree.h"

namespace breakwater::repo {
namespace {

// Blobs of a pack that lie near each other are read at once, as restic does.
constexpr uint64_t kMaxGap = 1u << 20;
constexpr uint64_t kMaxRun = 32u << 20;

}  // namespace

Result<> RepositoryImpl::load_index() {
  index_.clear();
  for (const StoredFile& file : TRY(list_files(files_.store(), FileKind::kIndex))) {
    TRY(while_doing(read_index_file(file.id), "reading index {}", file.id.to_string()));
  }
  return {};
}

Result<> RepositoryImpl::read_index_file(const Id& id) {
  const std::string text = TRY(files_.load(FileKind::kIndex, id));
  return decode_index(text, [&](IndexedPack&& pack) { index_.add_pack(pack.id, pack.blobs); });
}

std::optional<BlobLocation> RepositoryImpl::find(BlobType type, const Id& id) const {
  return index_.find(type, id);
}

Result<Bytes> RepositoryImpl::read_range(const Id& pack, uint64_t offset, uint64_t length) {
  Result<Bytes> data = files_.store().get_range(key_of(FileKind::kPack, pack), offset, length);
  if (data) return data;
  const Error& error = data.error();
  if (error.is(Code::kNotFound)) {
    return fail(Code::kCorrupt, "pack {} does not exist", pack.to_string());
  }
  if (error.is(Code::kInvalid)) {
    return fail(Code::kCorrupt, "pack {} is damaged: {}", pack.to_string(), error.message());
  }
  return while_doing(std::move(data), "reading pack {}", pack.to_string());
}

Result<Bytes> RepositoryImpl::load_blob(BlobType type, const Id& id) {
  const auto place = index_.find(type, id);
  if (!place) return fail(Code::kNotFound, "blob {} is in no index", id.to_string());
  const auto codec = codecs_.borrow();
  std::optional<Error> damage;
  for (int attempt = 0; attempt < 2; ++attempt) {  // the fault may have been on the way
    const Bytes sealed = TRY(read_range(place->pack, place->offset, place->length));
    const Result<ByteSpan> plain = codec->decode(id, sealed, place->uncompressed_length);
    if (plain) return Bytes(plain->begin(), plain->end());
    damage = plain.error();
  }
  return fail(Code::kCorrupt, "blob {} in pack {} is damaged: {}", id.to_string(),
              place->pack.to_string(), damage->message());
}

Result<std::vector<RepositoryImpl::Located>> RepositoryImpl::locate(
    const Id& pack, const std::vector<Id>& blobs) const {
  std::vector<Located> located;
  located.reserve(blobs.size());
  for (const Id& id : blobs) {
    auto place = index_.find(BlobType::kData, id);
    if (!place || place->pack != pack) place = index_.find(BlobType::kTree, id);
    if (!place || place->pack != pack) {
      return fail(Code::kNotFound, "no index has blob {} in pack {}", id.to_string(),
                  pack.to_string());
    }
    located.push_back({id, *place});
  }
  std::ranges::sort(located, {}, [](const Located& blob) { return blob.place.offset; });
  return located;
}

Result<> RepositoryImpl::load_from_pack(const Id& pack, const std::vector<Id>& blobs,
                                        const Deliver& deliver) {
  const std::vector<Located> located = TRY(locate(pack, blobs));
  size_t begin = 0;
  for (size_t i = 0; i < located.size(); ++i) {
    const bool last = i + 1 == located.size();
    const BlobLocation& first = located[begin].place;
    if (!last) {
      const BlobLocation& next = located[i + 1].place;
      const uint64_t end = uint64_t{located[i].place.offset} + located[i].place.length;
      const bool near = next.offset <= end + kMaxGap;
      if (near && next.offset + next.length - uint64_t{first.offset} <= kMaxRun) continue;
    }
    TRY(deliver_run(std::span(located).subspan(begin, i + 1 - begin), deliver));
    begin = i + 1;
  }
  return {};
}

Result<> RepositoryImpl::deliver_run(std::span<const Located> run, const Deliver& deliver) {
  const BlobLocation& first = run.front().place;
  const BlobLocation& last = run.back().place;
  const uint64_t length = uint64_t{last.offset} + last.length - first.offset;
  const Bytes data = TRY(read_range(first.pack, first.offset, length));
  const auto codec = codecs_.borrow();
  for (const Located& blob : run) {
    const ByteSpan sealed =
        ByteSpan(data).subspan(blob.place.offset - first.offset, blob.place.length);
    const Result<ByteSpan> plain = codec->decode(blob.id, sealed, blob.place.uncompressed_length);
    if (plain) {
      TRY(deliver(blob.id, *plain));
      continue;
    }
    // Reads it once more by itself, and names pack and blob if that fails too.
    const bool data_blob = index_.find(BlobType::kData, blob.id).has_value();
    const Bytes again = TRY(load_blob(data_blob ? BlobType::kData : BlobType::kTree, blob.id));
    TRY(deliver(blob.id, again));
  }
  return {};
}

Result<Tree> RepositoryImpl::load_tree(const Id& id) {
  const Bytes text =
      TRY(while_doing(load_blob(BlobType::kTree, id), "loading tree {}", id.short_string()));
  return while_doing(decode_tree(as_text(text)), "loading tree {}", id.to_string());
}

}  // namespace breakwater::repo
