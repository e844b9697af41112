#include "apiserver/local_client.h"

#include "apiserver/api_errors.h"
#include "apiserver/reviews.h"
#include "apiserver/signing_requests.h"

namespace breakwater::apiserver {
namespace {

using kube::Call;
using kube::Kind;

// The one name that a selector leaves, so that rules with resourceNames can allow the list; or "".
std::string only_name(const kube::FieldSelector& fields) {
  for (const auto& requirement : fields.requirements()) {
    if (requirement.path == "metadata.name" && requirement.equal) return requirement.value;
  }
  return "";
}

class LocalClient final : public kube::Client {
 public:
  LocalClient(Core& core, const Registry& registry, kube::Reader* policy, RawHandler raw, User user)
      : core_(core),
        registry_(registry),
        policy_(policy),
        raw_(std::move(raw)),
        user_(std::move(user)) {}

  Result<Object> get(const Kind& kind, const Key& key, const Call& call) override {
    const auto served = TRY(admit("get", kind, key, "", call));
    return core_.get(*served, placed(*served, key));
  }
  Result<kube::ObjectList> list_page(const Kind& kind, const std::string& ns,
                                     const kube::ListOptions& options, const Call& call) override {
    const auto served = TRY(admit("list", kind, {ns, only_name(options.fields)}, "", call));
    return core_.list(*served, ns, options);
  }
  Result<Object> create(const Kind& kind, const Object& object, const Call& call) override {
    if (const ReviewKind* review = find_review(kind.group, kind.version, kind.plural)) {
      kube::Reader& reader = policy_ ? *policy_ : *this;
      return Object(TRY(judged(reader, user_, *review, object.ns(), object.json())));
    }
    const auto served = TRY(admit("create", kind, {object.ns(), ""}, "", call));
    if (!is_signing_request(*served)) return core_.create(*served, object);
    TRY(refuse_masters(*served, object));
    return core_.create(*served, with_requester(object, user_));
  }
  Result<Object> update(const Kind& kind, const Object& object, const Call& call) override {
    const auto served = TRY(admit("update", kind, object.key(), "", call));
    return core_.update(*served, object, "");
  }
  Result<Object> update_status(const Kind& kind, const Object& object, const Call& call) override {
    const auto served = TRY(admit("update", kind, object.key(), "status", call));
    return core_.update(*served, object, "status");
  }
  Result<Object> update_subresource(const Kind& kind, const Object& object,
                                    const std::string& subresource, const Call& call) override {
    const auto served = TRY(admit("update", kind, object.key(), subresource, call));
    return core_.update(*served, object, subresource);
  }
  Result<Object> patch(const Kind& kind, const Key& key, kube::PatchType type, const Json& patch,
                       const std::string& subresource, const Call& call) override {
    const auto served = TRY(admit("patch", kind, key, subresource, call));
    return core_.patch(*served, placed(*served, key), type, patch, subresource);
  }
  Result<> remove(const Kind& kind, const Key& key, const kube::DeleteOptions& options,
                  const Call& call) override {
    const auto served = TRY(admit("delete", kind, key, "", call));
    return core_.remove(*served, placed(*served, key), options);
  }
  Result<std::unique_ptr<kube::Watch>> watch(const Kind& kind, const std::string& ns,
                                             const kube::WatchOptions& options,
                                             const Call& call) override {
    const auto served = TRY(admit("watch", kind, {ns, only_name(options.fields)}, "", call));
    return core_.watch(served, ns, options);
  }
  Result<std::string> get_raw(const std::string& path, const Call& call) override {
    TRY(call.cancel.check());
    if (!raw_) return fail(Code::kUnsupported, "this server serves no paths: {}", path);
    return raw_(user_, path);
  }

 private:
  static Key placed(const ServedKind& kind, const Key& key) {
    return kind.namespaced ? key : Key{"", key.name};
  }
  // The kind as served, if the user may do this to it.
  Result<ServedKindPtr> admit(const char* verb, const Kind& kind, const Key& key,
                              std::string_view subresource, const Call& call);
  tl::unexpected<Error> denied(const Access& access) const;

  Core& core_;
  const Registry& registry_;
  kube::Reader* const policy_;
  const RawHandler raw_;
  const User user_;
};

Result<ServedKindPtr> LocalClient::admit(const char* verb, const Kind& kind, const Key& key,
                                         std::string_view subresource, const Call& call) {
  TRY(call.cancel.check());
  auto served = TRY(registry_.find(kind.group, kind.version, kind.plural));
  // Kinds whose status is written with the rest have no such subresource to be allowed.
  if (subresource == "status" && !served->has_status_subresource) subresource = "";
  if (!subresource.empty() && !served->has_subresource(subresource)) {
    return fail(Code::kNotFound, "{} have no subresource {}", kind.group_resource(), subresource);
  }
  if (!policy_) return served;
  Access access;
  access.verb = verb;
  access.group = served->group;
  access.resource = served->plural;
  access.subresource = subresource;
  access.ns = served->namespaced ? key.ns : "";
  access.name = key.name;
  if (!authorize(*policy_, user_, access).allowed) return denied(access);
  if (is_signing_request(*served) && !subresource.empty()) {
    const Object request = TRY(policy_->get(kind, {"", key.name}));
    const char* signing = subresource == "approval" ? "approve" : "sign";
    TRY(require_signer(*policy_, user_, *served, request, signing));
  }
  return served;
}

tl::unexpected<Error> LocalClient::denied(const Access& access) const {
  const std::string group_resource =
      access.group.empty() ? access.resource : access.resource + "." + access.group;
  const std::string name = access.name.empty() ? "" : fmt::format(" \"{}\"", access.name);
  const std::string part = access.subresource.empty() ? "" : "/" + access.subresource;
  const std::string where = access.ns.empty() ? std::string("at the cluster scope")
                                              : fmt::format("in the namespace \"{}\"", access.ns);
  return fail(Code::kForbidden,
              "{}{} is forbidden: User \"{}\" cannot {} resource \"{}{}\" in API group \"{}\" {}",
              group_resource, name, user_.name, access.verb, access.resource, part, access.group,
              where);
}

}  // namespace

std::unique_ptr<kube::Client> make_local_client(Core& core, const Registry& registry,
                                                kube::Reader* policy, RawHandler raw, User user) {
  return std::make_unique<LocalClient>(core, registry, policy, std::move(raw), std::move(user));
}

}  // namespace breakwater::apiserver
