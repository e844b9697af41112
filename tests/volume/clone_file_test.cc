#include <gtest/gtest.h>

#include "tests/volume/files.h"
#include "volume/block_volume.h"

namespace breakwater::volume {
namespace {

using volume_test::allocated;
using volume_test::poke;
using volume_test::random_bytes;
using volume_test::scratch;

TEST(CloneFile, CopiesContentHolesAndMode) {
  const TempDir dir = scratch();
  const auto from = dir.path() / "a.img", to = dir.path() / "b.img";
  poke(from, 0, random_bytes(1, 70'000));
  poke(from, 9 << 20, random_bytes(2, 3));
  ASSERT_EQ(truncate(from.c_str(), (32 << 20) + 5), 0);
  ASSERT_EQ(chmod(from.c_str(), 0640), 0);
  ASSERT_TRUE(clone_file(from, to));
  EXPECT_EQ(*read_file(from), *read_file(to));
  EXPECT_LT(allocated(to), 1u << 20);
  EXPECT_EQ(std::filesystem::status(to).permissions(), std::filesystem::perms(0640));
}

TEST(CloneFile, EmptyAndAllHoles) {
  const TempDir dir = scratch();
  ASSERT_TRUE(write_file(dir.path() / "empty", ""));
  ASSERT_TRUE(clone_file(dir.path() / "empty", dir.path() / "empty2"));
  EXPECT_EQ(std::filesystem::file_size(dir.path() / "empty2"), 0u);
  ASSERT_TRUE(write_file(dir.path() / "hole", ""));
  ASSERT_EQ(truncate((dir.path() / "hole").c_str(), 1 << 30), 0);
  ASSERT_TRUE(clone_file(dir.path() / "hole", dir.path() / "hole2"));
  EXPECT_EQ(std::filesystem::file_size(dir.path() / "hole2"), 1u << 30);
  EXPECT_EQ(allocated(dir.path() / "hole2"), 0u);
}

TEST(CloneFile, NeverReplacesAndLeavesNothingBehind) {
  const TempDir dir = scratch();
  ASSERT_TRUE(write_file(dir.path() / "a", "new"));
  ASSERT_TRUE(write_file(dir.path() / "b", "old"));
  EXPECT_TRUE(clone_file(dir.path() / "a", dir.path() / "b").error().is(Code::kAlreadyExists));
  EXPECT_EQ(*read_file(dir.path() / "b"), "old");
  EXPECT_TRUE(clone_file(dir.path() / "x", dir.path() / "c").error().is(Code::kNotFound));
  EXPECT_TRUE(clone_file(dir.path(), dir.path() / "c").error().is(Code::kInvalid));
  EXPECT_TRUE(clone_file(dir.path() / "a", dir.path() / "no/c").error().is(Code::kNotFound));
  const auto entries = std::filesystem::directory_iterator(dir.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 2);
}

}  // namespace
}  // namespace breakwater::volume
