#include "apiserver/api_errors.h"
#include "apiserver/builtin_rules.h"
#include "apiserver/core.h"
#include "apiserver/metadata.h"

namespace breakwater::apiserver {
namespace {

using Propagation = kube::DeleteOptions::Propagation;

bool is_crd_table(const TableId& table) {
  return table.first == "apiextensions.k8s.io" && table.second == "customresourcedefinitions";
}

Result<> check_preconditions(const ServedKind& kind, const Object& object,
                             const kube::DeleteOptions& options) {
  if (!options.uid.empty() && options.uid != object.uid()) {
    return conflict(
        kind, object.name(),
        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}",
                    options.uid, object.uid()));
  }
  if (!options.resource_version.empty() && options.resource_version != object.resource_version()) {
    return conflict(kind, object.name(),
                    fmt::format("Precondition failed: ResourceVersion in precondition: {}, "
                                "ResourceVersion in object meta: {}",
                                options.resource_version, object.resource_version()));
  }
  return {};
}

void set_propagation(Object& object, Propagation propagation) {
  object.remove_finalizer(kForeground);
  object.remove_finalizer(kOrphan);
  if (propagation == Propagation::kForeground) object.add_finalizer(kForeground);
  if (propagation == Propagation::kOrphan) object.add_finalizer(kOrphan);
}

}  // namespace

// What a deleted object that is still held says about itself.
void Core::mark_deleted(const TableId& table, Object& object) const {
  if (object.is_deleting()) return;
  object.set({"metadata", "deletionTimestamp"}, format_rfc3339(clock_.now()));
  object.set({"metadata", "deletionGracePeriodSeconds"}, 0);
  const int64_t generation = object.metadata()["generation"].as_int();
  if (generation > 0) object.set({"metadata", "generation"}, generation + 1);
  if (table == TableId{"", "namespaces"}) object.set({"status", "phase"}, "Terminating");
}

Result<> Core::remove(const ServedKind& kind, const Key& key, const kube::DeleteOptions& options) {
  const TableId table = table_of(kind);
  Transaction tx(storage_);
  const Object* found = tx.find(table, key);
  if (!found) return not_found(kind, key.name);
  TRY(check_preconditions(kind, *found, options));
  if (table == TableId{"", "namespaces"} && is_protected_namespace(key.name)) {
    return forbidden(kind, key.name, "this namespace may not be deleted");
  }
  Object object = *found;
  if (!object.is_deleting()) {
    set_propagation(object, options.propagation);
    if (is_crd_table(table)) object.add_finalizer(kCrdCleanup);
  }
  if (!is_held(table, object)) {
    tx.erase(table, key);
    return finish(tx);
  }
  mark_deleted(table, object);
  if (object == *found) return {};
  tx.put(table, key, std::move(object));
  return finish(tx);
}

Result<bool> Core::adjust(const TableId& table, const Key& key, const std::string& uid,
                          const std::function<bool(Object&)>& edit) {
  Transaction tx(storage_);
  const Object* found = tx.find(table, key);
  if (!found || found->uid() != uid) return false;
  Object object = *found;
  if (!edit(object)) return false;
  if (!object.is_deleting() || is_held(table, object)) {
    tx.put(table, key, std::move(object));
    TRY(finish(tx));
    return true;
  }
  tx.erase(table, key, object);
  TRY(finish(tx, [&] {
    if (is_crd_table(table)) registry_.remove_crd(object.json());
  }));
  return true;
}

Result<bool> Core::remove_all(const std::vector<Target>& targets) {
  Transaction tx(storage_);
  for (const Target& target : targets) {
    const Object* found = tx.find(target.table, target.key);
    if (!found || found->uid() != target.uid || found->is_deleting()) continue;
    if (!is_held(target.table, *found)) {
      tx.erase(target.table, target.key);
      continue;
    }
    Object object = *found;
    mark_deleted(target.table, object);
    tx.put(target.table, target.key, std::move(object));
  }
  if (tx.empty()) return false;
  TRY(finish(tx));
  return true;
}

}  // namespace breakwater::apiserver
