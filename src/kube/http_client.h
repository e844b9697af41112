// The Kubernetes API over HTTP(S).
#pragma once

#include <memory>

#include "base/log.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace breakwater::kube {

// Connections are kept alive and shared by all threads; watches stream on one background thread
// that the client owns, so destroy watches before their client. TLS 1.2 or later, the server's name
// is checked. GETs that fail before an answer are repeated once; writes never are.
Result<std::unique_ptr<Client>> make_http_client(ClientConfig config, Logger log);

}  // namespace breakwater::kube
