#include "policy/restore_keys.h"

#include <algorithm>
#include <array>

#include "api/kinds.h"

namespace breakwater::policy {
namespace {

constexpr std::array<std::string_view, 6> kFields = {
    "restoreName", "backupName", "vmsUID", "namespaceMapping", "sourceCluster", "allowInexact"};

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

const ClusterFacts* by_id(const std::vector<ClusterFacts>& fleet, std::string_view id) {
  const auto found = std::find_if(fleet.begin(), fleet.end(), [&](const ClusterFacts& cluster) {
    return !id.empty() && cluster.id == id;
  });
  return found == fleet.end() ? nullptr : &*found;
}

const ClusterFacts* by_name(const std::vector<ClusterFacts>& fleet, std::string_view name) {
  const auto found = std::find_if(fleet.begin(), fleet.end(), [&](const ClusterFacts& cluster) {
    return cluster.name == name;
  });
  return found == fleet.end() ? nullptr : &*found;
}

class Part {
 public:
  Part(const kube::Key& config_map, const ClusterFacts& self,
       const std::vector<ClusterFacts>& fleet, size_t users)
      : config_map_(config_map), self_(self), fleet_(fleet), users_(users) {}

  void take(const std::string& key, const std::string& value) {
    const RestoreKey parts = read_restore_key(key, fleet_);
    if (parts.field.empty()) {
      find("UnknownRestoreKey",
           fmt::format("key {} is none of [<cluster id>_][<number>_]restoreName, backupName, "
                       "vmsUID, namespaceMapping, sourceCluster, allowInexact",
                       key));
    } else if (parts.owner.empty()) {
      take_without_id(key, parts.field, value);
    } else if (parts.owner == self_.id) {
      result_.restore.set(parts.field, resolved(key, parts.field, value));
    } else if (!by_id(fleet_, parts.owner)) {
      unknown_owner(key, parts);
    }
    if (!parts.owner.empty() && self_.id.empty()) result_.id_needed = true;
  }

  RestorePart finish() {
    if (result_.id_needed) {
      result_.findings.push_back(
          {api::kManagedCluster,
           {"", self_.name},
           "ClusterIdUnknown",
           fmt::format("the cluster has not reported claim id.openshift.io or id.k8s.io, so its "
                       "keys in ConfigMap {} are not known",
                       config_map_.to_string())});
    }
    return std::move(result_);
  }

 private:
  void find(std::string reason, std::string message) {
    result_.findings.push_back(
        {api::kConfigMap, config_map_, std::move(reason), std::move(message)});
  }

  void take_without_id(const std::string& key, const std::string& field, const std::string& value) {
    if (users_ != 1) {
      find("RestoreKeyWithoutCluster",
           fmt::format("key {} needs a cluster id in front (<cluster id>_{}), since {} clusters "
                       "use this ConfigMap",
                       key, key, users_));
      return;
    }
    // A key with the id says more; order must not matter.
    if (!result_.restore.has(field)) result_.restore.set(field, resolved(key, field, value));
  }

  void unknown_owner(const std::string& key, const RestoreKey& parts) {
    const ClusterFacts* named = by_name(fleet_, parts.owner);
    std::string hint = "a cluster's id is the value of its claim id.openshift.io or id.k8s.io";
    if (named) hint = fmt::format("{} is a cluster's name; its id is {}", named->name, named->id);
    find("UnknownCluster",
         fmt::format("key {}: no cluster has the id {}; {}", key, parts.owner, hint));
  }

  // A cluster that is no longer known may still have backups, so an unknown value passes as an id.
  std::string resolved(const std::string& key, const std::string& field, const std::string& value) {
    const bool is_source = field == "sourceCluster" || field.ends_with("_sourceCluster");
    if (!is_source || value.empty() || by_id(fleet_, value)) return value;
    const ClusterFacts* named = by_name(fleet_, value);
    if (!named) return value;
    if (named->id.empty()) {
      find("SourceClusterUnknown",
           fmt::format("key {}: cluster {} has not reported its id yet", key, value));
      return value;
    }
    return named->id;
  }

  const kube::Key& config_map_;
  const ClusterFacts& self_;
  const std::vector<ClusterFacts>& fleet_;
  const size_t users_;
  RestorePart result_;
};

}  // namespace

RestoreKey read_restore_key(std::string_view key, const std::vector<ClusterFacts>& fleet) {
  for (const std::string_view field : kFields) {
    if (key == field) return {"", std::string(field)};
    if (!key.ends_with(field) || key[key.size() - field.size() - 1] != '_') continue;
    const std::string_view front = key.substr(0, key.size() - field.size() - 1);
    if (front.empty()) return {};
    if (by_id(fleet, front)) return {std::string(front), std::string(field)};
    const size_t cut = front.rfind('_');
    const std::string_view last = cut == std::string_view::npos ? front : front.substr(cut + 1);
    if (!all_digits(last)) return {std::string(front), std::string(field)};
    const std::string_view owner = cut == std::string_view::npos ? "" : front.substr(0, cut);
    return {std::string(owner), fmt::format("{}_{}", last, field)};
  }
  return {};
}

RestorePart restore_part(const Json& data, const kube::Key& config_map, const ClusterFacts& self,
                         const std::vector<ClusterFacts>& fleet, size_t users) {
  Part part(config_map, self, fleet, users);
  // Keys with an id first: they win over keys without.
  for (const bool with_id : {true, false}) {
    for (const auto& [key, value] : data.members()) {
      if (read_restore_key(key, fleet).owner.empty() == with_id) continue;
      part.take(key, value.as_string());
    }
  }
  return part.finish();
}

}  // namespace breakwater::policy
