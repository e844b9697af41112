// What the tests of repo/ share: a repository in memory with cheap keys.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "blob/memory_store.h"
#include "repo/repository.h"

namespace breakwater::repo::repo_test {

constexpr const char* kPassword = "correct horse";
constexpr KdfParameters kCheapKdf{.n = 2, .r = 1, .p = 1};
inline const Time kStart = parse_rfc3339("2026-11-21T03:00:00Z").value();

// Small packs and no waiting, so that little data makes many operations.
inline Settings small_settings() {
  Settings settings;
  settings.pack_size = 16 << 10;
  settings.upload_threads = 1;
  settings.lock_recheck = Duration::zero();
  return settings;
}

// Deterministic, half of it compressible.
inline std::string some_data(uint64_t seed, size_t size) {
  SeededRandom random(seed);
  std::string data(size, 'x');
  for (size_t i = 0; i < size / 2; ++i) data[i] = static_cast<char>(random.next());
  return data;
}

struct World {
  ManualClock clock{kStart};
  SeededRandom random{1};
  SeededRandom store_random{2};  // for a faulty store, which draws on the threads that upload
  std::unique_ptr<blob::ObjectStore> store = blob::make_memory_store();

  Environment environment(blob::ObjectStore& where) {
    return {where, clock, random, Logger(), "test-host", "tester"};
  }
  Environment environment() { return environment(*store); }

  void init() {
    const auto done = Repository::init(environment(), kPassword, kCheapKdf);
    ASSERT_TRUE(done) << done.error().to_string();
  }

  // With its index loaded; fails the test otherwise.
  std::unique_ptr<Repository> open(Settings settings = small_settings()) {
    auto opened = Repository::open(environment(), kPassword, settings);
    if (opened) {
      const auto loaded = (*opened)->load_index();
      if (loaded) return std::move(*opened);
      ADD_FAILURE() << loaded.error().to_string();
    } else {
      ADD_FAILURE() << opened.error().to_string();
    }
    return nullptr;
  }

  Repository::CheckReport check() {
    const auto report = open()->check(true, CancelToken());
    EXPECT_TRUE(report) << report.error().to_string();
    return report.value_or(Repository::CheckReport{});
  }
};

// Stores a snapshot with one directory of `files` files of a few blobs each, as a backup does:
// lock, index, blobs, trees, flush, snapshot.
inline Result<Id> back_up(Repository& repository, uint64_t seed, int files = 4) {
  const auto lock = TRY(repository.lock(false));
  TRY(repository.load_index());
  Tree tree;
  for (int file = 0; file < files; ++file) {
    Node node;
    node.name = "file-" + std::to_string(file);
    for (uint64_t part = 0; part < 3; ++part) {
      const std::string data =
          some_data(seed * 1000 + static_cast<uint64_t>(file) * 10 + part, 9000 + part);
      node.content.push_back(TRY(repository.save_blob(BlobType::kData, as_bytes(data))).id);
      node.size += data.size();
    }
    tree.push_back(std::move(node));
  }
  Node directory;
  directory.name = "vm";
  directory.type = "dir";
  directory.mode = 0x80000000u | 0755;
  directory.subtree = TRY(repository.save_tree(tree)).id;
  const Id root = TRY(repository.save_tree({directory})).id;
  TRY(repository.flush());
  TRY(lock->check());
  Snapshot snapshot;
  snapshot.time = kStart + std::chrono::hours(seed);
  snapshot.tree = root;
  snapshot.paths = {"/vm"};
  snapshot.hostname = "vm-1";
  return repository.save_snapshot(snapshot);
}

// The content of every file of a snapshot, one after the other.
inline Result<std::string> read_back(Repository& repository, const Id& snapshot) {
  const Snapshot record = TRY(repository.load_snapshot(snapshot));
  const Tree root = TRY(repository.load_tree(record.tree));
  std::string all;
  for (const Node& node : TRY(repository.load_tree(root.at(0).subtree.value()))) {
    for (const Id& blob : node.content)
      all += as_text(TRY(repository.load_blob(BlobType::kData, blob)));
  }
  return all;
}

inline std::string expected_content(uint64_t seed, int files = 4) {
  std::string all;
  for (int file = 0; file < files; ++file) {
    for (uint64_t part = 0; part < 3; ++part) {
      all += some_data(seed * 1000 + static_cast<uint64_t>(file) * 10 + part, 9000 + part);
    }
  }
  return all;
}

}  // namespace breakwater::repo::repo_test
