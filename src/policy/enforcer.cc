#include "policy/enforcer.h"

namespace breakwater::policy {
namespace {

using kube::Object;

// A merge patch's nulls mean "absent"; an object that is created has no use for them.
Json without_nulls(const Json& value) {
  if (!value.is_object()) return value;
  Json result = Json::object();
  for (const auto& [name, member] : value.members()) {
    if (!member.is_null()) result.set(name, without_nulls(member));
  }
  return result;
}

// What a patch may say: everything but what identifies the object and the status.
Json patch_body(const Object& desired) {
  Json body = desired.json();
  for (const char* name : {"apiVersion", "kind", "status"}) body.erase(name);
  for (const char* name : {"name", "namespace", "uid"}) body.erase({"metadata", name});
  return body;
}

bool has_it_all(const Object& live, const Json& patch) {
  return kube::apply_merge_patch(live.json(), patch) == live.json();
}

}  // namespace

Result<> Enforcer::ensure(const Desired& desired, Enforcement& done) {
  const kube::Key key = desired.object.key();
  auto live = reader_.get(desired.kind, key);
  if (!live && !live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
  if (!live) {
    if (desired.mode == Desired::Mode::kPatch) return {};
    Object object(without_nulls(desired.object.json()));
    object.erase({"status"});
    auto created = client_.create(desired.kind, object);
    // The cache may lag behind; the next round compares with what is really there.
    if (!created && !created.error().is(Code::kAlreadyExists)) {
      return tl::unexpected(created.error());
    }
    if (created) {
      ++done.created;
      log_.info("created", {{"kind", desired.kind.kind}, {"object", key.to_string()}});
    }
    return write_status(desired);
  }
  const std::string& uid = desired.object.uid();
  if (!uid.empty() && live->uid() != uid) return {};
  if (const Json body = patch_body(desired.object); !has_it_all(*live, body)) {
    TRY(client_.patch(desired.kind, key, kube::PatchType::kMerge, body));
    ++done.changed;
    log_.info("changed", {{"kind", desired.kind.kind}, {"object", key.to_string()}});
  }
  const Json& status = desired.object.status();
  if (status.is_null() || has_it_all(*live, Json::object({{"status", status}}))) return {};
  ++done.changed;
  return write_status(desired);
}

Result<> Enforcer::write_status(const Desired& desired) {
  const Json& status = desired.object.status();
  if (status.is_null()) return {};
  TRY(client_.patch(desired.kind, desired.object.key(), kube::PatchType::kMerge,
                    Json::object({{"status", status}}),
                    desired.kind.has_status_subresource ? "status" : ""));
  return {};
}

Result<> Enforcer::remove(const Unwanted& unwanted, Enforcement& done) {
  kube::DeleteOptions options;
  options.uid = unwanted.uid;
  auto removed = client_.remove(unwanted.kind, unwanted.key, options);
  if (!removed) {
    // Gone, or another object of that name by now: both are what was wanted.
    if (removed.error().is(Code::kNotFound) || removed.error().is(Code::kConflict)) return {};
    return removed;
  }
  ++done.removed;
  log_.info("removed", {{"kind", unwanted.kind.kind}, {"object", unwanted.key.to_string()}});
  return {};
}

Enforcement Enforcer::carry_out(const Evaluation& evaluation, Mode mode) {
  Enforcement done;
  if (mode == Mode::kInform) return done;
  for (const Desired& desired : evaluation.desired) {
    if (auto result = ensure(desired, done); !result) {
      done.failures.push_back(
          {desired.kind, desired.object.key(), "NotApplied", result.error().to_string()});
    }
  }
  for (const Unwanted& unwanted : evaluation.unwanted) {
    if (auto result = remove(unwanted, done); !result) {
      done.failures.push_back(
          {unwanted.kind, unwanted.key, "NotRemoved", result.error().to_string()});
    }
  }
  return done;
}

}  // namespace breakwater::policy
