// What the API serves: the built-in kinds and those that CustomResourceDefinitions add.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "kube/kind.h"

namespace breakwater::apiserver {

// A column of `kubectl get`.
struct PrinterColumn {
  std::string name;
  std::string type;       // string, integer, number, boolean, date
  std::string json_path;  // ".status.phase"
  std::string description;
  int priority = 0;  // above 0: only with -o wide
};

// One served kind in one version. Immutable once published; shared by everybody who looks it up.
struct ServedKind {
  std::string group, version, kind, plural, singular;
  std::vector<std::string> short_names, categories;
  bool namespaced = true;
  bool has_status_subresource = false;
  std::vector<std::string> subresources;  // written apart, beside the status: "approval"
  bool builtin = false;                   // strategic merge patches are allowed
  std::vector<PrinterColumn> columns;
  // OpenAPI v3 schema of the object; null for built-in kinds that are stored as they come.
  Json schema;

  // Whether `subresource` is "status" or another part that can be written.
  bool has_subresource(std::string_view subresource) const;
  kube::Kind key() const {
    return {group, version, kind, plural, namespaced, has_status_subresource};
  }
};
using ServedKindPtr = std::shared_ptr<const ServedKind>;

// Thread-safe. Several versions of a CRD are served without conversion: the object is stored as it
// was written, and its apiVersion is rewritten to the version asked for.
class Registry {
 public:
  Registry();  // the built-in kinds

  // Adds or replaces what a CustomResourceDefinition defines. kInvalid names the field that is
  // wrong.
  Result<> add_crd(const Json& crd);
  void remove_crd(const Json& crd);

  // kNotFound for what is not served.
  Result<ServedKindPtr> find(std::string_view group, std::string_view version,
                             std::string_view plural) const;
  Result<ServedKindPtr> find_kind(std::string_view group, std::string_view version,
                                  std::string_view kind) const;
  // Every kind and version, sorted by group, version, plural.
  std::vector<ServedKindPtr> all() const;
  // Counts changes, so that discovery documents can be cached.
  uint64_t generation() const;

 private:
  mutable std::mutex mutex_;
  std::vector<ServedKindPtr> kinds_;
  uint64_t generation_ = 1;
};

}  // namespace breakwater::apiserver
