#include "apiserver/api_errors.h"
#include "apiserver/builtin_rules.h"
#include "apiserver/core.h"
#include "apiserver/crd.h"
#include "apiserver/metadata.h"
#include "apiserver/schema.h"
#include "apiserver/signing_requests.h"

namespace breakwater::apiserver {
namespace {

constexpr int kNameAttempts = 8;
constexpr std::string_view kDefaultClass = "storageclass.kubernetes.io/is-default-class";

bool is_crd(const ServedKind& kind) {
  return kind.builtin && kind.kind == "CustomResourceDefinition";
}

// `old` with the part of `object` that is written through `subresource`.
Object with_part(const ServedKind& kind, const Object& old, const Object& object,
                 std::string_view subresource, Time now) {
  if (is_signing_request(kind)) return merged_request_status(old, object, subresource, now);
  Object next = old;
  next.set({"status"}, object.status());
  if (object.status().is_null()) next.erase({"status"});
  return next;
}

}  // namespace

// apiVersion and kind may be left out; if given they must fit the place written to.
Result<> Core::check_kind(const ServedKind& kind, Object& object) const {
  if (!object.json().is_object()) return fail(Code::kInvalid, "the object is no JSON object");
  const std::string version = kind.key().api_version();
  if (object["apiVersion"].is_null()) object.set({"apiVersion"}, version);
  if (object["kind"].is_null()) object.set({"kind"}, kind.kind);
  if (object.api_version() != version) {
    return fail(Code::kInvalid,
                "the API version in the data ({}) does not match the expected API version ({})",
                object.api_version(), version);
  }
  if (object.kind() != kind.kind) {
    return fail(Code::kInvalid, "the kind in the data ({}) does not match the expected kind ({})",
                object.kind(), kind.kind);
  }
  return {};
}

Result<> Core::check_place(const ServedKind& kind, Object& object) const {
  TRY(check_kind(kind, object));
  if (kind.namespaced && object.ns().empty()) {
    return fail(Code::kInvalid, "{} \"{}\": metadata.namespace: Required value",
                qualified_kind(kind), object.name());
  }
  if (!kind.namespaced && object.metadata().has("namespace"))
    object.erase({"metadata", "namespace"});
  return {};
}

Result<> Core::check(const ServedKind& kind, const Object& old, const Object& object,
                     std::vector<std::string> causes) const {
  check_metadata(kind, object, causes);
  if (kind.builtin) {
    check_builtin(kind, old, object, causes);
    if (is_crd(kind) && causes.empty()) {
      TRY(kinds_of_crd(object.json()));
      const std::string& plural = object.spec().at({"names", "plural"}).as_string();
      const auto served = registry_.find(object.spec()["group"].as_string(), "v1", plural);
      if (served && (*served)->builtin) {
        causes.push_back(
            fmt::format("spec.names.plural: Invalid value: \"{}\": is built in", plural));
      }
    }
  } else if (kind.schema.is_object()) {
    auto wrong = schema_errors(kind.schema, object.json());
    causes.insert(causes.end(), std::make_move_iterator(wrong.begin()),
                  std::make_move_iterator(wrong.end()));
  }
  if (!causes.empty()) return invalid(qualified_kind(kind), object.name(), causes);
  return {};
}

// A claim that names no class gets the default one, as Kubernetes' admission does.
void Core::default_storage_class(const ServedKind& kind, Object& object) const {
  if (kind.kind != "PersistentVolumeClaim" || object.spec().has("storageClassName")) return;
  Storage::SliceQuery query;
  query.limit = 1;
  query.accept = [](const Object& storage_class) {
    return storage_class.annotation(kDefaultClass) == "true";
  };
  const auto classes = storage_.slice({"storage.k8s.io", "storageclasses"}, query);
  if (classes && !classes->objects.empty()) {
    object.set({"spec", "storageClassName"}, classes->objects.front().name());
  }
}

// A new object as it would be stored, but for its name, uid and version.
Result<Object> Core::admitted(const ServedKind& kind, Object object) {
  TRY(check_place(kind, object));
  if (!object.resource_version().empty()) {
    return fail(Code::kInvalid, "resourceVersion should not be set on objects to be created");
  }
  if (object.name().empty() && !object.metadata()["generateName"].as_string().empty()) {
    object.set({"metadata", "name"}, make_name(object));
  }
  begin_metadata(kind, object, make_uid(), clock_.now());
  if (kind.builtin) {
    default_storage_class(kind, object);
    object = new_builtin(kind, std::move(object), clock_.now());
  } else {
    if (kind.has_status_subresource) object.erase({"status"});
    object = Object(with_defaults(kind.schema, pruned(kind.schema, object.json())));
  }
  TRY(check(kind, Object(), object, {}));
  return object;
}

Result<> Core::check_namespace(const Transaction& tx, const ServedKind& kind,
                               const Object& object) const {
  if (!kind.namespaced) return {};
  const Object* ns = tx.find({"", "namespaces"}, {"", object.ns()});
  if (!ns) return fail(Code::kNotFound, "namespaces \"{}\" not found", object.ns());
  if (ns->is_deleting()) {
    return forbidden(kind, object.name(),
                     fmt::format("unable to create new content in namespace {} because it is being "
                                 "terminated",
                                 object.ns()));
  }
  return {};
}

Result<Object> Core::create(const ServedKind& kind, Object object) {
  const bool generated = object.name().empty();
  object = TRY(admitted(kind, std::move(object)));
  Transaction tx(storage_);
  TRY(check_namespace(tx, kind, object));
  const Object* crd = kind.builtin ? nullptr
                                   : tx.find({"apiextensions.k8s.io", "customresourcedefinitions"},
                                             {"", kind.key().group_resource()});
  if (crd && crd->is_deleting()) {
    return forbidden(kind, object.name(),
                     "create not allowed while custom resource definition is terminating");
  }
  const Object* existing = tx.find(table_of(kind), object.key());
  for (int i = 1; existing && generated && i < kNameAttempts; ++i) {
    object.set({"metadata", "name"}, make_name(object));
    existing = tx.find(table_of(kind), object.key());
  }
  if (existing) return already_exists(kind, object.name(), existing->is_deleting());
  const Key key = object.key();
  Object stored = tx.put(table_of(kind), key, std::move(object));
  TRY(finish(tx, [&] {
    if (is_crd(kind)) (void)registry_.add_crd(stored.json());
  }));
  return stored;
}

// Writes `object` over `old`, which is as this version of the kind presents it.
Result<Object> Core::replace(Transaction& tx, const ServedKind& kind, const Object& old,
                             Object object, std::string_view subresource) {
  const Key key = old.key();
  const bool part = kind.has_subresource(subresource);
  TRY(check_place(kind, object));
  if (object.key() != key) {
    return fail(Code::kInvalid, "{} \"{}\": metadata.name and metadata.namespace cannot change",
                qualified_kind(kind), key.name);
  }
  if (!object.uid().empty() && object.uid() != old.uid()) {
    return conflict(
        kind, key.name,
        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}",
                    object.uid(), old.uid()));
  }
  if (!object.resource_version().empty() && object.resource_version() != old.resource_version()) {
    return modified(kind, key.name);
  }
  std::vector<std::string> causes;
  if (part) {
    object = with_part(kind, old, object, subresource, clock_.now());
  } else {
    keep_metadata(old, object, causes);
    if (kind.has_status_subresource) {
      old.status().is_null() ? object.erase({"status"}) : object.set({"status"}, old.status());
    }
  }
  if (!kind.builtin) {
    object = Object(with_defaults(kind.schema, pruned(kind.schema, object.json())));
  } else if (!part) {
    object = changed_builtin(kind, old, std::move(object), clock_.now());
  }
  object.set({"metadata", "resourceVersion"}, old.resource_version());
  TRY(check(kind, old, object, std::move(causes)));
  count_generation(kind, old, object);
  if (object == old) return old;
  if (object.is_deleting() && !is_held(table_of(kind), object)) {
    // The last finalizer has gone, and with it the object.
    Object last = tx.erase(table_of(kind), key, std::move(object));
    TRY(finish(tx, [&] {
      if (is_crd(kind)) registry_.remove_crd(last.json());
    }));
    return last;
  }
  Object stored = tx.put(table_of(kind), key, std::move(object));
  TRY(finish(tx, [&] {
    if (is_crd(kind)) (void)registry_.add_crd(stored.json());
  }));
  return stored;
}

}  // namespace breakwater::apiserver
