#include "backupstore/archive.h"

#include <gtest/gtest.h>

#include "backupstore/gzip.h"
#include "backupstore/tar.h"

namespace breakwater::backupstore {
namespace {

const Time kArchiveTime = Time(std::chrono::seconds(1763700000));

Json archived(std::string_view api_version, std::string_view name) {
  return Json::object({{"apiVersion", api_version}, {"metadata", Json::object({{"name", name}})}});
}

Bytes archive_of(std::initializer_list<std::pair<std::string, std::string>> entries) {
  TarWriter writer(kArchiveTime);
  for (const auto& [name, content] : entries) writer.add(name, content);
  return gzip(writer.finish());
}

TEST(Archive, EntriesAreNamedAsVeleroNamesThem) {
  Archive archive;
  archive.put({"persistentvolumeclaims", "shop", "disk-0"}, archived("v1", "disk-0"));
  archive.put({"virtualmachines.kubevirt.io", "shop", "vm-1"}, archived("kubevirt.io/v1", "vm-1"));
  archive.put({"namespaces", "", "shop"}, archived("v1", "shop"));
  auto tar = gunzip(archive.pack(kArchiveTime));
  ASSERT_TRUE(tar);
  auto entries = read_tar(*tar);
  ASSERT_TRUE(entries);
  std::vector<std::string> names;
  for (const auto& entry : *entries) names.push_back(entry.name);
  EXPECT_EQ(
      names,
      (std::vector<std::string>{
          "metadata/version",
          "resources/namespaces/cluster/shop.json",
          "resources/namespaces/v1-preferredversion/cluster/shop.json",
          "resources/persistentvolumeclaims/namespaces/shop/disk-0.json",
          "resources/persistentvolumeclaims/v1-preferredversion/namespaces/shop/disk-0.json",
          "resources/virtualmachines.kubevirt.io/namespaces/shop/vm-1.json",
          "resources/virtualmachines.kubevirt.io/v1-preferredversion/namespaces/shop/vm-1.json",
      }));
}

TEST(Archive, RoundTripKeepsEveryObjectOnce) {
  Archive archive;
  archive.put({"configmaps", "a", "one"}, archived("v1", "one"));
  archive.put({"configmaps", "a", "one"}, archived("v1", "replaced"));
  archive.put({"roles.rbac.authorization.k8s.io", "a", "system:reader"}, archived("v1", "r"));
  auto again = Archive::unpack(archive.pack(kArchiveTime));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->items(), archive.items());
  EXPECT_EQ((*again->find({"configmaps", "a", "one"}))["metadata"]["name"].as_string(), "replaced");
  EXPECT_EQ(again->find({"configmaps", "b", "one"}), nullptr);
  EXPECT_EQ(again->pack(kArchiveTime), archive.pack(kArchiveTime));
}

TEST(Archive, RefusesWhatIsNoBackup) {
  struct Case {
    const char* why;
    Bytes bytes;
  };
  const Case cases[] = {
      {"no version", archive_of({{"resources/pods/namespaces/a/b.json", "{}"}})},
      {"newer format", archive_of({{"metadata/version", "2.0.0\n"}})},
      {"no JSON",
       archive_of({{"metadata/version", "1.1.0\n"}, {"resources/pods/namespaces/a/b.json", "{"}})},
      {"no object",
       archive_of({{"metadata/version", "1.1.0\n"}, {"resources/pods/namespaces/a/b.json", "[]"}})},
      {"unknown place", archive_of({{"metadata/version", "1.1.0\n"},
                                    {"resources/pods/elsewhere/x/y/z.json", "{}"}})},
      {"no name",
       archive_of({{"metadata/version", "1.1.0\n"}, {"resources/pods/namespaces/a/.json", "{}"}})},
  };
  for (const Case& c : cases) EXPECT_FALSE(Archive::unpack(c.bytes)) << c.why;
}

}  // namespace
}  // namespace breakwater::backupstore
