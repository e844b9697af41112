#include "apiserver/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace breakwater::apiserver {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct FreeX509 {
  void operator()(X509* cert) const { X509_free(cert); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using CertPtr = std::unique_ptr<X509, FreeX509>;

// The certificates in a PEM text, in order.
std::vector<CertPtr> read_certificates(const std::string& pem) {
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<CertPtr> certs;
  while (CertPtr cert{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    certs.push_back(std::move(cert));
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  return certs;
}

Result<> use_identity(SSL_CTX* context, const std::string& cert_pem, const std::string& key_pem) {
  const std::vector<CertPtr> certs = read_certificates(cert_pem);
  if (certs.empty() || SSL_CTX_use_certificate(context, certs.front().get()) != 1) {
    return fail(Code::kInvalid, "the server's certificate is not a PEM certificate");
  }
  for (size_t i = 1; i < certs.size(); ++i) SSL_CTX_add1_chain_cert(context, certs[i].get());
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const std::unique_ptr<EVP_PKEY, FreeKey> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    ERR_clear_error();
    return fail(Code::kInvalid, "the server's key does not fit its certificate");
  }
  return {};
}

Result<> ask_for_client_certificates(SSL_CTX* context, const std::string& ca_pem) {
  const std::vector<CertPtr> authorities = read_certificates(ca_pem);
  if (authorities.empty()) return fail(Code::kInvalid, "the client CA is not a PEM certificate");
  for (const CertPtr& authority : authorities) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return {};
}

std::vector<std::string> name_entries(X509* cert, int nid) {
  std::vector<std::string> values;
  X509_NAME* name = X509_get_subject_name(cert);
  for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(name, nid, at)) {
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size >= 0) values.emplace_back(reinterpret_cast<char*>(text), static_cast<size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

}  // namespace

void FreeTlsContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsContextPtr> make_tls_context(const std::string& cert_pem, const std::string& key_pem,
                                       const std::string& client_ca_pem) {
  TlsContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(Code::kInternal, "cannot make a TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A session must not outlive the certificate that it was made with.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  TRY(use_identity(context.get(), cert_pem, key_pem));
  if (!client_ca_pem.empty()) TRY(ask_for_client_certificates(context.get(), client_ca_pem));
  return context;
}

std::optional<User> certificate_user(ssl_st* connection) {
  const CertPtr cert(SSL_get1_peer_certificate(connection));
  if (!cert || SSL_get_verify_result(connection) != X509_V_OK) return std::nullopt;
  const std::vector<std::string> names = name_entries(cert.get(), NID_commonName);
  if (names.empty() || names.front().empty()) return std::nullopt;
  User user{names.front(), name_entries(cert.get(), NID_organizationName), ""};
  user.groups.push_back("system:authenticated");
  return user;
}

bool certificate_expired(ssl_st* connection) {
  const CertPtr cert(SSL_get1_peer_certificate(connection));
  return cert && X509_cmp_current_time(X509_get0_notAfter(cert.get())) < 0;
}

}  // namespace breakwater::apiserver
