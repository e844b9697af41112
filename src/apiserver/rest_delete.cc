#include "apiserver/rest_resource.h"

namespace breakwater::apiserver {

namespace {

using Propagation = kube::DeleteOptions::Propagation;

Result<Propagation> propagation_of(const std::string& text) {
  if (text.empty() || text == "Background") return Propagation::kBackground;
  if (text == "Foreground") return Propagation::kForeground;
  if (text == "Orphan") return Propagation::kOrphan;
  return fail(Code::kInvalid,
              "propagationPolicy is \"{}\"; it must be Background, Foreground or Orphan", text);
}

// From the body, a DeleteOptions, and from query parameters, which count where the body is silent.
Result<kube::DeleteOptions> delete_options_of(const Request& request) {
  Json body = Json::object();
  if (request.body.find_first_not_of(" \r\n") != std::string::npos) {
    body = TRY(read_object(request));
  }
  if (!body["dryRun"].empty()) {
    return fail(Code::kInvalid, "dryRun is not offered by this server; nothing was changed");
  }
  kube::DeleteOptions options;
  options.uid = body["preconditions"]["uid"].as_string();
  options.resource_version = body["preconditions"]["resourceVersion"].as_string();
  options.propagation = TRY(propagation_of(
      body["propagationPolicy"].as_string_or(query_value(request, "propagationPolicy"))));
  if (body["orphanDependents"].as_bool() || query_flag(request, "orphanDependents")) {
    options.propagation = Propagation::kOrphan;
  }
  return options;
}

Json success(const Target& target, const std::string& uid) {
  return Json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", Json::object()},
                       {"status", "Success"},
                       {"details", Json::object({{"name", target.path.name},
                                                 {"group", target.path.group},
                                                 {"kind", target.path.plural},
                                                 {"uid", uid}})}});
}

}  // namespace

Response serve_delete(Target& target) {
  const auto options = delete_options_of(target.request);
  if (!options) return bad_request(options.error().to_string());
  // The user may be allowed to delete and not to read: this looks on the server's own account.
  kube::Reader& reader = target.context.server.reader();
  const auto before = reader.get(target.kind(), target.key());
  const auto removed = target.client->remove(target.kind(), target.key(), *options);
  if (!removed) return reply_error(removed.error());
  const std::string uid = before ? before->uid() : "";
  const auto after = reader.get(target.kind(), target.key());
  if (after && after->uid() == uid) return reply(after->json(), 200, target.media.yaml);
  return reply(success(target, uid), 200, target.media.yaml);
}

Response serve_delete_collection(Target& target) {
  const auto selection = list_options_of(target.request);
  if (!selection) return bad_request(selection.error().to_string());
  const auto options = delete_options_of(target.request);
  if (!options) return bad_request(options.error().to_string());
  const auto allowed = require_access(target.context, target.request.user,
                                      {.verb = "deletecollection",
                                       .group = target.path.group,
                                       .resource = target.path.plural,
                                       .subresource = "",
                                       .ns = target.path.ns,
                                       .name = "",
                                       .path = ""});
  if (!allowed) return reply_error(allowed.error());
  // Allowed as a whole: the user need not be allowed to list, or to delete each.
  const auto client = target.context.server.client(admin_user());
  auto list = client->list_page(target.kind(), target.path.ns, *selection);
  if (!list) return reply_error(list.error());
  for (const kube::Object& object : list->items) {
    kube::DeleteOptions one = *options;
    one.uid = object.uid();
    const auto removed = client->remove(target.kind(), object.key(), one);
    if (!removed && !removed.error().is(Code::kNotFound) && !removed.error().is(Code::kConflict)) {
      return reply_error(removed.error());
    }
  }
  Json::Array items;
  for (const kube::Object& object : list->items) items.push_back(object.json());
  return reply(
      Json::object({{"kind", target.served->kind + "List"},
                    {"apiVersion", target.kind().api_version()},
                    {"metadata", Json::object({{"resourceVersion", list->resource_version}})},
                    {"items", Json(std::move(items))}}),
      200, target.media.yaml);
}

}  // namespace breakwater::apiserver
