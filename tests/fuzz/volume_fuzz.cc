// Parsers of volume/: the list of changed extents.
#include "tests/fuzz/fuzz.h"
#include "volume/extent.h"

namespace breakwater::fuzz {

void fuzz_extents(std::string_view input) {
  const auto extents = volume::parse_extents(input);
  if (!extents) return;
  uint64_t end = 0;
  for (size_t i = 0; i < extents->size(); ++i) {
    const volume::Extent& extent = (*extents)[i];
    CHECK(extent.length > 0 && (i == 0 || extent.offset > end) && extent.end() > extent.offset);
    end = extent.end();
  }
  const auto again = volume::parse_extents(volume::format_extents(*extents));
  CHECK(again && *again == *extents);
  const uint64_t size = end / 2 + 1;
  const volume::Extents aligned = volume::align(*extents, 512 << 10, size);
  const volume::Extents inside = volume::intersect(*extents, {{0, size}});
  CHECK(volume::unite(aligned, inside) == aligned);
  CHECK(aligned.empty() || aligned.back().end() <= size);
}

}  // namespace breakwater::fuzz
