#include "policy/policy_reconciler.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/configuration.h"

namespace breakwater::policy {
namespace {

using kube::Object;
using kube::Outcome;

constexpr Duration kReevaluate = std::chrono::minutes(1);
constexpr Duration kSoon = std::chrono::seconds(10);
// Templates of the ACM product's own virt policies; they delete Schedules that they do not know.
constexpr std::string_view kProductTemplates[] = {"install-oadp-copy-config", "create-virt-backup",
                                                  "create-velero-restore"};

}  // namespace

PolicyReconciler::PolicyReconciler(kube::Kind kind, ClusterPolicySettings settings,
                                   PolicyServices services)
    : settings_(std::move(settings)),
      services_(services),
      served_(services.client, services.clock),
      kind_(kind),
      enforcer_(services.reader, services.client, services.log),
      reporter_(services.client, services.clock, "breakwater-agent", services.log) {}

Result<std::vector<Object>> PolicyReconciler::policies() {
  auto policies = TRY(services_.reader.list(kind_, settings_.policy_namespace));
  std::erase_if(policies, [](const Object& policy) { return policy.is_deleting(); });
  std::stable_sort(policies.begin(), policies.end(),
                   [](const Object& a, const Object& b) { return a.created() < b.created(); });
  return policies;
}

Outcome PolicyReconciler::reconcile(const kube::Key&) {
  const std::vector<Object> all = TRY(policies());
  if (all.empty()) return Outcome::done();
  bool soon = false;
  for (const Object& policy : all) {
    Round round;
    if (&policy == &all.front()) {
      round = TRY(evaluate(policy));
    } else if (removal_of(policy).empty()) {
      round.evaluation.findings.push_back(
          {kind_, policy.key(), "AnotherPolicy",
           "it does nothing, because " + all.front().key().to_string() +
               " does the same for this cluster: delete one of them"});
    } else {
      round.evaluation.removal = removal_of(policy);  // it made nothing
    }
    soon = TRY(carry_out(policy, std::move(round))) || soon;
  }
  return Outcome::again_after(soon ? kSoon : kReevaluate);
}

Result<bool> PolicyReconciler::yields_to_product(const Object& policy, Evaluation& evaluation) {
  if (!evaluation.removal.empty()) return false;
  for (const Object& other :
       TRY(served_.list(services_.reader, api::kConfigurationPolicy, settings_.policy_namespace))) {
    const auto* end = std::end(kProductTemplates);
    if (std::find(std::begin(kProductTemplates), end, other.name()) == end) continue;
    evaluation.findings.push_back(
        {api::kConfigurationPolicy, other.key(), "OtherWriter",
         "it does the work of " + policy.name() +
             ", which therefore writes nothing: take the ACM product's acm-dr-virt policies off "
             "this cluster"});
    return true;
  }
  return false;
}

Result<bool> PolicyReconciler::carry_out(const Object& policy, Round round) {
  Evaluation& evaluation = round.evaluation;
  const bool yields = TRY(yields_to_product(policy, evaluation));
  // Confirmed intent is carried out in any mode: whoever asked for it waits for the answer.
  const bool removes = !evaluation.removal.empty();
  const Mode mode = yields ? Mode::kInform : removes ? Mode::kEnforce : mode_of(policy);
  const Enforcement done = enforcer_.carry_out(evaluation, mode);
  if (done.interrupted) return tl::unexpected(*done.interrupted);
  const auto findings = sorted_findings(evaluation, done);
  announce(findings);
  const bool held_back =
      TRY(reporter_.report({kind_, policy, evaluation, done, std::move(round.extra)}));
  return held_back || !findings.empty() || !evaluation.pending.empty();
}

// A violation about a VM is an Event on it when it appears, not each time it is found again.
void PolicyReconciler::announce(const std::vector<Finding>& findings) {
  std::set<std::string> now;
  for (const Finding& finding : findings) {
    if (finding.weight != Finding::Weight::kViolation) continue;
    const std::string id =
        finding.object.to_string() + " " + finding.reason + " " + finding.message;
    now.insert(id);
    if (announced_.contains(id)) continue;
    services_.log.warning(finding.message, {{"kind", finding.kind.kind},
                                            {"object", finding.object.to_string()},
                                            {"reason", finding.reason}});
    if (finding.kind != api::kVirtualMachine) continue;
    const auto about = services_.reader.get(finding.kind, finding.object);
    if (about) services_.events.warning(*about, finding.reason, finding.message);
  }
  announced_ = std::move(now);
}

kube::Source wakes_policy(const kube::Kind& kind, const std::string& ns) {
  return {kind, ns, [](const Object&) { return std::vector{kube::Key{"", "cluster"}}; }};
}

Result<bool> is_hub_cluster(ServedKinds& served, kube::Reader& reader) {
  return !TRY(served.list(reader, api::kMultiClusterHub, "")).empty();
}

}  // namespace breakwater::policy
