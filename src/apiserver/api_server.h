// The embedded Kubernetes API: objects, their rules, their history.
//
// One ApiServer is one cluster's API. It stores objects in SQLite (WAL, synced before a write is
// answered, so `kill -9` loses nothing that was acknowledged) and in memory, validates, defaults
// and prunes what CRDs describe, and keeps a bounded history for watches. It is for one machine.
//
// Two ways in: client() gives the in-process transport; Rest (apiserver/rest.h) translates HTTP.
// Both go through the same verbs, checks and access rules. Thread-safe.
//
// Deletion, garbage collection of owned objects and of namespaces happen in collect(), which the
// owner of the server calls now and then; nothing runs on threads of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/registry.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"

namespace breakwater::apiserver {

struct Settings {
  std::filesystem::path database;  // "" keeps everything in memory
  size_t history = 10000;          // changes a watch can reach back; older ones are 410 Expired
  Duration bookmark_interval = std::chrono::seconds(60);
  Duration event_ttl = std::chrono::hours(1);
  std::string cluster_name = "breakwater";
};

class ApiServer {
 public:
  // Opens or creates the database, with the namespaces default, kube-system, kube-public and
  // kube-node-lease and the cluster roles admin, cluster-admin, edit, view in it. kCorrupt names
  // the file. `clock` and `random` outlive the server.
  static Result<std::unique_ptr<ApiServer>> open(Settings settings, const Clock& clock,
                                                 Random& random, Logger log);
  virtual ~ApiServer() = default;

  // Creates or updates CustomResourceDefinitions, so that their kinds are served when this returns.
  virtual Result<> install_crds(const std::vector<Json>& crds) = 0;

  // The API in process, as `user`. Errors, access rules and semantics equal those over HTTP. The
  // server outlives its clients.
  virtual std::unique_ptr<kube::Client> client(User user) = 0;

  // One round of what Kubernetes' controllers do for the API itself: objects whose last owner is
  // gone, foreground and orphan deletion, contents of terminating namespaces, expired Events, a
  // default ServiceAccount in each namespace. Returns whether it changed anything; call it again
  // then.
  virtual bool collect() = 0;
  // Called, from any thread, after every change: a good moment for collect(). Must return at once.
  virtual void set_wake(std::function<void()> wake) = 0;

  // What clients' get_raw() answers with; without one it is kUnsupported. Whoever serves HTTP paths
  // sets it, and clears it before going away.
  using RawHandler = std::function<Result<std::string>(const User&, const std::string& path)>;
  virtual void set_raw_handler(RawHandler handler) = 0;

  virtual const Registry& registry() const = 0;
  // All objects, without access checks; for the server's own parts.
  virtual kube::Reader& reader() = 0;
  // The newest resourceVersion.
  virtual uint64_t resource_version() const = 0;
};

}  // namespace breakwater::apiserver
