// The status of a Policy on its cluster, from what its templates say.
//
// Form and rules are those of the governance framework (Open Cluster Management): details[] in the
// order of the templates, each with the newest ten messages; a message begins with "Compliant",
// "Pending" or "NonCompliant"; one NonCompliant template makes the Policy so, then Pending counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "kube/object.h"

namespace breakwater::policy {

// One template of a Policy, after it was brought to the cluster.
struct TemplateState {
  std::string name;
  std::optional<kube::Object> object;  // as it is on the cluster
  // Not empty: what this side has to say about it, a whole message: "NonCompliant; template-error;
  // …" or "Pending; …".
  std::string message;
};

// The status to write; equal to policy.status() if there is nothing new. `now` stamps messages that
// come from TemplateState::message and are new.
Json policy_status(const kube::Object& policy, const std::vector<TemplateState>& templates,
                   Time now);

// Whether the newest message about a template came from this side and is over, so that the
// template's controller must be asked to speak again (status.compliant emptied).
bool must_speak_again(const kube::Object& policy, const TemplateState& state);

// "Compliant", "Pending" or "NonCompliant", as the beginning of a message says.
std::string_view compliance_in(std::string_view message);

}  // namespace breakwater::policy
