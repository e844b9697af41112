// What a managed cluster's agent may do on the hub, as the objects that grant it.
//
// An agent proves itself by a certificate with O "system:open-cluster-management:<cluster>". It may
// read and report on its own ManagedCluster, and, in the namespace of its cluster: read Policies
// and Secrets, report status, keep its Lease, write Events. Nothing of another cluster's. Whoever
// holds a cluster's bootstrap token may ask for a certificate and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/client.h"

namespace breakwater::policy {

struct Grant {
  kube::Kind kind;
  kube::Object object;
};

// Whether a cluster may be called so: a DNS label, and not the name of a namespace that has Secrets
// of the hub itself, for the agent reads every Secret of the namespace of its cluster's name.
bool is_cluster_name(std::string_view name);
// "system:open-cluster-management:<cluster>": group of a cluster's agents.
std::string agent_group(std::string_view cluster);
// "system:bootstrappers:breakwater:<cluster>": group of its bootstrap tokens.
std::string bootstrap_group(std::string_view cluster);

// Namespace, Role, RoleBinding, ClusterRole, ClusterRoleBinding, in the order of creation; all
// bear kCsrClusterLabel, but for the namespace.
std::vector<Grant> access_objects(const std::string& cluster);
// ClusterRole and ClusterRoleBinding that let a bootstrap token ask for a certificate.
std::vector<Grant> bootstrap_objects(const std::string& cluster);

// Creates what is absent and corrects what differs; `reader` may be a cache. Other members of the
// objects, and a namespace that exists, are left alone.
Result<> apply_grants(kube::Reader& reader, kube::Client& client, const std::vector<Grant>& grants);
// Removes the bindings, so that certificates already handed out are worth nothing.
Result<> revoke_access(kube::Client& client, const std::string& cluster);
// Removes all of access_objects() and bootstrap_objects() but the namespace.
Result<> remove_access(kube::Client& client, const std::string& cluster);

}  // namespace breakwater::policy
