#include "policy/removal.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/bindings.h"
#include "policy/resolve.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

// Out of reach of the hub: nobody there can act on an intent, and it may have been left out of the
// decisions for that very reason.
bool out_of_reach(const Object& cluster) {
  const auto& taints = cluster.spec()["taints"].items();
  return std::any_of(taints.begin(), taints.end(), [](const Json& taint) {
    const std::string& key = taint["key"].as_string();
    return key == api::kUnreachableTaint || key == api::kUnavailableTaint;
  });
}

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find(',', start), text.size());
    if (end > start) names.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

}  // namespace

std::string secret_in_use(const Object& replica) {
  for (const Json& entry : replica.spec()["policy-templates"].items()) {
    const Json& definition = entry["objectDefinition"];
    if (definition["kind"].as_string() != api::kVirtInstallPolicy.kind) continue;
    return definition["spec"]["credentials"]["name"].as_string();
  }
  return "";
}

std::vector<std::string> copies_of(const Object& replica) {
  return split_names(replica.annotation(api::kSecretCopiesAnnotation));
}

std::string with_copy(const std::string& copies, const std::string& name) {
  const std::vector<std::string> names = split_names(copies);
  if (name.empty() || std::count(names.begin(), names.end(), name) > 0) return copies;
  return copies.empty() ? name : copies + "," + name;
}

void Removal::forget(const Key& replica) {
  confirmed_.erase(replica);
  told_.erase(replica);
}

Result<> Removal::remove(const Object& replica) {
  for (const std::string& name : copies_of(replica)) {
    TRY(while_doing(secrets_.remove_copy({replica.ns(), name}), "removing the copy of Secret {}",
                    name));
  }
  TRY(kube::remove_if_exists(services_.client, api::kPolicy, replica.key(),
                             {replica.uid(), replica.resource_version()}));
  forget(replica.key());
  services_.log.info("removed a policy from a cluster",
                     {{"policy", replica.name()}, {"cluster", replica.ns()}});
  return {};
}

void Removal::tell(const Object& replica, const Object& root, std::string_view why) {
  std::string& told = told_[replica.key()];
  if (told == why) return;
  told = why;
  services_.events.warning(root, "PolicyPropagation",
                           fmt::format("Policy {} stays on cluster {} as it is: {}",
                                       root.key().to_string(), replica.ns(), why));
}

Result<std::string> Removal::intent(const Object& replica, const Object& cluster) {
  const auto root_key = root_of(replica.name());
  auto root = services_.client.get(api::kPolicy, *root_key);
  if (!root && root.error().is(Code::kNotFound)) return std::string(api::kRemovalDeleted);
  if (!root) return tl::unexpected(root.error());
  if (root->is_deleting()) return std::string(api::kRemovalDeleted);
  if (root->spec()["disabled"].as_bool()) return std::string(api::kRemovalDisabled);
  if (out_of_reach(cluster)) return "";
  const auto objects = TRY(read_placing(services_.client, root_key->ns));
  const PlacedPolicy placed(objects, root_key->name);
  if (placed.certainly_not_on(replica.ns())) return std::string(api::kRemovalUnplaced);
  const bool any = std::any_of(placed.ways().begin(), placed.ways().end(),
                               [](const PlacingWay& way) { return !way.restricted; });
  if (!placed.on(replica.ns())) {
    tell(replica, *root,
         any ? "its Placement is missing or its PlacementDecisions are not complete"
             : "no PlacementBinding places it any more; disable or delete the Policy to take it "
               "away");
  }
  return "";
}

kube::Outcome Removal::annotate(const Object& replica, const std::string& removal) {
  Json patch = Json::object();
  patch.set({"metadata", "resourceVersion"}, replica.resource_version());
  patch.set({"metadata", "annotations", api::kRemovalAnnotation}, removal);
  patch.set({"metadata", "annotations", api::kRemovalDoneAnnotation}, nullptr);
  TRY(services_.client.patch(api::kPolicy, replica.key(), kube::PatchType::kMerge, patch));
  services_.log.info("asked a cluster to remove a policy",
                     {{"policy", replica.name()}, {"cluster", replica.ns()}, {"removal", removal}});
  return kube::Outcome::done();
}

kube::Outcome Removal::go_on(const Object& replica, const std::optional<Object>& root,
                             const Object& cluster) {
  const Key key = replica.key();
  const std::string& asked = replica.annotation(api::kRemovalAnnotation);
  if (!asked.empty()) {
    // What is still the case needs no new confirmation.
    if (replica.annotation(api::kRemovalDoneAnnotation) != asked) return kube::Outcome::done();
    TRY(remove(replica));
    return kube::Outcome::done();
  }
  if (cluster.is_deleting()) return annotate(replica, std::string(api::kRemovalUnplaced));
  const std::string certain = TRY(intent(replica, cluster));
  if (certain.empty()) {
    confirmed_.erase(key);
    return kube::Outcome::again_after(settings_.confirm_every);
  }
  if (certain == api::kRemovalDisabled || (root && root->is_deleting())) {
    return annotate(replica, certain);
  }
  const Duration now = services_.clock.monotonic();
  Confirmed& confirmed = confirmed_[key];
  if (confirmed.removal != certain) confirmed = {certain, now};
  const Duration left = settings_.confirm - (now - confirmed.since);
  if (left <= Duration::zero()) return annotate(replica, certain);
  return kube::Outcome::again_after(std::min(left, settings_.confirm_every));
}

}  // namespace breakwater::policy
