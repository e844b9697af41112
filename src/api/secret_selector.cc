#include "api/secret_selector.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"

namespace breakwater::api {

std::optional<SecretSelector> credential_of_location(const kube::Object& location) {
  if (location.spec()["provider"].as_string() == kLocalProvider) return std::nullopt;
  const Json& given = location.spec()["credential"];
  if (given["name"].as_string().empty()) return SecretSelector{"cloud-credentials", "cloud"};
  return SecretSelector{given["name"].as_string(), given["key"].as_string_or("cloud")};
}

std::optional<SecretSelector> ca_cert_of_location(const kube::Object& location) {
  const Json& given = location.spec()["objectStorage"]["caCertRef"];
  if (given["name"].as_string().empty()) return std::nullopt;
  return SecretSelector{given["name"].as_string(), given["key"].as_string()};
}

Result<std::string> secret_value(kube::Reader& reader, const std::string& ns,
                                 const SecretSelector& selector) {
  const kube::Key key{ns, selector.name};
  const auto secret = reader.get(kSecret, key);
  if (!secret && secret.error().is(Code::kNotFound)) {
    return fail(Code::kNotFound, "Secret {} does not exist", key.to_string());
  }
  if (!secret) return tl::unexpected(secret.error());
  const auto value = from_base64((*secret)["data"][selector.key].as_string());
  if (!value || value->empty()) {
    return fail(Code::kNotFound, "Secret {} has no key {} or it is empty", key.to_string(),
                selector.key);
  }
  return std::string(as_text(*value));
}

}  // namespace breakwater::api
