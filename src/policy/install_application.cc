// The DataProtectionApplication: from dpa_spec to an object, and what its status says.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "base/yaml.h"
#include "kube/names.h"
#include "policy/configuration.h"
#include "policy/install_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;
using Weight = Finding::Weight;

constexpr std::string_view kSpecKey = "dpa_spec";
constexpr char kNotLookedAt[] =
    "it has no condition Reconciled yet: no backup engine that is running has looked at it";
// What OADP needs to save VMs.
constexpr std::string_view kNeededPlugins[] = {"csi", "openshift", "kubevirt"};

void wrong(const InstallPlan& plan, std::string_view what) {
  plan.evaluation.findings.push_back(wrong_value(plan.config, kSpecKey, what));
}

// What is wrong with entry `index` of backupLocations; "" if nothing that can be seen here.
std::string fault_of(const Json& entry, size_t index) {
  const Json& velero = entry["velero"];
  if (!velero.is_object()) {
    return fmt::format("backupLocations[{}].velero must be a mapping", index);
  }
  if (velero["provider"].as_string().empty()) {
    return fmt::format("backupLocations[{}].velero.provider must be given", index);
  }
  if (velero["objectStorage"]["bucket"].as_string().empty()) {
    return fmt::format("backupLocations[{}].velero.objectStorage.bucket must be given", index);
  }
  return "";
}

// Each cluster writes under a prefix of its own; what is only read stays as it is named.
Json with_cluster_prefix(Json spec, const std::string& cluster_id) {
  Json locations = spec["backupLocations"];
  for (size_t i = 0; i < locations.size(); ++i) {
    Json entry = locations[i];
    if (entry["velero"]["accessMode"].as_string() == "ReadOnly") continue;
    std::string prefix = entry["velero"]["objectStorage"]["prefix"].as_string();
    while (prefix.ends_with('/')) prefix.pop_back();
    prefix += (prefix.empty() ? "" : "/") + cluster_id;
    entry.set({"velero", "objectStorage", "prefix"}, prefix);
    locations.set_item(i, entry);
  }
  spec.set("backupLocations", locations);
  return spec;
}

// "Reconciled" of the DataProtectionApplication. True if it is.
bool check_reconciled(const InstallPlan& plan, const Object& application) {
  const Json& condition = kube::find_condition(application, "Reconciled");
  const std::string& status = condition["status"].as_string();
  if (status == "True") return true;
  if (status == "False") {
    plan.find(api::kDataProtectionApplication, application.key(), "NotReconciled",
              "its condition Reconciled is False: " + condition["message"].as_string());
  } else {
    plan.find(api::kDataProtectionApplication, application.key(), "NotReconciled", kNotLookedAt,
              plan.not_yet(application));
  }
  return false;
}

bool belongs_to(const Object& location, const Object& application) {
  const auto& owners = location.metadata()["ownerReferences"].items();
  return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
    return owner["uid"].as_string() == application.uid();
  });
}

void check_location(const InstallPlan& plan, const Object& location) {
  const std::string& phase = location.phase();
  if (phase == "Available") return;
  if (phase.empty()) {
    plan.find(api::kBackupStorageLocation, location.key(), "NotAvailable",
              "it has not been looked at yet", plan.not_yet(location));
    return;
  }
  const std::string& why = location.status()["message"].as_string();
  plan.find(api::kBackupStorageLocation, location.key(), "NotAvailable",
            "it is " + phase + (why.empty() ? "" : ": " + why));
}

void check_existing(const InstallPlan& plan, const Object& application) {
  if (check_reconciled(plan, application)) check_locations(plan, application);
}

// With the builtin engine there is one uploader.
void note_unused(const InstallPlan& plan, const Json& spec) {
  if (plan.choice.engine != api::kEngineBuiltin) return;
  const std::string& uploader = spec["configuration"]["nodeAgent"]["uploaderType"].as_string();
  if (uploader.empty()) return;
  plan.find(api::kConfigMap, plan.config.key(), "NotUsed",
            fmt::format("{}.configuration.nodeAgent.uploaderType {} is not used: engine builtin "
                        "writes restic repositories",
                        kSpecKey, uploader),
            Weight::kNotice);
}

}  // namespace

Json without_what_left(const Json& wanted, const Json& applied) {
  if (!wanted.is_object()) return wanted;
  Json patch = wanted;
  for (const auto& [name, member] : applied.members()) {
    const Json* there = wanted.find(name);
    patch.set(name, there == nullptr ? Json() : without_what_left(*there, member));
  }
  return patch;
}

Json read_application_spec(const InstallPlan& plan) {
  const std::string& text = read_text(plan.config, kSpecKey);
  if (text.empty()) {
    wrong(plan, "is missing: it must hold the spec of the DataProtectionApplication");
    return {};
  }
  const auto documents = parse_yaml(text);
  if (!documents) {
    wrong(plan, "is not YAML: " + documents.error().message());
    return {};
  }
  if (documents->size() != 1 || !documents->front().is_object()) {
    wrong(plan, "must be one mapping, the spec of the DataProtectionApplication");
    return {};
  }
  Json spec = documents->front();
  const auto& locations = spec["backupLocations"].items();
  if (locations.empty()) wrong(plan, "must have at least one entry in backupLocations");
  for (size_t i = 0; i < locations.size(); ++i) {
    const std::string fault = fault_of(locations[i], i);
    if (fault.empty()) continue;
    wrong(plan, fault);
    return {};
  }
  if (locations.empty()) return {};
  note_unused(plan, spec);
  const bool by_default = plan.choice.engine == api::kEngineBuiltin;
  if (!read_flag(plan.config, "prefixPerCluster", by_default, plan.evaluation.findings))
    return spec;
  return with_cluster_prefix(std::move(spec), plan.inputs.cluster_id);
}

void plan_application(const InstallPlan& plan, const Json& spec) {
  const std::string& name = read_text(plan.config, "dpa_name");
  const kube::Key key{plan.choice.ns, name};
  if (!kube::is_dns_subdomain(name)) {
    plan.evaluation.findings.push_back(
        wrong_value(plan.config, "dpa_name",
                    fmt::format("is \"{}\": it must name the DataProtectionApplication", name)));
    return;
  }
  if (!plan.inputs.serves_application) {
    plan.find(api::kDataProtectionApplication, key, "NotServed",
              "the cluster does not know the kind yet: what installs it is not done",
              Weight::kPending);
    return;
  }
  const Object* live = find_named(plan.inputs.applications, name);
  if (!spec.is_null()) {
    const std::string text = to_json(spec);
    Json applied;
    if (live != nullptr) {
      applied = parse_json(live->annotation(api::kAppliedAnnotation)).value_or(Json());
    }
    Object application = Object::make(api::kDataProtectionApplication, key);
    application.set_annotation(api::kAppliedAnnotation, text);
    application.set({"spec"}, without_what_left(spec, applied));
    plan.ensure(api::kDataProtectionApplication, std::move(application), {},
                creation_mark(plan.inputs.policy.key()));
  }
  if (live != nullptr) {
    check_existing(plan, *live);
  } else if (!spec.is_null()) {
    plan.find(api::kDataProtectionApplication, key, "NotReconciled", kNotLookedAt,
              Weight::kPending);
  }
}

void check_locations(const InstallPlan& plan, const Object& application) {
  const std::string& asked = read_text(plan.config, "storageLocation");
  bool has_default = false, has_asked = false;
  for (const Object& location : plan.inputs.locations) {
    if (!belongs_to(location, application)) continue;
    has_default = has_default || location.spec()["default"].as_bool();
    has_asked = has_asked || location.name() == asked;
    check_location(plan, location);
  }
  if (!asked.empty() && !has_asked) {
    plan.evaluation.findings.push_back(
        wrong_value(plan.config, "storageLocation",
                    fmt::format("names \"{}\": DataProtectionApplication {} has no such location",
                                asked, application.key().to_string())));
  } else if (asked.empty() && !has_default) {
    plan.find(api::kDataProtectionApplication, application.key(), "NoDefaultLocation",
              "none of its BackupStorageLocations has default: true, and the configuration names "
              "none in storageLocation",
              plan.not_yet(application));
  }
}

void plan_hub_application(const InstallPlan& plan) {
  if (plan.inputs.applications.empty()) {
    plan.find(api::kDataProtectionApplication, {plan.choice.ns, "*"}, "Missing",
              "there is none in namespace " + plan.choice.ns +
                  ": create it there, as backing up the hub asks for");
    return;
  }
  if (plan.inputs.applications.size() > 1) {
    plan.find(api::kDataProtectionApplication, plan.inputs.applications[1].key(), "Several",
              "there is more than one in the namespace: OADP works with one");
  }
  const Object& live = plan.inputs.applications.front();
  Json plugins = live.spec()["configuration"]["velero"]["defaultPlugins"];
  std::set<std::string> there;
  for (const Json& plugin : plugins.items()) there.insert(plugin.as_string());
  for (std::string_view plugin : kNeededPlugins) {
    if (!there.contains(std::string(plugin))) plugins.push_back(plugin);
  }
  Object application = Object::make(api::kDataProtectionApplication, live.key());
  application.set({"spec", "configuration", "velero", "defaultPlugins"}, plugins);
  application.set({"spec", "configuration", "nodeAgent", "enable"}, true);
  application.set({"spec", "configuration", "nodeAgent", "uploaderType"}, "kopia");
  plan.evaluation.desired.push_back({api::kDataProtectionApplication,
                                     std::move(application),
                                     Desired::Mode::kPatch,
                                     {},
                                     {},
                                     true});
  check_existing(plan, live);
}

}  // namespace breakwater::policy
