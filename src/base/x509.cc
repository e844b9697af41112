#include "base/x509.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace breakwater {

namespace {

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using CertPtr = std::unique_ptr<X509, Freed<X509_free>>;

BioPtr reading(const std::string& pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

// Nobody is there to type a password for an encrypted key.
int no_password(char*, int, int, void*) { return -1; }

KeyPtr read_key(const std::string& pem) {
  KeyPtr key(PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return key;
}

CertPtr read_cert(const std::string& pem) {
  CertPtr cert(PEM_read_bio_X509(reading(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return cert;
}

bool add_entry(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

std::vector<std::string> entries(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
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

X509Subject subject_of(const X509_NAME* name) {
  const std::vector<std::string> names = entries(name, NID_commonName);
  return {names.empty() ? "" : names.front(), entries(name, NID_organizationName)};
}

bool has_alternative_names(X509_REQ* request) {
  STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request);
  const bool found = X509v3_get_ext_by_NID(extensions, NID_subject_alt_name, -1) >= 0;
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return found;
}

Result<Time> time_of(const ASN1_TIME* asn1) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(asn1, &parts) != 1) {
    return fail(Code::kInvalid, "a time of the certificate is malformed");
  }
  return Time(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

Result<std::string> make_private_key() {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!key || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    ERR_clear_error();
    return fail(Code::kInternal, "cannot make a private key");
  }
  return text_of(bio.get());
}

Result<std::string> make_certificate_request(const std::string& key_pem,
                                             const X509Subject& subject) {
  const KeyPtr key = read_key(key_pem);
  if (!key) return fail(Code::kInvalid, "the key is not a PEM private key");
  const RequestPtr request(X509_REQ_new());
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME* name = X509_REQ_get_subject_name(request.get());
  bool good = X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1;
  for (const std::string& organization : subject.organizations) {
    good = good && add_entry(name, "O", organization);
  }
  if (!subject.common_name.empty()) good = good && add_entry(name, "CN", subject.common_name);
  good = good && X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
         X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0 &&
         PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1;
  ERR_clear_error();
  if (!good) {
    return fail(Code::kInvalid, "cannot make a certificate request for \"{}\"",
                subject.common_name);
  }
  return text_of(bio.get());
}

Result<CertificateRequestInfo> read_certificate_request(const std::string& pem) {
  const BioPtr bio = reading(pem);
  const RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, no_password, nullptr));
  const RequestPtr another(request ? PEM_read_bio_X509_REQ(bio.get(), nullptr, no_password, nullptr)
                                   : nullptr);
  ERR_clear_error();
  if (!request || another) {
    return fail(Code::kInvalid, "it must be one PEM block of type CERTIFICATE REQUEST");
  }
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  const bool is_signed = key != nullptr && X509_REQ_verify(request.get(), key) == 1;
  ERR_clear_error();
  if (!is_signed) {
    return fail(Code::kInvalid, "the certificate request is not signed with its own key");
  }
  return CertificateRequestInfo{subject_of(X509_REQ_get_subject_name(request.get())),
                                has_alternative_names(request.get())};
}

Result<CertificateInfo> read_certificate(const std::string& pem) {
  const CertPtr cert = read_cert(pem);
  if (!cert) return fail(Code::kInvalid, "it must be a PEM block of type CERTIFICATE");
  CertificateInfo info;
  info.subject = subject_of(X509_get_subject_name(cert.get()));
  info.not_before = TRY(time_of(X509_get0_notBefore(cert.get())));
  info.not_after = TRY(time_of(X509_get0_notAfter(cert.get())));
  return info;
}

bool key_fits_certificate(const std::string& key_pem, const std::string& cert_pem) {
  const KeyPtr key = read_key(key_pem);
  const CertPtr cert = read_cert(cert_pem);
  const bool fits = key && cert && X509_check_private_key(cert.get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

}  // namespace breakwater
