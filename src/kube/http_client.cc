#include "kube/http_client.h"

#include <algorithm>
#include <mutex>

#include "kube/http_transport.h"
#include "kube/http_watch.h"

namespace breakwater::kube {
namespace {

constexpr size_t kLargestAnswer = size_t{256} << 20;
constexpr size_t kMostIdle = 8;

struct Request {
  std::string method;
  std::string path;
  std::string body;
  std::string_view content_type = "";
};

// One request under way: what the callbacks of libcurl see.
struct Transfer {
  std::string_view to_send;
  std::string received;
  bool too_large = false;
  CancelToken cancel;
  char error_text[CURL_ERROR_SIZE] = "";
};

size_t on_receive(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.too_large = transfer.received.size() + size > kLargestAnswer;
  if (transfer.too_large) return CURL_WRITEFUNC_ERROR;
  transfer.received.append(data, size);
  return size;
}

// Without a way to rewind, libcurl cannot repeat a request whose body has left: writes go out once.
size_t on_send(char* buffer, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t count = std::min(size, transfer.to_send.size());
  std::copy_n(transfer.to_send.data(), count, buffer);
  transfer.to_send.remove_prefix(count);
  return count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->cancel.cancelled() ? 1 : 0;
}

void set_callbacks(CURL* handle, Transfer& transfer, const Request& request, Duration timeout) {
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, curl_milliseconds(timeout));
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, transfer.error_text);
  if (request.method == "GET") return;
  curl_easy_setopt(handle, CURLOPT_POST, 1L);
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_send);
  curl_easy_setopt(handle, CURLOPT_READDATA, &transfer);
}

// Handles that wait for their next request, each with its connection.
class HandlePool {
 public:
  CurlHandle take() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return CurlHandle(curl_easy_init());
    CurlHandle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  void give(CurlHandle handle) {
    curl_easy_reset(handle.get());  // keeps the connection
    std::lock_guard lock(mutex_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(handle));
  }

 private:
  std::mutex mutex_;
  std::vector<CurlHandle> idle_;
};

Json delete_options(const DeleteOptions& options) {
  constexpr std::string_view kPolicies[] = {"Background", "Foreground", "Orphan"};
  Json body =
      Json::object({{"kind", "DeleteOptions"},
                    {"apiVersion", "v1"},
                    {"propagationPolicy", kPolicies[static_cast<int>(options.propagation)]}});
  if (!options.uid.empty()) body.set({"preconditions", "uid"}, options.uid);
  if (!options.resource_version.empty()) {
    body.set({"preconditions", "resourceVersion"}, options.resource_version);
  }
  return body;
}

class HttpClient final : public Client {
 public:
  HttpClient(Endpoint endpoint, Logger log)
      : endpoint_(std::move(endpoint)), log_(std::move(log)), hub_(endpoint_) {}

  Result<Object> get(const Kind& kind, const Key& key, const Call& call) override {
    const std::string path = TRY(object_path(kind, key));
    return object_of(send({"GET", path, ""}, call));
  }

  Result<ObjectList> list_page(const Kind& kind, const std::string& ns, const ListOptions& options,
                               const Call& call) override {
    std::string path = kind.path(ns);
    add_selectors(path, options.labels, options.fields);
    if (options.limit > 0) add_query(path, "limit", std::to_string(options.limit));
    if (!options.continue_token.empty()) add_query(path, "continue", options.continue_token);
    const Json body = TRY(json_of(send({"GET", path, ""}, call)));
    ObjectList list;
    for (const Json& item : body["items"].items()) {
      list.items.emplace_back(item);
      // Items of built-in kinds come without them.
      Object& object = list.items.back();
      if (object.kind().empty()) object.set({"kind"}, kind.kind);
      if (object.api_version().empty()) object.set({"apiVersion"}, kind.api_version());
    }
    list.resource_version = body["metadata"]["resourceVersion"].as_string();
    list.continue_token = body["metadata"]["continue"].as_string();
    return list;
  }

  Result<Object> create(const Kind& kind, const Object& object, const Call& call) override {
    if (kind.namespaced && object.ns().empty()) return no_namespace(kind, object.key());
    return object_of(write("POST", kind.path(object.ns()), object.json(), call));
  }

  Result<Object> update(const Kind& kind, const Object& object, const Call& call) override {
    return object_of(write("PUT", TRY(object_path(kind, object.key())), object.json(), call));
  }

  Result<Object> update_status(const Kind& kind, const Object& object, const Call& call) override {
    std::string path = TRY(object_path(kind, object.key()));
    if (kind.has_status_subresource) path += "/status";
    return object_of(write("PUT", path, object.json(), call));
  }

  Result<Object> update_subresource(const Kind& kind, const Object& object,
                                    const std::string& subresource, const Call& call) override {
    if (subresource.empty()) return update(kind, object, call);
    if (subresource == "status") return update_status(kind, object, call);
    const std::string path = TRY(object_path(kind, object.key())) + "/" + subresource;
    return object_of(write("PUT", path, object.json(), call));
  }

  Result<Object> patch(const Kind& kind, const Key& key, PatchType type, const Json& patch,
                       const std::string& subresource, const Call& call) override {
    std::string path = TRY(object_path(kind, key));
    if (!subresource.empty()) path += "/" + subresource;
    return object_of(send({"PATCH", path, to_json(patch), patch_media_type(type)}, call));
  }

  Result<> remove(const Kind& kind, const Key& key, const DeleteOptions& options,
                  const Call& call) override {
    const std::string path = TRY(object_path(kind, key));
    TRY(write("DELETE", path, delete_options(options), call));
    return {};
  }

  Result<std::unique_ptr<Watch>> watch(const Kind& kind, const std::string& ns,
                                       const WatchOptions& options, const Call&) override {
    std::string path = kind.path(ns) + "?watch=1&allowWatchBookmarks=true";
    add_selectors(path, options.labels, options.fields);
    if (!options.resource_version.empty()) {
      add_query(path, "resourceVersion", options.resource_version);
    }
    return hub_.open(path);
  }

  Result<std::string> get_raw(const std::string& path, const Call& call) override {
    return send({"GET", path, ""}, call, "*/*");
  }

 private:
  static tl::unexpected<Error> no_namespace(const Kind& kind, const Key& key) {
    return fail(Code::kInvalid, "{} \"{}\" needs a namespace", kind.group_resource(), key.name);
  }

  // A missing part would address another thing, a whole collection for one.
  static Result<std::string> object_path(const Kind& kind, const Key& key) {
    if (key.name.empty()) return fail(Code::kInvalid, "{} needs a name", kind.group_resource());
    if (kind.namespaced && key.ns.empty()) return no_namespace(kind, key);
    return kind.path(key.ns, key.name);
  }

  static void add_selectors(std::string& path, const LabelSelector& labels,
                            const FieldSelector& fields) {
    if (!labels.everything()) add_query(path, "labelSelector", labels.to_string());
    if (!fields.everything()) add_query(path, "fieldSelector", fields.to_string());
  }

  static Result<Json> json_of(Result<std::string> body) {
    if (!body) return tl::unexpected(std::move(body).error());
    auto json = parse_json(*body);
    if (json) return json;
    return fail(Code::kUnavailable, "the API server's answer is not JSON: {}",
                json.error().message());
  }

  static Result<Object> object_of(Result<std::string> body) {
    return Object(TRY(json_of(std::move(body))));
  }

  Result<std::string> write(const char* method, const std::string& path, const Json& body,
                            const Call& call) {
    return send({method, path, to_json(body), "application/json"}, call);
  }

  // The body of a successful answer.
  Result<std::string> send(const Request& request, const Call& call,
                           std::string_view accept = "application/json") {
    TRY(call.cancel.check());
    CurlHandle handle = pool_.take();
    if (!handle) return fail(Code::kInternal, "libcurl has no handle left");
    Duration left = call.timeout;
    auto answer = perform(handle.get(), request, call.cancel, left, accept);
    if (!answer && request.method == "GET" && lost_before_answer(handle.get(), answer.error())) {
      left -= used_by(handle.get());
      if (left > Duration::zero()) {
        log_.debug("repeating request", {{"path", request.path}});
        answer = perform(handle.get(), request, call.cancel, left, accept);
      }
    }
    pool_.give(std::move(handle));
    return answer;
  }

  static bool lost_before_answer(CURL* handle, const Error& error) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status == 0 && error.is(Code::kUnavailable);
  }

  static Duration used_by(CURL* handle) {
    curl_off_t microseconds = 0;
    curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME_T, &microseconds);
    return std::chrono::microseconds(microseconds);
  }

  Result<std::string> perform(CURL* handle, const Request& request, const CancelToken& cancel,
                              Duration timeout, std::string_view accept) {
    const std::string what = request.method + " " + endpoint_.url(request.path);
    curl_easy_reset(handle);
    Transfer transfer;
    transfer.to_send = request.body;
    transfer.cancel = cancel;
    const CurlList headers =
        TRY(endpoint_.prepare(handle, request.path, accept, request.content_type));
    set_callbacks(handle, transfer, request, timeout);
    const CURLcode result = curl_easy_perform(handle);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (transfer.too_large) {
      return fail(Code::kUnsupported, "{}: the answer is larger than {} MiB", what,
                  kLargestAnswer >> 20);
    }
    if (result != CURLE_OK) {
      return tl::unexpected(transfer_error(result, transfer.error_text, what));
    }
    if (status >= 200 && status < 300) return std::move(transfer.received);
    const Json body = parse_json(transfer.received).value_or(Json());
    Error error = error_of(static_cast<int>(status), body);
    if (body["message"].as_string().empty()) error.add_context("asking for " + what);
    return tl::unexpected(std::move(error));
  }

  const Endpoint endpoint_;
  const Logger log_;
  HandlePool pool_;
  WatchHub hub_;
};

}  // namespace

Result<std::unique_ptr<Client>> make_http_client(ClientConfig config, Logger log) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return fail(Code::kInternal, "libcurl does not start");
  }
  return std::make_unique<HttpClient>(TRY(Endpoint::create(std::move(config))), std::move(log));
}

}  // namespace breakwater::kube
