// Parsers of backupstore/: files of a bucket that others write to.
#include <algorithm>

#include "backupstore/archive.h"
#include "backupstore/gzip.h"
#include "backupstore/tar.h"
#include "tests/fuzz/fuzz.h"

namespace breakwater::fuzz {
namespace {

constexpr uint64_t kMaxContent = 1 << 20;

}  // namespace

void fuzz_tar(std::string_view input) {
  const auto entries = backupstore::read_tar(input);
  if (!entries) return;
  backupstore::TarWriter writer(Time{});
  for (const backupstore::TarEntry& entry : *entries) {
    CHECK(backupstore::is_safe_entry_name(entry.name));
    CHECK(entry.content.data() >= input.data() &&
          entry.content.data() + entry.content.size() <= input.data() + input.size());
    writer.add(entry.name, entry.content);
  }
  const std::string written = writer.finish();
  const auto again = backupstore::read_tar(written);
  CHECK(again && std::ranges::equal(*again, *entries, [](const auto& a, const auto& b) {
          return a.name == b.name && a.content == b.content;
        }));
}

void fuzz_gzip(std::string_view input) {
  const auto content = backupstore::gunzip(as_bytes(input), kMaxContent);
  if (content) CHECK(content->size() <= kMaxContent);
  const auto again = backupstore::gunzip(backupstore::gzip(input));
  CHECK(again && *again == input);
}

// The tarball of a backup, without its compression.
void fuzz_archive(std::string_view input) {
  const auto archive = backupstore::Archive::unpack(backupstore::gzip(input));
  if (!archive) return;
  const auto again = backupstore::Archive::unpack(archive->pack(Time{}));
  CHECK(again && again->items() == archive->items());
}

}  // namespace breakwater::fuzz
