// The server's side of TLS: its certificate, and who a client's certificate says the client is.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apiserver/access.h"
#include "base/error.h"

// OpenSSL's own names.
struct ssl_st;
struct ssl_ctx_st;

namespace breakwater::apiserver {

struct FreeTlsContext {
  void operator()(ssl_ctx_st* context) const;
};
using TlsContextPtr = std::unique_ptr<ssl_ctx_st, FreeTlsContext>;

// TLS 1.2 or later. With `client_ca_pem`, clients may show a certificate of that CA; one of another
// CA fails the handshake. kInvalid says which PEM text is wrong, without quoting it.
Result<TlsContextPtr> make_tls_context(const std::string& cert_pem, const std::string& key_pem,
                                       const std::string& client_ca_pem);

// After the handshake: the user that the client's certificate names, CN in the groups of its O and
// in system:authenticated. Nothing if it showed none.
std::optional<User> certificate_user(ssl_st* connection);

// Whether the certificate that the client showed has expired since the handshake.
bool certificate_expired(ssl_st* connection);

}  // namespace breakwater::apiserver
