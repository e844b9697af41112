// Copies of the hub's ConfigMaps and Secret.
#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/configuration.h"
#include "policy/install_parts.h"

namespace breakwater::policy {
namespace {

using kube::Object;

void copy(const InstallPlan& plan, std::string_view name, const Json& data) {
  Object config = Object::make(api::kConfigMap, {plan.choice.ns, std::string(name)});
  config.set({"data"}, data);
  plan.ensure(api::kConfigMap, std::move(config), {"data"},
              creation_mark(plan.inputs.policy.key()));
}

// The Secret's name on the hub, for people.
std::string hub_secret(const InstallPlan& plan) {
  const std::string& name = read_text(plan.config, "credentials_hub_secret_name");
  const std::string& other = read_text(plan.config, "credentials_name");
  return fmt::format("Secret {}/{} of the hub", plan.config.ns(), name.empty() ? other : name);
}

bool locations_need_credentials(const Json& application_spec) {
  for (const Json& entry : application_spec["backupLocations"].items()) {
    if (!entry["velero"]["credential"]["name"].as_string().empty()) return true;
  }
  return false;
}

void plan_credentials(const InstallPlan& plan, const Json& application_spec) {
  const std::string& name = read_text(plan.config, "credentials_name");
  const kube::Key key{plan.choice.ns, name};
  if (name.empty()) {
    if (locations_need_credentials(application_spec)) {
      plan.evaluation.findings.push_back(wrong_value(
          plan.config, "credentials_name",
          "is missing: it must name the Secret that dpa_spec.backupLocations[].velero.credential "
          "means"));
    }
    return;
  }
  if (!plan.inputs.credentials) {
    // A copy that is there keeps working: a Secret that vanished on the hub takes nothing away.
    if (find_named(plan.inputs.secrets, name) == nullptr) {
      plan.find(api::kSecret, key, "MissingSecret",
                "it does not exist, and " + hub_secret(plan) +
                    " has not come to this cluster: create it there");
    }
    return;
  }
  const Object* live = find_named(plan.inputs.secrets, name);
  Object secret = Object::make(api::kSecret, key);
  secret.set({"data"}, (*plan.inputs.credentials)["data"]);
  Json at_creation = creation_mark(plan.inputs.policy.key());
  at_creation.set("type", (*plan.inputs.credentials)["type"].as_string_or("Opaque"));
  std::vector<std::string> whole;
  if (live == nullptr || plan.ours(*live)) whole.push_back("data");
  plan.ensure(api::kSecret, std::move(secret), std::move(whole), std::move(at_creation));
}

// Whether anything on this cluster reads or writes a restic repository.
bool needs_password(const InstallPlan& plan, const Json& application_spec) {
  return plan.choice.engine == api::kEngineBuiltin ||
         read_text(plan.config, "datamover") == api::kDataMoverName ||
         application_spec["features"]["dataMover"]["enable"].as_bool();
}

void plan_password(const InstallPlan& plan, const Json& application_spec) {
  if (!needs_password(plan, application_spec)) return;
  const std::string name =
      application_spec["features"]["dataMover"]["credentialName"].as_string_or("");
  const kube::Key key{plan.choice.ns, name.empty() ? std::string(api::kRepositorySecret) : name};
  if (key.name == read_text(plan.config, "credentials_name")) return;  // one Secret for both
  const Json password = plan.inputs.credentials
                            ? (*plan.inputs.credentials)["data"][api::kRepositoryPasswordKey]
                            : Json();
  const Object* live = find_named(plan.inputs.secrets, key.name);
  const std::string known =
      live == nullptr ? "" : (*live)["data"][api::kRepositoryPasswordKey].as_string();
  if (!known.empty()) {
    if (password.as_string().empty() || password.as_string() == known) return;
    plan.find(api::kSecret, key, "PasswordDiffers",
              fmt::format("its {0} is not the one in {1}; the repositories were made with what is "
                          "here, so it stays: put it into {1}, or delete this Secret to go on with "
                          "the other",
                          api::kRepositoryPasswordKey, hub_secret(plan)));
    return;
  }
  if (password.as_string().empty()) {
    plan.find(api::kSecret, key, "MissingPassword",
              fmt::format("it has no {}, and neither has {}: put it there",
                          api::kRepositoryPasswordKey, hub_secret(plan)));
    return;
  }
  Object secret = Object::make(api::kSecret, key);
  secret.set({"data", api::kRepositoryPasswordKey}, password);
  plan.ensure(api::kSecret, std::move(secret), {}, creation_mark(plan.inputs.policy.key()));
}

}  // namespace

void plan_copies(const InstallPlan& plan) {
  copy(plan, api::kConfigCopy, plan.config["data"]);
  if (const auto crons = crons_of(plan.inputs.policy)) {
    copy(plan, api::kScheduleCronCopy, (*crons)["data"]);
  }
}

void plan_secrets(const InstallPlan& plan, const Json& application_spec) {
  plan_credentials(plan, application_spec);
  plan_password(plan, application_spec);
}

}  // namespace breakwater::policy
