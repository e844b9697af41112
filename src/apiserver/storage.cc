#include "apiserver/storage.h"

#include <algorithm>

#include "base/check.h"

namespace breakwater::apiserver {

Storage::Storage(size_t history, Observer observer)
    : history_limit_(history), observer_(std::move(observer)) {}

Result<std::unique_ptr<Storage>> Storage::open(const std::filesystem::path& path, size_t history,
                                               Observer observer) {
  std::unique_ptr<Storage> storage(new Storage(history, std::move(observer)));
  if (!path.empty()) {
    storage->database_ = TRY(Database::open(path));
    TRY(storage->load());
  }
  return storage;
}

Result<> Storage::load() {
  version_ = first_version_ = TRY(database_->version());
  return database_->load([this](TableId id, Key key, Json json) -> Result<> {
    Table& table = tables_[id];
    table.floor = first_version_;
    Object object(std::move(json));
    observer_(id, Change{version_, key, {}, object, false});
    table.objects.emplace(std::move(key), std::move(object));
    return {};
  });
}

const Storage::Table* Storage::table_of(const TableId& table) const {
  const auto found = tables_.find(table);
  return found == tables_.end() ? nullptr : &found->second;
}

std::optional<Object> Storage::find(const TableId& table, const Key& key) const {
  std::shared_lock lock(mutex_);
  const Table* in = table_of(table);
  if (!in) return std::nullopt;
  const auto found = in->objects.find(key);
  if (found == in->objects.end()) return std::nullopt;
  return found->second;
}

Result<Storage::Slice> Storage::slice(const TableId& table, const SliceQuery& query) const {
  std::shared_lock lock(mutex_);
  const uint64_t version = query.version == 0 ? version_ : query.version;
  const Table* in = table_of(table);
  const uint64_t floor = in ? in->floor : first_version_;
  if (version < floor || version > version_) {
    return fail(Code::kExpired, "version {} is no longer in the history", version);
  }
  if (!in) return Slice{{}, version, false};
  return slice_of(*in, query, version);
}

// The present objects, with the changes since `version` undone.
Result<Storage::Slice> Storage::slice_of(const Table& table, const SliceQuery& query,
                                         uint64_t version) {
  const Key start = query.after ? *query.after : Key{query.ns, ""};
  std::map<Key, const Object*> undone;
  for (auto i = table.history.rbegin(); i != table.history.rend(); ++i) {
    if ((*i)->version <= version) break;
    undone[(*i)->key] = &(*i)->before;
  }
  Slice slice{{}, version, false};
  auto present = table.objects.lower_bound(start);
  auto past = undone.lower_bound(start);
  while (present != table.objects.end() || past != undone.end()) {
    const bool from_past =
        past != undone.end() && (present == table.objects.end() || past->first <= present->first);
    const Key& key = from_past ? past->first : present->first;
    const Object& object = from_past ? *past->second : present->second;
    const bool wanted = !object.json().is_null() && (!query.after || key != *query.after) &&
                        (!query.accept || query.accept(object));
    if (!query.ns.empty() && key.ns != query.ns) break;
    if (wanted && query.limit > 0 && static_cast<int64_t>(slice.objects.size()) == query.limit) {
      slice.more = true;
      break;
    }
    if (wanted) slice.objects.push_back(object);
    if (present != table.objects.end() && present->first == key) ++present;
    if (from_past) ++past;
  }
  return slice;
}

Result<Storage::Changes> Storage::changes_after(const TableId& table, uint64_t version,
                                                size_t max) const {
  std::shared_lock lock(mutex_);
  const Table* in = table_of(table);
  const uint64_t floor = in ? in->floor : first_version_;
  if (version < floor || version > version_) {
    return fail(Code::kExpired, "too old resource version: {} ({})", version, floor);
  }
  Changes result{{}, version_};
  if (!in) return result;
  auto i = std::upper_bound(in->history.begin(), in->history.end(), version,
                            [](uint64_t v, const ChangePtr& c) { return v < c->version; });
  for (; i != in->history.end(); ++i) {
    if (result.changes.size() == max) {
      result.version = result.changes.back()->version;
      break;
    }
    result.changes.push_back(*i);
  }
  return result;
}

uint64_t Storage::version() const {
  std::shared_lock lock(mutex_);
  return version_;
}

std::vector<TableId> Storage::tables() const {
  std::shared_lock lock(mutex_);
  std::vector<TableId> result;
  for (const auto& [id, table] : tables_) {
    if (!table.objects.empty()) result.push_back(id);
  }
  return result;
}

Result<> Storage::persist(const std::vector<Pending>& pending) {
  if (!database_) return {};
  std::vector<Database::Write> writes;
  writes.reserve(pending.size());
  for (const Pending& p : pending) {
    writes.push_back({p.table, p.change->key, p.change->version,
                      p.change->removed ? "" : to_json(p.change->object.json())});
  }
  return database_->write(writes, pending.back().change->version);
}

void Storage::publish(const std::vector<Pending>& pending) {
  std::unique_lock lock(mutex_);
  for (const Pending& p : pending) {
    const auto [at, added] = tables_.try_emplace(p.table);
    Table& table = at->second;
    if (added) table.floor = first_version_;
    observer_(p.table, *p.change);
    if (p.change->removed) {
      table.objects.erase(p.change->key);
    } else {
      table.objects.insert_or_assign(p.change->key, p.change->object);
    }
    table.history.push_back(p.change);
    while (table.history.size() > history_limit_) {
      table.floor = table.history.front()->version;
      table.history.pop_front();
    }
    version_ = p.change->version;
  }
}

Transaction::Transaction(Storage& storage) : storage_(storage), lock_(storage.write_mutex_) {}

uint64_t Transaction::next_version() const { return storage_.version_ + pending_.size() + 1; }

// Reads without the storage's own lock: only the holder of the right to write changes anything.
const Object* Transaction::find(const TableId& table, const Key& key) const {
  for (auto i = pending_.rbegin(); i != pending_.rend(); ++i) {
    if (i->table == table && i->change->key == key) {
      return i->change->removed ? nullptr : &i->change->object;
    }
  }
  const Storage::Table* in = storage_.table_of(table);
  if (!in) return nullptr;
  const auto found = in->objects.find(key);
  return found == in->objects.end() ? nullptr : &found->second;
}

Object Transaction::put(const TableId& table, const Key& key, Object object) {
  const Object* before = find(table, key);
  const uint64_t version = next_version();
  object.set({"metadata", "resourceVersion"}, std::to_string(version));
  pending_.push_back({table, std::make_shared<Change>(Change{
                                 version, key, before ? *before : Object(), object, false})});
  return object;
}

Object Transaction::erase(const TableId& table, const Key& key, Object last) {
  const Object* before = find(table, key);
  CHECK(before);
  const uint64_t version = next_version();
  if (last.json().is_null()) last = *before;
  last.set({"metadata", "resourceVersion"}, std::to_string(version));
  pending_.push_back({table, std::make_shared<Change>(Change{version, key, *before, last, true})});
  return last;
}

Result<std::vector<TableId>> Transaction::commit(const std::function<void()>& published) {
  std::vector<TableId> touched;
  if (!pending_.empty()) {
    TRY(storage_.persist(pending_));
    storage_.publish(pending_);
    for (const auto& p : pending_) touched.push_back(p.table);
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    pending_.clear();
    if (published) published();
  }
  lock_.unlock();
  return touched;
}

}  // namespace breakwater::apiserver
