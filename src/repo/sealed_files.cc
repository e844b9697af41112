#include "repo/sealed_files.h"

#include <algorithm>

#include "repo/compression.h"

namespace breakwater::repo {
namespace {

constexpr std::byte kCompressedMark{2};
constexpr uint64_t kMaxRecord = uint64_t{4} << 30;
constexpr int kRecordLevel = 3;

std::string name_of(FileKind kind, const Id& id) {
  return std::string(kind_name(kind)) + ' ' + id.to_string();
}

}  // namespace

std::string_view kind_name(FileKind kind) {
  constexpr std::string_view kNames[] = {"key", "pack", "index", "snapshot", "lock"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view kind_folder(FileKind kind) {
  constexpr std::string_view kFolders[] = {"keys/", "data/", "index/", "snapshots/", "locks/"};
  return kFolders[static_cast<size_t>(kind)];
}

std::string key_of(FileKind kind, const Id& id) {
  const std::string name = id.to_string();
  std::string key(kind_folder(kind));
  if (kind == FileKind::kPack) key += name.substr(0, 2) + '/';
  return key + name;
}

Result<std::vector<StoredFile>> list_files(blob::ObjectStore& store, FileKind kind) {
  const std::string folder(kind_folder(kind));
  const blob::Listing listing = TRY(while_doing(store.list(folder), "listing {}", folder));
  std::vector<StoredFile> files;
  for (const blob::ObjectInfo& object : listing.objects) {
    const Result<Id> id = Id::parse(object.key.substr(object.key.rfind('/') + 1));
    if (id && key_of(kind, *id) == object.key) files.push_back({*id, object.size});
  }
  std::ranges::sort(files, {}, &StoredFile::id);
  return files;
}

Result<Bytes> load_file(blob::ObjectStore& store, FileKind kind, const Id& id) {
  const std::string key = key_of(kind, id);
  for (const bool last : {false, true}) {
    Bytes data = TRY(while_doing(store.get(key), "reading {}", name_of(kind, id)));
    if (sha256(data) == id.bytes) return data;
    if (last) break;
  }
  return fail(Code::kCorrupt, "{} is damaged: its content does not match its name",
              name_of(kind, id));
}

SealedFiles::SealedFiles(blob::ObjectStore& store, Sealer sealer, Random& random)
    : store_(store), sealer_(std::move(sealer)), random_(random) {}

Result<std::string> SealedFiles::load(FileKind kind, const Id& id) const {
  const Bytes file = TRY(load_file(store_, kind, id));
  return while_doing(decode(file), "reading {}", name_of(kind, id));
}

Result<std::string> SealedFiles::decode(ByteSpan file) const {
  const Bytes plain = TRY(sealer_.open(file));
  if (plain.empty()) return fail(Code::kCorrupt, "the record is empty");
  if (plain[0] == std::byte{'{'} || plain[0] == std::byte{'['}) return std::string(as_text(plain));
  if (plain[0] != kCompressedMark || version_ < 2) {
    return fail(Code::kUnsupported, "the record has an unknown encoding");
  }
  Compressor compressor;
  return std::string(as_text(TRY(compressor.decompress(ByteSpan(plain).subspan(1), kMaxRecord))));
}

Result<Id> SealedFiles::save(FileKind kind, std::string_view json) {
  Bytes frame(kSealOverhead + 1 + Compressor::bound(json.size()));
  size_t size = 0;
  if (version_ >= 2) {
    Compressor compressor;
    frame[kIvSize] = kCompressedMark;
    size = 1 +
           compressor.compress(as_bytes(json), std::span(frame).subspan(kIvSize + 1), kRecordLevel);
  } else {
    std::ranges::copy(as_bytes(json), frame.begin() + kIvSize);
    size = json.size();
  }
  frame.resize(size + kSealOverhead);
  sealer_.seal_in_place(random_, frame);
  const Id id{sha256(frame)};
  const Result<> stored = store_.put(key_of(kind, id), frame);
  // A lock whose answer was lost would keep others out although nobody holds it.
  if (!stored && kind == FileKind::kLock) (void)store_.remove(key_of(kind, id));
  TRY(while_doing(stored, "storing {}", name_of(kind, id)));
  return id;
}

Result<> SealedFiles::remove(FileKind kind, const Id& id) {
  return while_doing(store_.remove(key_of(kind, id)), "removing {}", name_of(kind, id));
}

uint64_t SharedRandom::next() {
  const std::lock_guard lock(mutex_);
  return inner_.next();
}

void SharedRandom::fill(std::span<std::byte> out) {
  const std::lock_guard lock(mutex_);
  inner_.fill(out);
}

}  // namespace breakwater::repo
