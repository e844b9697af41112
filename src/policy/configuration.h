// What the hub put into a template object's spec, as the policies on the cluster read it.
//
// All of it is pure. Findings name the ConfigMap on the hub where the admin can put things right.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/evaluation.h"

namespace breakwater::policy {

// The cluster's configuration as the ConfigMap that it is on the hub; nothing if the hub never saw
// it (spec.config is absent).
std::optional<kube::Object> configuration_of(const kube::Object& policy);
// The ConfigMap of cron names, if spec.crons is there.
std::optional<kube::Object> crons_of(const kube::Object& policy);
// What asks for removal: the annotation's value, or "uninstalled" for `uninstall: "true"` in the
// configuration; "" if nothing does.
std::string removal_of(const kube::Object& policy);

// spec.hubFindings. A finding about a kind that we do not know is one about the policy.
std::vector<Finding> hub_findings(const kube::Object& policy, const kube::Kind& policy_kind);
// Why there is no configuration: the cluster's label is empty, or names a ConfigMap that is
// missing. What exists stays as it is.
Finding missing_configuration(const kube::Object& policy);

// "true" or "false"; anything else but "" is a finding, and `otherwise`.
bool read_flag(const kube::Object& config, std::string_view key, bool otherwise,
               std::vector<Finding>& findings);
const std::string& read_text(const kube::Object& config, std::string_view key);
// A finding InvalidValue about one key: "<key> <what>".
Finding wrong_value(const kube::Object& config, std::string_view key, std::string_view what);

}  // namespace breakwater::policy
