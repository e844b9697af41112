// Parsers of repo/: what lies in a repository that somebody else may have written or damaged.
#include <algorithm>

#include "base/random.h"
#include "repo/compression.h"
#include "repo/crypto.h"
#include "repo/extended_attributes.h"
#include "repo/index_file.h"
#include "repo/key_file.h"
#include "repo/lock.h"
#include "repo/pack.h"
#include "repo/snapshot.h"
#include "repo/tree.h"
#include "repo/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace breakwater::fuzz {
namespace {

constexpr uint64_t kMaxPlain = 1 << 20;

// What decode() accepts, encode() writes so that it is read as the same. Bytes that are no UTF-8
// become U+FFFD on the way, first as an escape, then as itself; after that nothing may change.
template <class Decode, class Encode>
void check_record(std::string_view input, Decode decode, Encode encode) {
  const auto record = decode(input);
  if (!record) return;
  const auto again = decode(encode(*record));
  CHECK(again);
  const std::string text = encode(*again);
  const auto last = decode(text);
  CHECK(last && encode(*last) == text);
}

// Whether opening this key file takes milliseconds: scrypt's cost is part of the input.
bool is_cheap_key(std::string_view input) {
  const auto json = parse_json(input);
  if (!json) {
    size_t digits = 0;
    return std::ranges::none_of(input, [&](char c) {
      digits = c >= '0' && c <= '9' ? digits + 1 : 0;
      return digits > 2;
    });
  }
  int64_t cost = 1;
  for (const char* name : {"N", "r", "p"}) {
    const int64_t factor = (*json)[name].as_int();
    if (factor < 0 || factor > 1024) return false;
    cost *= std::max<int64_t>(factor, 1);
  }
  return cost <= 1 << 14;
}

}  // namespace

void fuzz_repo_tree(std::string_view input) {
  const auto tree = repo::decode_tree(input);
  if (!tree || !repo::encode_tree(*tree)) return;
  check_record(input, repo::decode_tree,
               [](const repo::Tree& each) { return *repo::encode_tree(each); });
}

// The input is the member of a node as a tree has it.
void fuzz_repo_attributes(std::string_view input) {
  repo::Node node;
  node.other.emplace_back("extended_attributes", input);
  const auto attributes = repo::extended_attributes(node);
  if (!attributes) return;
  repo::set_extended_attributes(node, *attributes);
  const auto again = repo::extended_attributes(node);
  CHECK(again && again->size() == attributes->size());
  for (size_t i = 0; i < again->size(); ++i) CHECK((*again)[i].value == (*attributes)[i].value);
}

void fuzz_repo_snapshot(std::string_view input) {
  check_record(input, repo::decode_snapshot, repo::encode_snapshot);
}

void fuzz_repo_config(std::string_view input) {
  check_record(input, repo::decode_config, repo::encode_config);
}

void fuzz_repo_lock(std::string_view input) {
  check_record(input, repo::decode_lock, repo::encode_lock);
}

void fuzz_repo_index(std::string_view input) {
  using Packs = std::vector<repo::IndexedPack>;
  check_record(
      input,
      [](std::string_view text) -> Result<Packs> {
        Packs packs;
        TRY(repo::decode_index(
            text, [&](repo::IndexedPack&& pack) { packs.push_back(std::move(pack)); }));
        return packs;
      },
      [](const Packs& packs) { return repo::encode_index(packs); });
}

// The input is a key file that may open with the password "geheim".
void fuzz_repo_key(std::string_view input) {
  if (is_cheap_key(input)) (void)repo::open_key_file(input, "geheim");
}

// The input is a pack; and the plaintext of a header, sealed here so that it gets past the MAC,
// after as many bytes of blobs as it names.
void fuzz_repo_pack(std::string_view input) {
  const repo::Sealer sealer(repo::CipherKey{{std::byte{1}}, {std::byte{2}}, {std::byte{3}}});
  CHECK(!repo::read_pack_header(sealer, as_bytes(input)));
  SeededRandom random(1);
  const Bytes header = sealer.seal(random, as_bytes(input));
  for (const size_t blobs : {size_t{0}, size_t{32}, size_t{64}, size_t{1000}}) {
    Bytes file(blobs);
    file.insert(file.end(), header.begin(), header.end());
    for (int shift = 0; shift < 32; shift += 8) {
      file.push_back(static_cast<std::byte>(header.size() >> shift & 0xff));
    }
    const auto named = repo::read_pack_header(sealer, file);
    if (!named) continue;
    CHECK(repo::pack_file_size(*named) == file.size());
    for (const repo::PackedBlob& blob : *named) CHECK(blob.offset + blob.length <= blobs);
  }
}

void fuzz_repo_zstd(std::string_view input) {
  repo::Compressor compressor;
  const auto plain = compressor.decompress(as_bytes(input), kMaxPlain);
  if (plain) {
    CHECK(plain->size() <= kMaxPlain);
    Bytes exact(plain->size());
    CHECK(compressor.decompress_into(as_bytes(input), exact) && exact == *plain);
    Bytes more(plain->size() + 1);
    CHECK(!compressor.decompress_into(as_bytes(input), more));
  }
  Bytes frame(repo::Compressor::bound(input.size()));
  frame.resize(compressor.compress(as_bytes(input), frame, 1));
  const auto again = compressor.decompress(frame, kMaxPlain);
  CHECK(again && as_text(*again) == input);
}

// Names as restic quotes them.
void fuzz_repo_name(std::string_view input) {
  const auto again = repo::unquote_name(repo::quote_name(input));
  CHECK(again && *again == input);
  const auto name = repo::unquote_name(input);
  if (name) CHECK(*repo::unquote_name(repo::quote_name(*name)) == *name);
}

}  // namespace breakwater::fuzz
