#include "apiserver/rest_resource.h"

#include <charconv>

namespace breakwater::apiserver {

namespace {

Result<int64_t> integer_parameter(const Request& request, const std::string& name,
                                  int64_t otherwise) {
  const std::string& text = query_value(request, name);
  if (text.empty()) return otherwise;
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) {
    return fail(Code::kInvalid, "the query parameter {} is \"{}\"; it must be an integer", name,
                text);
  }
  return value;
}

// One object in the form that the client accepts.
Response reply_object(const Target& target, const kube::Object& object, int status = 200) {
  Json body = object.json();
  if (target.media.shape == MediaType::Shape::kTable) {
    const auto rows = row_object_of(target.request);
    if (!rows) return reply_error(rows.error());
    body = make_table(table_columns(*target.served), std::span(&object, 1), target.media.version,
                      *rows, target.context.clock.now());
    body.set({"metadata", "resourceVersion"}, object.resource_version());
  } else if (target.media.shape == MediaType::Shape::kMetadata) {
    body = partial_metadata(object, target.media.version);
  }
  return reply(body, status, target.media.yaml);
}

Response reply_result(const Target& target, const Result<kube::Object>& object, int status = 200) {
  return object ? reply_object(target, *object, status) : reply_error(object.error());
}

Json list_metadata(const kube::ObjectList& list) {
  Json metadata = Json::object({{"resourceVersion", list.resource_version}});
  if (!list.continue_token.empty()) metadata.set("continue", list.continue_token);
  return metadata;
}

Result<Json> list_body(const Target& target, const kube::ObjectList& list) {
  Json body;
  if (target.media.shape == MediaType::Shape::kTable) {
    body = make_table(table_columns(*target.served), list.items, target.media.version,
                      TRY(row_object_of(target.request)), target.context.clock.now());
  } else {
    const bool partial = target.media.shape == MediaType::Shape::kMetadata;
    Json::Array items;
    for (const kube::Object& object : list.items) {
      items.push_back(partial ? partial_metadata(object, target.media.version) : object.json());
    }
    body = Json::object(
        {{"kind", partial ? "PartialObjectMetadataList" : target.served->kind + "List"},
         {"apiVersion",
          partial ? "meta.k8s.io/" + target.media.version : target.served->key().api_version()},
         {"metadata", Json()},
         {"items", Json(std::move(items))}});
  }
  body.set("metadata", list_metadata(list));
  return body;
}

Response serve_list(Target& target) {
  const auto options = list_options_of(target.request);
  if (!options) return bad_request(options.error().to_string());
  const auto list = target.client->list_page(target.kind(), target.path.ns, *options);
  if (!list) return reply_error(list.error());
  const auto body = list_body(target, *list);
  return body ? reply(*body, 200, target.media.yaml) : reply_error(body.error());
}

// The object in the body, checked against the URL and completed from it.
Result<kube::Object> body_object(const Target& target) {
  Json body = TRY(read_object(target.request));
  const std::string api_version = target.kind().api_version();
  const std::string given_version = body["apiVersion"].as_string_or(api_version);
  const std::string given_kind = body["kind"].as_string_or(target.served->kind);
  if (given_kind != target.served->kind || given_version != api_version) {
    return fail(Code::kInvalid, "the body is a {} of {}, but the path takes a {} of {}", given_kind,
                given_version, target.served->kind, api_version);
  }
  body.set("apiVersion", api_version);
  body.set("kind", target.served->kind);
  const std::string ns = body["metadata"]["namespace"].as_string_or("");
  if (!target.path.ns.empty()) {
    if (!ns.empty() && ns != target.path.ns) {
      return fail(Code::kInvalid,
                  "the namespace of the object ({}) does not match the namespace of the path ({})",
                  ns, target.path.ns);
    }
    body.set({"metadata", "namespace"}, target.path.ns);
  }
  if (!target.path.name.empty()) {
    const std::string name = body["metadata"]["name"].as_string_or(target.path.name);
    if (name != target.path.name) {
      return fail(Code::kInvalid,
                  "the name of the object ({}) does not match the name in the path ({})", name,
                  target.path.name);
    }
    body.set({"metadata", "name"}, name);
  }
  return kube::Object(std::move(body));
}

// Of an unreadable body: 415 if its type is unknown, else 400.
Response reply_body_error(const Error& error) {
  if (error.is(Code::kUnsupported)) {
    return reply_failure(415, "UnsupportedMediaType", error.to_string());
  }
  return bad_request(error.to_string());
}

Response serve_create(Target& target) {
  const auto object = body_object(target);
  if (!object) return reply_body_error(object.error());
  return reply_result(target, target.client->create(target.kind(), *object), 201);
}

Response serve_update(Target& target) {
  const auto object = body_object(target);
  if (!object) return reply_body_error(object.error());
  return reply_result(
      target, target.client->update_subresource(target.kind(), *object, target.path.subresource));
}

Response serve_patch(Target& target) {
  if (target.request.content_type.starts_with("application/apply-patch")) {
    return reply_failure(415, "UnsupportedMediaType",
                         "server-side apply is not offered by this server; use kubectl apply "
                         "without --server-side, or another type of patch");
  }
  const auto type = kube::patch_type(target.request.content_type);
  if (!type) return reply_failure(415, "UnsupportedMediaType", type.error().to_string());
  if (*type == kube::PatchType::kStrategic && !target.served->builtin) {
    return reply_failure(415, "UnsupportedMediaType",
                         "custom resources take no strategic merge patches; send "
                         "application/merge-patch+json or application/json-patch+json");
  }
  const auto patch = parse_json(target.request.body);
  if (!patch) return bad_request(patch.error().to_string());
  return reply_result(target, target.client->patch(target.kind(), target.key(), *type, *patch,
                                                   target.path.subresource));
}

Response serve_collection(Target& target) {
  const std::string& method = target.request.method;
  if (method == "GET") {
    return query_flag(target.request, "watch") ? serve_watch(target) : serve_list(target);
  }
  // Collections over all namespaces can only be read.
  const bool everywhere = target.served->namespaced && target.path.ns.empty();
  if (!everywhere && method == "POST") return serve_create(target);
  if (!everywhere && method == "DELETE") return serve_delete_collection(target);
  return method_not_allowed(target.request);
}

Response serve_object(Target& target) {
  const std::string& method = target.request.method;
  if (method == "GET") return reply_result(target, target.client->get(target.kind(), target.key()));
  if (method == "PUT") return serve_update(target);
  if (method == "PATCH") return serve_patch(target);
  if (method == "DELETE" && target.path.subresource.empty()) return serve_delete(target);
  return method_not_allowed(target.request);
}

// Whether the path fits the kind's scope and subresources.
bool fits(const ResourcePath& path, const ServedKind& kind) {
  if (!kind.namespaced && !path.ns.empty()) return false;
  if (kind.namespaced && path.ns.empty() && !path.name.empty()) return false;
  if (path.subresource.empty()) return true;
  if (kind.has_subresource(path.subresource)) return true;
  return path.subresource == "log" && kind.group.empty() && kind.plural == "pods";
}

}  // namespace

Result<RowObject> row_object_of(const Request& request) {
  const std::string& text = query_value(request, "includeObject");
  if (text.empty() || text == "Metadata") return RowObject::kMetadata;
  if (text == "None") return RowObject::kNone;
  if (text == "Object") return RowObject::kFull;
  return fail(Code::kInvalid, "includeObject is \"{}\"; it must be None, Metadata or Object", text);
}

Result<kube::ListOptions> list_options_of(const Request& request) {
  kube::ListOptions options;
  options.labels = TRY(kube::LabelSelector::parse(query_value(request, "labelSelector")));
  options.fields = TRY(kube::FieldSelector::parse(query_value(request, "fieldSelector")));
  options.limit = TRY(integer_parameter(request, "limit", 0));
  options.continue_token = query_value(request, "continue");
  return options;
}

Response serve_log(Target& target, const RestContext& context) {
  if (target.request.method != "GET") return method_not_allowed(target.request);
  const auto allowed = require_access(context, target.request.user,
                                      {.verb = "get",
                                       .group = "",
                                       .resource = "pods",
                                       .subresource = "log",
                                       .ns = target.path.ns,
                                       .name = target.path.name,
                                       .path = ""});
  if (!allowed) return reply_error(allowed.error());
  const auto tail = integer_parameter(target.request, "tailLines", -1);
  if (!tail) return bad_request(tail.error().to_string());
  const auto pod = context.server.reader().get(target.kind(), target.key());
  if (!pod) return reply_error(pod.error());
  const std::string& container = query_value(target.request, "container");
  if (!context.logs) {
    return reply_failure(404, "NotFound", "no node of this server keeps logs of pods");
  }
  auto text = context.logs->read(target.key(), container, *tail);
  return text ? reply_text(std::move(*text)) : reply_error(text.error());
}

Response serve_resource(const RestContext& context, const Request& request,
                        const ResourcePath& path) {
  const auto served = context.server.registry().find(path.group, path.version, path.plural);
  if (!served || !fits(path, **served)) return not_found(request.path);
  const auto media = negotiate(request.accept);
  Target target{context, request, path, *served, media.value_or(MediaType{}), nullptr};
  // Logs are plain text, whatever was asked for.
  if (path.subresource == "log") return serve_log(target, context);
  if (!media) {
    return reply_failure(406, "NotAcceptable",
                         "only application/json and application/yaml are offered");
  }
  if (!query_value(request, "dryRun").empty()) {
    return bad_request("dryRun is not offered by this server; nothing was changed");
  }
  target.client = context.server.client(request.user);
  return path.name.empty() ? serve_collection(target) : serve_object(target);
}

}  // namespace breakwater::apiserver
