#include "datapath/restore_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/encoding.h"

namespace breakwater::datapath {
namespace {

using repo::BlobType;
using repo::Id;

constexpr uint64_t kLongestZeroRun = uint64_t{1} << 30;
constexpr uint64_t kGroupBytes = 16 << 20;

// The ids of all-zero chunks of the lengths in which they come: restic's, and this file's own.
std::set<Id> zero_ids(uint64_t first_length) {
  std::set<Id> ids;
  for (const uint64_t length : {uint64_t{512} << 10, uint64_t{1} << 20, first_length}) {
    if (length <= 8 << 20) ids.insert(Id{sha256(Bytes(length))});
  }
  return ids;
}

void add_zero_run(volume::Extents& zeros, uint64_t offset, uint64_t length) {
  const bool continues = !zeros.empty() && zeros.back().end() == offset &&
                         zeros.back().length + length <= kLongestZeroRun;
  if (continues) {
    zeros.back().length += length;
  } else {
    zeros.push_back({offset, length});
  }
}

void make_groups(RestorePlan& plan) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < plan.fetches.size(); ++i) {
    const Fetch& fetch = plan.fetches[i];
    const bool same_pack = i > 0 && plan.fetches[i - 1].pack == fetch.pack;
    const bool same_blob = same_pack && plan.fetches[i - 1].offset == fetch.offset;
    if (!same_pack || (!same_blob && bytes + fetch.length > kGroupBytes)) {
      plan.groups.push_back(i);
      bytes = 0;
    }
    if (!same_blob) bytes += fetch.length;
  }
  plan.groups.push_back(plan.fetches.size());
}

}  // namespace

Result<ChunkMap> map_chunks(const repo::Repository& repository, StoredFile file) {
  ChunkMap map;
  map.offsets.reserve(file.content.size() + 1);
  map.offsets.push_back(0);
  for (const Id& id : file.content) {
    const auto location = repository.find(BlobType::kData, id);
    if (!location) {
      return fail(Code::kCorrupt, "chunk {} of {}, at byte {}, is in no index of the repository",
                  id.to_string(), file.path, map.offsets.back());
    }
    map.offsets.push_back(map.offsets.back() + location->plain_length());
  }
  if (map.offsets.back() != file.size) {
    return fail(Code::kCorrupt, "the chunks of {} have {} bytes, and the file has {}", file.path,
                map.offsets.back(), file.size);
  }
  const std::set<Id> zeros = zero_ids(file.content.empty() ? 0 : map.offsets[1]);
  map.zero.resize(file.content.size());
  for (size_t i = 0; i < file.content.size(); ++i) map.zero[i] = zeros.contains(file.content[i]);
  map.content = std::move(file.content);
  return map;
}

RestorePlan make_restore_plan(const repo::Repository& repository, const ChunkMap& map,
                              const std::vector<char>& skip) {
  RestorePlan plan;
  std::map<Id, uint32_t> numbers;
  for (uint64_t i = 0; i < map.content.size(); ++i) {
    if (!skip.empty() && skip[i]) continue;
    if (map.zero[i]) {
      add_zero_run(plan.zeros, map.offsets[i], map.length(i));
      continue;
    }
    const auto location = repository.find(BlobType::kData, map.content[i]);
    const auto [number, is_new] =
        numbers.try_emplace(location->pack, static_cast<uint32_t>(plan.packs.size()));
    if (is_new) plan.packs.push_back(location->pack);
    plan.fetches.push_back({number->second, location->offset, location->length, i});
  }
  std::sort(plan.fetches.begin(), plan.fetches.end(), [](const Fetch& a, const Fetch& b) {
    return std::tie(a.pack, a.offset, a.chunk) < std::tie(b.pack, b.offset, b.chunk);
  });
  make_groups(plan);
  return plan;
}

}  // namespace breakwater::datapath
