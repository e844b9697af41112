// How requests to an API server are put on the wire: what calls and watches share.
//
// Private to kube/. Wraps libcurl's handles; an Endpoint outlives every handle prepared with it.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "kube/kubeconfig.h"

namespace breakwater::kube {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlDeleter>;

// Where and as whom. Immutable after creation, so any thread may use it.
class Endpoint {
 public:
  // kInvalid for a server that is not https, unless it is http on this very machine: a token must
  // not cross a network in the clear.
  static Result<Endpoint> create(ClientConfig config);

  std::string url(const std::string& path) const { return config_.server + path; }
  // Everything about a request but its body and its callbacks. Fails if the token cannot be read.
  Result<CurlList> prepare(CURL* handle, const std::string& path, std::string_view accept,
                           std::string_view content_type) const;

 private:
  explicit Endpoint(ClientConfig config) : config_(std::move(config)) {}
  Result<std::string> token() const;
  void set_credentials(CURL* handle) const;
  ClientConfig config_;
  bool loopback_ = false;
};

// The Error for a transfer that failed, "GET https://…: could not connect". `detail` is the text of
// CURLOPT_ERRORBUFFER, or "".
Error transfer_error(CURLcode code, std::string_view detail, const std::string& what);

// Adds "name=value" to a path, with '?' or '&', encoded.
void add_query(std::string& path, std::string_view name, std::string_view value);

long curl_milliseconds(Duration duration);  // at least 1: 0 would mean for ever

}  // namespace breakwater::kube
