// What `kubectl get` shows: objects as rows of a meta.k8s.io Table.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/registry.h"
#include "base/time.h"
#include "kube/object.h"

namespace breakwater::apiserver {

// One column and how its cells are made. A cell is a string, a number, a boolean, or null for
// "none".
struct TableColumn {
  std::string name;
  std::string type;    // string, integer, number, boolean, date
  std::string format;  // "name" for the column that holds the name
  std::string description;
  int priority = 0;  // above 0: only with -o wide
  std::function<Json(const kube::Object&, Time now)> cell;
};

// The columns of a kind: its CRD's printer columns, our own for built-in kinds, Name and Age for
// the rest.
std::vector<TableColumn> table_columns(const ServedKind& kind);
// Our own columns of a built-in kind; empty if it has none.
std::vector<TableColumn> builtin_columns(std::string_view group, std::string_view kind);
// Name, and Age; for builtin_columns().
TableColumn name_column();
TableColumn age_column();

// How much of each object goes into its row.
enum class RowObject { kNone, kMetadata, kFull };

// A Table of `version` (v1, v1beta1) without metadata.
Json make_table(const std::vector<TableColumn>& columns, std::span<const kube::Object> objects,
                std::string_view version, RowObject row_object, Time now);
// {"kind": "PartialObjectMetadata", "metadata": …}, of meta.k8s.io/`version`.
Json partial_metadata(const kube::Object& object, std::string_view version);

// A duration as kubectl shows ages: "5s", "3m12s", "47h", "9d", "2y40d"; "<invalid>" if it lies
// more than a second in the future.
std::string human_duration(Duration duration);
// The age of a timestamp, or null if there is none.
Json age_of(const Json& timestamp, Time now);

}  // namespace breakwater::apiserver
