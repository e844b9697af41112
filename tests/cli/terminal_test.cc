// Tables, durations, and options as people type them.
#include "cli/terminal.h"

#include <gtest/gtest.h>

#include "cli/command_line.h"

namespace breakwater::cli {
namespace {

TEST(Terminal, TablesAlignTextLeftAndFiguresRight) {
  EXPECT_EQ(format_table({{"", "size", "state"}, {"first", "1.0 GiB", "ok"}, {"x", "87 B", "NO"}}),
            "        size      state\n"
            "first   1.0 GiB   ok\n"
            "x          87 B   NO\n");
}

TEST(Terminal, WideCharactersCountOnce) {
  EXPECT_EQ(format_table({{"näme", "b"}, {"abcd", "c"}}), "näme   b\nabcd   c\n");
}

TEST(Terminal, SecondsBecomeMinutes) {
  EXPECT_EQ(format_seconds(3.21), "3.2 s");
  EXPECT_EQ(format_seconds(75), "1 min 15 s");
}

int run_line(Command& program, std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return program.run(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, RunsTheCommandAskedForWithItsOptions) {
  Command program("breakwater", "test");
  std::string name = "default";
  std::vector<std::string> tags;
  bool loud = false;
  Command& greet = program.add("repo", "r").add("greet", "g");
  greet.option("--name", name, "a name");
  greet.option("--tag", tags, "a tag");
  greet.flag("--loud", loud, "louder");
  greet.action([&] { return 7; });
  EXPECT_EQ(run_line(program, {"breakwater", "repo", "greet", "--name", "x", "--tag", "a", "--tag",
                               "b", "--loud"}),
            7);
  EXPECT_EQ(name, "x");
  EXPECT_EQ(tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(loud);
}

TEST(CommandLine, UsageErrorsAreOne) {
  Command program("breakwater", "test");
  std::string path;
  Command& command = program.add("backup", "b");
  command.option("--block", path, "a path");
  command.required();
  command.action([] { return 0; });
  EXPECT_EQ(run_line(program, {"breakwater", "backup"}), 1);
  EXPECT_EQ(run_line(program, {"breakwater", "backup", "--nonsense"}), 1);
  EXPECT_EQ(run_line(program, {"breakwater", "--help"}), 0);
}

}  // namespace
}  // namespace breakwater::cli
