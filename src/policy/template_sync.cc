#include "policy/template_sync.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "policy/policy_status.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr Duration kDependencies = std::chrono::seconds(15);
constexpr std::array kTemplateKinds = {api::kVirtInstallPolicy, api::kVirtBackupPolicy,
                                       api::kVirtRestorePolicy};

const kube::Kind* find_kind(const Json& definition) {
  const Object object(definition);
  for (const kube::Kind& kind : kTemplateKinds) {
    if (object.is(kind)) return &kind;
  }
  return nullptr;
}

std::string template_error(std::string_view text) {
  return fmt::format("NonCompliant; template-error; {}", text);
}

std::string name_of(const Json& definition) {
  return definition.at({"metadata", "name"}).as_string();
}

// The first member of `wanted` that `stored` lacks: the API server dropped it as unknown.
std::string dropped_member(const Json& wanted, const Json& stored, const std::string& path) {
  for (const auto& [name, value] : wanted.members()) {
    const std::string here = path + "." + name;
    if (!stored.has(name)) {
      if (value.is_null()) continue;
      return here;
    }
    if (!value.is_object()) continue;
    if (std::string inside = dropped_member(value, stored[name], here); !inside.empty()) {
      return inside;
    }
  }
  return "";
}

bool carried_out(const Object& object, const std::string& removal) {
  return object.annotation(api::kRemovalAnnotation) == removal &&
         object.status()["removed"].as_string() == removal;
}

// Sets it to the Policy's value; whether that is a change.
bool set_removal(Object& object, const std::string& removal) {
  if (object.annotation(api::kRemovalAnnotation) == removal) return false;
  if (removal.empty()) {
    object.erase({"metadata", "annotations", api::kRemovalAnnotation});
  } else {
    object.set_annotation(api::kRemovalAnnotation, removal);
  }
  return true;
}

// "Kind name", sorted.
std::string pending_text(std::vector<std::string> unmet) {
  std::sort(unmet.begin(), unmet.end());
  return fmt::format("Dependencies were not satisfied: {} {} still pending ({})", unmet.size(),
                     unmet.size() == 1 ? "is" : "are", fmt::join(unmet, ", "));
}

class TemplateSync final : public kube::Reconciler {
 public:
  explicit TemplateSync(TemplateSyncServices services) : services_(std::move(services)) {}

  kube::Outcome reconcile(const kube::Key& key) override {
    auto found = services_.reader.get(api::kPolicy, key);
    if (!found && found.error().is(Code::kNotFound)) return kube::Outcome::done();
    const Object policy = TRY(std::move(found));
    if (policy.is_deleting() || !policy.has_label(api::kRootPolicyLabel)) {
      return kube::Outcome::done();
    }
    TRY(pass_removal_on(policy));
    const std::vector<TemplateState> states = TRY(sync_all(policy));
    TRY(remove_strays(policy));
    TRY(ask_to_speak(policy, states));
    TRY(write_status(policy, states));
    TRY(acknowledge(policy, states));
    // What a template waits for may be of another Policy, whose changes do not wake this one.
    const bool waits = std::any_of(states.begin(), states.end(), [](const TemplateState& state) {
      return state.message.find("Dependencies were not satisfied") != std::string::npos;
    });
    return waits ? kube::Outcome::again_after(kDependencies) : kube::Outcome::done();
  }

 private:
  Result<std::vector<TemplateState>> sync_all(const Object& policy) {
    const auto& templates = policy.spec()["policy-templates"].items();
    std::map<std::string, int> names;
    for (const Json& item : templates) ++names[name_of(item["objectDefinition"])];
    std::vector<TemplateState> states;
    for (const Json& item : templates) {
      const Json& definition = item["objectDefinition"];
      TemplateState state;
      state.name = name_of(definition);
      if (names[state.name] > 1) {
        state.message = template_error("All policy-template names must be unique within a policy");
      } else {
        TRY(sync_one(policy, item, state));
      }
      states.push_back(std::move(state));
    }
    return states;
  }

  // An error passes by itself; what does not becomes the state's message.
  Result<> sync_one(const Object& policy, const Json& item, TemplateState& state) {
    const Json& definition = item["objectDefinition"];
    const kube::Kind* kind = find_kind(definition);
    if (kind == nullptr) {
      state.message = template_error(
          fmt::format("policy-template kind is not supported: {}, Kind={}",
                      definition["apiVersion"].as_string(), definition["kind"].as_string()));
      return {};
    }
    auto live = services_.reader.get(*kind, {policy.ns(), state.name});
    if (!live && !live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
    if (live) state.object = *live;
    if (const std::string foreign = owned_elsewhere(policy, *kind, state); !foreign.empty()) {
      state.object.reset();
      state.message = template_error(foreign);
      return {};
    }
    const std::string& unresolved =
        definition.at({"metadata", "annotations", api::kHubTemplatesErrorAnnotation}).as_string();
    if (!unresolved.empty()) {
      state.message = template_error(unresolved);
      return {};
    }
    const auto unmet = TRY(unmet_dependencies(policy, item));
    if (!unmet.empty()) {
      const bool ignored = item["ignorePending"].as_bool();
      state.message = (ignored ? "Compliant; " : "Pending; ") + pending_text(unmet);
      if (ignored) state.message += " but ignorePending is true";
      return {};
    }
    return write(policy, *kind, definition, state);
  }

  // Of the Policy and of one of its templates. A removal waits for nobody.
  Result<std::vector<std::string>> unmet_dependencies(const Object& policy, const Json& item) {
    std::vector<std::string> unmet;
    if (!policy.annotation(api::kRemovalAnnotation).empty()) return unmet;
    for (const Json* list : {&policy.spec()["dependencies"], &item["extraDependencies"]}) {
      for (const Json& dependency : list->items()) {
        if (TRY(is_met(policy, dependency))) continue;
        unmet.push_back(dependency["kind"].as_string() + " " + dependency["name"].as_string());
      }
    }
    return unmet;
  }

  // Only Policies and our templates, beside this Policy; what is anything else is never met.
  Result<bool> is_met(const Object& policy, const Json& dependency) {
    const Object wanted(dependency);
    const kube::Kind* kind = wanted.is(api::kPolicy) ? &api::kPolicy : find_kind(dependency);
    if (kind == nullptr) return false;
    auto found = services_.reader.get(*kind, {policy.ns(), dependency["name"].as_string()});
    if (!found && found.error().is(Code::kNotFound)) return false;
    const Object object = TRY(std::move(found));
    return object.status()["compliant"] == dependency["compliance"];
  }

  static std::string owned_elsewhere(const Object& policy, const kube::Kind& kind,
                                     const TemplateState& state) {
    if (!state.object) return "";
    const std::string& owner = state.object->label(api::kPolicyLabel);
    if (owner == policy.name()) return "";
    return fmt::format(
        "Template name must be unique. Policy template with kind: {} name: {} already exists {}",
        kind.kind, state.name, owner.empty() ? "outside of a Policy" : "in policy " + owner);
  }

  Result<> write(const Object& policy, const kube::Kind& kind, const Json& definition,
                 TemplateState& state) {
    auto wanted = template_object(policy, definition, state.object ? &*state.object : nullptr);
    if (!wanted) {
      state.message = template_error(wanted.error().message());
      return {};
    }
    if (state.object && *state.object == *wanted) return {};
    auto stored = state.object ? services_.client.update(kind, *wanted)
                               : services_.client.create(kind, *wanted);
    if (!stored) return refused(stored.error(), state);
    state.object = *stored;
    const std::string dropped = dropped_member(wanted->spec(), stored->spec(), "spec");
    if (!dropped.empty()) {
      state.message = template_error(fmt::format(
          "Failed to create policy template: unknown field \"{}\" in {}", dropped, kind.kind));
    }
    return {};
  }

  static Result<> refused(const Error& error, TemplateState& state) {
    if (error.is(Code::kNotFound)) {
      state.message = template_error("Mapping not found, check if you have the CRD deployed: " +
                                     error.message());
      return {};
    }
    if (!error.is(Code::kInvalid)) return tl::unexpected(error);
    state.message = template_error("Failed to create policy template: " + error.message());
    return {};
  }

  // To all objects of the Policy, whatever is wrong with its templates. The answer to an earlier
  // removal must not be taken for that to a later one.
  Result<> pass_removal_on(const Object& policy) {
    const std::string& removal = policy.annotation(api::kRemovalAnnotation);
    for (const kube::Kind& kind : kTemplateKinds) {
      for (Object& object : objects_of(policy, kind)) {
        if (object.annotation(api::kRemovalAnnotation) == removal) continue;
        if (!object.status()["removed"].as_string().empty()) {
          Json patch = Json::object();
          patch.set({"metadata", "resourceVersion"}, object.resource_version());
          patch.set({"status", "removed"}, Json());
          object = TRY(
              services_.client.patch(kind, object.key(), kube::PatchType::kMerge, patch, "status"));
        }
        set_removal(object, removal);
        TRY(services_.client.update(kind, object));
      }
    }
    return {};
  }

  // A kind that is not served has none.
  std::vector<Object> objects_of(const Object& policy, const kube::Kind& kind) {
    return services_.reader
        .list(kind, policy.ns(), kube::LabelSelector::equals(api::kPolicyLabel, policy.name()))
        .value_or(std::vector<Object>());
  }

  // Objects of templates that have left the Policy. Their controllers remove nothing with them.
  Result<> remove_strays(const Object& policy) {
    std::set<std::pair<std::string_view, std::string>> wanted;
    for (const Json& item : policy.spec()["policy-templates"].items()) {
      const kube::Kind* kind = find_kind(item["objectDefinition"]);
      if (kind != nullptr) wanted.emplace(kind->kind, name_of(item["objectDefinition"]));
    }
    for (const kube::Kind& kind : kTemplateKinds) {
      for (const Object& object : objects_of(policy, kind)) {
        if (object.is_deleting() || wanted.contains({kind.kind, object.name()})) continue;
        TRY(kube::remove_if_exists(services_.client, kind, object.key(),
                                   {.uid = object.uid(), .resource_version = ""}));
      }
    }
    return {};
  }

  Result<> ask_to_speak(const Object& policy, const std::vector<TemplateState>& states) {
    for (const TemplateState& state : states) {
      if (!must_speak_again(policy, state)) continue;
      Json patch = Json::object();
      patch.set({"status", "compliant"}, Json());
      TRY(services_.client.patch(*find_kind(state.object->json()), state.object->key(),
                                 kube::PatchType::kMerge, patch, "status"));
    }
    return {};
  }

  Result<> write_status(const Object& policy, const std::vector<TemplateState>& states) {
    const Json status = policy_status(policy, states, services_.clock.now());
    if (status == policy.status()) return {};
    Object next = policy;
    next.set({"status"}, status);
    TRY(services_.client.update_status(api::kPolicy, next));
    return {};
  }

  Result<> acknowledge(const Object& policy, const std::vector<TemplateState>& states) {
    const std::string& removal = policy.annotation(api::kRemovalAnnotation);
    if (removal.empty() || policy.annotation(api::kRemovalDoneAnnotation) == removal) return {};
    for (const TemplateState& state : states) {
      // What could never be created has nothing to remove.
      if (state.object ? !carried_out(*state.object, removal) : state.message.empty()) return {};
    }
    for (const kube::Kind& kind : kTemplateKinds) {
      for (const Object& object : objects_of(policy, kind)) {
        if (!carried_out(object, removal)) return {};
      }
    }
    auto edited = kube::edit(services_.client, api::kPolicy, policy.key(), false,
                             [&](Object& live) -> Result<bool> {
                               if (live.uid() != policy.uid()) return false;
                               if (live.annotation(api::kRemovalAnnotation) != removal)
                                 return false;
                               live.set_annotation(api::kRemovalDoneAnnotation, removal);
                               return true;
                             });
    if (!edited) return tl::unexpected(edited.error());
    services_.log.info("a removal is complete",
                       {{"policy", policy.key().to_string()}, {"removal", removal}});
    return {};
  }

  const TemplateSyncServices services_;
};

std::vector<kube::Key> policy_of(const Object& object) {
  const std::string& name = object.label(api::kPolicyLabel);
  if (name.empty()) return {};
  return {{object.ns(), name}};
}

}  // namespace

Result<Object> template_object(const Object& policy, const Json& definition, const Object* live) {
  if (name_of(definition).empty()) {
    return fail(Code::kInvalid, "metadata.name of a policy template is empty");
  }
  Object wanted = live != nullptr ? *live : Object(definition);
  if (live == nullptr) wanted.erase({"status"});
  wanted.set({"metadata", "namespace"}, policy.ns());
  const auto& given = definition["metadata"];
  for (const auto& [name, value] : given["labels"].members()) {
    wanted.set_label(name, value.as_string());
  }
  for (const auto& [name, value] : given["annotations"].members()) {
    wanted.set_annotation(name, value.as_string());
  }
  wanted.set_label(api::kPolicyLabel, policy.name());
  for (std::string_view label : {"cluster-name", "cluster-namespace"}) {
    wanted.set_label(label, policy.ns());
    wanted.set_label(fmt::format("policy.open-cluster-management.io/{}", label), policy.ns());
  }
  set_removal(wanted, policy.annotation(api::kRemovalAnnotation));
  if (wanted.controller_uid() != policy.uid()) {
    wanted.erase({"metadata", "ownerReferences"});
    wanted.add_owner(policy, true);
  }
  wanted.set({"spec"}, definition["spec"]);
  std::string action = policy.spec()["remediationAction"].as_string();
  if (definition["spec"]["remediationAction"].as_string() == "informonly") action = "inform";
  if (!action.empty()) wanted.set({"spec", "remediationAction"}, action);
  return wanted;
}

kube::ControllerSpec make_template_sync(const std::string& cluster, TemplateSyncServices services) {
  kube::ControllerSpec controller;
  controller.name = "template-sync";
  controller.reconciler = std::make_unique<TemplateSync>(std::move(services));
  controller.sources.push_back({api::kPolicy, cluster});
  for (const kube::Kind& kind : kTemplateKinds) {
    controller.sources.push_back({kind, cluster, policy_of});
  }
  return controller;
}

}  // namespace breakwater::policy
