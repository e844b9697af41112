// Volumes in memory and a repository in memory, for the tests of datapath/.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "blob/memory_store.h"
#include "blob/object_store.h"
#include "datapath/volume_backup.h"
#include "repo/repository.h"
#include "volume/block_volume.h"

namespace breakwater::datapath_test {

inline constexpr uint64_t kChunk = 4096;
inline constexpr char kPassword[] = "correct horse";

inline Bytes noise(uint64_t seed, size_t count) {
  SeededRandom random(seed);
  Bytes bytes(count);
  random.fill(bytes);
  return bytes;
}

// A volume in memory that remembers what was read of it.
class MemoryVolume final : public volume::BlockReader {
 public:
  explicit MemoryVolume(Bytes bytes) : content(std::move(bytes)) {
    data = volume::normalize({{0, content.size()}});
  }
  uint64_t size() const override { return content.size(); }
  std::string describe() const override { return "memory"; }
  Result<volume::Extents> data_extents() override { return data; }
  Result<> read(uint64_t offset, std::span<std::byte> out) override {
    if (before_read) TRY(before_read());
    std::copy_n(content.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
    const std::lock_guard guard(mutex_);
    read_extents_.push_back({offset, out.size()});
    return {};
  }
  // What was read since the last call.
  volume::Extents take_read() {
    const std::lock_guard guard(mutex_);
    return volume::normalize(std::exchange(read_extents_, {}));
  }
  void write(uint64_t offset, ByteSpan bytes) {
    std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<ptrdiff_t>(offset));
  }

  Bytes content;
  volume::Extents data;                   // what data_extents() says
  std::function<Result<>()> before_read;  // called by several threads

 private:
  std::mutex mutex_;
  volume::Extents read_extents_;
};

// A target in memory that remembers what was written to it.
class MemoryTarget final : public volume::BlockWriter {
 public:
  explicit MemoryTarget(Bytes bytes) : content(std::move(bytes)) {}
  uint64_t size() const override { return content.size(); }
  std::string describe() const override { return "target"; }
  Result<> write(uint64_t offset, std::span<const std::byte> bytes) override {
    std::copy(bytes.begin(), bytes.end(), content.begin() + static_cast<ptrdiff_t>(offset));
    written += bytes.size();
    synced = false;
    return {};
  }
  Result<> write_zeros(uint64_t offset, uint64_t length) override {
    std::fill_n(content.begin() + static_cast<ptrdiff_t>(offset), length, std::byte{0});
    zeroed += length;
    ++zero_calls;
    synced = false;
    return {};
  }
  Result<> read(uint64_t offset, std::span<std::byte> out) override {
    std::copy_n(content.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  Result<> sync() override {
    synced = true;
    return {};
  }

  Bytes content;
  std::atomic<uint64_t> written{0}, zeroed{0}, zero_calls{0};
  std::atomic<bool> synced{false};
};

// A repository in `store`, made when there is none yet.
class TestRepository {
 public:
  explicit TestRepository(blob::ObjectStore& store) : store_(store) {}

  Result<std::unique_ptr<repo::Repository>> open() {
    if (!TRY(repo::Repository::exists(store_))) {
      TRY(repo::Repository::init(environment(), kPassword, {1024, 8, 1}));
    }
    repo::Settings settings;
    settings.pack_size = 64 << 10;  // several packs even for a small volume
    settings.lock_recheck = std::chrono::milliseconds(1);
    return repo::Repository::open(environment(), kPassword, settings);
  }

  ManualClock clock{Time(std::chrono::hours(24 * 365 * 50))};

 private:
  repo::Environment environment() { return {store_, clock, random_, {}, "pod-1", "test"}; }
  blob::ObjectStore& store_;
  SystemRandom random_;
};

// A memory store with a repository, and backup and restore in one line each.
class DatapathTest : public ::testing::Test {
 protected:
  DatapathTest() : store(blob::make_memory_store()), repository(*store) {
    options.hostname = "vm-1";
    options.chunk_size = kChunk;
  }

  Result<datapath::BackupResult> backup(volume::BlockReader& source,
                                        const CancelToken& cancel = {}) {
    const auto opened = TRY(repository.open());
    repository.clock.advance(std::chrono::seconds(1));
    return datapath::backup_volume(source, *opened, repository.clock, options, cancel);
  }
  Result<datapath::RestoreResult> restore(volume::BlockWriter& target,
                                          const datapath::RestoreOptions& how = {}) {
    const auto opened = TRY(repository.open());
    return datapath::restore_volume(*opened, target, how, {});
  }
  // What a restore into a target full of something else yields.
  Bytes restored(const repo::Id& snapshot, size_t size) {
    MemoryTarget target(Bytes(size, std::byte{0xaa}));
    datapath::RestoreOptions how;
    how.snapshot = snapshot.to_string();
    const auto result = restore(target, how);
    EXPECT_TRUE(result) << result.error().to_string();
    EXPECT_TRUE(target.synced);
    return target.content;
  }
  void expect_sound() {
    const auto opened = repository.open();
    ASSERT_TRUE(opened) << opened.error().to_string();
    ASSERT_TRUE((*opened)->unlock(true));
    const auto report = (*opened)->check(true, {});
    ASSERT_TRUE(report) << report.error().to_string();
    EXPECT_TRUE(report->errors.empty()) << report->errors.front();
  }
  std::vector<blob::ObjectInfo> stored(const std::string& prefix) {
    return store->list(prefix)->objects;
  }
  size_t snapshot_count() { return stored("snapshots/").size(); }

  std::unique_ptr<blob::ObjectStore> store;
  TestRepository repository;
  datapath::BackupOptions options;
};

}  // namespace breakwater::datapath_test
