#include "repo/index_file.h"

#include "repo/json_reader.h"
#include "repo/json_writer.h"

namespace breakwater::repo {
namespace {

constexpr size_t kBlobEstimate = 160;

std::string_view type_name(BlobType type) { return type == BlobType::kTree ? "tree" : "data"; }

PackedBlob read_blob(JsonReader& json) {
  PackedBlob blob;
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "id") {
      blob.id = json.id();
    } else if (name == "type") {
      const std::string type = json.string();
      blob.type = type == "tree" ? BlobType::kTree : BlobType::kData;
      if (type != type_name(blob.type)) json.fail_here("expected \"data\" or \"tree\"");
    } else if (name == "offset") {
      blob.offset = json.number32();
    } else if (name == "length") {
      blob.length = json.number32();
    } else if (name == "uncompressed_length") {
      blob.uncompressed_length = json.number32();
    } else {
      json.skip();
    }
  }
  if (blob.length < kSealOverhead) json.fail_here("the length of a blob is impossible");
  return blob;
}

IndexedPack read_pack(JsonReader& json) {
  IndexedPack pack;
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "id") {
      pack.id = json.id();
    } else if (name == "blobs") {
      if (json.take_null()) continue;
      json.begin_array();
      while (json.next_element()) pack.blobs.push_back(read_blob(json));
    } else {
      json.skip();
    }
  }
  return pack;
}

}  // namespace

std::string encode_index(std::span<const IndexedPack> packs) {
  JsonWriter json;
  size_t blobs = 0;
  for (const IndexedPack& pack : packs) blobs += pack.blobs.size() + 1;
  json.reserve(blobs * kBlobEstimate);
  json.begin_object();
  json.name("packs");
  json.begin_array();
  for (const IndexedPack& pack : packs) {
    json.begin_object();
    json.name("id");
    json.id(pack.id);
    json.name("blobs");
    json.begin_array();
    for (const PackedBlob& blob : pack.blobs) {
      json.begin_object();
      json.name("id");
      json.id(blob.id);
      json.member("type", type_name(blob.type));
      json.member("offset", blob.offset);
      json.member("length", blob.length);
      json.member_unless_zero("uncompressed_length", blob.uncompressed_length);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take() + '\n';
}

Result<> decode_index(std::string_view text, const DeliverPack& deliver) {
  JsonReader json(text);
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name != "packs" || json.take_null()) {
      if (name != "packs") json.skip();
      continue;
    }
    json.begin_array();
    while (json.next_element()) {
      IndexedPack pack = read_pack(json);
      if (!json.failed()) deliver(std::move(pack));
    }
  }
  return json.finish("index");
}

}  // namespace breakwater::repo
