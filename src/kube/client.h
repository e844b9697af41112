// How everything talks to a Kubernetes API: one interface, two transports.
//
// HttpClient (kube/http_client.h) speaks HTTPS; ApiServer::client (apiserver/api_server.h) calls
// the embedded API in process. Code above cannot tell which it has: both validate, authorise and
// answer alike. FaultyClient (kube/faulty_client.h) wraps either and misbehaves on purpose.
//
// Every call is synchronous, bounded by Call::timeout and stopped early by Call::cancel. A call
// that fails with kTimeout or kUnavailable may or may not have taken effect; callers repeat it, and
// derived names and resourceVersions make the repetition harmless. Clients are thread-safe; a Watch
// is used by one thread at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "kube/kind.h"
#include "kube/object.h"
#include "kube/patch.h"
#include "kube/selector.h"

namespace breakwater::kube {

struct Call {
  Duration timeout = std::chrono::seconds(30);
  CancelToken cancel;
};

struct ListOptions {
  LabelSelector labels;
  FieldSelector fields;
  int64_t limit = 0;           // 0: everything in one page
  std::string continue_token;  // of the page before
  // An older state will do, as a server's cache gives it (what informers ask for; Kubernetes'
  // resourceVersion "0"). Without it a list is as fresh as get().
  bool any_version = false;
};

struct WatchOptions {
  LabelSelector labels;
  FieldSelector fields;
  // Events after this version; "" starts with an ADDED for every present object.
  std::string resource_version;
};

struct WatchEvent {
  enum class Type { kAdded, kModified, kDeleted, kBookmark };
  Type type = Type::kAdded;
  Object object;  // for a bookmark only metadata.resourceVersion is set
};

// A stream of changes, pulled. Destroying it ends it.
class Watch {
 public:
  virtual ~Watch() = default;
  // The next event, or nothing if none has arrived yet. kExpired: the history no longer reaches
  // back, list again. kUnavailable: the stream has ended, watch again from the last
  // resourceVersion. Never blocks.
  virtual Result<std::optional<WatchEvent>> next() = 0;
  // `wake` is called, from any thread, when next() may have something new. Set once, before the
  // first next(). It must not call into this Watch.
  virtual void set_wake(std::function<void()> wake) = 0;
};

struct DeleteOptions {
  std::string uid;               // not empty: kConflict if the object is another one by now
  std::string resource_version;  // not empty: kConflict if the object has changed
  enum class Propagation {
    kBackground,
    kForeground,
    kOrphan
  } propagation = Propagation::kBackground;
};

// Reading, possibly from a cache that lags behind.
class Reader {
 public:
  virtual ~Reader() = default;
  // kNotFound if there is none.
  virtual Result<Object> get(const Kind& kind, const Key& key, const Call& call = {}) = 0;
  // All objects of `kind` in `ns` ("" = all namespaces) that `labels` selects, sorted by key.
  virtual Result<std::vector<Object>> list(const Kind& kind, const std::string& ns,
                                           const LabelSelector& labels = {},
                                           const Call& call = {}) = 0;
};

class Client : public Reader {
 public:
  // Live, and never from a cache. list() follows continue tokens until everything is there.
  Result<std::vector<Object>> list(const Kind& kind, const std::string& ns,
                                   const LabelSelector& labels = {},
                                   const Call& call = {}) override;
  // One page.
  virtual Result<ObjectList> list_page(const Kind& kind, const std::string& ns,
                                       const ListOptions& options, const Call& call = {}) = 0;

  // The object as stored. kAlreadyExists if the name is taken; metadata.generateName makes one up.
  virtual Result<Object> create(const Kind& kind, const Object& object, const Call& call = {}) = 0;
  // Replaces the object. With metadata.resourceVersion set, kConflict unless it is the current one.
  // For kinds with a status subresource the status is left as it was.
  virtual Result<Object> update(const Kind& kind, const Object& object, const Call& call = {}) = 0;
  // Replaces the status only. For kinds without the subresource it is the same as update().
  virtual Result<Object> update_status(const Kind& kind, const Object& object,
                                       const Call& call = {}) = 0;
  // As update() and update_status(), for a `subresource` as in patch(). kUnsupported by default.
  virtual Result<Object> update_subresource(const Kind& kind, const Object& object,
                                            const std::string& subresource, const Call& call = {});
  // `subresource` is "", "status", or "approval" for a CertificateSigningRequest (of which only
  // status.conditions count). A patch that names metadata.resourceVersion fails with kConflict
  // unless that is the current one.
  virtual Result<Object> patch(const Kind& kind, const Key& key, PatchType type, const Json& patch,
                               const std::string& subresource = "", const Call& call = {}) = 0;
  // Starts deletion. kNotFound if there is none; an object with finalizers stays until they go.
  virtual Result<> remove(const Kind& kind, const Key& key, const DeleteOptions& options = {},
                          const Call& call = {}) = 0;
  virtual Result<std::unique_ptr<Watch>> watch(const Kind& kind, const std::string& ns,
                                               const WatchOptions& options,
                                               const Call& call = {}) = 0;
  // The body of GET `path` (which starts with '/' and may carry a query): discovery, pod logs.
  virtual Result<std::string> get_raw(const std::string& path, const Call& call = {}) = 0;
};

// remove(), where "it is not there" is success: what reconcilers want.
Result<> remove_if_exists(Client& client, const Kind& kind, const Key& key,
                          const DeleteOptions& options = {});
// Reads, lets `edit` change the object, updates; repeats on kConflict, at most five times. `edit`
// returns false to leave the object alone. With `status` the status is what is written.
Result<Object> edit(Client& client, const Kind& kind, const Key& key, bool status,
                    const std::function<Result<bool>(Object&)>& edit);

// A metav1.Status for an error, and the error a Status stands for.
Json status_of(const Error& error);
int http_status(Code code);
Error error_of(int http_status, const Json& status_body);

}  // namespace breakwater::kube
