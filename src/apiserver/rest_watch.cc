#include <charconv>

#include "apiserver/rest_resource.h"

namespace breakwater::apiserver {

namespace {

constexpr int64_t kDefaultWatchSeconds = 1800;

// Turns events into lines. Holds the kind, whose strings the stream may refer to.
struct EventEncoder {
  ServedKindPtr served;
  MediaType media;
  RowObject rows = RowObject::kMetadata;
  bool bookmarks = false;
  std::vector<TableColumn> columns;
  const Clock* clock = nullptr;

  Json shaped(const kube::Object& object, bool bookmark) const {
    if (media.shape == MediaType::Shape::kTable) {
      Json table = make_table(columns, std::span(&object, bookmark ? 0 : 1), media.version, rows,
                              clock->now());
      table.set({"metadata", "resourceVersion"}, object.resource_version());
      return table;
    }
    if (media.shape == MediaType::Shape::kMetadata) return partial_metadata(object, media.version);
    if (!bookmark) return object.json();
    Json result =
        Json::object({{"kind", served->kind}, {"apiVersion", served->key().api_version()}});
    result.set("metadata", object.metadata());
    result.set({"metadata", "creationTimestamp"}, nullptr);
    return result;
  }

  // "" for an event that the client did not ask for.
  std::string operator()(const kube::WatchEvent& event) const {
    using Type = kube::WatchEvent::Type;
    const bool bookmark = event.type == Type::kBookmark;
    if (bookmark && !bookmarks) return "";
    const char* type = bookmark                        ? "BOOKMARK"
                       : event.type == Type::kAdded    ? "ADDED"
                       : event.type == Type::kModified ? "MODIFIED"
                                                       : "DELETED";
    return to_json(Json::object({{"type", type}, {"object", shaped(event.object, bookmark)}})) +
           "\n";
  }
};

Duration timeout_of(const Request& request) {
  const std::string& text = query_value(request, "timeoutSeconds");
  int64_t seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (seconds <= 0 || seconds > 24 * 3600) seconds = kDefaultWatchSeconds;
  return std::chrono::seconds(seconds);
}

}  // namespace

Response serve_watch(Target& target) {
  const Request& request = target.request;
  if (query_flag(request, "sendInitialEvents")) {
    // In these words clients fall back to list and watch.
    return reply_failure(422, "Invalid",
                         "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch "
                         "unless the WatchList feature gate is enabled");
  }
  const auto selection = list_options_of(request);
  if (!selection) return bad_request(selection.error().to_string());
  const auto rows = row_object_of(request);
  if (!rows) return bad_request(rows.error().to_string());
  kube::WatchOptions options{selection->labels, selection->fields,
                             query_value(request, "resourceVersion")};
  if (options.resource_version == "0") options.resource_version.clear();

  Response response;
  auto watch = target.client->watch(target.kind(), target.path.ns, options);
  if (!watch) {
    if (!watch.error().is(Code::kExpired)) return reply_error(watch.error());
    // As Kubernetes does: the stream starts and says at once that it cannot go on.
    response.body = watch_error_line(watch.error());
    return response;
  }
  response.stream = std::move(*watch);
  response.stream_timeout = timeout_of(request);
  response.encode = EventEncoder{target.served,
                                 target.media,
                                 *rows,
                                 query_flag(request, "allowWatchBookmarks"),
                                 table_columns(*target.served),
                                 &target.context.clock};
  return response;
}

}  // namespace breakwater::apiserver
