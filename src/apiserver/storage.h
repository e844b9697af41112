// The objects of one API server: in memory for reading, in SQLite for surviving, with a history for
// watches.
//
// Every change gets the next resourceVersion, one counter for all kinds that is stored with the
// change and so never goes back. Readers share the trees of the objects and wait for writers only
// while a finished change is published, never while it is synced to disk. Writers take turns
// (Transaction). Thread-safe.
//
// The history is kept per table and starts empty when the storage is opened: nothing older than
// that can be watched or paged through.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "apiserver/database.h"
#include "base/error.h"
#include "kube/kind.h"
#include "kube/object.h"

namespace breakwater::apiserver {

using kube::Key;
using kube::Object;

// One change of one object. Immutable and shared by the history and all watches.
struct Change {
  uint64_t version = 0;
  Key key;
  Object before;  // null JSON: it was created
  Object object;  // as it is now; if removed, its last state with the version of the removal
  bool removed = false;
};
using ChangePtr = std::shared_ptr<const Change>;

class Storage {
 public:
  // Told of every change while it is published, in order, before any reader sees it. Must be quick
  // and must not call the storage.
  using Observer = std::function<void(const TableId&, const Change&)>;

  // `path` "" keeps nothing. `observer` is told of everything loaded as if it were created now.
  static Result<std::unique_ptr<Storage>> open(const std::filesystem::path& path, size_t history,
                                               Observer observer);

  std::optional<Object> find(const TableId& table, const Key& key) const;

  struct SliceQuery {
    std::string ns;                             // "" = all
    std::optional<Key> after;                   // start behind this key
    uint64_t version = 0;                       // as it was then; 0 = now
    int64_t limit = 0;                          // 0 = everything
    std::function<bool(const Object&)> accept;  // null = all
  };
  struct Slice {
    std::vector<Object> objects;  // sorted by key
    uint64_t version = 0;
    bool more = false;
  };
  // kExpired if the history does not reach back to query.version.
  Result<Slice> slice(const TableId& table, const SliceQuery& query) const;

  struct Changes {
    std::vector<ChangePtr> changes;  // oldest first, at most `max`
    uint64_t version = 0;            // up to which they are complete
  };
  // What changed in `table` after `version`. kExpired if that is longer ago than the history.
  Result<Changes> changes_after(const TableId& table, uint64_t version, size_t max) const;

  uint64_t version() const;
  std::vector<TableId> tables() const;  // with at least one object

 private:
  friend class Transaction;
  using Objects = std::map<Key, Object>;
  struct Table {
    Objects objects;
    std::deque<ChangePtr> history;
    uint64_t floor = 0;  // the newest version that the history no longer has
  };
  struct Pending {
    TableId table;
    ChangePtr change;
  };

  Storage(size_t history, Observer observer);
  Result<> load();
  Result<> persist(const std::vector<Pending>& pending);
  void publish(const std::vector<Pending>& pending);
  const Table* table_of(const TableId& table) const;
  static Result<Slice> slice_of(const Table& table, const SliceQuery& query, uint64_t version);

  const size_t history_limit_;
  const Observer observer_;
  std::unique_ptr<Database> database_;  // null: nothing is kept
  std::mutex write_mutex_;              // held by a Transaction
  mutable std::shared_mutex mutex_;     // guards all below; also taken shared by readers
  std::map<TableId, Table> tables_;
  uint64_t first_version_ = 0;  // of this process: the history starts here
  uint64_t version_ = 0;
};

// The exclusive right to write, from construction to commit() or destruction. What it read stays
// true until it commits; without a commit nothing happens.
class Transaction {
 public:
  explicit Transaction(Storage& storage);

  // The object, with what this transaction has changed so far; null if there is none.
  const Object* find(const TableId& table, const Key& key) const;
  // Creates or replaces `object` under `key` and returns it with its new resourceVersion.
  Object put(const TableId& table, const Key& key, Object object);
  // The object must exist. Returns its last state (`last` unless that is null JSON), with the
  // version of the removal.
  Object erase(const TableId& table, const Key& key, Object last = Object());
  bool empty() const { return pending_.empty(); }

  // Makes all changes durable and visible at once, or none; gives the right to write back. The
  // tables touched, for waking watches. `published` is called before the next writer's turn.
  Result<std::vector<TableId>> commit(const std::function<void()>& published = {});

 private:
  uint64_t next_version() const;
  Storage& storage_;
  std::unique_lock<std::mutex> lock_;
  std::vector<Storage::Pending> pending_;
};

}  // namespace breakwater::apiserver
