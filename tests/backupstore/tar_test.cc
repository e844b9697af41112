#include "backupstore/tar.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "backupstore/gzip.h"
#include "base/file.h"

namespace breakwater::backupstore {
namespace {

const Time kTarTime = Time(std::chrono::seconds(1763700000));

std::string run_command(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  size_t got;
  while ((got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) out.append(buffer.data(), got);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return out;
}

std::string one_entry(std::string_view name, std::string_view content) {
  TarWriter writer(kTarTime);
  writer.add(name, content);
  return writer.finish();
}

// Puts the checksum right after a header byte was changed.
void seal_header(std::string& tar) {
  std::fill_n(tar.begin() + 148, 8, ' ');
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[i]);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum);
  std::copy_n(text, 7, tar.begin() + 148);
}

TEST(Tar, GnuTarReadsWhatWeWrite) {
  auto dir = TempDir::create("/tmp", "tar-test-");
  ASSERT_TRUE(dir);
  std::string long_name = "resources/" + std::string(120, 'x') + "/" + std::string(200, 'y');
  TarWriter writer(kTarTime);
  writer.add("metadata/version", "1.1.0\n");
  writer.add(long_name, std::string(1000, 'z'));
  writer.add("empty", "");
  auto path = dir->path() / "a.tar.gz";
  ASSERT_TRUE(write_file(path, as_text(gzip(writer.finish()))));
  EXPECT_EQ(run_command("tar tzf " + path.string()),
            "metadata/version\n" + long_name + "\nempty\n");
  EXPECT_EQ(run_command("tar xzOf " + path.string() + " metadata/version"), "1.1.0\n");
  EXPECT_EQ(run_command("tar xzOf " + path.string() + " " + long_name), std::string(1000, 'z'));
}

TEST(Tar, WeReadWhatGnuTarWrites) {
  for (std::string format : {"gnu", "pax", "ustar"}) {
    auto dir = TempDir::create("/tmp", "tar-test-");
    std::string deep = std::string(90, 'a') + "/" + std::string(90, 'b');
    std::string cd = "cd " + dir->path().string() + " && ";
    run_command(cd + "mkdir -p in/" + deep + " && printf hello > in/" + deep + "/f.json");
    run_command(cd + "tar --format=" + format + " -C in -czf a.tgz .");
    auto bytes = read_file(dir->path() / "a.tgz");
    auto tar = gunzip(as_bytes(*bytes));
    ASSERT_TRUE(tar) << format;
    auto entries = read_tar(*tar);
    ASSERT_TRUE(entries) << format << entries.error().to_string();
    ASSERT_EQ(entries->size(), 1u) << format;
    EXPECT_EQ((*entries)[0].name, deep + "/f.json") << format;
    EXPECT_EQ((*entries)[0].content, "hello") << format;
  }
}

TEST(Tar, RefusesNamesThatLeaveTheArchive) {
  for (std::string name : {"../etc/passwd", "/etc/passwd", "a/../../b", "a//b", "a/.", ".."}) {
    std::string tar = one_entry("placeholder", "x");
    std::fill_n(tar.begin(), 100, '\0');
    std::copy(name.begin(), name.end(), tar.begin());
    seal_header(tar);
    auto entries = read_tar(tar);
    ASSERT_FALSE(entries) << name;
    EXPECT_TRUE(entries.error().is(Code::kCorrupt));
    EXPECT_NE(entries.error().message().find(name), std::string::npos) << entries.error().message();
  }
}

TEST(Tar, RefusesDamage) {
  const std::string good = one_entry("resources/pods/namespaces/a/b.json", std::string(700, 'c'));
  ASSERT_TRUE(read_tar(good));
  for (size_t length : {size_t{0}, size_t{100}, size_t{512}, size_t{900}, good.size() - 1024})
    EXPECT_FALSE(read_tar(std::string_view(good).substr(0, length))) << length;

  std::string flipped = good;
  flipped[3] ^= 1;
  EXPECT_FALSE(read_tar(flipped));

  std::string link = good;
  link[156] = '2';
  seal_header(link);
  auto entries = read_tar(link);
  ASSERT_FALSE(entries);
  EXPECT_NE(entries.error().message().find("no regular file"), std::string::npos);

  std::string huge = good;
  std::copy_n("77777777777", 11, huge.begin() + 124);
  seal_header(huge);
  EXPECT_FALSE(read_tar(huge));
}

TEST(Gzip, RoundTripsAndStopsAtLimits) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{300000}}) {
    std::string text(size, 'q');
    Bytes packed = gzip(text);
    EXPECT_EQ(*gunzip(packed), text);
    EXPECT_EQ(packed, gzip(text));
  }
  Bytes bomb = gzip(std::string(1 << 20, '\0'));
  EXPECT_FALSE(gunzip(bomb, 1000));
  const Bytes whole = gzip("something to be cut");
  EXPECT_FALSE(gunzip(ByteSpan(whole).first(whole.size() - 3)));
  EXPECT_FALSE(gunzip(as_bytes("no gzip at all")));
  EXPECT_FALSE(gunzip({}));
}

TEST(Gzip, ReadsSeveralMembers) {
  Bytes both = gzip("one ");
  Bytes second = gzip("two");
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(*gunzip(both), "one two");
}

}  // namespace
}  // namespace breakwater::backupstore
