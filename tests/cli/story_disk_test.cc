// The comparison on which the demo's word "every byte" rests.
#include "cli/story_disk.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace breakwater::cli {
namespace {

TEST(FirstDifference, FindsOneByteAndDifferentSizes) {
  const auto folder = TempDir::create("/var/tmp", "difference-");
  ASSERT_TRUE(folder);
  const auto a = folder->path() / "a", b = folder->path() / "b";
  const std::string text(3 << 20, 'x');
  const auto compare = [&](const std::string& other) {
    EXPECT_TRUE(write_file(a, text) && write_file(b, other));
    return *first_difference(a, b);
  };
  EXPECT_EQ(compare(text), std::nullopt);
  for (const size_t at : {size_t{0}, size_t{1} << 20, text.size() - 1}) {
    std::string changed = text;
    changed[at] = 'y';
    EXPECT_EQ(compare(changed), at);
  }
  EXPECT_EQ(compare(text + "x"), text.size());
  EXPECT_EQ(compare(text.substr(1)), text.size() - 1);
  EXPECT_EQ(first_difference(a, folder->path() / "none").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace breakwater::cli
