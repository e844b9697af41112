// The objects that the demo's people write, as they would stand in their YAML files.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/names.h"
#include "cli/story_store.h"
#include "kube/object.h"

namespace breakwater::cli::story {

inline constexpr const char* kHubNamespace = api::kHubNamespace.data();
inline constexpr const char* kEngineNamespace = "oadp-ns";
inline constexpr const char* kConfig = "acm-virt-config-demo";
inline constexpr const char* kRestoreConfig = "restore-config";
inline constexpr const char* kCron = "every_20s";

// --- the hub admin's
// The Policies, PolicySets, Placement and bindings of virt/, for `ns`.
Result<std::vector<std::pair<kube::Kind, kube::Object>>> virt_manifests(const std::string& ns);
// The ConfigMap that the clusters' label acm-virt-config names.
kube::Object virt_config(const StoryStore& store);
kube::Object schedule_cron();
kube::Object restore_config();
// The object store's credentials and the repositories' password.
kube::Object hub_secret(const StoryStore& store, const std::string& password);

// --- the VM user's
enum class DiskMode { kBlock, kFilesystem };

struct Vm {
  std::string ns, name, size;
  DiskMode mode = DiskMode::kBlock;
  bool labelled = true;
  std::string uid = {};  // once it exists

  std::string disk() const { return name + "-disk"; }
  std::string title() const { return ns + "/" + name; }
};

kube::Object namespace_object(const std::string& name);
kube::Object claim(const std::string& ns, const std::string& name, const std::string& size,
                   DiskMode mode);
kube::Object virtual_machine(const Vm& vm);

// --- the data mover's user's
kube::Object volume_snapshot(const std::string& ns, const std::string& name,
                             const std::string& claim);
kube::Object volume_snapshot_backup(const std::string& ns, const std::string& name,
                                    const std::string& content);
kube::Object volume_snapshot_restore(const std::string& ns, const std::string& name,
                                     const kube::Object& backup);
// A content for a snapshot that a VolumeSnapshotRestore made, a VolumeSnapshot bound to it, and a
// claim from that.
kube::Object static_content(const std::string& ns, const std::string& name,
                            const std::string& handle, DiskMode mode);
kube::Object static_snapshot(const std::string& ns, const std::string& name);
kube::Object claim_from(const std::string& ns, const std::string& name, const std::string& size,
                        DiskMode mode, const std::string& snapshot);

}  // namespace breakwater::cli::story
