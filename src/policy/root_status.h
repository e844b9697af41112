// From the replicas' status to that of the root Policy, and from there to that of PolicySets.
//
// Pure functions and the two controllers that write what they say. A root with a thousand replicas
// is written at most once in HubSettings::status_interval, however fast they report.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "policy/bindings.h"
#include "policy/hub.h"

namespace breakwater::policy {

// NonCompliant if any is, else Pending if any is, else "" if any is unknown or there are none, else
// Compliant.
std::string worst_of(const std::vector<std::string>& compliances);

// status of a root Policy: compliant, status[] (every cluster that it is placed on or still has a
// replica on, by name), placement[] (what places it). `replicas` by cluster. A disabled Policy has
// only what is left of its replicas.
Json root_status(const kube::Object& root, const PlacingObjects& objects,
                 const std::map<std::string, kube::Object>& replicas);

// status of a PolicySet from its members' status on the set's own clusters: compliant,
// statusMessage, placement[]. compliant is absent while a member reports nothing.
Json policy_set_status(const kube::Object& set, const PlacingObjects& objects,
                       const std::map<std::string, kube::Object>& roots);

std::vector<kube::ControllerSpec> make_policy_status_controllers(const HubSettings& settings,
                                                                 const HubServices& services);

}  // namespace breakwater::policy
