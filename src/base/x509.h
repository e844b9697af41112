// Keys, certificate requests (PKCS #10) and what certificates say, as PEM texts.
//
// What a client of a Kubernetes API needs to get a certificate and to know when to renew it. A
// certificate authority stands in apiserver/certificates.h. Keys are ECDSA P-256 and come from
// OpenSSL's generator. Errors name what is wrong and never quote a PEM text.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace breakwater {

// Who a certificate is for. Kubernetes reads the common name as a user, organizations as groups.
struct X509Subject {
  std::string common_name;
  std::vector<std::string> organizations;
  friend bool operator==(const X509Subject&, const X509Subject&) = default;
};

// A new private key (PKCS #8, "PRIVATE KEY").
Result<std::string> make_private_key();

// A "CERTIFICATE REQUEST" for `subject`, signed with the key. kInvalid if `key_pem` is no key.
Result<std::string> make_certificate_request(const std::string& key_pem,
                                             const X509Subject& subject);

struct CertificateRequestInfo {
  X509Subject subject;
  bool has_alternative_names = false;  // DNS names, addresses, …; clients have none
};
// kInvalid unless `pem` is one certificate request that its own key has signed.
Result<CertificateRequestInfo> read_certificate_request(const std::string& pem);

struct CertificateInfo {
  X509Subject subject;
  Time not_before, not_after;
};
// The first certificate of `pem`; kInvalid if there is none.
Result<CertificateInfo> read_certificate(const std::string& pem);

// Whether the first certificate of `cert_pem` is for the key. False if either cannot be read.
bool key_fits_certificate(const std::string& key_pem, const std::string& cert_pem);

}  // namespace breakwater
