#include "sandbox/storage_context.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/quantity.h"

namespace breakwater::sandbox {

bool refers_to(const Json& claim_ref, const kube::Object& claim) {
  const std::string& uid = claim_ref["uid"].as_string();
  return claim_ref["namespace"].as_string() == claim.ns() &&
         claim_ref["name"].as_string() == claim.name() && (uid.empty() || uid == claim.uid());
}

Result<uint64_t> requested_size(const kube::Object& claim) {
  const Json& request = claim.json().at({"spec", "resources", "requests", "storage"});
  const std::string text =
      request.is_int() ? std::to_string(request.as_int()) : request.as_string();
  auto size = parse_quantity(text);
  if (!size || *size <= 0) {
    return fail(
        Code::kInvalid,
        "PersistentVolumeClaim {}: spec.resources.requests.storage \"{}\" is no positive size",
        claim.key().to_string(), text);
  }
  return static_cast<uint64_t>(*size);
}

Result<kube::Object> storage_class_of(kube::Reader& reader, const kube::Object& claim) {
  const std::string& name = claim.spec()["storageClassName"].as_string();
  if (name.empty()) {
    return fail(Code::kNotFound,
                "PersistentVolumeClaim {} names no StorageClass and none is the default",
                claim.key().to_string());
  }
  return reader.get(api::kStorageClass, {"", name});
}

Result<std::optional<kube::Object>> find_live(kube::Client& client, const kube::Kind& kind,
                                              const kube::Key& key, const std::string& uid) {
  auto found = client.get(kind, key);
  if (!found && found.error().is(Code::kNotFound)) return std::nullopt;
  if (!found) return tl::unexpected(std::move(found).error());
  if (!uid.empty() && found->uid() != uid) return std::nullopt;
  return std::move(*found);
}

Result<> set_finalizer(StorageContext& context, const kube::Kind& kind, const kube::Object& object,
                       std::string_view finalizer, bool wanted) {
  const auto change = [&](kube::Object& now) -> Result<bool> {
    if (now.uid() != object.uid() || wanted == now.has_finalizer(finalizer)) return false;
    if (wanted && now.is_deleting()) return false;
    if (wanted) now.add_finalizer(finalizer);
    if (!wanted) now.remove_finalizer(finalizer);
    return true;
  };
  auto edited = kube::edit(context.client, kind, object.key(), false, change);
  if (edited || edited.error().is(Code::kNotFound)) return {};
  return tl::unexpected(std::move(edited).error());
}

Result<bool> finish_operation(StorageContext& context, const std::string& id,
                              std::function<Result<>()> work, const std::string& controller,
                              const kube::Key& key) {
  auto state = context.operations.find(id);
  if (!state) {
    TRY(context.operations.start(
        id,
        [work = std::move(work)](const CancelToken&) -> Result<Json> {
          TRY(work());
          return Json();
        },
        [enqueue = context.enqueue, controller, key] { enqueue(controller, key); }));
    state = context.operations.find(id);  // an inline pool has finished by now
  }
  if (!state || !state->finished) return false;
  context.operations.forget(id);
  if (!state->result) return tl::unexpected(std::move(state->result).error());
  return true;
}

}  // namespace breakwater::sandbox
