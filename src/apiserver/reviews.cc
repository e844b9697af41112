#include "apiserver/reviews.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apiserver/api_errors.h"

namespace breakwater::apiserver {

namespace {

constexpr std::string_view kAuthorization = "authorization.k8s.io";
constexpr std::string_view kAuthentication = "authentication.k8s.io";
constexpr std::string_view kRbac = "rbac.authorization.k8s.io";

constexpr std::array kReviews = {
    ReviewKind{kAuthentication, "selfsubjectreviews", "SelfSubjectReview", false},
    ReviewKind{kAuthorization, "localsubjectaccessreviews", "LocalSubjectAccessReview", true},
    ReviewKind{kAuthorization, "selfsubjectaccessreviews", "SelfSubjectAccessReview", false},
    ReviewKind{kAuthorization, "selfsubjectrulesreviews", "SelfSubjectRulesReview", false},
    ReviewKind{kAuthorization, "subjectaccessreviews", "SubjectAccessReview", false},
};

// The access that a review's spec describes.
Result<Access> access_of(const Json& spec) {
  Access access;
  const Json& path = spec["nonResourceAttributes"];
  const Json& resource = spec["resourceAttributes"];
  if (path.is_object() == resource.is_object()) {
    return fail(Code::kInvalid,
                "spec must have exactly one of resourceAttributes and nonResourceAttributes");
  }
  if (path.is_object()) {
    access.verb = path["verb"].as_string();
    access.path = path["path"].as_string();
    return access;
  }
  access.verb = resource["verb"].as_string();
  access.group = resource["group"].as_string();
  access.resource = resource["resource"].as_string();
  access.subresource = resource["subresource"].as_string();
  access.ns = resource["namespace"].as_string();
  access.name = resource["name"].as_string();
  return access;
}

Json verdict_status(const Verdict& verdict) {
  Json status = Json::object({{"allowed", verdict.allowed}});
  if (!verdict.reason.empty()) status.set("reason", verdict.reason);
  return status;
}

User spec_user(const Json& spec) {
  User user{spec["user"].as_string(), {}, spec["uid"].as_string()};
  for (const Json& group : spec["groups"].items()) user.groups.push_back(group.as_string());
  if (!user.in_group("system:authenticated")) user.groups.push_back("system:authenticated");
  return user;
}

bool names_user(const Json& subject, const kube::Object& binding, const User& user) {
  const std::string& kind = subject["kind"].as_string();
  const std::string& name = subject["name"].as_string();
  if (kind == "User") return name == user.name;
  if (kind == "Group") return user.in_group(name);
  const std::string ns = subject["namespace"].as_string_or(binding.ns());
  return kind == "ServiceAccount" && service_account_user(ns, name).name == user.name;
}

// Adds the rules of the role that `binding` grants to `user`.
void add_rules(kube::Reader& reader, const kube::Object& binding, const User& user,
               Json::Array& rules) {
  const auto& subjects = binding["subjects"].items();
  if (std::none_of(subjects.begin(), subjects.end(),
                   [&](const Json& subject) { return names_user(subject, binding, user); })) {
    return;
  }
  const Json& reference = binding["roleRef"];
  const bool cluster = reference["kind"].as_string() == "ClusterRole";
  const kube::Kind kind{
      kRbac,    "v1", cluster ? "ClusterRole" : "Role", cluster ? "clusterroles" : "roles",
      !cluster, false};
  const auto role = reader.get(kind, {cluster ? "" : binding.ns(), reference["name"].as_string()});
  if (!role) return;
  for (const Json& rule : (*role)["rules"].items()) rules.push_back(rule);
  for (const Json& json : (*role)["aggregationRule"]["clusterRoleSelectors"].items()) {
    const auto selector = kube::LabelSelector::from_json(json);
    if (!selector || selector->everything()) continue;
    const auto others = reader.list(kind, "", *selector);
    for (const kube::Object& other : others ? *others : std::vector<kube::Object>()) {
      for (const Json& rule : other["rules"].items()) rules.push_back(rule);
    }
  }
}

Json rules_status(kube::Reader& reader, const User& user, const std::string& ns) {
  Json::Array rules;
  if (user.in_group("system:masters")) {
    const Json all = Json::array({"*"});
    rules.push_back(Json::object({{"verbs", all}, {"apiGroups", all}, {"resources", all}}));
    rules.push_back(Json::object({{"verbs", all}, {"nonResourceURLs", all}}));
  }
  const kube::Kind cluster_bindings{kRbac, "v1", "ClusterRoleBinding", "clusterrolebindings",
                                    false, false};
  const kube::Kind bindings{kRbac, "v1", "RoleBinding", "rolebindings", true, false};
  if (const auto list = reader.list(cluster_bindings, "")) {
    for (const kube::Object& binding : *list) add_rules(reader, binding, user, rules);
  }
  const auto list = reader.list(bindings, ns);
  if (list && !ns.empty()) {
    for (const kube::Object& binding : *list) add_rules(reader, binding, user, rules);
  }
  Json::Array resources, paths;
  for (const Json& rule : rules) {
    (rule.has("nonResourceURLs") ? paths : resources).push_back(rule);
  }
  return Json::object({{"resourceRules", Json(std::move(resources))},
                       {"nonResourceRules", Json(std::move(paths))},
                       {"incomplete", false}});
}

Json self_status(const User& user) {
  Json::Array groups(user.groups.begin(), user.groups.end());
  Json info = Json::object({{"username", user.name}, {"groups", Json(std::move(groups))}});
  if (!user.uid.empty()) info.set("uid", user.uid);
  return Json::object({{"userInfo", std::move(info)}});
}

// The status of a review with this spec.
Result<Json> judge(kube::Reader& reader, const User& user, const ReviewKind& review,
                   const std::string& ns, const Json& spec) {
  if (review.kind == "SelfSubjectReview") return self_status(user);
  if (review.kind == "SelfSubjectRulesReview") {
    return rules_status(reader, user, spec["namespace"].as_string());
  }
  const Access access = TRY(access_of(spec));
  if (review.kind == "SelfSubjectAccessReview") {
    return verdict_status(authorize(reader, user, access));
  }
  // Asking about others is itself a permission.
  TRY(require_access(reader, user,
                     {.verb = "create",
                      .group = std::string(kAuthorization),
                      .resource = std::string(review.plural),
                      .subresource = "",
                      .ns = ns,
                      .name = "",
                      .path = ""}));
  if (review.namespaced && access.ns != ns) {
    return fail(Code::kInvalid, "spec.resourceAttributes.namespace must be \"{}\" as in the path",
                ns);
  }
  return verdict_status(authorize(reader, spec_user(spec), access));
}

}  // namespace

std::span<const ReviewKind> review_kinds() { return kReviews; }

const ReviewKind* find_review(std::string_view group, std::string_view version,
                              std::string_view plural) {
  if (version != "v1") return nullptr;
  for (const ReviewKind& review : kReviews) {
    if (review.group == group && review.plural == plural) return &review;
  }
  return nullptr;
}

Result<Json> judged(kube::Reader& reader, const User& user, const ReviewKind& review,
                    const std::string& ns, Json body) {
  if (user.in_group("system:unauthenticated")) {
    return fail(Code::kForbidden, "User \"{}\" cannot create {}", user.name, review.plural);
  }
  const Json status = TRY(judge(reader, user, review, ns, body["spec"]));
  body.set("kind", review.kind);
  body.set("apiVersion", std::string(review.group) + "/v1");
  body.set("status", status);
  return body;
}

}  // namespace breakwater::apiserver
