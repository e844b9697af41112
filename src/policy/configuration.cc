#include "policy/configuration.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"

namespace breakwater::policy {
namespace {

using kube::Object;

kube::Key config_key(const Object& policy) {
  return {policy.spec()["policyNamespace"].as_string(), policy.spec()["configName"].as_string()};
}

kube::Kind kind_named(const std::string& name, const kube::Kind& otherwise) {
  for (const kube::Kind& kind :
       {api::kConfigMap, api::kSecret, api::kNamespace, api::kManagedCluster, api::kClusterClaim,
        api::kPlacement, api::kPolicy, api::kVirtualMachine}) {
    if (kind.kind == name) return kind;
  }
  return otherwise;
}

}  // namespace

std::optional<Object> configuration_of(const Object& policy) {
  const Json& data = policy.spec()["config"];
  if (!data.is_object()) return std::nullopt;
  Object config = Object::make(api::kConfigMap, config_key(policy));
  config.set({"data"}, data);
  return config;
}

std::optional<Object> crons_of(const Object& policy) {
  const Json& data = policy.spec()["crons"];
  if (!data.is_object()) return std::nullopt;
  const std::string& name = policy.spec()["config"]["schedule_hub_config_name"].as_string();
  Object crons = Object::make(api::kConfigMap, {config_key(policy).ns, name});
  crons.set({"data"}, data);
  return crons;
}

std::string removal_of(const Object& policy) {
  const std::string& asked = policy.annotation(api::kRemovalAnnotation);
  if (!asked.empty()) return asked;
  const bool uninstall = policy.spec()["config"]["uninstall"].as_string() == "true";
  return std::string(uninstall ? api::kRemovalUninstalled : "");
}

std::vector<Finding> hub_findings(const Object& policy, const kube::Kind& policy_kind) {
  std::vector<Finding> findings;
  for (const Json& entry : policy.spec()["hubFindings"].items()) {
    const kube::Key object{entry["namespace"].as_string(), entry["name"].as_string()};
    findings.push_back({kind_named(entry["kind"].as_string(), policy_kind), object,
                        entry["reason"].as_string(), entry["message"].as_string()});
  }
  return findings;
}

Finding missing_configuration(const Object& policy) {
  const kube::Key key = config_key(policy);
  const std::string& cluster = policy.spec()["clusterName"].as_string();
  if (key.name.empty()) {
    return {api::kManagedCluster,
            {"", cluster},
            "MissingConfiguration",
            fmt::format("label {} is empty: it must name a ConfigMap in namespace {} of the hub",
                        api::kVirtConfigLabel, key.ns)};
  }
  return {api::kConfigMap, key, "MissingConfiguration",
          fmt::format("it does not exist on the hub, and label {} of ManagedCluster {} names it; "
                      "what exists on the cluster is left as it is",
                      api::kVirtConfigLabel, cluster)};
}

bool read_flag(const Object& config, std::string_view key, bool otherwise,
               std::vector<Finding>& findings) {
  const std::string& value = read_text(config, key);
  if (value.empty()) return otherwise;
  if (value == "true") return true;
  if (value == "false") return false;
  findings.push_back(
      wrong_value(config, key, fmt::format("is \"{}\": it must be \"true\" or \"false\"", value)));
  return otherwise;
}

const std::string& read_text(const Object& config, std::string_view key) {
  return config["data"][key].as_string();
}

Finding wrong_value(const Object& config, std::string_view key, std::string_view what) {
  return {api::kConfigMap, config.key(), "InvalidValue", fmt::format("{} {}", key, what)};
}

}  // namespace breakwater::policy
