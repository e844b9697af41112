#include "policy/enforcer.h"

#include <algorithm>
#include <cctype>

#include "api/names.h"

namespace breakwater::policy {
namespace {

using kube::Object;
using State = Enforced::State;

// A merge patch's nulls mean "absent"; an object that is created has no use for them.
Json without_nulls(const Json& value) {
  if (!value.is_object()) return value;
  Json result = Json::object();
  for (const auto& [name, member] : value.members()) {
    if (!member.is_null()) result.set(name, without_nulls(member));
  }
  return result;
}

// `wanted` with a null for everything that `live` has besides.
Json nothing_besides(const Json& live, const Json& wanted) {
  if (!wanted.is_object()) return wanted;
  Json patch = wanted;
  for (const auto& [name, member] : live.members()) {
    const Json* there = wanted.find(name);
    patch.set(name, there == nullptr ? Json() : nothing_besides(member, *there));
  }
  return patch;
}

// What a patch may say: everything but what identifies the object and the status.
Json patch_body(const Desired& desired, const Object& live) {
  Json body = desired.object.json();
  for (const char* name : {"apiVersion", "kind", "status"}) body.erase(name);
  for (const char* name : {"name", "namespace", "uid"}) body.erase({"metadata", name});
  for (const std::string& name : desired.whole) {
    body.set(name, nothing_besides(live[name], body[name]));
  }
  return body;
}

bool has_it_all(const Object& live, const Json& patch) {
  return kube::apply_merge_patch(live.json(), patch) == live.json();
}

bool status_differs(const Desired& desired, const Object& live) {
  const Json& status = desired.object.status();
  return !status.is_null() && !has_it_all(live, Json::object({{"status", status}}));
}

const std::string& mark_of(const Json& at_creation) {
  return at_creation["metadata"]["annotations"][api::kCreatedByAnnotation].as_string();
}

bool bears_mark(const Object& live, const Desired& desired) {
  const std::string& mark = mark_of(desired.at_creation);
  return !mark.empty() && live.annotation(api::kCreatedByAnnotation) == mark;
}

}  // namespace

Mode mode_of(const Object& policy) {
  std::string action = policy.spec()["remediationAction"].as_string();
  std::transform(action.begin(), action.end(), action.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return action == "inform" ? Mode::kInform : Mode::kEnforce;
}

Json creation_mark(const kube::Key& policy) {
  Json mark = Json::object();
  mark.set({"metadata", "annotations", api::kCreatedByAnnotation}, policy.to_string());
  mark.set({"metadata", "labels", api::kManagedByLabel}, api::kManagedBy);
  return mark;
}

bool created_by(const Object& object, const kube::Key& policy) {
  return object.annotation(api::kCreatedByAnnotation) == policy.to_string();
}

Result<> Enforcer::create(const Desired& desired, Enforced& object, Enforcement& done) {
  object.state = State::kMissing;
  if (desired.mode == Desired::Mode::kPatch) return {};
  Object wanted(without_nulls(desired.object.json()));
  if (!desired.at_creation.is_null()) {
    wanted = Object(kube::apply_merge_patch(wanted.json(), desired.at_creation));
  }
  wanted.erase({"status"});
  auto created = client_.create(desired.kind, wanted);
  // The cache may lag behind; the next round compares with what is really there.
  if (!created && !created.error().is(Code::kAlreadyExists)) {
    return tl::unexpected(created.error());
  }
  if (created) {
    ++done.created;
    log_.info("created",
              {{"kind", desired.kind.kind}, {"object", desired.object.key().to_string()}});
    object.uid = created->uid();
    object.created = bears_mark(*created, desired);
  }
  object.state = State::kAsWanted;
  return write_status(desired);
}

Result<> Enforcer::ensure(const Desired& desired, Enforced& object, Enforcement& done) {
  const kube::Key key = desired.object.key();
  auto live = reader_.get(desired.kind, key);
  if (!live && !live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
  if (!live) return create(desired, object, done);
  object.uid = live->uid();
  object.created = bears_mark(*live, desired);
  const std::string& uid = desired.object.uid();
  if (!uid.empty() && live->uid() != uid) return {};
  if (const Json body = patch_body(desired, *live); !has_it_all(*live, body)) {
    object.state = State::kDiffers;
    TRY(client_.patch(desired.kind, key, kube::PatchType::kMerge, body));
    ++done.changed;
    object.state = State::kAsWanted;
    log_.info("changed", {{"kind", desired.kind.kind}, {"object", key.to_string()}});
  }
  if (!status_differs(desired, *live)) return {};
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

Result<> Enforcer::compare(const Desired& desired, Enforced& object) {
  auto live = reader_.get(desired.kind, desired.object.key());
  if (!live && !live.error().is(Code::kNotFound)) return tl::unexpected(live.error());
  if (!live) {
    object.state = State::kMissing;
    return {};
  }
  object.uid = live->uid();
  object.created = bears_mark(*live, desired);
  const bool same =
      has_it_all(*live, patch_body(desired, *live)) && !status_differs(desired, *live);
  object.state = same ? State::kAsWanted : State::kDiffers;
  return {};
}

void Enforcer::fail_for(const kube::Kind& kind, const kube::Key& key, const char* reason,
                        const Error& error, Enforcement& done) {
  const bool passes =
      error.is(Code::kConflict) || error.is(Code::kUnavailable) || error.is(Code::kTimeout);
  if (!passes) {
    done.failures.push_back({kind, key, reason, error.to_string()});
  } else if (!done.interrupted) {
    done.interrupted = error;
    done.interrupted->add_context(fmt::format("applying {} {}", kind.kind, key.to_string()));
  }
}

void Enforcer::inform(const Evaluation& evaluation, Enforcement& done) {
  for (const Desired& desired : evaluation.desired) {
    if (!desired.related) continue;
    Enforced object{desired.kind, desired.object.key(), State::kAsWanted, "", false};
    const auto compared = compare(desired, object);
    if (!compared) {
      fail_for(desired.kind, object.key, "NotRead", compared.error(), done);
    } else if (object.state == State::kMissing && desired.mode == Desired::Mode::kEnsure) {
      done.failures.push_back({desired.kind, object.key, "Missing",
                               "it does not exist; remediationAction inform leaves it so"});
    } else if (object.state == State::kDiffers) {
      done.failures.push_back({desired.kind, object.key, "Differs",
                               "it is not as configured; remediationAction inform leaves it so"});
    }
    done.objects.push_back(std::move(object));
  }
  for (const Unwanted& unwanted : evaluation.unwanted) {
    if (!unwanted.related) continue;
    done.failures.push_back({unwanted.kind, unwanted.key, "Unwanted",
                             "nobody asks for it any more; remediationAction inform leaves it"});
    done.objects.push_back({unwanted.kind, unwanted.key, State::kUnwanted, unwanted.uid, true});
  }
}

Enforcement Enforcer::carry_out(const Evaluation& evaluation, Mode mode) {
  Enforcement done;
  if (mode == Mode::kInform) {
    inform(evaluation, done);
    return done;
  }
  for (const Desired& desired : evaluation.desired) {
    Enforced object{desired.kind, desired.object.key(), State::kAsWanted, "", false};
    if (auto result = ensure(desired, object, done); !result) {
      fail_for(desired.kind, desired.object.key(), "NotApplied", result.error(), done);
    }
    if (desired.related) done.objects.push_back(std::move(object));
  }
  for (const Unwanted& unwanted : evaluation.unwanted) {
    if (auto result = remove(unwanted, done); !result) {
      fail_for(unwanted.kind, unwanted.key, "NotRemoved", result.error(), done);
    }
  }
  return done;
}

}  // namespace breakwater::policy
