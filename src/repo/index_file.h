// Index files: which blobs each pack holds. Pure functions.
//
//   {"packs":[{"id":…,"blobs":[
//     {"id":…,"type":"data","offset":…,"length":…,"uncompressed_length":…},…]},…]}\n
//
// Source: restic doc/design.rst, "Indexing". "supersedes", which old versions wrote, is ignored.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "repo/pack.h"

namespace breakwater::repo {

struct IndexedPack {
  Id id;
  std::vector<PackedBlob> blobs;
};

std::string encode_index(std::span<const IndexedPack> packs);

// Calls `deliver` for each pack, in the order of the text; blobs may be in any order. kCorrupt for
// what is no index; then some packs may have been delivered.
using DeliverPack = std::function<void(IndexedPack&& pack)>;
Result<> decode_index(std::string_view text, const DeliverPack& deliver);

}  // namespace breakwater::repo
