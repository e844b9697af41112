// A certificate authority of our own: what `sandbox up` needs to speak HTTPS and to know its
// clients.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"

namespace breakwater::apiserver {

struct KeyPair {
  std::string cert_pem;
  std::string key_pem;
};

// ECDSA P-256 throughout. `lifetime` counts from an hour before `now`.
Result<KeyPair> make_ca(std::string_view common_name, Time now, Duration lifetime);
// For a server, with DNS names and IP addresses as subject alternative names.
Result<KeyPair> make_server_certificate(const KeyPair& ca, const std::vector<std::string>& names,
                                        Time now, Duration lifetime);
// For a client: CN is the user's name, each O a group.
Result<KeyPair> make_client_certificate(const KeyPair& ca, std::string_view user,
                                        const std::vector<std::string>& groups, Time now,
                                        Duration lifetime);

// A client certificate for the subject and the key of a "CERTIFICATE REQUEST", as PEM. kInvalid for
// what is no such request, has no common name or asks for alternative names. `lifetime` counts from
// `now`.
Result<std::string> sign_client_request(const KeyPair& ca, const std::string& request_pem, Time now,
                                        Duration lifetime);

}  // namespace breakwater::apiserver
