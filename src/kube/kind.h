// Which kind of object, and which object of it.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace breakwater::kube {

// A kind as the API serves it: enough to build its URL and to write its objects. Constants for
// every kind we read or write stand in api/kinds.h; for kinds found by discovery, the Discovery
// that found them owns the strings and outlives the Kind.
struct Kind {
  std::string_view group;  // "" for the core group
  std::string_view version;
  std::string_view kind;    // "VirtualMachine"
  std::string_view plural;  // "virtualmachines"
  bool namespaced = true;
  // Status is written through the status subresource. False for Velero's kinds, whose CRDs have
  // none: their status is written with the rest of the object.
  bool has_status_subresource = true;

  std::string api_version() const;     // "v1", "velero.io/v1"
  std::string group_resource() const;  // "pods", "backups.velero.io"
  // "/api/v1/namespaces/ns/pods/name", "/apis/velero.io/v1/backups"; an empty ns means all
  // namespaces (or a cluster-scoped kind), an empty name the collection.
  std::string path(std::string_view ns, std::string_view name = {}) const;

  friend bool operator==(const Kind&, const Kind&) = default;
};

// Namespace and name. Cluster-scoped objects have an empty namespace.
struct Key {
  std::string ns;
  std::string name;

  std::string to_string() const;  // "ns/name", or "name"
  friend auto operator<=>(const Key&, const Key&) = default;
};

}  // namespace breakwater::kube
