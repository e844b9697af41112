#include "policy/placement_controller.h"

#include <charconv>
#include <map>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/placement.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

std::string page_prefix(const std::string& placement) { return placement + "-decision-"; }

// The n of "<placement>-decision-<n>", or 0.
int page_number(const std::string& placement, const std::string& name) {
  const std::string prefix = page_prefix(placement);
  if (!name.starts_with(prefix)) return 0;
  int number = 0;
  const char* last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), last, number);
  return error == std::errc() && end == last && number > 0 ? number : 0;
}

std::vector<std::string> clusters_on(const Object& page) {
  std::vector<std::string> clusters;
  for (const Json& decision : page.status()["decisions"].items()) {
    clusters.push_back(decision["clusterName"].as_string());
  }
  return clusters;
}

Json decisions_json(const std::vector<std::string>& clusters) {
  Json decisions = Json::array();
  for (const std::string& cluster : clusters) {
    decisions.push_back(Json::object({{"clusterName", cluster}, {"reason", ""}}));
  }
  return decisions;
}

// The PlacementDecisions of one Placement.
class Pages {
 public:
  Pages(const Object& placement, std::vector<Object> objects)
      : placement_(placement), objects_(std::move(objects)) {}

  std::set<std::string> clusters() const {
    std::set<std::string> all;
    for (const Object& page : objects_) {
      for (std::string& cluster : clusters_on(page)) all.insert(std::move(cluster));
    }
    return all;
  }

  std::vector<DecisionPage> numbered() const {
    std::vector<DecisionPage> pages;
    for (const Object& page : objects_) {
      const int number = page_number(placement_.name(), page.name());
      if (number > 0 && !page.is_deleting()) pages.push_back({number, clusters_on(page)});
    }
    return pages;
  }

  // Whether they say exactly what `wanted` says.
  bool are(const std::vector<DecisionPage>& wanted) const {
    if (wanted.size() != objects_.size()) return false;
    for (const DecisionPage& page : wanted) {
      const Object* object = find(page.number);
      if (!object || object->is_deleting() || clusters_on(*object) != page.clusters) return false;
    }
    return true;
  }

  // First what gains clusters, then what only loses them, then pages that are not wanted: a cluster
  // that stays chosen is on some page after every single write.
  Result<> write(kube::Client& client, const std::vector<DecisionPage>& wanted) const {
    for (const bool gaining : {true, false}) {
      for (const DecisionPage& page : wanted) {
        const Object* object = find(page.number);
        if (gains(object, page) != gaining) continue;
        TRY(while_doing(write_page(client, object, page), "writing page {} of Placement {}",
                        page.number, placement_.key().to_string()));
      }
    }
    for (const Object& object : objects_) {
      const int number = page_number(placement_.name(), object.name());
      const bool keep = std::any_of(wanted.begin(), wanted.end(), [&](const DecisionPage& page) {
        return page.number == number;
      });
      if (keep || object.is_deleting()) continue;
      TRY(kube::remove_if_exists(client, api::kPlacementDecision, object.key(),
                                 {object.uid(), object.resource_version()}));
    }
    return {};
  }

 private:
  const Object* find(int number) const {
    for (const Object& object : objects_) {
      if (page_number(placement_.name(), object.name()) == number) return &object;
    }
    return nullptr;
  }

  static bool gains(const Object* object, const DecisionPage& page) {
    if (!object) return true;
    const std::vector<std::string> list = clusters_on(*object);
    const std::set<std::string> here(list.begin(), list.end());
    return std::any_of(page.clusters.begin(), page.clusters.end(),
                       [&](const std::string& cluster) { return !here.contains(cluster); });
  }

  Result<> write_page(kube::Client& client, const Object* known, const DecisionPage& page) const {
    Object object = known ? *known : TRY(client.create(api::kPlacementDecision, fresh(page)));
    if (known && clusters_on(object) == page.clusters) return {};
    object.set({"status", "decisions"}, decisions_json(page.clusters));
    TRY(client.update_status(api::kPlacementDecision, object));
    return {};
  }

  Object fresh(const DecisionPage& page) const {
    Object object = Object::make(
        api::kPlacementDecision,
        {placement_.ns(), page_prefix(placement_.name()) + std::to_string(page.number)});
    object.set_label(api::kPlacementLabel, placement_.name());
    object.set_label(api::kDecisionGroupIndexLabel, "0");
    object.set_label(api::kDecisionGroupNameLabel, "");
    object.add_owner(placement_, true, true);
    return object;
  }

  const Object& placement_;
  std::vector<Object> objects_;
};

void set_status(Object& placement, const PlacementChoice& choice, Time now) {
  const auto count = static_cast<int64_t>(choice.clusters.size());
  placement.set({"status", "numberOfSelectedClusters"}, count);
  Json names = Json::array();
  for (const std::string& cluster : choice.clusters) names.push_back(cluster);
  placement.set({"status", "decisionGroups"},
                Json::array({Json::object({{"decisionGroupIndex", 0},
                                           {"decisionGroupName", ""},
                                           {"decisions", std::move(names)},
                                           {"clusterCount", count}})}));
  kube::set_condition(placement, "PlacementSatisfied", choice.satisfied ? "True" : "False",
                      choice.reason, choice.message, now);
  const bool wrong = !choice.misconfigured.empty();
  kube::set_condition(placement, "PlacementMisconfigured", wrong ? "True" : "False",
                      wrong ? "Misconfigured" : "Succeedconfigured",
                      wrong ? choice.misconfigured : "Placement configurations check pass", now);
}

class PlacementReconciler final : public kube::Reconciler {
 public:
  explicit PlacementReconciler(const HubServices& services) : services_(services) {}

  kube::Outcome reconcile(const Key& key) override {
    kube::Reader& reader = services_.reader;
    auto found = reader.get(api::kPlacement, key);
    if (!found && found.error().is(Code::kNotFound)) return kube::Outcome::done();
    Object placement = TRY(std::move(found));
    if (placement.is_deleting() || placement.annotation(api::kSchedulingDisabled) == "true") {
      return kube::Outcome::done();
    }
    const auto of_placement = kube::LabelSelector::equals(api::kPlacementLabel, key.name);
    Pages pages(placement, TRY(reader.list(api::kPlacementDecision, key.ns, of_placement)));
    PlacementInputs inputs;
    inputs.now = services_.clock.now();
    inputs.placement = placement;
    inputs.clusters = TRY(reader.list(api::kManagedCluster, ""));
    inputs.sets = TRY(reader.list(api::kManagedClusterSet, ""));
    inputs.bindings = TRY(reader.list(api::kManagedClusterSetBinding, key.ns));
    inputs.selected = pages.clusters();
    PlacementChoice choice = choose_clusters(inputs);
    if (!pages.are(arrange_pages(pages.numbered(), choice.clusters))) {
      // What the pages hold decides where a cluster may go, so that has to be read live.
      const Pages live(placement,
                       TRY(services_.client.list(api::kPlacementDecision, key.ns, of_placement)));
      inputs.selected = live.clusters();
      choice = choose_clusters(inputs);
      TRY(live.write(services_.client, arrange_pages(live.numbered(), choice.clusters)));
    }
    const Json before = placement.status();
    set_status(placement, choice, inputs.now);
    if (!(placement.status() == before)) {
      TRY(services_.client.update_status(api::kPlacement, placement));
    }
    return choice.again ? kube::Outcome::again_after(*choice.again) : kube::Outcome::done();
  }

 private:
  const HubServices services_;
};

std::vector<Key> keys_of(Result<std::vector<Object>> objects) {
  std::vector<Key> keys;
  if (!objects) return keys;
  for (const Object& object : *objects) keys.push_back(object.key());
  return keys;
}

}  // namespace

kube::ControllerSpec make_placement_controller(const HubServices& services) {
  kube::Reader& reader = services.reader;
  const kube::Mapper all = [&reader](const Object&) {
    return keys_of(reader.list(api::kPlacement, ""));
  };
  const kube::Mapper in_namespace = [&reader](const Object& object) {
    return keys_of(reader.list(api::kPlacement, object.ns()));
  };
  kube::ControllerSpec spec;
  spec.name = kPlacementController;
  spec.reconciler = std::make_unique<PlacementReconciler>(services);
  spec.sources = {
      {api::kPlacement, ""},
      {api::kPlacementDecision, "", kube::map_to_label(std::string(api::kPlacementLabel))},
      {api::kManagedCluster, "", all},
      {api::kManagedClusterSet, "", all},
      {api::kManagedClusterSetBinding, "", in_namespace}};
  return spec;
}

}  // namespace breakwater::policy
