#include "repo/repository_impl.h"
#include "repo/tree.h"

namespace breakwater::repo {

Result<SavedBlob> RepositoryImpl::save_blob(BlobType type, ByteSpan plaintext) {
  return save_blob(type, Id{sha256(plaintext)}, plaintext);
}

Result<SavedBlob> RepositoryImpl::save_blob(BlobType type, const Id& id, ByteSpan plaintext) {
  TRY(writer_.healthy());
  if (!index_.claim(type, id)) return SavedBlob{.id = id};
  const auto codec = codecs_.borrow();
  const Result<EncodedBlob> encoded = codec->encode(type, id, plaintext);
  if (!encoded) {  // others rely on our claim
    writer_.give_up(encoded.error());
    return tl::unexpected(encoded.error());
  }
  const EncodedBlob& blob = *encoded;
  TRY(writer_.add(type, id, blob.sealed, blob.uncompressed_length));
  return SavedBlob{.id = id, .added = true, .packed_size = blob.sealed.size()};
}

Result<> RepositoryImpl::flush() { return writer_.flush(); }

Result<SavedBlob> RepositoryImpl::save_tree(const Tree& tree) {
  const std::string text = TRY(encode_tree(tree));
  return save_blob(BlobType::kTree, as_bytes(text));
}

}  // namespace breakwater::repo
