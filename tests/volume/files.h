// Files that the tests of volume/ are about. Used from one thread.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"

namespace breakwater::volume_test {

inline Bytes random_bytes(uint64_t seed, size_t count) {
  SeededRandom random(seed);
  Bytes bytes(count);
  random.fill(bytes);
  return bytes;
}

// Writes into the middle of a file, creating it if need be; what lies before becomes a hole.
inline void poke(const std::filesystem::path& path, uint64_t offset, ByteSpan data) {
  const Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_TRUE(fd.valid()) << path;
  ASSERT_EQ(pwrite(fd.get(), data.data(), data.size(), static_cast<off_t>(offset)),
            static_cast<ssize_t>(data.size()));
}

inline uint64_t allocated(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return static_cast<uint64_t>(status.st_blocks) * 512;
}

inline TempDir scratch() { return *TempDir::create(std::filesystem::temp_directory_path(), "vol"); }

}  // namespace breakwater::volume_test
