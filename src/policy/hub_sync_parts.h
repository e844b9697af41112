// The controllers of hub_sync.h one by one. Private to the module.
#pragma once

#include "policy/hub_sync.h"

namespace breakwater::policy {

kube::ControllerSpec make_spec_sync(const std::string& cluster, HubSyncServices services);
kube::ControllerSpec make_secret_sync(const std::string& cluster, HubSyncServices services);
kube::ControllerSpec make_hub_status(const std::string& cluster, HubSyncServices services);
kube::ControllerSpec make_cluster_lease(const std::string& cluster, HubSyncServices services);
kube::ControllerSpec make_cluster_report(const std::string& cluster, HubSyncServices services);

// Creates the namespace unless it is there.
Result<> ensure_namespace(kube::Client& client, const std::string& name);
// Nothing if it does not exist.
Result<std::optional<kube::Object>> find_object(kube::Reader& reader, const kube::Kind& kind,
                                                const kube::Key& key);

}  // namespace breakwater::policy
