// The objects that people write in a run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kube/object.h"

namespace breakwater::sim {

kube::Object namespace_object(const std::string& name);
kube::Object repository_secret(const std::string& password);
// The two policies as a hub would deliver them to the cluster.
kube::Object install_policy(const std::filesystem::path& backups, const Json& crons);
kube::Object backup_policy(const std::filesystem::path& backups, const Json& crons);
kube::Object restore_by_uid(const std::string& name, const std::string& backup,
                            const std::string& uid);

// The hub admin's: Policies, PolicySets, Placement and bindings of virt/, for `ns`.
struct Manifest {
  kube::Kind kind;
  kube::Object object;
};
Result<std::vector<Manifest>> virt_manifests(const std::string& ns);

}  // namespace breakwater::sim
