// Moves whose controllers crash, over an API that misbehaves.
#include "tests/mover/story.h"

namespace breakwater::mover_test {
namespace {

// The controllers of storage, node and mover crash after the k-th write of a move, for every k.
TEST(DataMove, CrashAfterAnyWriteEndsWellAndLeavesNothing) {
  int64_t k = 0;
  for (bool crashed = true; crashed; ++k) {
    Story story;
    story.add_password();
    story.make_disk();
    story.make_snapshot();
    story.world.restart();
    story.world.crash_after(k);
    story.make_upload();
    ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed")) << "crash after write " << k;
    story.make_target();
    story.make_download(story.upload().status()["snapshotID"].as_string());
    ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Completed"))
        << "crash after write " << k;
    EXPECT_EQ(read_file(story.world.file_of(kTarget)).value(), story.bytes);
    crashed = story.world.crashes() > 0;
    story.expect_clean(2);
    if (testing::Test::HasFailure()) FAIL() << "crash after write " << k;
  }
  EXPECT_GT(k, 50);
}

TEST(DataMove, EndsWellOverAnApiThatMisbehaves) {
  kube::Faults faults;
  faults.timeout_before_write = 0.03;
  faults.timeout_after_write = 0.06;
  faults.conflict = 0.05;
  faults.unavailable = 0.03;
  faults.expired_watch = 0.01;
  faults.dropped_watch = 0.02;
  faults.stale_list = 0.1;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Story story;
    story.add_password();
    story.world.set_faults(faults, seed);
    story.worker.deaths = static_cast<int>(seed % 3);
    story.make_disk();
    story.make_snapshot();
    story.make_upload();
    ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Completed", std::chrono::minutes(30)))
        << "seed " << seed << to_json(story.upload().json(), 1);
    story.make_target();
    story.make_download(story.upload().status()["snapshotID"].as_string());
    ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Completed", std::chrono::minutes(30)))
        << "seed " << seed << to_json(story.download().json(), 1);
    EXPECT_EQ(read_file(story.world.file_of(kTarget)).value(), story.bytes);
    story.world.run(std::chrono::minutes(5));
    story.expect_clean(2);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// The same when the move is canceled half way.
TEST(DataMove, CrashAfterAnyWriteOfACancelLeavesNothing) {
  int64_t k = 0;
  for (bool crashed = true; crashed; ++k) {
    Story story;
    story.worker.hangs = true;
    story.add_password();
    story.make_disk();
    story.make_snapshot();
    story.make_upload();
    story.make_target();
    story.make_download("restic/c/shop#snap1");
    ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "InProgress"));
    ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "InProgress"));
    story.world.restart();
    story.world.crash_after(k);
    story.cancel(api::kDataUpload, kUpload);
    story.cancel(api::kDataDownload, kDownload);
    ASSERT_TRUE(story.run_to(api::kDataUpload, kUpload, "Canceled")) << "crash after write " << k;
    ASSERT_TRUE(story.run_to(api::kDataDownload, kDownload, "Canceled"))
        << "crash after write " << k;
    crashed = story.world.crashes() > 0;
    story.world.remove(api::kPersistentVolumeClaim, kTarget);
    story.expect_clean(1);
    if (testing::Test::HasFailure()) FAIL() << "crash after write " << k;
  }
  EXPECT_GT(k, 15);
}

}  // namespace
}  // namespace breakwater::mover_test
