// OADP by the Operator Lifecycle Manager: what installs it, and whether it has been installed.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/configuration.h"
#include "policy/install_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;
using Weight = Finding::Weight;

constexpr std::string_view kPackage = "redhat-oadp-operator";
constexpr std::string_view kGroupName = "redhat-oadp-operator-group";
constexpr std::string_view kSubscriptionName = "redhat-oadp-operator-subscription";

std::string text_or(const InstallPlan& plan, std::string_view key, std::string_view otherwise) {
  const std::string& value = read_text(plan.config, key);
  return value.empty() ? std::string(otherwise) : value;
}

std::string wanted_channel(const InstallPlan& plan) {
  return text_or(plan, "channel", channel_for(plan.inputs.openshift_version));
}

// The Subscription to OADP in the engine's namespace, and one elsewhere.
struct Subscriptions {
  const Object* here = nullptr;
  const Object* elsewhere = nullptr;
};

Subscriptions find_subscriptions(const InstallPlan& plan) {
  const std::string package = text_or(plan, "channelName", kPackage);
  Subscriptions found;
  for (const Object& subscription : plan.inputs.subscriptions) {
    if (subscription.spec()["name"].as_string() != package) continue;
    const Object*& place = subscription.ns() == plan.choice.ns ? found.here : found.elsewhere;
    if (place == nullptr) place = &subscription;
  }
  return found;
}

// What is there is used as it is: changing its target namespaces could break other operators.
void plan_group(const InstallPlan& plan) {
  const auto& groups = plan.inputs.operator_groups;
  if (groups.empty()) {
    Object group = Object::make(api::kOperatorGroup, {plan.choice.ns, std::string(kGroupName)});
    group.set({"spec", "targetNamespaces"}, Json::array({plan.choice.ns}));
    plan.ensure(api::kOperatorGroup, std::move(group), {}, creation_mark(plan.inputs.policy.key()));
    return;
  }
  if (groups.size() > 1) {
    plan.find(api::kOperatorGroup, groups[1].key(), "Several",
              "there is more than one OperatorGroup in the namespace, and so no operator can be "
              "installed there: keep one");
    return;
  }
  const Json only_this = Json::array({plan.choice.ns});
  if (groups[0].spec()["targetNamespaces"] == only_this) return;
  plan.find(api::kOperatorGroup, groups[0].key(), "WrongTarget",
            fmt::format("spec.targetNamespaces is {}: OADP needs {}; it was here before, so it is "
                        "left as it is",
                        to_json(groups[0].spec()["targetNamespaces"]), to_json(only_this)));
}

Object subscription_for(const InstallPlan& plan, const Object* live) {
  const std::string name = live == nullptr ? std::string(kSubscriptionName) : live->name();
  Object subscription = Object::make(api::kSubscription, {plan.choice.ns, name});
  subscription.set({"spec", "channel"}, wanted_channel(plan));
  subscription.set({"spec", "installPlanApproval"},
                   text_or(plan, "subscriptionInstallPlanApproval", "Automatic"));
  subscription.set({"spec", "name"}, text_or(plan, "channelName", kPackage));
  subscription.set({"spec", "source"}, text_or(plan, "subscriptionSource", "redhat-operators"));
  subscription.set({"spec", "sourceNamespace"},
                   text_or(plan, "subscriptionSourceNamespace", "openshift-marketplace"));
  const std::string& version = read_text(plan.config, "subscriptionStartingCSV");
  // Where to start is said once; afterwards it would only be a wrong memory.
  if (live == nullptr && !version.empty()) subscription.set({"spec", "startingCSV"}, version);
  return subscription;
}

void check_channel(const InstallPlan& plan, const Object& live) {
  const std::string& channel = live.spec()["channel"].as_string();
  const std::string wanted = wanted_channel(plan);
  if (channel == wanted) return;
  plan.find(api::kSubscription, live.key(), "OtherChannel",
            fmt::format("spec.channel is {}, and {} is wanted (key channel, or the cluster's "
                        "version {}); this policy did not create it and leaves it as it is",
                        channel, wanted, plan.inputs.openshift_version));
}

// The version that the Subscription has brought, and what became of it.
void check_version(const InstallPlan& plan, const Object& subscription) {
  const std::string& name = subscription.status()["installedCSV"].as_string();
  if (name.empty()) {
    const bool manual = subscription.spec()["installPlanApproval"].as_string() == "Manual";
    plan.find(api::kSubscription, subscription.key(), "NotInstalled",
              manual ? "no version is installed, and spec.installPlanApproval is Manual: approve "
                       "its InstallPlan"
                     : "no version is installed yet",
              manual ? Weight::kViolation : plan.not_yet(subscription));
    return;
  }
  const Object* version = find_named(plan.inputs.service_versions, name);
  if (version == nullptr) {
    plan.find(
        api::kClusterServiceVersion, {subscription.ns(), name}, "Missing",
        "it does not exist, and Subscription " + subscription.name() + " says it is installed",
        plan.not_yet(subscription));
    return;
  }
  if (plan.ours(subscription)) {
    // Removal takes the version along with the Subscription that brought it.
    Object marked = Object::make(api::kClusterServiceVersion, version->key());
    marked.set_label(api::kManagedByLabel, api::kManagedBy);
    marked.set_annotation(api::kCreatedByAnnotation, plan.inputs.policy.key().to_string());
    marked.set_annotation(api::kOwnSubscriptionAnnotation, subscription.uid());
    plan.evaluation.desired.push_back(
        {api::kClusterServiceVersion, std::move(marked), Desired::Mode::kPatch, {}, {}, true});
  }
  if (version->phase() == "Succeeded") return;
  plan.find(api::kClusterServiceVersion, version->key(), "NotInstalled",
            fmt::format("it is {}: {}", version->phase(), version->status()["message"].as_string()),
            version->phase() == "Failed" ? Weight::kViolation : plan.not_yet(*version));
}

void check_catalog(const InstallPlan& plan, const Object& subscription) {
  const Json& unhealthy = kube::find_condition(subscription, "CatalogSourcesUnhealthy");
  if (unhealthy["status"].as_string() != "True") return;
  plan.find(api::kSubscription, subscription.key(), "CatalogUnhealthy",
            "its condition CatalogSourcesUnhealthy is True: " + unhealthy["message"].as_string());
}

void check_subscription(const InstallPlan& plan, const Object& live) {
  if (!plan.ours(live)) check_channel(plan, live);
  check_catalog(plan, live);
  check_version(plan, live);
}

}  // namespace

std::string channel_for(const std::string& openshift_version) {
  int numbers[2] = {0, 0};
  const char* at = openshift_version.data();
  const char* end = at + openshift_version.size();
  for (int& number : numbers) {
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return "stable";
    at = rest == end ? rest : rest + 1;
  }
  if (numbers[0] != 4 || numbers[1] >= 19) return "stable";
  return numbers[1] <= 12 ? "stable-1.3" : "stable-1.4";
}

bool plan_operator(const InstallPlan& plan) {
  const Subscriptions found = find_subscriptions(plan);
  const kube::Key key{plan.choice.ns, std::string(kSubscriptionName)};
  if (!plan.inputs.serves_olm) {
    plan.find(api::kSubscription, key, "NotServed",
              "the cluster does not know the kind, so engine oadp cannot be installed: set engine "
              "to builtin");
    return false;
  }
  if (found.here == nullptr && found.elsewhere != nullptr) {
    plan.find(
        api::kSubscription, found.elsewhere->key(), "OtherNamespace",
        fmt::format("OADP is installed in namespace {0}, and backupNS is {1}: set backupNS to "
                    "{0}; a second OADP is not installed",
                    found.elsewhere->ns(), plan.choice.ns));
    return false;
  }
  if (plan.inputs.is_hub) {
    if (found.here != nullptr) {
      check_subscription(plan, *found.here);
    } else {
      plan.find(api::kSubscription, key, "Missing",
                "OADP is not installed in namespace " + plan.choice.ns +
                    ": enable cluster-backup in the MultiClusterHub");
    }
    return true;
  }
  plan_group(plan);
  if (found.here == nullptr || plan.ours(*found.here)) {
    plan.ensure(api::kSubscription, subscription_for(plan, found.here), {},
                creation_mark(plan.inputs.policy.key()));
  }
  if (found.here != nullptr) {
    check_subscription(plan, *found.here);
  } else {
    plan.find(api::kSubscription, key, "NotInstalled", "no version is installed yet",
              Weight::kPending);
  }
  return true;
}

}  // namespace breakwater::policy
