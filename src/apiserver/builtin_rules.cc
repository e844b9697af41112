#include "apiserver/builtin_rules.h"

#include <fmt/format.h>

#include "apiserver/crd.h"
#include "apiserver/signing_requests.h"
#include "base/encoding.h"

namespace breakwater::apiserver {
namespace {

using kube::Object;
using Causes = std::vector<std::string>;

constexpr const char* kRbac = "rbac.authorization.k8s.io";

void set_default(Object& object, Json::Path path, Json value) {
  if (object.json().at(path).is_null()) object.set(path, std::move(value));
}

// stringData is for writing only: it becomes data.
Object with_secret_data(Object secret) {
  const Json given = secret["stringData"];
  if (given.is_null()) return secret;
  for (const auto& [name, value] : given.members()) {
    secret.set({"data", name}, to_base64(as_bytes(value.as_string())));
  }
  secret.erase({"stringData"});
  return secret;
}

void default_pod(Object& pod) {
  set_default(pod, {"spec", "restartPolicy"}, "Always");
  set_default(pod, {"spec", "dnsPolicy"}, "ClusterFirst");
  set_default(pod, {"spec", "serviceAccountName"}, "default");
  set_default(pod, {"spec", "terminationGracePeriodSeconds"}, 30);
  pod.set({"status"}, Json::object({{"phase", "Pending"}}));
}

void default_binding(Object& binding) {
  set_default(binding, {"roleRef", "apiGroup"}, kRbac);
  Json subjects = binding["subjects"];
  for (size_t i = 0; i < subjects.size(); ++i) {
    if (subjects[i]["kind"].as_string() == "ServiceAccount" || subjects[i].has("apiGroup"))
      continue;
    Json subject = subjects[i];
    subject.set("apiGroup", kRbac);
    subjects.set_item(i, std::move(subject));
  }
  if (!subjects.is_null()) binding.set({"subjects"}, std::move(subjects));
}

void default_volume(const ServedKind& kind, Object& object) {
  set_default(object, {"spec", "volumeMode"}, "Filesystem");
  if (kind.kind == "PersistentVolume") {
    set_default(object, {"spec", "persistentVolumeReclaimPolicy"}, "Retain");
  }
  object.set({"status"}, Json::object({{"phase", "Pending"}}));
}

// `spec` without what may change after creation.
Json fixed_pod_spec(Json spec, bool keep_node) {
  if (!keep_node) spec.erase("nodeName");
  for (const char* list : {"containers", "initContainers"}) {
    Json containers = spec[list];
    for (size_t i = 0; i < containers.size(); ++i) {
      Json container = containers[i];
      container.erase("image");
      containers.set_item(i, std::move(container));
    }
    if (!containers.is_null()) spec.set(list, std::move(containers));
  }
  for (const char* member :
       {"tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds"}) {
    spec.erase(member);
  }
  return spec;
}

Json fixed_claim_spec(Json spec, bool keep_volume) {
  spec.erase({"resources", "requests"});
  if (!keep_volume) spec.erase("volumeName");
  return spec;
}

void check_pod(const Object& old, const Object& pod, Causes& causes) {
  if (pod.spec()["containers"].empty()) causes.push_back("spec.containers: Required value");
  for (size_t i = 0; i < pod.spec()["containers"].size(); ++i) {
    for (const char* field : {"name", "image"}) {
      if (pod.spec()["containers"][i][field].as_string().empty()) {
        causes.push_back(fmt::format("spec.containers[{}].{}: Required value", i, field));
      }
    }
  }
  if (old.json().is_null()) return;
  const bool bound = !old.spec()["nodeName"].is_null();
  if (!(fixed_pod_spec(old.spec(), bound) == fixed_pod_spec(pod.spec(), bound))) {
    causes.push_back(
        "spec: Forbidden: pod updates may not change fields other than "
        "`spec.containers[*].image`, `spec.initContainers[*].image`, "
        "`spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing "
        "tolerations), `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if "
        "it was previously negative)");
  }
}

void check_claim(const Object& old, const Object& claim, Causes& causes) {
  if (claim.spec()["accessModes"].empty()) {
    causes.push_back("spec.accessModes: Required value: at least 1 access mode is required");
  }
  if (claim.spec().at({"resources", "requests", "storage"}).is_null()) {
    causes.push_back("spec.resources[storage]: Required value");
  }
  if (old.json().is_null()) return;
  const bool bound = !old.spec()["volumeName"].as_string().empty();
  if (!(fixed_claim_spec(old.spec(), bound) == fixed_claim_spec(claim.spec(), bound))) {
    causes.push_back(
        "spec: Forbidden: spec is immutable after creation except resources.requests "
        "and volumeAttributesClassName for bound claims");
  }
}

void check_volume(const Object& volume, Causes& causes) {
  if (volume.spec()["accessModes"].empty()) causes.push_back("spec.accessModes: Required value");
  if (volume.spec().at({"capacity", "storage"}).is_null()) {
    causes.push_back("spec.capacity: Required value");
  }
}

// Secrets and ConfigMaps.
void check_data(const ServedKind& kind, const Object& old, const Object& object, Causes& causes) {
  for (const auto& [name, value] : object["data"].members()) {
    const bool good = kind.kind == "Secret" ? from_base64(value.as_string()).has_value() : true;
    if (!value.is_string() || !good) {  // never shows the value
      causes.push_back(fmt::format("data[{}]: Invalid value: must be {}", name,
                                   kind.kind == "Secret" ? "base64" : "a string"));
    }
  }
  if (old.json().is_null()) return;
  if (kind.kind == "Secret" && !(old["type"] == object["type"])) {
    causes.push_back(
        fmt::format("type: Invalid value: {}: field is immutable", to_json(object["type"])));
  }
  if (!old["immutable"].as_bool()) return;
  for (const char* member : {"data", "binaryData", "immutable"}) {
    if (old[member] == object[member]) continue;
    causes.push_back(
        fmt::format("{}: Forbidden: field is immutable when `immutable` is set", member));
  }
}

void check_binding(const Object& old, const Object& binding, Causes& causes) {
  const std::string& role = binding["roleRef"]["kind"].as_string();
  if (role != "ClusterRole" && role != "Role") {
    causes.push_back(
        fmt::format("roleRef.kind: Unsupported value: \"{}\": supported values: "
                    "\"ClusterRole\", \"Role\"",
                    role));
  }
  if (!old.json().is_null() && !(old["roleRef"] == binding["roleRef"])) {
    causes.push_back(fmt::format("roleRef: Invalid value: {}: cannot change roleRef",
                                 to_json(binding["roleRef"])));
  }
}

bool is_binding(const ServedKind& kind) {
  return kind.kind == "RoleBinding" || kind.kind == "ClusterRoleBinding";
}

}  // namespace

Object new_builtin(const ServedKind& kind, Object object, Time now) {
  if (kind.kind == "Namespace") {
    object.set({"spec", "finalizers"}, Json::array({"kubernetes"}));
    object.set({"status"}, Json::object({{"phase", "Active"}}));
    object.set_label("kubernetes.io/metadata.name", object.name());
  } else if (kind.kind == "Secret") {
    object = with_secret_data(std::move(object));
    set_default(object, {"type"}, "Opaque");
  } else if (kind.kind == "Pod") {
    default_pod(object);
  } else if (kind.kind == "PersistentVolumeClaim" || kind.kind == "PersistentVolume") {
    default_volume(kind, object);
  } else if (kind.kind == "StorageClass") {
    set_default(object, {"reclaimPolicy"}, "Delete");
    set_default(object, {"volumeBindingMode"}, "Immediate");
  } else if (kind.kind == "Service") {
    set_default(object, {"spec", "type"}, "ClusterIP");
    set_default(object, {"spec", "sessionAffinity"}, "None");
  } else if (is_binding(kind)) {
    default_binding(object);
  } else if (is_signing_request(kind)) {
    object.erase({"status"});
  } else if (kind.kind == "CustomResourceDefinition") {
    object.erase({"status"});
    object = established(std::move(object), now);
  }
  return object;
}

Object changed_builtin(const ServedKind& kind, const Object& old, Object object, Time now) {
  if (kind.kind == "Namespace") {
    object.set({"spec"}, old.spec());  // finalizers go through /finalize only
    object.set_label("kubernetes.io/metadata.name", object.name());
  } else if (kind.kind == "Secret") {
    object = with_secret_data(std::move(object));
    if (object["type"].is_null()) object.set({"type"}, old["type"]);
  } else if (is_binding(kind)) {
    default_binding(object);
  } else if (is_signing_request(kind)) {
    object.set({"spec"}, old.spec());
  } else if (kind.kind == "CustomResourceDefinition") {
    object = established(std::move(object), now);
  }
  return object;
}

void check_builtin(const ServedKind& kind, const Object& old, const Object& object,
                   Causes& causes) {
  if (kind.kind == "Pod") return check_pod(old, object, causes);
  if (kind.kind == "PersistentVolumeClaim") return check_claim(old, object, causes);
  if (kind.kind == "PersistentVolume") return check_volume(object, causes);
  if (kind.kind == "Secret" || kind.kind == "ConfigMap")
    return check_data(kind, old, object, causes);
  if (is_binding(kind)) return check_binding(old, object, causes);
  if (is_signing_request(kind)) return check_signing_request(old, object, causes);
  if (kind.kind == "StorageClass" && object["provisioner"].as_string().empty()) {
    causes.push_back("provisioner: Required value");
  }
}

bool is_protected_namespace(std::string_view name) {
  return name == "default" || name == "kube-system" || name == "kube-public";
}

}  // namespace breakwater::apiserver
