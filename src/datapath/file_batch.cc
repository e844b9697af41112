#include "datapath/file_batch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "datapath/parallel.h"
#include "repo/chunker.h"
#include "repo/utf8.h"
#include "volume/block_volume.h"

namespace breakwater::datapath {
namespace {

namespace fs = std::filesystem;
using repo::Id;

constexpr size_t kMostFiles = 256;  // each is open
constexpr uint64_t kMostBytes = 256u << 20;
constexpr uint64_t kGroupBytes = 16u << 20;

// Fewer than asked for at the end of the file.
Result<size_t> read_at(int fd, const fs::path& path, uint64_t offset, std::span<std::byte> out) {
  size_t have = 0;
  while (have < out.size()) {
    const ssize_t count =
        ::pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::unexpected(errno_error("reading", path));
    if (count == 0) break;
    have += static_cast<size_t>(count);
  }
  return have;
}

Result<> write_at(int fd, const fs::path& path, uint64_t offset, ByteSpan data) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return tl::unexpected(errno_error("writing", path));
    data = data.subspan(static_cast<size_t>(count));
    offset += static_cast<uint64_t>(count);
  }
  return {};
}

}  // namespace

FileBatch::FileBatch(repo::Repository& repository, Counters& counters, FileMetadata& metadata,
                     int threads, std::function<Result<>()> tick)
    : repository_(repository),
      counters_(counters),
      metadata_(metadata),
      threads_(threads),
      tick_(std::move(tick)),
      zeros_{sha256(Bytes(repo::kChunkMin))} {}

Result<uint64_t> FileBatch::add(Fd fd, fs::path path, repo::Node node, bool existing) {
  File file{std::move(fd), std::move(path), std::move(node), {0}, existing};
  for (const Id& id : file.node.content) {
    const auto place = repository_.find(repo::BlobType::kData, id);
    if (!place) return fail(Code::kCorrupt, "its blob {} is in no index", id.to_string());
    file.offsets.push_back(file.offsets.back() + place->plain_length());
  }
  const uint64_t size = file.offsets.back();
  if (::ftruncate(file.fd.get(), static_cast<off_t>(size)) != 0) {
    return tl::unexpected(errno_error("setting the size of", file.path));
  }
  bytes_ += size;
  blobs_ += file.node.content.size();
  files_.push_back(std::move(file));
  return size;
}

bool FileBatch::full() const { return files_.size() >= kMostFiles || bytes_ >= kMostBytes; }

Result<> FileBatch::run() {
  same_.assign(files_.size(), {});
  TRY(compare());
  plan();
  TRY(parallel(
      groups_.size() - 1, threads_, [this](int, uint64_t group) { return write_group(group); },
      tick_));
  for (const File& file : files_) TRY(metadata_.set(file.fd.get(), file.node, file.path));
  files_.clear();
  bytes_ = blobs_ = 0;
  return {};
}

// Finds the blobs that are there already.
Result<> FileBatch::compare() {
  std::vector<std::pair<size_t, uint64_t>> blobs;
  for (size_t i = 0; i < files_.size(); ++i) {
    if (!files_[i].existing) continue;
    same_[i].assign(files_[i].node.content.size(), 0);
    for (uint64_t blob = 0; blob < same_[i].size(); ++blob) blobs.emplace_back(i, blob);
  }
  if (blobs.empty()) return {};
  std::vector<Bytes> buffers(static_cast<size_t>(std::max(threads_, 1)));
  return parallel(
      blobs.size(), threads_,
      [&](int worker, uint64_t item) {
        const auto [file, blob] = blobs[item];
        return compare_blob(files_[file], blob, buffers[static_cast<size_t>(worker)],
                            same_[file][blob]);
      },
      tick_);
}

Result<> FileBatch::compare_blob(File& file, uint64_t blob, Bytes& buffer, char& same) {
  buffer.resize(file.offsets[blob + 1] - file.offsets[blob]);
  const size_t have = TRY(read_at(file.fd.get(), file.path, file.offsets[blob], buffer));
  counters_.read += have;
  same = have == buffer.size() && Id{sha256(buffer)} == file.node.content[blob];
  if (same) counters_.done += have;
  return {};
}

void FileBatch::plan() {
  pieces_.clear();
  packs_.clear();
  pack_numbers_.clear();
  for (uint32_t file = 0; file < files_.size(); ++file) {
    for (uint64_t blob = 0; blob < files_[file].node.content.size(); ++blob) {
      add_piece(file, blob);
    }
  }
  std::ranges::sort(pieces_, {},
                    [](const Piece& p) { return std::tuple(p.pack, p.place, p.file, p.blob); });
  groups_ = {0};
  for (size_t i = 1; i < pieces_.size(); ++i) {
    const Piece& first = pieces_[groups_.back()];
    const Piece& here = pieces_[i];
    const bool same_blob = here.pack == pieces_[i - 1].pack && here.place == pieces_[i - 1].place;
    const bool fits =
        here.pack == first.pack && here.place + uint64_t{here.length} - first.place <= kGroupBytes;
    if (!same_blob && !fits) groups_.push_back(i);
  }
  if (!pieces_.empty()) groups_.push_back(pieces_.size());
}

void FileBatch::add_piece(uint32_t file, uint64_t blob) {
  const Id& id = files_[file].node.content[blob];
  const bool existing = files_[file].existing;
  if (existing && same_[file][blob]) return;
  if (!existing && id == zeros_) {  // a hole is zeros
    counters_.done += repo::kChunkMin;
    return;
  }
  const auto place = repository_.find(repo::BlobType::kData, id);
  CHECK(place.has_value());
  const auto [number, fresh] =
      pack_numbers_.try_emplace(place->pack, static_cast<uint32_t>(packs_.size()));
  if (fresh) packs_.push_back(place->pack);
  pieces_.push_back({number->second, place->offset, place->length, file, blob});
}

const Id& FileBatch::id_of(const Piece& piece) const {
  return files_[piece.file].node.content[piece.blob];
}

Result<> FileBatch::write_group(uint64_t group) {
  const uint64_t begin = groups_[group], end = groups_[group + 1];
  std::vector<Id> ids;
  std::vector<const Piece*> firsts;
  std::map<Id, uint64_t> first_piece;
  for (uint64_t i = begin; i < end; ++i) {
    if (!first_piece.try_emplace(id_of(pieces_[i]), i).second) continue;
    ids.push_back(id_of(pieces_[i]));
    firsts.push_back(&pieces_[i]);
    counters_.moved += pieces_[i].length;
  }
  bool writing = false;
  const auto deliver = [&](const Id& id, ByteSpan data) -> Result<> {
    const auto first = first_piece.find(id);
    CHECK(first != first_piece.end());
    writing = true;
    for (uint64_t i = first->second; i < end && id_of(pieces_[i]) == id; ++i) {
      TRY(write_blob(pieces_[i], data));
    }
    writing = false;
    return {};
  };
  auto loaded = repository_.load_from_pack(packs_[pieces_[begin].pack], ids, deliver);
  if (loaded || writing) return loaded;
  return find_damage(firsts, std::move(loaded.error()));
}

// Says which file an unreadable blob belongs to.
Result<> FileBatch::find_damage(const std::vector<const Piece*>& pieces, Error error) {
  for (const Piece* piece : pieces) {
    auto blob = repository_.load_blob(repo::BlobType::kData, id_of(*piece));
    if (blob) continue;
    return tl::unexpected(std::move(blob.error().add_context(
        fmt::format("restoring {}", repo::quote_name(files_[piece->file].path.string())))));
  }
  return tl::unexpected(std::move(error));
}

Result<> FileBatch::write_blob(const Piece& piece, ByteSpan data) {
  const File& file = files_[piece.file];
  const uint64_t offset = file.offsets[piece.blob];
  if (data.size() != file.offsets[piece.blob + 1] - offset) {
    return fail(Code::kCorrupt, "blob {} has {} bytes, and the index says {}",
                id_of(piece).to_string(), data.size(), file.offsets[piece.blob + 1] - offset);
  }
  counters_.done += data.size();
  if (volume::is_zero(data)) {
    if (!file.existing) return {};
    constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (::fallocate(file.fd.get(), kPunch, static_cast<off_t>(offset),
                    static_cast<off_t>(data.size())) == 0) {
      return {};
    }
  }
  return write_at(file.fd.get(), file.path, offset, data);
}

}  // namespace breakwater::datapath
