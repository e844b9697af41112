// Kubernetes' REST conventions on top of an ApiServer: paths, query parameters, media types,
// tables.
//
// Independent of the HTTP library, so that it is tested without sockets. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/api_server.h"

namespace breakwater::apiserver {

struct Request {
  std::string method;  // GET, POST, PUT, PATCH, DELETE
  std::string path;    // decoded, without query
  std::map<std::string, std::string> query;
  std::string accept, content_type;
  std::string body;
  User user;
  // Not empty: act as somebody else, if `user` may (kubectl --as, --as-group).
  std::string impersonate_user;
  std::vector<std::string> impersonate_groups;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Not null: the answer is a stream; each event is written as one JSON line as it comes, until the
  // watch ends, the client goes, or `stream_timeout` passes.
  std::unique_ptr<kube::Watch> stream;
  Duration stream_timeout{0};
  // Turns one event into its line (a Table row for kubectl get --watch).
  std::function<std::string(const kube::WatchEvent&)> encode;
};

// Where pods' logs come from; the node implements it.
class PodLogs {
 public:
  virtual ~PodLogs() = default;
  // The log so far of a container ("" = the only one). `tail_lines` < 0: all.
  virtual Result<std::string> read(const kube::Key& pod, const std::string& container,
                                   int64_t tail_lines) = 0;
};

// The line of a watch stream that tells of `error`, {"type": "ERROR", "object": Status}: what a
// client gets when next() of its stream fails, and why a stream could not start.
std::string watch_error_line(const Error& error);

class Rest {
 public:
  // `server` outlives this. `logs` may be null: then pods have none. While this lives, it also
  // answers get_raw() of the server's clients, which must not be called while it is destroyed.
  Rest(ApiServer& server, PodLogs* logs, const Clock& clock);
  ~Rest();

  // Serves /api, /apis, /version, /openapi/v2 (JSON, or protobuf for kubectl 1.20), /healthz,
  // /readyz, /livez, all resources and their status and log subresources, and access reviews.
  Response handle(const Request& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace breakwater::apiserver
