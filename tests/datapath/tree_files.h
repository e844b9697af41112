// A directory with one of everything, and what a directory holds as text, to compare.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/random.h"

namespace breakwater::tree_files {

namespace fs = std::filesystem;

// Deterministic and incompressible.
inline std::string noise_text(uint64_t seed, size_t size) {
  SeededRandom random(seed);
  std::string text(size, '\0');
  random.fill(std::as_writable_bytes(std::span(text)));
  return text;
}

inline void write_text(const fs::path& path, std::string_view text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  ASSERT_TRUE(stream.good()) << path;
}

inline void set_time(const fs::path& path, int64_t seconds, int64_t nanoseconds) {
  const timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0) << path;
}

inline void set_attribute(const fs::path& path, const char* name, std::string_view value) {
  ASSERT_EQ(::lsetxattr(path.c_str(), name, value.data(), value.size(), 0), 0)
      << path << " " << name << ": " << strerror(errno);
}

// An access list: owner rwx, user 1234 `rights`, group r-x, mask rwx, others none
// (linux/posix_acl).
inline std::string access_list(uint16_t rights) {
  struct Entry {
    uint16_t tag, permissions;
    uint32_t id;
  };
  const Entry entries[] = {{1, 7, ~0u}, {2, rights, 1234}, {4, 5, ~0u}, {16, 7, ~0u}, {32, 0, ~0u}};
  const uint32_t version = 2;
  std::string text(reinterpret_cast<const char*>(&version), sizeof version);
  return text.append(reinterpret_cast<const char*>(entries), sizeof entries);
}

// With a large sparse file, a file of several chunks, links, special files, odd names and owners.
inline void make_everything(const fs::path& top) {
  fs::create_directories(top / "sub" / "deeper");
  fs::create_directory(top / "empty");
  write_text(top / "hello", "hello\n");
  write_text(top / "nothing", "");
  write_text(top / "sub" / "large", noise_text(1, 5'000'000));
  write_text(top / "sub" / "deeper" / "\xff\xfe raw \"quoted\"\n", "odd name");
  write_text(top / "sub" / "\xc3\xa4\xe2\x82\xac <&>", "utf-8 name");
  write_text(top / "sparse", "head");
  fs::resize_file(top / "sparse", 64 << 20);
  {
    std::fstream sparse(top / "sparse", std::ios::in | std::ios::out | std::ios::binary);
    sparse.seekp(40'000'000);
    sparse << "middle";
  }
  fs::create_hard_link(top / "hello", top / "sub" / "hello again");
  fs::create_symlink("../nowhere\xff", top / "sub" / "link");
  ASSERT_EQ(::mkfifo((top / "fifo").c_str(), 0620), 0);
  set_attribute(top / "hello", "user.comment", std::string_view("a\0b", 3));
  set_attribute(top / "hello", "user.empty", "");
  if (::geteuid() == 0) {
    ASSERT_EQ(::mknod((top / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
    ASSERT_EQ(::mknod((top / "disk").c_str(), S_IFBLK | 0640, makedev(259, 70000)), 0);
    ASSERT_EQ(::chown((top / "sub" / "large").c_str(), 1234, 4321), 0);
    ASSERT_EQ(::lchown((top / "sub" / "link").c_str(), 77, 78), 0);
    ASSERT_EQ(::chown((top / "sub").c_str(), 107, 107), 0);
    set_attribute(top / "sub" / "link", "trusted.of-a-link", "x");
  }
  ASSERT_EQ(::chmod((top / "sub" / "large").c_str(), 06751), 0);
  ASSERT_EQ(::chmod((top / "empty").c_str(), 01777), 0);
  ASSERT_EQ(::chmod((top / "sub").c_str(), 02770), 0);
  set_attribute(top / "sub", "system.posix_acl_default", access_list(6));
  set_attribute(top / "sub" / "large", "system.posix_acl_access", access_list(4));
  int64_t second = 1'600'000'000;
  for (const char* name :
       {"hello", "sub/large", "sub/link", "fifo", "sparse", "sub/deeper", "empty", "sub", "."}) {
    set_time(top / name, second, 123'456'789);
    second += 1000;
  }
}

inline std::string attributes_text(const fs::path& path) {
  std::string names(4096, '\0'), result;
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  std::vector<std::string> list;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(list.back().size()) + 1) {
    list.emplace_back(names.c_str() + at);
  }
  std::sort(list.begin(), list.end());
  for (const std::string& name : list) {
    std::string value(4096, '\0');
    const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    value.resize(static_cast<size_t>(std::max<ssize_t>(length, 0)));
    result += " " + name + "=" + to_hex(as_bytes(value));
  }
  return result;
}

// One line for each entry, by path: everything that a restore has to bring back. The allocated size
// of large files counts as "sparse" or not.
inline std::map<std::string, std::string> describe_directory(const fs::path& top) {
  std::map<std::string, std::string> result;
  std::map<ino_t, std::string> first_names;
  std::vector<fs::path> paths{top};
  for (const auto& entry : fs::recursive_directory_iterator(top)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    struct stat s {};
    EXPECT_EQ(::lstat(path.c_str(), &s), 0) << path;
    const std::string name = path == top ? "." : path.lexically_relative(top).string();
    std::string line = fmt::format("mode {:o} owner {}:{} time {}.{:09}", s.st_mode, s.st_uid,
                                   s.st_gid, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    if (S_ISREG(s.st_mode)) {
      std::ifstream stream(path, std::ios::binary);
      const std::string content((std::istreambuf_iterator<char>(stream)), {});
      const bool sparse = s.st_size > 1 << 20 && s.st_blocks * 512 < s.st_size / 2;
      line += fmt::format(" size {} sha {}{}", s.st_size, to_hex(sha256(as_bytes(content))),
                          sparse ? " sparse" : "");
      if (s.st_nlink > 1) {
        line += " same as " + first_names.try_emplace(s.st_ino, name).first->second;
      }
    }
    if (S_ISLNK(s.st_mode)) line += " to " + fs::read_symlink(path).string();
    if (S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode)) line += fmt::format(" device {}", s.st_rdev);
    result[name] = line + attributes_text(path);
  }
  return result;
}

// Says which entries differ, instead of printing both.
inline void expect_equal(const fs::path& expected, const fs::path& actual) {
  const auto left = describe_directory(expected), right = describe_directory(actual);
  for (const auto& [name, line] : left) {
    const auto other = right.find(name);
    if (other == right.end()) {
      ADD_FAILURE() << name << " is missing";
    } else {
      EXPECT_EQ(line, other->second) << name;
    }
  }
  for (const auto& [name, line] : right) {
    if (!left.contains(name)) ADD_FAILURE() << name << " is too much";
  }
}

}  // namespace breakwater::tree_files
