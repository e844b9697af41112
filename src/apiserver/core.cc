#include "apiserver/core.h"

#include "apiserver/api_errors.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "kube/patch.h"

namespace breakwater::apiserver {
namespace {

constexpr size_t kLongestGeneratedBase = 58;

// What a continue token says: the version of the list and the last key of the page before.
std::string encode_continue(uint64_t version, const Key& last) {
  const Json token = Json::object(
      {{"v", "meta.k8s.io/v1"}, {"rv", version}, {"ns", last.ns}, {"name", last.name}});
  return to_base64(as_bytes(to_json(token)));
}

struct Continue {
  uint64_t version = 0;
  Key last;
};

Result<Continue> decode_continue(const std::string& text) {
  const auto bytes = from_base64(text);
  const auto token = bytes ? parse_json(as_text(*bytes)) : Result<Json>(Json());
  if (!token || (*token)["v"].as_string() != "meta.k8s.io/v1" || (*token)["rv"].as_int() <= 0) {
    return fail(Code::kInvalid, "continue key is not valid: it must come from the page before");
  }
  return Continue{static_cast<uint64_t>((*token)["rv"].as_int()),
                  {(*token)["ns"].as_string(), (*token)["name"].as_string()}};
}

}  // namespace

bool is_held(const TableId& table, const Object& object) {
  const bool is_namespace = table.first.empty() && table.second == "namespaces";
  return !object.metadata()["finalizers"].empty() ||
         (is_namespace && !object.spec()["finalizers"].empty());
}

Core::Core(const Settings& settings, Storage& storage, Registry& registry, WakeHub& hub,
           const Clock& clock, Random& random)
    : settings_(settings),
      storage_(storage),
      registry_(registry),
      hub_(hub),
      clock_(clock),
      random_(random) {}

std::string Core::make_uid() {
  std::lock_guard lock(random_mutex_);
  return new_uid(random_);
}

std::string Core::make_name(const Object& object) {
  std::lock_guard lock(random_mutex_);
  const std::string& base = object.metadata()["generateName"].as_string();
  return base.substr(0, kLongestGeneratedBase) + name_suffix(random_);
}

Result<> Core::finish(Transaction& tx, const std::function<void()>& published) {
  hub_.notify(TRY(tx.commit(published)));
  return {};
}

Result<Object> Core::get(const ServedKind& kind, const Key& key) const {
  auto found = storage_.find(table_of(kind), key);
  if (!found) return not_found(kind, key.name);
  return presented(kind, std::move(*found));
}

Result<kube::ObjectList> Core::list(const ServedKind& kind, const std::string& ns,
                                    const kube::ListOptions& options) const {
  Storage::SliceQuery query;
  query.ns = kind.namespaced ? ns : "";
  query.limit = options.limit;
  if (!options.labels.everything() || !options.fields.everything()) {
    query.accept = [&options](const Object& object) {
      return options.labels.matches(object) && options.fields.matches(object);
    };
  }
  if (!options.continue_token.empty()) {
    auto from = TRY(decode_continue(options.continue_token));
    query.version = from.version;
    query.after = std::move(from.last);
  }
  auto slice = storage_.slice(table_of(kind), query);
  if (!slice) {
    return fail(Code::kExpired,
                "The provided continue parameter is too old to display a consistent "
                "list result. You can start a new list without the continue parameter");
  }
  kube::ObjectList list;
  list.resource_version = std::to_string(slice->version);
  list.items = std::move(slice->objects);
  if (slice->more) list.continue_token = encode_continue(slice->version, list.items.back().key());
  for (Object& object : list.items) object = presented(kind, std::move(object));
  return list;
}

Result<std::unique_ptr<kube::Watch>> Core::watch(const ServedKindPtr& kind, const std::string& ns,
                                                 const kube::WatchOptions& options) {
  return open_watch(storage_, hub_, kind, kind->namespaced ? ns : "", options, clock_,
                    settings_.bookmark_interval);
}

Result<Object> Core::create_builtin(const TableId& table, const Key& key) {
  const auto kind = TRY(registry_.find(table.first, "v1", table.second));
  return create(*kind, Object::make(kind->key(), key));
}

Result<Object> Core::update(const ServedKind& kind, Object object, std::string_view subresource) {
  TRY(check_place(kind, object));
  const Key key = object.key();
  Transaction tx(storage_);
  const Object* found = tx.find(table_of(kind), key);
  if (!found) return not_found(kind, key.name);
  return replace(tx, kind, presented(kind, *found), std::move(object), subresource);
}

Result<Object> Core::patch(const ServedKind& kind, const Key& key, kube::PatchType type,
                           const Json& patch, std::string_view subresource) {
  Transaction tx(storage_);
  const Object* found = tx.find(table_of(kind), key);
  if (!found) return not_found(kind, key.name);
  const Object old = presented(kind, *found);
  Json result;
  switch (type) {
    case kube::PatchType::kJson:
      result = TRY(kube::apply_json_patch(old.json(), patch));
      break;
    case kube::PatchType::kMerge:
      result = kube::apply_merge_patch(old.json(), patch);
      break;
    case kube::PatchType::kStrategic:
      if (!kind.builtin) {
        return fail(Code::kUnsupported,
                    "the body of the request was in an unknown format - accepted media types "
                    "include: application/json-patch+json, application/merge-patch+json");
      }
      result = TRY(kube::apply_strategic_patch(kind.kind, old.json(), patch));
      break;
  }
  if (!result.is_object()) return fail(Code::kInvalid, "the patch leaves no object");
  return replace(tx, kind, old, Object(std::move(result)), subresource);
}

}  // namespace breakwater::apiserver
