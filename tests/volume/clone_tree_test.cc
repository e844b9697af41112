#include "volume/clone_tree.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/datapath/tree_files.h"

namespace breakwater::volume {
namespace {

TEST(CloneTree, TheCopyHasEverything) {
  const TempDir directory = *TempDir::create(testing::TempDir(), "clone");
  const auto from = directory.path() / "from", to = directory.path() / "to";
  tree_files::make_everything(from);
  std::filesystem::create_directory(to);
  const auto cloned = clone_tree(from, to);
  ASSERT_TRUE(cloned) << cloned.error().to_string();
  tree_files::expect_equal(from, to);
}

TEST(CloneTree, SaysWhatIsInTheWay) {
  const TempDir directory = *TempDir::create(testing::TempDir(), "clone");
  const auto from = directory.path() / "from", to = directory.path() / "to";
  std::filesystem::create_directories(from / "sub");
  std::filesystem::create_directories(to / "sub");
  const auto cloned = clone_tree(from, to);
  ASSERT_FALSE(cloned);
  EXPECT_EQ(cloned.error().code(), Code::kAlreadyExists);
  EXPECT_NE(cloned.error().to_string().find((to / "sub").string()), std::string::npos);
  EXPECT_EQ(clone_tree(directory.path() / "absent", to).error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace breakwater::volume
