// The in-process client, with get_raw() answered by the REST layer: discovery, health, pod logs.
#pragma once

#include <memory>

#include "apiserver/rest.h"
#include "kube/client.h"

namespace breakwater::sandbox {

// `rest` outlives the client. Thread-safe.
std::unique_ptr<kube::Client> make_rest_client(std::unique_ptr<kube::Client> inner,
                                               apiserver::Rest& rest, apiserver::User user);

}  // namespace breakwater::sandbox
