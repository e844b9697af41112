// Keys of Secrets that objects point to.
//
// Sources: velero.md A.6 (BackupStorageLocation), and OADP, whose default is cloud-credentials.
#pragma once

#include <optional>
#include <string>

#include "kube/client.h"
#include "kube/object.h"

namespace breakwater::api {

struct SecretSelector {
  std::string name;  // in the namespace of the object that points to it
  std::string key;
};

// Where a BackupStorageLocation's credentials are: spec.credential, or key "cloud" of Secret
// "cloud-credentials". Nothing for a location that needs none, a directory.
std::optional<SecretSelector> credential_of_location(const kube::Object& location);
// spec.objectStorage.caCertRef.
std::optional<SecretSelector> ca_cert_of_location(const kube::Object& location);

// What a Secret has under that key; secret. kNotFound says what is missing.
Result<std::string> secret_value(kube::Reader& reader, const std::string& ns,
                                 const SecretSelector& selector);

}  // namespace breakwater::api
