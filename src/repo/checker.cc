#include "repo/checker.h"

#include <algorithm>

#include "repo/snapshot.h"
#include "repo/tree.h"
#include "repo/utf8.h"

namespace breakwater::repo {
namespace {

constexpr std::string_view kTypes[] = {"file",    "dir",  "symlink", "dev",
                                       "chardev", "fifo", "socket"};

}  // namespace

template <class... Args>
void Checker::error(fmt::format_string<Args...> format, Args&&... args) {
  report_.errors.push_back(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void Checker::hint(fmt::format_string<Args...> format, Args&&... args) {
  report_.hints.push_back(fmt::format(format, std::forward<Args>(args)...));
}

Result<Checker::Report> Checker::run(bool read_data, const Repository::CheckProgress& progress) {
  // Snapshots before indexes: a backup that ends in between is then not seen half.
  const std::vector<StoredFile> snapshots = TRY(list_files(files_.store(), FileKind::kSnapshot));
  TRY(read_indexes());
  TRY(compare_pack_files());
  TRY(check_snapshots(snapshots));
  if (read_data) TRY(read_packs(progress));
  return std::move(report_);
}

Result<> Checker::read_indexes() {
  for (const StoredFile& file : TRY(list_files(files_.store(), FileKind::kIndex))) {
    TRY(cancel_.check());
    const Result<std::string> text = files_.load(FileKind::kIndex, file.id);
    if (!text) {
      error("{}", text.error().to_string());
      continue;
    }
    const auto add = [&](IndexedPack&& pack) { add_indexed(file.id, std::move(pack)); };
    const Result<> decoded = decode_index(*text, add);
    if (!decoded) error("index {}: {}", file.id.to_string(), decoded.error().to_string());
  }
  for (const auto& [id, blobs] : packs_) {
    report_.blobs += blobs.size();
    index_.add_pack(id, blobs);
  }
  report_.packs = packs_.size();
  return {};
}

void Checker::add_indexed(const Id& index, IndexedPack&& pack) {
  std::ranges::sort(pack.blobs, {}, &PackedBlob::offset);
  const bool mixed = std::ranges::any_of(
      pack.blobs, [&](const PackedBlob& blob) { return blob.type != pack.blobs[0].type; });
  if (mixed) hint("pack {} holds both trees and data", pack.id.to_string());
  const auto [known, added] = packs_.try_emplace(pack.id, std::move(pack.blobs));
  if (added) return;
  if (known->second == pack.blobs) {
    hint("pack {} is in several indexes", pack.id.to_string());
  } else {
    error("pack {} is described differently by index {} and another", pack.id.to_string(),
          index.to_string());
  }
}

Result<> Checker::compare_pack_files() {
  const std::vector<StoredFile> stored = TRY(list_files(files_.store(), FileKind::kPack));
  std::map<Id, uint64_t> sizes;
  for (const StoredFile& file : stored) {
    sizes.emplace(file.id, file.size);
    if (!packs_.contains(file.id)) hint("pack {} is in no index", file.id.to_string());
  }
  for (const auto& [id, blobs] : packs_) {
    const auto size = sizes.find(id);
    const uint64_t expected = pack_file_size(blobs);
    if (size == sizes.end()) {
      error("pack {} does not exist", id.to_string());
    } else if (size->second != expected) {
      error("pack {} has {} bytes, expected {}", id.to_string(), size->second, expected);
    }
  }
  return {};
}

Result<> Checker::check_snapshots(const std::vector<StoredFile>& snapshots) {
  for (const StoredFile& file : snapshots) {
    TRY(cancel_.check());
    ++report_.snapshots;
    const Result<std::string> text = files_.load(FileKind::kSnapshot, file.id);
    if (!text) {
      error("{}", text.error().to_string());
      continue;
    }
    const Result<Snapshot> snapshot = decode_snapshot(*text);
    if (snapshot) {
      TRY(walk(snapshot->tree, file.id.short_string()));
    } else {
      error("snapshot {}: {}", file.id.to_string(), snapshot.error().to_string());
    }
  }
  return {};
}

Result<> Checker::walk(const Id& root, const std::string& snapshot) {
  std::vector<Id> waiting{root};
  while (!waiting.empty()) {
    TRY(cancel_.check());
    const Id id = waiting.back();
    waiting.pop_back();
    if (!seen_trees_.insert(id).second) continue;
    const std::string where = fmt::format("snapshot {}: tree {}", snapshot, id.to_string());
    const Result<Tree> tree = load_tree(id);
    if (!tree) {
      error("{}: {}", where, tree.error().to_string());
      continue;
    }
    for (const Node& node : *tree) check_node(node, where, waiting);
  }
  return {};
}

void Checker::check_node(const Node& node, const std::string& where, std::vector<Id>& subtrees) {
  const std::string name = quote_name(node.name);
  if (node.name.empty()) error("{}: an entry has no name", where);
  if (std::ranges::find(kTypes, node.type) == std::end(kTypes)) {
    error("{}: \"{}\" has the unknown type \"{}\"", where, name, node.type);
  }
  const bool no_content =
      std::ranges::any_of(node.other, [](const auto& member) { return member.first == "content"; });
  if (no_content) error("{}: file \"{}\" has no list of blobs", where, name);
  for (const Id& blob : node.content) {
    if (index_.find(BlobType::kData, blob)) continue;
    error("{}: blob {} of file \"{}\" is in no index", where, blob.to_string(), name);
  }
  if (node.type != "dir") return;
  if (node.subtree) {
    subtrees.push_back(*node.subtree);
  } else {
    error("{}: directory \"{}\" has no subtree", where, name);
  }
}

Result<Tree> Checker::load_tree(const Id& id) {
  const auto location = index_.find(BlobType::kTree, id);
  if (!location) return fail(Code::kNotFound, "it is in no index");
  const std::string pack = location->pack.to_string();
  const Bytes sealed =
      TRY(while_doing(files_.store().get_range(key_of(FileKind::kPack, location->pack),
                                               location->offset, location->length),
                      "reading pack {}", pack));
  const auto codec = codecs_.borrow();
  const ByteSpan text = TRY(while_doing(codec->decode(id, sealed, location->uncompressed_length),
                                        "reading pack {}", pack));
  return decode_tree(as_text(text));
}

Result<> Checker::read_packs(const Repository::CheckProgress& progress) {
  uint64_t done = 0;
  for (const auto& [id, blobs] : packs_) {
    TRY(cancel_.check());
    check_pack(id, blobs);
    if (progress) progress(++done, packs_.size());
  }
  return {};
}

void Checker::check_pack(const Id& id, const std::vector<PackedBlob>& blobs) {
  const Result<Bytes> file = load_file(files_.store(), FileKind::kPack, id);
  if (!file) {
    if (!file.error().is(Code::kNotFound)) error("{}", file.error().to_string());
    return;  // a missing one is in the report already
  }
  report_.bytes_read += file->size();
  const Result<std::vector<PackedBlob>> header = read_pack_header(files_.sealer(), *file);
  if (!header) {
    error("pack {}: {}", id.to_string(), header.error().to_string());
  } else if (*header != blobs) {
    error("pack {}: its header does not name the blobs that the index names", id.to_string());
  }
  check_blobs(id, blobs, *file);
}

void Checker::check_blobs(const Id& id, const std::vector<PackedBlob>& blobs, ByteSpan file) {
  uint64_t end = 0;
  const auto codec = codecs_.borrow();
  for (const PackedBlob& blob : blobs) {
    if (blob.offset != end) {
      error("pack {}: blob {} starts at {} instead of {}", id.to_string(), blob.id.to_string(),
            blob.offset, end);
    }
    end = uint64_t{blob.offset} + blob.length;
    if (end > file.size()) {
      error("pack {}: blob {} ends beyond the file", id.to_string(), blob.id.to_string());
      continue;
    }
    const Result<ByteSpan> plain =
        codec->decode(blob.id, file.subspan(blob.offset, blob.length), blob.uncompressed_length);
    if (!plain) {
      error("pack {}: blob {}: {}", id.to_string(), blob.id.to_string(), plain.error().to_string());
    }
  }
}

}  // namespace breakwater::repo
