#include "velero/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/kinds.h"

namespace breakwater::velero {
namespace {

Result<Json> get_json(kube::Client& client, const std::string& path) {
  std::string body = TRY(while_doing(client.get_raw(path), "discovering {}", path));
  return while_doing(parse_json(body), "reading {}", path);
}

bool can(const Json& verbs, std::string_view verb) {
  return std::ranges::any_of(verbs.items(), [&](const Json& v) { return v.as_string() == verb; });
}

void add_resources(const Json& list, std::string_view group, std::string_view version,
                   std::vector<DiscoveredKind>& kinds) {
  std::set<std::string> with_status;
  for (const Json& resource : list["resources"].items()) {
    const std::string& name = resource["name"].as_string();
    if (name.ends_with("/status")) with_status.insert(name.substr(0, name.size() - 7));
  }
  for (const Json& resource : list["resources"].items()) {
    const std::string& name = resource["name"].as_string();
    const Json& verbs = resource["verbs"];
    if (name.find('/') != std::string::npos || !can(verbs, "list") || !can(verbs, "get") ||
        !can(verbs, "create") || !can(verbs, "delete"))
      continue;
    kinds.push_back({std::string(group), std::string(version), resource["kind"].as_string(), name,
                     resource["namespaced"].as_bool(), with_status.contains(name)});
  }
}

// Whether a VM is not whole without this group: a Backup that overlooked it would be Completed and
// empty.
bool is_indispensable(std::string_view group) {
  const Discovery known = well_known_kinds();
  return std::ranges::any_of(known.kinds(),
                             [&](const DiscoveredKind& kind) { return kind.group == group; });
}

}  // namespace

const DiscoveredKind* Discovery::find(std::string_view group_resource) const {
  for (const DiscoveredKind& kind : kinds_)
    if (kind.group_resource() == group_resource) return &kind;
  return nullptr;
}

Result<Discovery> discover(kube::Client& client) {
  std::vector<DiscoveredKind> kinds;
  std::vector<std::string> silent;
  add_resources(TRY(get_json(client, "/api/v1")), "", "v1", kinds);
  const Json groups = TRY(get_json(client, "/apis"));
  for (const Json& group : groups["groups"].items()) {
    const std::string& name = group["name"].as_string();
    const std::string& version = group["preferredVersion"]["version"].as_string();
    auto list = get_json(client, fmt::format("/apis/{}/{}", name, version));
    if (list) {
      add_resources(*list, name, version, kinds);
    } else if (is_indispensable(name) && !list.error().is(Code::kNotFound)) {
      return tl::unexpected<Error>(list.error());
    } else {
      // An aggregated API whose server is down must not stop the backup of everything else.
      silent.push_back(name);
    }
  }
  return Discovery(std::move(kinds), std::move(silent));
}

Discovery well_known_kinds() {
  std::vector<DiscoveredKind> kinds;
  auto add = [&](const kube::Kind& kind) {
    kinds.push_back({std::string(kind.group), std::string(kind.version), std::string(kind.kind),
                     std::string(kind.plural), kind.namespaced, kind.has_status_subresource});
  };
  for (const kube::Kind& kind :
       {api::kPod, api::kPersistentVolumeClaim, api::kPersistentVolume, api::kNamespace,
        api::kConfigMap, api::kSecret, api::kServiceAccount, api::kVirtualMachine,
        api::kVirtualMachineInstance, api::kDataVolume, api::kStorageClass,
        api::kCustomResourceDefinition})
    add(kind);
  kinds.push_back({"", "v1", "Service", "services", true, true});
  kinds.push_back({"apps", "v1", "Deployment", "deployments", true, true});
  kinds.push_back({"apps", "v1", "StatefulSet", "statefulsets", true, true});
  kinds.push_back({"apps", "v1", "ControllerRevision", "controllerrevisions", true, false});
  kinds.push_back({"rbac.authorization.k8s.io", "v1", "Role", "roles", true, false});
  kinds.push_back({"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true, false});
  return Discovery(std::move(kinds));
}

}  // namespace breakwater::velero
