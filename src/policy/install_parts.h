// The parts of the install policy's evaluation (private to policy/).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/install_policy.h"

namespace breakwater::policy {

// Everything the parts share while one evaluation is made.
struct InstallPlan {
  const InstallInputs& inputs;
  const kube::Object& config;  // as configuration_of() gives it
  EngineChoice choice;
  Evaluation& evaluation;

  void ensure(const kube::Kind& kind, kube::Object object, std::vector<std::string> whole = {},
              Json at_creation = {}) const;
  void find(const kube::Kind& kind, const kube::Key& key, std::string reason, std::string message,
            Finding::Weight weight = Finding::Weight::kViolation) const;
  // Something that takes a while: pending for five minutes after `object` was created.
  Finding::Weight not_yet(const kube::Object& object) const;
  bool ours(const kube::Object& object) const;
};

// dpa_spec as JSON with this cluster's prefix; null, and findings, if it cannot be read.
Json read_application_spec(const InstallPlan& plan);
// `wanted` as a merge patch for what was applied before: what `applied` had besides is null.
Json without_what_left(const Json& wanted, const Json& applied);

void plan_copies(const InstallPlan& plan);
void plan_secrets(const InstallPlan& plan, const Json& application_spec);
void plan_application(const InstallPlan& plan, const Json& spec);
void check_locations(const InstallPlan& plan, const kube::Object& application);
// On a hub: what OADP needs for VMs is added to its DataProtectionApplication.
void plan_hub_application(const InstallPlan& plan);
// OperatorGroup and Subscription (only checked on a hub). False if OADP must not be set up here.
bool plan_operator(const InstallPlan& plan);

const kube::Object* find_named(const std::vector<kube::Object>& objects, std::string_view name);

}  // namespace breakwater::policy
