#include "backupstore/backup_store.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "blob/faulty_store.h"
#include "blob/memory_store.h"

namespace breakwater::backupstore {
namespace {

Json stored_backup(std::string_view name, std::string_view uid, std::string_view phase) {
  return Json::object({{"apiVersion", "velero.io/v1"},
                       {"kind", "Backup"},
                       {"metadata", Json::object({{"name", name}, {"uid", uid}})},
                       {"status", Json::object({{"phase", phase}})}});
}

std::vector<std::string> stored_keys(blob::ObjectStore& store) {
  std::vector<std::string> keys;
  const auto listing = store.list("");
  for (const auto& object : listing->objects) keys.push_back(object.key);
  return keys;
}

TEST(BackupStore, KeysAreVelerosKeys) {
  auto store = blob::make_memory_store();
  BackupStore backups(*store);
  ASSERT_TRUE(backups.claim_backup(stored_backup("nightly-1", "u1", "InProgress")));
  ASSERT_TRUE(backups.put_contents("nightly-1", Archive(), Time()));
  ASSERT_TRUE(backups.put_logs("nightly-1", BackupFile::kLogs, "line\n"));
  for (BackupFile file :
       {BackupFile::kResourceList, BackupFile::kItemOperations, BackupFile::kVolumeInfo,
        BackupFile::kResults, BackupFile::kPodVolumeBackups, BackupFile::kVolumeSnapshots})
    ASSERT_TRUE(backups.put_json("nightly-1", file, Json::array()));
  for (RestoreFile file : {RestoreFile::kResults, RestoreFile::kResourceList,
                           RestoreFile::kItemOperations, RestoreFile::kVolumeInfo})
    ASSERT_TRUE(backups.put_json("back", file, Json::array()));
  ASSERT_TRUE(backups.put_logs("back", RestoreFile::kLogs, ""));
  EXPECT_EQ(stored_keys(*store), (std::vector<std::string>{
                                     "backups/nightly-1/nightly-1-itemoperations.json.gz",
                                     "backups/nightly-1/nightly-1-logs.gz",
                                     "backups/nightly-1/nightly-1-podvolumebackups.json.gz",
                                     "backups/nightly-1/nightly-1-resource-list.json.gz",
                                     "backups/nightly-1/nightly-1-results.gz",
                                     "backups/nightly-1/nightly-1-volumeinfo.json.gz",
                                     "backups/nightly-1/nightly-1-volumesnapshots.json.gz",
                                     "backups/nightly-1/nightly-1.tar.gz",
                                     "backups/nightly-1/velero-backup.json",
                                     "restores/back/back-volumeinfo.json.gz",
                                     "restores/back/restore-back-itemoperations.json.gz",
                                     "restores/back/restore-back-logs.gz",
                                     "restores/back/restore-back-resource-list.json.gz",
                                     "restores/back/restore-back-results.gz",
                                 }));
  EXPECT_TRUE(backups.check_layout());
}

TEST(BackupStore, ANameIsClaimedOnce) {
  auto store = blob::make_memory_store();
  BackupStore backups(*store);
  ASSERT_TRUE(backups.claim_backup(stored_backup("b", "first", "InProgress")));
  EXPECT_TRUE(backups.claim_backup(stored_backup("b", "first", "InProgress"))) << "our own again";
  auto other = backups.claim_backup(stored_backup("b", "second", "InProgress"));
  ASSERT_FALSE(other);
  EXPECT_TRUE(other.error().is(Code::kAlreadyExists));
  EXPECT_EQ((*backups.get_backup("b"))["metadata"]["uid"].as_string(), "first");
}

TEST(BackupStore, WritesAndReadsBack) {
  auto store = blob::make_memory_store();
  BackupStore backups(*store);
  ASSERT_TRUE(backups.claim_backup(stored_backup("b", "u", "InProgress")));
  ASSERT_TRUE(backups.put_backup(stored_backup("b", "u", "Completed")));
  EXPECT_EQ((*backups.get_backup("b"))["status"]["phase"].as_string(), "Completed");
  Json list = Json::object({{"v1/Secret", Json::array({"ns/x"})}});
  ASSERT_TRUE(backups.put_json("b", BackupFile::kResourceList, list));
  EXPECT_EQ(*backups.get_json("b", BackupFile::kResourceList), list);
  auto absent = backups.get_json("b", BackupFile::kResults);
  ASSERT_FALSE(absent);
  EXPECT_TRUE(absent.error().is(Code::kNotFound));
  EXPECT_NE(absent.error().to_string().find("backups/b/b-results.gz"), std::string::npos);
  ASSERT_TRUE(store->put("backups/b/b-results.gz", as_bytes("junk")));
  EXPECT_TRUE(backups.get_json("b", BackupFile::kResults).error().is(Code::kCorrupt));
}

TEST(BackupStore, ListsOnlyFoldersThatAreBackups) {
  auto store = blob::make_memory_store();
  BackupStore backups(*store);
  EXPECT_TRUE(backups.list_backups()->empty());
  ASSERT_TRUE(backups.claim_backup(stored_backup("b2", "u", "Completed")));
  ASSERT_TRUE(backups.claim_backup(stored_backup("b1", "u", "Completed")));
  ASSERT_TRUE(backups.put_contents("half", Archive(), Time()));
  EXPECT_EQ(*backups.list_backups(), (std::vector<std::string>{"b1", "b2"}));
  EXPECT_EQ(*backups.list_folders(), (std::vector<std::string>{"b1", "b2", "half"}));
  EXPECT_TRUE(*backups.has_backup("b1"));
  EXPECT_FALSE(*backups.has_backup("half"));
}

TEST(BackupStore, AForeignFolderIsNamed) {
  auto store = blob::make_memory_store();
  BackupStore backups(*store);
  ASSERT_TRUE(store->put("restic/c1/ns/config", as_bytes("x")));
  EXPECT_TRUE(backups.check_layout());
  ASSERT_TRUE(store->put("photos/1.jpg", as_bytes("x")));
  auto checked = backups.check_layout();
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message().find("photos"), std::string::npos);
}

TEST(BackupStore, DeletionThatIsInterruptedCanBeRepeated) {
  SeededRandom random(1);
  for (int64_t crash = 1; crash <= 4; ++crash) {
    auto store = blob::make_memory_store();
    BackupStore backups(*store);
    ASSERT_TRUE(backups.claim_backup(stored_backup("b", "u", "Completed")));
    ASSERT_TRUE(backups.put_contents("b", Archive(), Time()));
    ASSERT_TRUE(backups.put_json("b", BackupFile::kResults, Json::object()));
    ASSERT_TRUE(store->put("backups/bc/velero-backup.json", as_bytes("{}")));
    auto faulty = blob::make_faulty_store(*store, random, {},
                                          [crash](int64_t ordinal, const std::string&) -> Result<> {
                                            if (ordinal >= crash)
                                              return fail(Code::kUnavailable, "crashed");
                                            return {};
                                          });
    EXPECT_FALSE(BackupStore(*faulty).delete_backup("b"));
    EXPECT_EQ(backups.list_backups()->size(), 2u) << "still listed, so that it is deleted again";
    EXPECT_TRUE(backups.delete_backup("b"));
    EXPECT_TRUE(backups.delete_backup("b"));
    EXPECT_EQ(stored_keys(*store), (std::vector<std::string>{"backups/bc/velero-backup.json"}));
  }
}

}  // namespace
}  // namespace breakwater::backupstore
