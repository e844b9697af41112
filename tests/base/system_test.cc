// Errors, logs, cancellation and files.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace breakwater {
namespace {

namespace fs = std::filesystem;

Result<int> failing_step() {
  return fail(Code::kCorrupt, "blob {} does not match its hash", "77c0");
}

Result<int> outer_step() {
  const int value = TRY(while_doing(failing_step(), "reading pack {}", "3fa1"));
  return value + 1;
}

TEST(Error, PrintsContextOutermostFirst) {
  const auto result = while_doing(outer_step(), "restoring vm-1/disk-0");
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(Code::kCorrupt));
  EXPECT_EQ(result.error().message(), "blob 77c0 does not match its hash");
  EXPECT_EQ(result.error().to_string(),
            "while restoring vm-1/disk-0: while reading pack 3fa1: blob 77c0 does not match its "
            "hash");
}

TEST(Error, TryMovesOutOfMoveOnlyResults) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  const auto use = [&]() -> Result<int> { return *TRY(make()); };
  EXPECT_EQ(*use(), 5);
}

TEST(Error, NamesAreTheReasonsOfAStatus) {
  EXPECT_EQ(code_name(Code::kNotFound), "NotFound");
  EXPECT_EQ(code_name(Code::kAlreadyExists), "AlreadyExists");
  EXPECT_EQ(code_name(Code::kConflict), "Conflict");
  EXPECT_EQ(code_name(Code::kUnavailable), "ServiceUnavailable");
  EXPECT_EQ(code_name(Code::kInternal), "InternalError");
}

TEST(Cancel, CopiesShareTheFlag) {
  const CancelToken token;
  const CancelToken copy = token;
  EXPECT_TRUE(token.check());
  copy.cancel();
  EXPECT_TRUE(token.check().error().is(Code::kCancelled));
}

TEST(Log, WritesTextLines) {
  const ManualClock clock(*parse_rfc3339("2026-11-21T03:39:21.9Z"));
  const auto sink = std::make_shared<MemoryLogSink>();
  const Logger log = Logger(sink, clock).with("controller", "backup").with("n", 1);
  log.info("backup completed", {{"backup", "b-1"}, {"volumes", 2}, {"error", "two words"}});
  log.debug("not shown");
  log.warning("odd \"value\"", {{"a", "x=\"y\"\nz"}, {"e", ""}, {"j", Json::array({1})}});
  log.with("n", 2).error("failed");
  EXPECT_EQ(sink->lines(),
            (std::vector<std::string>{
                "2026-11-21T03:39:21Z INFO  backup completed controller=backup n=1 backup=b-1 "
                "volumes=2 error=\"two words\"",
                "2026-11-21T03:39:21Z WARN  odd \"value\" controller=backup n=1 "
                "a=\"x=\\\"y\\\"\\nz\" e=\"\" j=[1]",
                "2026-11-21T03:39:21Z ERROR failed controller=backup n=2"}));
  Logger().error("goes nowhere");
  EXPECT_FALSE(Logger().enabled(LogLevel::kError));
}

TEST(Log, WritesJsonLines) {
  const ManualClock clock(*parse_rfc3339("2026-11-21T03:39:21Z"));
  const auto sink = std::make_shared<MemoryLogSink>();
  Logger(sink, clock, LogLevel::kDebug, LogFormat::kJson)
      .with("backup", "b")
      .debug("hello", {{"n", 2}, {"backup", "c"}});
  EXPECT_EQ(sink->lines(),
            (std::vector<std::string>{"{\"time\":\"2026-11-21T03:39:21Z\",\"level\":\"debug\","
                                      "\"msg\":\"hello\",\"backup\":\"c\",\"n\":2}"}));
}

TEST(Log, WritesWholeLinesToADescriptor) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  fd_log_sink(writer.get())->write("a line");
  char buffer[16];
  EXPECT_EQ(read(reader.get(), buffer, sizeof(buffer)), 7);
  EXPECT_EQ(std::string_view(buffer, 7), "a line\n");
}

class Files : public testing::Test {
 protected:
  Files() : dir_(*TempDir::create(fs::temp_directory_path(), "breakwater-test-")) {}
  fs::path in(std::string_view name) const { return dir_.path() / name; }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
      all.push_back(entry.path().filename());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  TempDir dir_;
};

TEST_F(Files, WriteThenRead) {
  const std::string content = std::string("a\0b\n", 4) + std::string(300'000, 'x');
  ASSERT_TRUE(write_file(in("file"), content, 0600));
  EXPECT_EQ(*read_file(in("file")), content);
  struct stat info;
  ASSERT_EQ(stat(in("file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_TRUE(write_file(in("file"), ""));
  EXPECT_EQ(*read_file(in("file")), "");
  ASSERT_EQ(stat(in("file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
  EXPECT_EQ(names(), std::vector<std::string>{"file"}) << "no temporary file stays";
}

TEST_F(Files, ReadsFilesThatHaveNoSize) {
  const auto status = read_file("/proc/self/status");
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->starts_with("Name:"));
}

TEST_F(Files, FailedWriteLeavesTheOldContent) {
  ASSERT_TRUE(make_directories(in("target/inner")));
  const auto over_directory = write_file(in("target"), "new");
  ASSERT_FALSE(over_directory);
  EXPECT_NE(over_directory.error().to_string().find("while writing "), std::string::npos);
  EXPECT_TRUE(fs::is_directory(in("target/inner")));
  EXPECT_EQ(names(), std::vector<std::string>{"target"}) << "no temporary file stays";
}

// A reader that opens the path at any moment sees one whole content or the other.
TEST_F(Files, ReadersNeverSeeAMixture) {
  const std::string contents[] = {std::string(100'000, 'a'), std::string(50'000, 'b')};
  ASSERT_TRUE(write_file(in("file"), contents[0]));
  std::ifstream old(in("file"));
  ASSERT_TRUE(write_file(in("file"), contents[1]));
  const std::string seen{std::istreambuf_iterator<char>(old), std::istreambuf_iterator<char>()};
  EXPECT_EQ(seen, contents[0]);
  EXPECT_EQ(*read_file(in("file")), contents[1]);
}

TEST_F(Files, ErrorsSayWhatAndWhere) {
  const auto missing = read_file(in("none"));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().is(Code::kNotFound));
  EXPECT_EQ(missing.error().message(),
            "opening " + in("none").string() + ": No such file or directory");
  EXPECT_TRUE(read_file(dir_.path()).error().is(Code::kInvalid));
  EXPECT_TRUE(write_file(in("no/such/dir"), "x").error().is(Code::kNotFound));
  ASSERT_TRUE(write_file(in("file"), "x"));
  EXPECT_TRUE(make_directories(in("file")).error().is(Code::kAlreadyExists));
  EXPECT_TRUE(make_directories(in("file/below")).error().is(Code::kNotFound));
  EXPECT_TRUE(sync_directory(in("none")).error().is(Code::kNotFound));
  EXPECT_FALSE(TempDir::create(in("none"), "x"));
}

TEST_F(Files, DirectoriesAreMadeOnce) {
  EXPECT_TRUE(make_directories(in("a/b/c")));
  EXPECT_TRUE(make_directories(in("a/b/c")));
  EXPECT_TRUE(make_directories(in("a/b/c/d/")));
  EXPECT_TRUE(fs::is_directory(in("a/b/c/d")));
  EXPECT_TRUE(make_directories("."));
}

TEST_F(Files, TemporaryDirectoriesDisappear) {
  fs::path path;
  {
    TempDir first = *TempDir::create(dir_.path(), "work-");
    const TempDir second = std::move(first);
    path = second.path();
    ASSERT_TRUE(write_file(path / "file", "x"));
    EXPECT_TRUE(path.filename().string().starts_with("work-"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Files, DescriptorsCloseThemselves) {
  int number = -1;
  {
    Fd fd(dup(1));
    number = fd.get();
    Fd moved = std::move(fd);
    EXPECT_FALSE(fd.valid());  // NOLINT: moved from
    EXPECT_TRUE(moved.valid());
  }
  errno = 0;
  EXPECT_EQ(dup(number), -1);
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace breakwater
