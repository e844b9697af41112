#include "policy/resolve.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/bindings.h"
#include "policy/restore_keys.h"

namespace breakwater::policy {
namespace {

using kube::Key;
using kube::Object;

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::string_view kTriggerUpdate = "policy.open-cluster-management.io/trigger-update";
constexpr std::string_view kOurAnnotations = "breakwater.dev/";
constexpr std::string_view kPolicyGroup = "policy.open-cluster-management.io";

bool is_template(const Json& definition, const kube::Kind& kind) {
  return definition["kind"].as_string() == kind.kind &&
         definition["apiVersion"].as_string().starts_with(std::string(kind.group) + "/");
}

// Null if there is none.
Json find_template(const Object& policy, const kube::Kind& kind) {
  for (const Json& entry : policy.spec()["policy-templates"].items()) {
    if (is_template(entry["objectDefinition"], kind)) return entry["objectDefinition"];
  }
  return {};
}

Json only_strings(const Json& data) {
  Json result = Json::object();
  for (const auto& [key, value] : data.members()) {
    if (value.is_string()) result.set(key, value);
  }
  return result;
}

// The configuration of one cluster for one of our kinds.
class Configuration {
 public:
  Configuration(const ResolveInputs& inputs, const kube::Kind& kind) : inputs_(inputs) {
    if (inputs.replica) last_ = Json(find_template(*inputs.replica, kind)["spec"]);
    name_ = inputs.cluster.label(api::kVirtConfigLabel);
    if (const Object* found = find_map(name_)) {
      data_ = only_strings((*found)["data"]);
    } else {
      data_ = last_["config"];
      find_missing_label();
    }
  }

  const std::string& name() const { return name_; }
  // Null if it was never there.
  const Json& data() const { return data_; }
  const Json& last() const { return last_; }
  std::vector<Finding>& findings() { return findings_; }
  std::string text(std::string_view key) const { return data_[key].as_string(); }

  // Data of the ConfigMap that `key` names; else what stands in `field` of the last template.
  Json named(std::string_view key, std::string_view field, std::string_view what) {
    const std::string map = text(key);
    if (const Object* found = find_map(map)) return only_strings((*found)["data"]);
    if (!data_.is_null()) find_missing(key, map, what);
    return last_[field];
  }

  void find(const kube::Kind& kind, Key key, std::string reason, std::string message) {
    findings_.push_back({kind, std::move(key), std::move(reason), std::move(message)});
  }
  Key in_namespace(const std::string& name) const { return {inputs_.root.ns(), name}; }

  const Object* find_map(const std::string& name) const {
    for (const Object& map : inputs_.config_maps) {
      if (map.name() == name && !name.empty()) return &map;
    }
    return nullptr;
  }

 private:
  std::string consequence(bool kept) const {
    return kept ? "; until then what it said last stays in force"
                : "; until then nothing is set up from it";
  }

  void find_missing_label() {
    const Key cluster = inputs_.cluster.key();
    const std::string tail = consequence(!data_.is_null());
    if (name_.empty()) {
      find(api::kManagedCluster, cluster, "ConfigurationNotNamed",
           fmt::format("label {} {}: it must name a ConfigMap of namespace {}{}",
                       api::kVirtConfigLabel,
                       inputs_.cluster.has_label(api::kVirtConfigLabel) ? "is empty" : "is missing",
                       inputs_.root.ns(), tail));
      return;
    }
    find(api::kConfigMap, in_namespace(name_), "ConfigurationMissing",
         fmt::format("ConfigMap {} does not exist in namespace {}: create it, or correct label {} "
                     "of ManagedCluster {}{}",
                     name_, inputs_.root.ns(), api::kVirtConfigLabel, cluster.name, tail));
  }

  void find_missing(std::string_view key, const std::string& map, std::string_view what) {
    if (map.empty()) {
      find(api::kConfigMap, in_namespace(name_), "KeyMissing",
           fmt::format("key {} is missing: it must name the ConfigMap of namespace {} with {}", key,
                       inputs_.root.ns(), what));
      return;
    }
    find(api::kConfigMap, in_namespace(map), "ConfigMapMissing",
         fmt::format("ConfigMap {} does not exist in namespace {}: create it with {}, or correct "
                     "key {} of ConfigMap {}",
                     map, inputs_.root.ns(), what, key, name_));
  }

  const ResolveInputs& inputs_;
  Json last_;
  std::string name_;
  Json data_;
  std::vector<Finding> findings_;
};

std::string secret_name(const Configuration& config) {
  const std::string name = config.text("credentials_hub_secret_name");
  return name.empty() ? config.text("credentials_name") : name;
}

// OADP keeps a password of its own; ours is needed by our engine and our mover.
bool needs_password(const Configuration& config) {
  return config.text("engine") != api::kEngineOadp ||
         config.text("datamover") == api::kDataMoverName;
}

Json findings_json(const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back(Json::object({{"kind", finding.kind.kind},
                                 {"namespace", finding.object.ns},
                                 {"name", finding.object.name},
                                 {"reason", finding.reason},
                                 {"message", finding.message}}));
  }
  return list;
}

void set_or_erase(Json& spec, std::string_view name, Json value) {
  if (value.is_null()) {
    spec.erase(name);
  } else {
    spec.set(name, std::move(value));
  }
}

class Resolver {
 public:
  explicit Resolver(const ResolveInputs& inputs) : inputs_(inputs) {}

  Json fill(Json definition) {
    if (is_template(definition, api::kVirtInstallPolicy)) fill_install(definition);
    if (is_template(definition, api::kVirtBackupPolicy)) fill_backup(definition);
    if (is_template(definition, api::kVirtRestorePolicy)) fill_restore(definition);
    return definition;
  }

 private:
  void fill_common(Json& spec, Configuration& config) {
    spec.set("clusterName", inputs_.cluster.name());
    spec.set("policyNamespace", inputs_.root.ns());
    spec.set("configName", config.name());
    set_or_erase(spec, "config", config.data());
    spec.set("hubFindings", findings_json(config.findings()));
  }

  void fill_install(Json& definition) {
    Configuration config(inputs_, api::kVirtInstallPolicy);
    Json spec = definition["spec"];
    set_or_erase(spec, "crons", crons(config));
    set_or_erase(spec, "credentials", credentials(config));
    fill_common(spec, config);
    definition.set("spec", std::move(spec));
  }

  // The password's escrow is said here and not by the install policy: it must not keep the first
  // backup from being made.
  void fill_backup(Json& definition) {
    Configuration config(inputs_, api::kVirtBackupPolicy);
    Json spec = definition["spec"];
    set_or_erase(spec, "crons", crons(config));
    if (inputs_.secret.generated && needs_password(config) &&
        config.text("passwordEscrowed") != "true") {
      config.find(
          api::kSecret, config.in_namespace(secret_name(config)), "PasswordNotEscrowed",
          fmt::format("key {} was generated: without it no backup can ever be read, so keep a copy "
                      "outside of this hub, then set passwordEscrowed: \"true\" in ConfigMap {}",
                      api::kRepositoryPasswordKey, config.name()));
    }
    fill_common(spec, config);
    definition.set("spec", std::move(spec));
  }

  void fill_restore(Json& definition) {
    Configuration config(inputs_, api::kVirtRestorePolicy);
    Json spec = definition["spec"];
    set_or_erase(spec, "restore", restore(config));
    fill_common(spec, config);
    definition.set("spec", std::move(spec));
  }

  Json crons(Configuration& config) const {
    return config.named("schedule_hub_config_name", "crons", "the crons by name");
  }

  Json credentials(Configuration& config) const {
    const Json& last = config.last()["credentials"];
    const std::string name = secret_name(config);
    const SecretState& secret = inputs_.secret;
    if (config.data().is_null()) return last;
    if (name.empty()) {
      config.find(api::kConfigMap, config.in_namespace(config.name()), "KeyMissing",
                  fmt::format("key credentials_hub_secret_name is missing: it must name the Secret "
                              "of namespace {} that opens the object store",
                              inputs_.root.ns()));
      return last;
    }
    const Key key = config.in_namespace(name);
    if (!secret.found) {
      config.find(api::kSecret, key, "SecretMissing",
                  fmt::format("Secret {} does not exist in namespace {}: create it, or correct key "
                              "credentials_hub_secret_name of ConfigMap {}",
                              name, inputs_.root.ns(), config.name()));
      return last;
    }
    if (secret.password_lost) {
      config.find(api::kSecret, key, "RepositoryPasswordMissing",
                  fmt::format("key {} has gone: put back the password that the repositories were "
                              "made with; clusters keep the Secret that they have",
                              api::kRepositoryPasswordKey));
      return last;
    }
    if (!secret.copy_problem.empty()) {
      config.find(api::kSecret, {inputs_.cluster.name(), name}, "SecretNotCopied",
                  secret.copy_problem);
      return last;
    }
    return Json::object({{"name", name}, {"hash", secret.hash}});
  }

  static size_t users_of(const Configuration& config, const std::string& map,
                         const std::vector<ClusterFacts>& fleet) {
    size_t users = 0;
    for (const ClusterFacts& cluster : fleet) {
      const Object* theirs = config.find_map(cluster.config);
      if (theirs && (*theirs)["data"]["restore_hub_config_name"].as_string() == map) ++users;
    }
    return std::max<size_t>(users, 1);
  }

  Json restore(Configuration& config) const {
    const std::string map = config.text("restore_hub_config_name");
    const Object* found = config.find_map(map);
    if (!found) {
      return config.named("restore_hub_config_name", "restore",
                          "what to restore (empty data: nothing)");
    }
    const Json& data = (*found)["data"];
    if (data.empty()) return Json::object();
    const ClusterFacts self = facts_of({inputs_.cluster}).front();
    const std::vector<ClusterFacts> fleet = facts_of(inputs_.clusters);
    RestorePart part = restore_part(data, found->key(), self, fleet, users_of(config, map, fleet));
    for (Finding& finding : part.findings) config.findings().push_back(std::move(finding));
    return part.id_needed ? config.last()["restore"] : std::move(part.restore);
  }

  const ResolveInputs& inputs_;
};

// Names of Policies and members of PolicySets as they are called on the cluster.
Json canonical_dependencies(const Json& dependencies, const ResolveInputs& inputs) {
  Json result = Json::array();
  for (const Json& dependency : dependencies.items()) {
    const std::string& kind = dependency["kind"].as_string();
    const bool of_policies = dependency["apiVersion"].as_string().starts_with(kPolicyGroup);
    if (!of_policies || (kind != "Policy" && kind != "PolicySet")) {
      result.push_back(dependency);
      continue;
    }
    const std::string ns = dependency["namespace"].as_string_or(inputs.root.ns());
    std::vector<std::string> names{dependency["name"].as_string()};
    if (kind == "PolicySet") {
      const std::string set_name = names.front();
      names.clear();
      for (const Object& set : inputs.policy_sets) {
        if (set.key() == Key{ns, set_name}) names = members_of(set);
      }
    }
    for (const std::string& name : names) {
      Json entry = dependency;
      entry.set("apiVersion", api::kPolicy.api_version());
      entry.set("kind", "Policy");
      entry.set("name", replica_name({ns.empty() ? inputs.root.ns() : ns, name}));
      entry.erase("namespace");
      result.push_back(std::move(entry));
    }
  }
  return result;
}

Json copied(const Json& entries, bool all) {
  Json result = Json::object();
  for (const auto& [name, value] : entries.members()) {
    const bool never =
        name == kLastApplied || name == kTriggerUpdate || name.starts_with(kOurAnnotations);
    const bool governance = name.starts_with(std::string(kPolicyGroup) + "/");
    if (!never && (all || governance)) result.set(name, value);
  }
  return result;
}

Json spec_of(const ResolveInputs& inputs) {
  Json spec = inputs.root.spec();
  spec.set("disabled", false);
  const std::string& action = spec["remediationAction"].as_string();
  if (inputs.enforce && action != "enforce" && action != "Enforce") {
    spec.set("remediationAction", "enforce");
  }
  if (spec.has("dependencies")) {
    spec.set("dependencies", canonical_dependencies(spec["dependencies"], inputs));
  }
  Resolver resolver(inputs);
  Json templates = Json::array();
  for (Json entry : spec["policy-templates"].items()) {
    entry.set("objectDefinition", resolver.fill(entry["objectDefinition"]));
    if (entry.has("extraDependencies")) {
      entry.set("extraDependencies", canonical_dependencies(entry["extraDependencies"], inputs));
    }
    templates.push_back(std::move(entry));
  }
  spec.set("policy-templates", std::move(templates));
  return spec;
}

}  // namespace

std::string replica_name(const Key& root) { return root.ns + "." + root.name; }

std::optional<Key> root_of(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return std::nullopt;
  return Key{std::string(name.substr(0, dot)), std::string(name.substr(dot + 1))};
}

bool is_replica(const Object& policy) { return policy.has_label(api::kRootPolicyLabel); }

bool has_template(const Object& policy, const kube::Kind& kind) {
  return find_template(policy, kind).is_object();
}

bool has_virt_template(const Object& policy) {
  return has_template(policy, api::kVirtInstallPolicy) ||
         has_template(policy, api::kVirtBackupPolicy) ||
         has_template(policy, api::kVirtRestorePolicy);
}

bool has_findings(const Object& replica) {
  const auto& templates = replica.spec()["policy-templates"].items();
  return std::any_of(templates.begin(), templates.end(), [](const Json& entry) {
    return !entry["objectDefinition"]["spec"]["hubFindings"].empty();
  });
}

std::optional<SecretWanted> secret_wanted(const ResolveInputs& inputs) {
  const bool installs = has_template(inputs.root, api::kVirtInstallPolicy);
  if (!installs && !has_template(inputs.root, api::kVirtBackupPolicy)) return std::nullopt;
  const Configuration config(inputs, installs ? api::kVirtInstallPolicy : api::kVirtBackupPolicy);
  const std::string name = secret_name(config);
  if (name.empty()) return std::nullopt;
  return SecretWanted{name, installs && needs_password(config)};
}

Object resolve(const ResolveInputs& inputs) {
  const std::string name = replica_name(inputs.root.key());
  const std::string& cluster = inputs.cluster.name();
  Object replica = Object::make(api::kPolicy, {cluster, name});
  const bool all = inputs.root.spec()["copyPolicyMetadata"].as_bool(true);
  replica.set({"metadata", "labels"}, copied(inputs.root.metadata()["labels"], all));
  replica.set({"metadata", "annotations"}, copied(inputs.root.metadata()["annotations"], all));
  replica.set_label(api::kRootPolicyLabel, name);
  replica.set_label(api::kPolicyClusterNameLabel, cluster);
  replica.set_label(api::kPolicyClusterNamespaceLabel, cluster);
  replica.set_annotation(api::kArgoCompareAnnotation, api::kArgoIgnoreExtraneous);
  replica.set({"spec"}, spec_of(inputs));
  return replica;
}

}  // namespace breakwater::policy
