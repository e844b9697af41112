#include "policy/install_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "kube/names.h"
#include "policy/configuration.h"
#include "policy/install_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;
using Weight = Finding::Weight;

constexpr Duration kTakesAWhile = std::chrono::minutes(5);

void plan_namespace(const InstallPlan& plan) {
  // Without the mark: what lives in it is not ours alone, so removal leaves it.
  plan.ensure(api::kNamespace, Object::make(api::kNamespace, {"", plan.choice.ns}));
}

void plan_removal(const InstallInputs& inputs, Evaluation& evaluation) {
  evaluation.removal = removal_of(inputs.policy);
  evaluation.unwanted = inputs.made;
  if (inputs.made.empty()) {
    evaluation.summary = "what this policy created is removed (" + evaluation.removal + ")";
  } else {
    evaluation.pending =
        fmt::format("removes {} objects ({})", inputs.made.size(), evaluation.removal);
  }
}

void plan_cluster(const InstallPlan& plan) {
  if (!plan.inputs.is_hub) plan_namespace(plan);
  plan_copies(plan);
  if (plan.inputs.is_hub) {
    plan_operator(plan);
    plan_hub_application(plan);
    return;
  }
  const Json spec = read_application_spec(plan);
  if (plan.choice.engine == api::kEngineOadp && !plan_operator(plan)) return;
  plan_secrets(plan, spec);
  plan_application(plan, spec);
}

}  // namespace

void InstallPlan::ensure(const kube::Kind& kind, Object object, std::vector<std::string> whole,
                         Json at_creation) const {
  evaluation.desired.push_back({kind, std::move(object), Desired::Mode::kEnsure, std::move(whole),
                                std::move(at_creation), true});
}

void InstallPlan::find(const kube::Kind& kind, const kube::Key& key, std::string reason,
                       std::string message, Weight weight) const {
  evaluation.findings.push_back({kind, key, std::move(reason), std::move(message), weight});
}

Weight InstallPlan::not_yet(const Object& object) const {
  return inputs.now - object.created() < kTakesAWhile ? Weight::kPending : Weight::kViolation;
}

bool InstallPlan::ours(const Object& object) const {
  return created_by(object, inputs.policy.key());
}

const Object* find_named(const std::vector<Object>& objects, std::string_view name) {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const Object& object) { return object.name() == name; });
  return found == objects.end() ? nullptr : &*found;
}

EngineChoice choose_engine(const Object& config, bool is_hub, bool serves_olm,
                           std::vector<Finding>& findings) {
  // Where ACM backs up the hub, OADP is there already and in one place.
  if (is_hub) return {std::string(api::kEngineOadp), std::string(api::kHubNamespace)};
  EngineChoice choice;
  choice.engine = serves_olm ? api::kEngineOadp : api::kEngineBuiltin;
  const std::string& asked = read_text(config, "engine");
  if (asked == api::kEngineBuiltin || asked == api::kEngineOadp) {
    choice.engine = asked;
  } else if (!asked.empty()) {
    findings.push_back(
        wrong_value(config, "engine",
                    fmt::format("is \"{}\": it must be \"{}\" or \"{}\"; {} is used", asked,
                                api::kEngineBuiltin, api::kEngineOadp, choice.engine)));
  }
  const std::string& ns = read_text(config, "backupNS");
  if (kube::is_dns_label(ns)) {
    choice.ns = ns;
  } else {
    findings.push_back(wrong_value(
        config, "backupNS",
        fmt::format("is \"{}\": it must name the namespace that backup is to live in", ns)));
  }
  return choice;
}

Evaluation evaluate_install(const InstallInputs& inputs) {
  Evaluation evaluation;
  if (!removal_of(inputs.policy).empty()) {
    plan_removal(inputs, evaluation);
    return evaluation;
  }
  evaluation.findings = hub_findings(inputs.policy, api::kVirtInstallPolicy);
  const auto config = configuration_of(inputs.policy);
  if (!config) {
    if (evaluation.findings.empty()) {
      evaluation.findings.push_back(missing_configuration(inputs.policy));
    }
    return evaluation;
  }
  EngineChoice choice =
      choose_engine(*config, inputs.is_hub, inputs.serves_olm, evaluation.findings);
  if (choice.ns.empty()) return evaluation;
  const InstallPlan plan{inputs, *config, choice, evaluation};
  plan_cluster(plan);
  evaluation.summary = fmt::format("engine {} is set up in namespace {}", choice.engine, choice.ns);
  return evaluation;
}

}  // namespace breakwater::policy
