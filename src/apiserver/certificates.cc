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

namespace breakwater::apiserver {

namespace {

struct FreeX509 {
  void operator()(X509* cert) const { X509_free(cert); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
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

// What goes into one certificate.
struct Subject {
  std::string common_name;
  std::vector<std::string> organizations;
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

bool set_validity(X509* cert, Time now, Duration lifetime) {
  const Time from = now - std::chrono::hours(1);
  const auto seconds = [](Time time) {
    return static_cast<time_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  return ASN1_TIME_set(X509_getm_notBefore(cert), seconds(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(cert), seconds(from + lifetime)) != nullptr;
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

// Self-signed when there is no issuer.
Result<KeyPair> issue(const Subject& subject, X509* issuer, EVP_PKEY* issuer_key, Time now,
                      Duration lifetime) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertPtr cert(X509_new());
  if (!key || !cert) return openssl_failure("make a key");
  X509_set_version(cert.get(), X509_VERSION_3);
  X509_NAME* name = X509_get_subject_name(cert.get());
  for (const auto& organization : subject.organizations) add_name(name, "O", organization);
  if (!subject.common_name.empty()) add_name(name, "CN", subject.common_name);
  X509* const signer = issuer ? issuer : cert.get();
  X509_set_issuer_name(cert.get(), X509_get_subject_name(signer));
  X509_set_pubkey(cert.get(), key.get());
  if (!set_serial(cert.get()) || !set_validity(cert.get(), now, lifetime) ||
      !add_extensions(cert.get(), signer, subject) ||
      X509_sign(cert.get(), issuer_key ? issuer_key : key.get(), EVP_sha256()) == 0) {
    return openssl_failure("make a certificate");
  }
  return to_pem(cert.get(), key.get());
}

Result<KeyPair> issue_by(const KeyPair& ca, const Subject& subject, Time now, Duration lifetime) {
  const BioPtr cert_bio(BIO_new_mem_buf(ca.cert_pem.data(), static_cast<int>(ca.cert_pem.size())));
  const BioPtr key_bio(BIO_new_mem_buf(ca.key_pem.data(), static_cast<int>(ca.key_pem.size())));
  const CertPtr cert(PEM_read_bio_X509(cert_bio.get(), nullptr, nullptr, nullptr));
  const KeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  if (!cert || !key) {
    ERR_clear_error();
    return fail(Code::kInvalid, "the certificate authority is not a PEM certificate and key");
  }
  return issue(subject, cert.get(), key.get(), now, lifetime);
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
                   .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                  {NID_key_usage, "critical,digitalSignature"},
                                  {NID_ext_key_usage, "clientAuth"},
                                  {NID_authority_key_identifier, "keyid"}}},
                  now, lifetime);
}

}  // namespace breakwater::apiserver
