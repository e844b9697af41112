// A cluster without a cluster: the embedded API over HTTPS on loopback, the storage driver, and the
// node, in one process and one directory.
//
//   <directory>/api.sqlite  objects          <directory>/kubeconfig  the admin's
//   <directory>/volumes, snapshots  raw files   <directory>/pki      CA and server certificate
//   <directory>/logs        of pods          <directory>/port        kept across restarts
//
// The process may be killed at any moment and started again on the same directory. Controllers of
// others (the agent) get a client of their own from client().
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "apiserver/access.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace breakwater::sandbox {

struct SandboxSettings {
  std::filesystem::path directory;
  std::filesystem::path binary;  // what pods run: our own program
  uint16_t port = 0;             // 0: the one of the last time, or any free one
  std::string name = "sandbox";  // of the cluster, in the kubeconfig
  // A hub: ManagedClusterSets default and global, but no node and no storage.
  bool hub = false;
  bool olm = false;  // serves the kinds of OpenShift and its operators, too
};

class Sandbox {
 public:
  // Returns when the API answers. kUnavailable if the port is taken or another process uses the
  // directory. References outlive the sandbox.
  static Result<std::unique_ptr<Sandbox>> start(SandboxSettings settings, const Clock& clock,
                                                Random& random, Logger log);
  // Ends everything, processes of pods included.
  virtual ~Sandbox() = default;

  // The API in process, as `user`. The sandbox outlives it.
  virtual std::unique_ptr<kube::Client> client(apiserver::User user) = 0;
  virtual std::string url() const = 0;
  virtual std::filesystem::path kubeconfig() const = 0;
  // What that file says: the admin, over HTTPS.
  virtual kube::ClientConfig admin() const = 0;
};

// Where a sandbox directory's API listens, and the kubeconfig to reach it with: kNotFound when no
// sandbox was ever started there.
Result<std::string> sandbox_url(const std::filesystem::path& directory);

}  // namespace breakwater::sandbox
