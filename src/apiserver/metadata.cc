#include "apiserver/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "kube/names.h"

namespace breakwater::apiserver {
namespace {

using Causes = std::vector<std::string>;

constexpr size_t kMostAnnotationBytes = 256 * 1024;
constexpr std::string_view kLabelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view kSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

void check_name(const ServedKind& kind, const Object& object, Causes& causes) {
  const std::string& name = object.name();
  if (name.empty()) {
    causes.push_back("metadata.name: Required value: name or generateName is required");
    return;
  }
  std::string_view rule;
  if (kind.builtin && kind.group == "rbac.authorization.k8s.io") {
    // Names of roles may contain ':' and upper case: only what would break a path is refused.
    if (name == "." || name == ".." || name.find_first_of("/%") != std::string::npos) {
      rule = "may not be '.' or '..' or contain '/' or '%'";
    }
  } else if (kind.builtin && kind.kind == "Namespace") {
    if (!kube::is_dns_label(name)) rule = kLabelRule;
  } else if (!kube::is_dns_subdomain(name)) {
    rule = kSubdomainRule;
  }
  if (!rule.empty()) {
    causes.push_back(fmt::format("metadata.name: Invalid value: \"{}\": {}", name, rule));
  }
}

void check_labels(const Json& labels, Causes& causes) {
  if (!labels.is_null() && !labels.is_object()) {
    causes.push_back("metadata.labels: Invalid value: must be an object of strings");
  }
  for (const auto& [name, value] : labels.members()) {
    const auto good_name = kube::check_label_name(name);
    if (!good_name) {
      causes.push_back(fmt::format("metadata.labels: Invalid value: \"{}\": {}", name,
                                   good_name.error().message()));
    }
    const auto good_value = kube::check_label_value(value.as_string());
    if (!value.is_string() || !good_value) {
      causes.push_back(fmt::format(
          "metadata.labels: Invalid value: {}: {}", to_json(value),
          value.is_string() ? good_value.error().message() : std::string("must be a string")));
    }
  }
}

void check_annotations(const Json& annotations, Causes& causes) {
  size_t bytes = 0;
  if (!annotations.is_null() && !annotations.is_object()) {
    causes.push_back("metadata.annotations: Invalid value: must be an object of strings");
  }
  for (const auto& [name, value] : annotations.members()) {
    const auto good_name = kube::check_label_name(name);
    if (!good_name) {
      causes.push_back(fmt::format("metadata.annotations: Invalid value: \"{}\": {}", name,
                                   good_name.error().message()));
    }
    if (!value.is_string()) {
      causes.push_back(fmt::format("metadata.annotations[{}]: Invalid value: {}: must be a string",
                                   name, to_json(value)));
    }
    bytes += name.size() + value.as_string().size();
  }
  if (bytes > kMostAnnotationBytes) {
    causes.push_back(fmt::format("metadata.annotations: Too long: may not be more than {} bytes",
                                 kMostAnnotationBytes));
  }
}

void check_owners(const Json& owners, Causes& causes) {
  if (!owners.is_null() && !owners.is_array()) {
    causes.push_back("metadata.ownerReferences: Invalid value: must be a list of objects");
    return;
  }
  int controllers = 0;
  for (size_t i = 0; i < owners.size(); ++i) {
    for (const char* field : {"apiVersion", "kind", "name", "uid"}) {
      if (owners[i][field].as_string().empty()) {
        causes.push_back(fmt::format("metadata.ownerReferences[{}].{}: Required value", i, field));
      }
    }
    if (owners[i]["controller"].as_bool()) ++controllers;
  }
  if (controllers > 1) {
    causes.push_back(
        "metadata.ownerReferences: Invalid value: Only one reference can have Controller "
        "set to true");
  }
}

void check_finalizers(const Json& finalizers, Causes& causes) {
  if (!finalizers.is_null() && !finalizers.is_array()) {
    causes.push_back("metadata.finalizers: Invalid value: must be a list of strings");
  }
  for (const Json& finalizer : finalizers.items()) {
    const auto good = kube::check_label_name(finalizer.as_string());
    if (!good) {
      causes.push_back(fmt::format("metadata.finalizers: Invalid value: {}: {}", to_json(finalizer),
                                   good.error().message()));
    }
  }
}

// Restores a member of metadata that only the server sets; a different value given is an error.
void keep_member(const Object& old, Object& object, const char* member, Causes& causes) {
  const Json kept = old.metadata()[member];
  const Json& given = object.metadata()[member];
  if (!given.is_null() && !(given == kept)) {
    causes.push_back(
        fmt::format("metadata.{}: Invalid value: {}: field is immutable", member, to_json(given)));
  }
  if (kept.is_null()) {
    if (object.metadata().has(member)) object.erase({"metadata", member});
  } else {
    object.set({"metadata", member}, kept);
  }
}

}  // namespace

void check_metadata(const ServedKind& kind, const Object& object, Causes& causes) {
  check_name(kind, object, causes);
  check_labels(object.metadata()["labels"], causes);
  check_annotations(object.metadata()["annotations"], causes);
  check_owners(object.metadata()["ownerReferences"], causes);
  check_finalizers(object.metadata()["finalizers"], causes);
}

bool has_generation(const ServedKind& kind) {
  return !kind.builtin || kind.kind == "CustomResourceDefinition";
}

void begin_metadata(const ServedKind& kind, Object& object, std::string uid, Time now) {
  for (const char* member : {"managedFields", "selfLink", "deletionTimestamp", "resourceVersion",
                             "deletionGracePeriodSeconds", "generation"}) {
    if (object.metadata().has(member)) object.erase({"metadata", member});
  }
  object.set({"metadata", "uid"}, std::move(uid));
  object.set({"metadata", "creationTimestamp"}, format_rfc3339(now));
  if (has_generation(kind)) object.set({"metadata", "generation"}, 1);
}

void keep_metadata(const Object& old, Object& object, Causes& causes) {
  for (const char* member : {"managedFields", "selfLink"}) {
    if (object.metadata().has(member)) object.erase({"metadata", member});
  }
  const Json generation = old.metadata()["generation"];
  if (!generation.is_null()) {
    object.set({"metadata", "generation"}, generation);
  } else if (object.metadata().has("generation")) {
    object.erase({"metadata", "generation"});
  }
  for (const char* member : {"uid", "creationTimestamp", "deletionTimestamp",
                             "deletionGracePeriodSeconds", "generateName"}) {
    keep_member(old, object, member, causes);
  }
  if (!old.is_deleting()) return;
  std::vector<std::string> added;
  for (const Json& finalizer : object.metadata()["finalizers"].items()) {
    if (!old.has_finalizer(finalizer.as_string())) added.push_back(to_json(finalizer));
  }
  if (!added.empty()) {
    causes.push_back(
        fmt::format("metadata.finalizers: Forbidden: no new finalizers can be added if "
                    "the object is being deleted, found new finalizers []string{{{}}}",
                    fmt::join(added, ", ")));
  }
}

void count_generation(const ServedKind& kind, const Object& old, Object& object) {
  if (!has_generation(kind)) return;
  const auto asked_for = [&kind](const Object& of) {
    Json json = of.json();
    json.erase("metadata");
    json.erase("apiVersion");
    if (kind.has_status_subresource) json.erase("status");
    return json;
  };
  if (asked_for(old) == asked_for(object)) return;
  object.set({"metadata", "generation"}, old.metadata()["generation"].as_int() + 1);
}

}  // namespace breakwater::apiserver
