#include "apiserver/certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/x509.h"

namespace breakwater::apiserver {

namespace {

struct FreeX509 {
  void operator()(X509* cert) const { X509_free(cert); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeRequest {
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct FreeExtension {
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using CertPtr = std::unique_ptr<X509, FreeX509>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using BioPtr = std::unique_ptr<BIO, FreeBio>;
using RequestPtr = std::unique_ptr<X509_REQ, FreeRequest>;

// For clients whose clock is late.
constexpr Duration kBackdating = std::chrono::minutes(5);

// What goes into one certificate.
struct Subject {
  std::string common_name = {};
  std::vector<std::string> organizations = {};
  std::vector<std::pair<int, std::string>> extensions;  // NID and OpenSSL's text for it
};

tl::unexpected<Error> openssl_failure(std::string_view doing) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return fail(Code::kInternal, "cannot {}: {}", doing, text);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

Result<KeyPair> to_pem(X509* cert, EVP_PKEY* key) {
  const BioPtr cert_bio(BIO_new(BIO_s_mem()));
  const BioPtr key_bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(cert_bio.get(), cert) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return openssl_failure("write a certificate as PEM");
  }
  return KeyPair{text_of(cert_bio.get()), text_of(key_bio.get())};
}

void add_name(X509_NAME* name, const char* field, std::string_view value) {
  X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(value.data()),
                             static_cast<int>(value.size()), -1, 0);
}

bool set_serial(X509* cert) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] &= 0x7f;  // serial numbers are positive
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != nullptr;
  BN_free(number);
  return done;
}

struct Validity {
  Time from, until;
};

bool set_validity(X509* cert, Validity validity) {
  const auto seconds = [](Time time) {
    return static_cast<time_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  return ASN1_TIME_set(X509_getm_notBefore(cert), seconds(validity.from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(cert), seconds(validity.until)) != nullptr;
}

bool add_extensions(X509* cert, X509* issuer, const Subject& subject) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  for (const auto& [nid, text] : subject.extensions) {
    const std::unique_ptr<X509_EXTENSION, FreeExtension> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str()));
    if (!extension || X509_add_ext(cert, extension.get(), -1) != 1) return false;
  }
  return true;
}

// What any certificate of ours has; signs it with `signing_key`.
bool complete(X509* cert, EVP_PKEY* key, X509* signer, EVP_PKEY* signing_key,
              const Subject& subject, Validity validity) {
  X509_set_version(cert, X509_VERSION_3);
  X509_set_issuer_name(cert, X509_get_subject_name(signer));
  X509_set_pubkey(cert, key);
  return set_serial(cert) && set_validity(cert, validity) &&
         add_extensions(cert, signer, subject) && X509_sign(cert, signing_key, EVP_sha256()) != 0;
}

// Self-signed when there is no issuer.
Result<KeyPair> issue(const Subject& subject, X509* issuer, EVP_PKEY* issuer_key, Time now,
                      Duration lifetime) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertPtr cert(X509_new());
  if (!key || !cert) return openssl_failure("make a key");
  X509_NAME* name = X509_get_subject_name(cert.get());
  for (const auto& organization : subject.organizations) add_name(name, "O", organization);
  if (!subject.common_name.empty()) add_name(name, "CN", subject.common_name);
  X509* const signer = issuer ? issuer : cert.get();
  const Time from = now - std::chrono::hours(1);
  if (!complete(cert.get(), key.get(), signer, issuer_key ? issuer_key : key.get(), subject,
                {from, from + lifetime})) {
    return openssl_failure("make a certificate");
  }
  return to_pem(cert.get(), key.get());
}

BioPtr reading(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

struct Authority {
  CertPtr cert;
  KeyPtr key;
};

Result<Authority> read_authority(const KeyPair& ca) {
  Authority authority{
      CertPtr(PEM_read_bio_X509(reading(ca.cert_pem).get(), nullptr, nullptr, nullptr)),
      KeyPtr(PEM_read_bio_PrivateKey(reading(ca.key_pem).get(), nullptr, nullptr, nullptr))};
  if (authority.cert && authority.key) return authority;
  ERR_clear_error();
  return fail(Code::kInvalid, "the certificate authority is not a PEM certificate and key");
}

Result<KeyPair> issue_by(const KeyPair& ca, const Subject& subject, Time now, Duration lifetime) {
  const Authority authority = TRY(read_authority(ca));
  return issue(subject, authority.cert.get(), authority.key.get(), now, lifetime);
}

std::vector<std::pair<int, std::string>> client_extensions() {
  return {{NID_basic_constraints, "critical,CA:FALSE"},
          {NID_key_usage, "critical,digitalSignature"},
          {NID_ext_key_usage, "clientAuth"},
          {NID_authority_key_identifier, "keyid"}};
}

bool is_address(const std::string& name) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, name.c_str(), buffer) == 1;
}

}  // namespace

Result<KeyPair> make_ca(std::string_view common_name, Time now, Duration lifetime) {
  return issue({.common_name = std::string(common_name),
                .organizations = {},
                .extensions = {{NID_basic_constraints, "critical,CA:TRUE"},
                               {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"},
                               {NID_subject_key_identifier, "hash"}}},
               nullptr, nullptr, now, lifetime);
}

Result<KeyPair> make_server_certificate(const KeyPair& ca, const std::vector<std::string>& names,
                                        Time now, Duration lifetime) {
  if (names.empty()) return fail(Code::kInvalid, "a server certificate needs a name");
  std::string alternatives;
  for (const auto& name : names) {
    // A comma or line break would smuggle further extensions into OpenSSL's text form.
    if (name.empty() || name.find_first_of(",\n ;") != std::string::npos) {
      return fail(Code::kInvalid, "\"{}\" is neither a DNS name nor an address", name);
    }
    if (!alternatives.empty()) alternatives += ',';
    alternatives += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  return issue_by(ca,
                  {.common_name = names.front(),
                   .organizations = {},
                   .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                  {NID_key_usage, "critical,digitalSignature"},
                                  {NID_ext_key_usage, "serverAuth"},
                                  {NID_subject_alt_name, alternatives},
                                  {NID_authority_key_identifier, "keyid"}}},
                  now, lifetime);
}

Result<KeyPair> make_client_certificate(const KeyPair& ca, std::string_view user,
                                        const std::vector<std::string>& groups, Time now,
                                        Duration lifetime) {
  if (user.empty()) return fail(Code::kInvalid, "a client certificate needs a user name");
  return issue_by(ca,
                  {.common_name = std::string(user),
                   .organizations = groups,
                   .extensions = client_extensions()},
                  now, lifetime);
}

Result<std::string> sign_client_request(const KeyPair& ca, const std::string& request_pem, Time now,
                                        Duration lifetime) {
  const CertificateRequestInfo info = TRY(read_certificate_request(request_pem));
  if (info.subject.common_name.empty()) {
    return fail(Code::kInvalid, "the certificate request has no common name");
  }
  if (info.has_alternative_names) {
    return fail(Code::kInvalid, "a client certificate has no alternative names");
  }
  const Authority authority = TRY(read_authority(ca));
  const RequestPtr request(
      PEM_read_bio_X509_REQ(reading(request_pem).get(), nullptr, nullptr, nullptr));
  const CertPtr cert(X509_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  const Validity validity{now - kBackdating, now + lifetime};
  if (!request || !cert ||
      X509_set_subject_name(cert.get(), X509_REQ_get_subject_name(request.get())) != 1 ||
      !complete(cert.get(), X509_REQ_get0_pubkey(request.get()), authority.cert.get(),
                authority.key.get(), {.extensions = client_extensions()}, validity) ||
      PEM_write_bio_X509(bio.get(), cert.get()) != 1) {
    return openssl_failure("sign a certificate request");
  }
  return text_of(bio.get());
}

}  // namespace breakwater::apiserver
