// `breakwater repo` as people run it, beside the real restic.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "base/json.h"
#include "cli/subprocess.h"

namespace breakwater::cli {
namespace {

class RepoCommand : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create("/var/tmp", "repo-command-");
    ASSERT_TRUE(folder);
    folder_.emplace(std::move(*folder));
    const char* programs = std::getenv("BREAKWATER_BIN");
    program_ = std::string(programs == nullptr ? "build/bin" : programs) + "/breakwater";
    repository_ = path("repository");
  }

  std::string path(const std::string& name) const { return (folder_->path() / name).string(); }

  ProgramResult run(std::vector<std::string> words, const std::string& password = "secret") {
    words.insert(words.begin(), {program_, "repo"});
    return run_as(words, password);
  }
  ProgramResult restic(std::vector<std::string> words) {
    words.insert(words.begin(), {"restic", "--no-cache", "-q"});
    return run_as(words, "secret");
  }
  ProgramResult run_as(const std::vector<std::string>& words, const std::string& password) {
    auto result =
        run_program(words, {{"RESTIC_REPOSITORY", repository_}, {"RESTIC_PASSWORD", password}});
    EXPECT_TRUE(result) << result.error().to_string();
    return result ? *result : ProgramResult{-1, ""};
  }
  void write_disk(const std::string& name) {
    std::string content(3 << 20, '\0');
    for (size_t i = 0; i < content.size(); i += 5) content[i] = static_cast<char>(i * 7 / 3);
    content.append(2 << 20, '\0');
    ASSERT_TRUE(write_file(path(name), content));
  }

  std::optional<TempDir> folder_;
  std::string program_, repository_;
};

TEST_F(RepoCommand, StoresAndRestoresADiskThatResticChecks) {
  write_disk("disk.img");
  ASSERT_EQ(run({"init"}).exit_code, 0);
  const ProgramResult backup = run({"backup", "--block", path("disk.img"), "--json"});
  ASSERT_EQ(backup.exit_code, 0) << backup.output;
  const auto summary = parse_json(backup.output);
  ASSERT_TRUE(summary) << backup.output;
  EXPECT_EQ((*summary)["total_bytes_processed"].as_int(), 5 << 20);
  EXPECT_EQ(restic({"check", "--read-data"}).exit_code, 0);
  EXPECT_EQ(run({"check", "--read-data"}).exit_code, 0);
  const std::string id = (*summary)["snapshot_id"].as_string().substr(0, 8);
  ASSERT_EQ(run({"restore", id, "--block", path("copy.img")}).exit_code, 0);
  EXPECT_EQ(*read_file(path("copy.img")), *read_file(path("disk.img")));
}

TEST_F(RepoCommand, RestoresWhatResticWroteWithTheSamePassword) {
  write_disk("disk.img");
  ASSERT_EQ(restic({"init"}).exit_code, 0);
  ASSERT_EQ(restic({"backup", path("disk.img")}).exit_code, 0);
  const ProgramResult list = run({"snapshots", "--json"});
  EXPECT_EQ(parse_json(list.output)->size(), 1u) << list.output;
  ASSERT_EQ(run({"restore", "latest", "--target", path("out")}).exit_code, 0);
  EXPECT_EQ(*read_file(path("out") + path("disk.img")), *read_file(path("disk.img")));
}

TEST_F(RepoCommand, StoresFoldersAsResticDoesAndGoesOnWhereItStopped) {
  ASSERT_EQ(run({"init"}).exit_code, 0);
  std::filesystem::create_directories(path("home/sub"));
  ASSERT_TRUE(write_file(path("home/sub/file"), "content"));
  ASSERT_TRUE(write_file(path("single"), "alone"));
  ASSERT_EQ(run({"backup", path("home"), path("single")}).exit_code, 0);
  EXPECT_EQ(restic({"check", "--read-data"}).exit_code, 0);
  const ProgramResult theirs = restic({"backup", "--json", path("home"), path("single")});
  const auto summary = parse_json(theirs.output.substr(theirs.output.rfind('{')));
  ASSERT_TRUE(summary) << theirs.output;
  EXPECT_EQ((*summary)["files_unmodified"].as_int(), 2) << theirs.output;
  const ProgramResult again = run({"backup", path("home"), path("single"), "--json"});
  EXPECT_EQ((*parse_json(again.output))["bytes_read"].as_int(), 0) << again.output;

  ASSERT_EQ(run({"restore", "latest", "--target", path("out")}).exit_code, 0);
  EXPECT_EQ(*read_file(path("out") + path("home/sub/file")), "content");
  EXPECT_EQ(*read_file(path("out") + path("single")), "alone");
  ASSERT_TRUE(write_file(path("out/extra"), ""));
  ASSERT_EQ(run({"restore", "latest", "--target", path("out"), "--delete"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(path("out/extra")));
  const ProgramResult absent = run({"backup", path("absent")});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_NE(absent.output.find(path("absent")), std::string::npos) << absent.output;
}

TEST_F(RepoCommand, EndsWithResticsExitCodes) {
  EXPECT_EQ(run({"snapshots"}).exit_code, 10) << "no repository";
  ASSERT_EQ(run({"init"}).exit_code, 0);
  EXPECT_EQ(run({"init"}).exit_code, 1) << "it is there already";
  const ProgramResult wrong = run({"snapshots"}, "not it");
  EXPECT_EQ(wrong.exit_code, 12) << wrong.output;
  EXPECT_EQ(wrong.output.find("not it"), std::string::npos) << "a password in a message";
  EXPECT_EQ(run({"backup", "--block", path("none")}).exit_code, 1);
  EXPECT_EQ(run({"restore", "0123abcd", "--block", path("out.img")}).exit_code, 1);
  const ProgramResult unclear = run({"restore", "latest"});
  EXPECT_EQ(unclear.exit_code, 1);
  EXPECT_NE(unclear.output.find("--target DIR"), std::string::npos) << unclear.output;
}

}  // namespace
}  // namespace breakwater::cli
