// The verbs: what get, list, create, update, patch, delete and watch mean, without asking who
// calls.
//
// Everything that changes objects goes through here, so every rule (metadata, schemas, finalizers,
// resourceVersions) stands in one place. Thread-safe; writes take turns.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apiserver/api_server.h"
#include "apiserver/registry.h"
#include "apiserver/storage.h"
#include "apiserver/watch.h"
#include "base/clock.h"
#include "base/random.h"
#include "kube/client.h"

namespace breakwater::apiserver {

// Finalizers that collect() serves.
inline constexpr std::string_view kForeground = "foregroundDeletion";
inline constexpr std::string_view kOrphan = "orphan";
inline constexpr std::string_view kCrdCleanup = "customresourcecleanup.apiextensions.k8s.io";

class Core {
 public:
  // All references outlive the core.
  Core(const Settings& settings, Storage& storage, Registry& registry, WakeHub& hub,
       const Clock& clock, Random& random);

  Result<Object> get(const ServedKind& kind, const Key& key) const;
  Result<kube::ObjectList> list(const ServedKind& kind, const std::string& ns,
                                const kube::ListOptions& options) const;
  Result<std::unique_ptr<kube::Watch>> watch(const ServedKindPtr& kind, const std::string& ns,
                                             const kube::WatchOptions& options);
  Result<Object> create(const ServedKind& kind, Object object);
  // `subresource` is "", "status" or one that the kind has; for kinds without status "status" is
  // "".
  Result<Object> update(const ServedKind& kind, Object object, std::string_view subresource);
  Result<Object> patch(const ServedKind& kind, const Key& key, kube::PatchType type,
                       const Json& patch, std::string_view subresource);
  Result<> remove(const ServedKind& kind, const Key& key, const kube::DeleteOptions& options);

  // For the collector. Lets `edit` change the object, unless it is gone or has another uid by now,
  // and removes it if nothing holds it any more. `edit` returns false to leave it alone. Returns
  // whether anything changed.
  Result<bool> adjust(const TableId& table, const Key& key, const std::string& uid,
                      const std::function<bool(Object&)>& edit);
  // Removes objects that still have the uid given, many in one step. Those with finalizers are only
  // marked. Returns whether anything changed.
  struct Target {
    TableId table;
    Key key;
    std::string uid;
  };
  Result<bool> remove_all(const std::vector<Target>& targets);
  // An otherwise empty object of a built-in kind.
  Result<Object> create_builtin(const TableId& table, const Key& key);

  const Storage& storage() const { return storage_; }

 private:
  Result<Object> admitted(const ServedKind& kind, Object object);
  Result<> check(const ServedKind& kind, const Object& old, const Object& object,
                 std::vector<std::string> causes) const;
  Result<> check_namespace(const Transaction& tx, const ServedKind& kind,
                           const Object& object) const;
  Result<> check_place(const ServedKind& kind, Object& object) const;
  Result<> check_kind(const ServedKind& kind, Object& object) const;
  void default_storage_class(const ServedKind& kind, Object& object) const;
  Result<Object> replace(Transaction& tx, const ServedKind& kind, const Object& old, Object object,
                         std::string_view subresource);
  void mark_deleted(const TableId& table, Object& object) const;
  Result<> finish(Transaction& tx, const std::function<void()>& published = {});
  std::string make_uid();
  std::string make_name(const Object& object);

  const Settings& settings_;
  Storage& storage_;
  Registry& registry_;
  WakeHub& hub_;
  const Clock& clock_;
  std::mutex random_mutex_;
  Random& random_;
};

// The table that holds a kind, whatever the version.
inline TableId table_of(const ServedKind& kind) { return {kind.group, kind.plural}; }
// Whether anything keeps a deleted object: finalizers, or contents that a namespace still has.
bool is_held(const TableId& table, const Object& object);

}  // namespace breakwater::apiserver
