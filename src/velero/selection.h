// What a Backup's or Restore's spec asks for: namespaces, kinds, labels. Pure.
//
// Rules are Velero's: empty includes mean everything, excludes win, '*' and '?' match in names, and
// labels select items that are listed but not those that belong to a selected one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/selector.h"

namespace breakwater::velero {

// Whether `text` matches `pattern`, in which '*' stands for any text and '?' for one character.
bool glob_matches(std::string_view pattern, std::string_view text);

// Includes and excludes of one sort of name.
struct NameFilter {
  std::vector<std::string> includes, excludes;
  bool unrestricted() const;  // no includes, or "*"
  bool allows(std::string_view name) const;
};

class Selection {
 public:
  // From the spec. Problems are appended to `errors`, each naming its field; what is returned then
  // is not to be used.
  static Selection parse(const Json& spec, std::vector<std::string>& errors);

  bool allows_namespace(std::string_view ns) const { return namespaces_.allows(ns); }
  // By "plural.group", "plural" or the kind in lower case.
  bool allows_kind(const kube::Kind& kind) const;
  // Whether one of the label selectors matches; true without selectors.
  bool matches_labels(const kube::Object& object) const;

  // Any of these; empty: everything.
  const std::vector<kube::LabelSelector>& selectors() const { return selectors_; }
  const NameFilter& namespaces() const { return namespaces_; }
  // includeClusterResources; nothing: only if no namespace is left out, and related items always.
  const std::optional<bool>& cluster_resources() const { return cluster_resources_; }
  // Whether cluster-scoped kinds are listed, as opposed to followed from other items.
  bool lists_cluster_scoped() const;

 private:
  NameFilter namespaces_, namespaced_kinds_, cluster_kinds_;
  std::vector<kube::LabelSelector> selectors_;
  std::optional<bool> cluster_resources_;
};

}  // namespace breakwater::velero
