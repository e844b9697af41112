// The objects that the demo's people write, as they would stand in their YAML files.
#pragma once

#include <filesystem>
#include <string>

#include "kube/object.h"

namespace breakwater::cli::story {

inline constexpr const char* kEngineNamespace = "openshift-adp";
inline constexpr const char* kNamespace = "demo";
inline constexpr const char* kVm = "vm-1";
inline constexpr const char* kDisk = "vm-1-disk";
inline constexpr const char* kCron = "every_15s";

kube::Object namespace_object(const std::string& name);
// The admin's: where backups go, how the repositories are encrypted, which crons there are.
// The two policies are as a hub would deliver them to the cluster.
kube::Object repository_secret(const std::string& password);
kube::Object install_policy(const std::filesystem::path& backups, const Json& crons);
kube::Object backup_policy(const std::filesystem::path& backups, const Json& crons);
Json crons();
// The VM user's.
kube::Object disk_claim(const std::string& size);
kube::Object virtual_machine();
kube::Object restore_by_uid(const std::string& name, const std::string& backup,
                            const std::string& uid);

}  // namespace breakwater::cli::story
