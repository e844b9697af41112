// Where a namespace's repository lies, and how a moved snapshot is named.
#pragma once

#include <optional>
#include <string>

#include "api/secret_selector.h"
#include "blob/store_factory.h"
#include "mover/settings.h"

namespace breakwater::mover {

// status.snapshotID of a DataUpload: "restic/<cluster id>/<namespace>#<snapshot id>". It is all
// that a restore on any cluster needs besides the BackupStorageLocation.
struct SnapshotName {
  std::string cluster;
  std::string ns;
  std::string id;  // of the repository's snapshot

  std::string repository() const;  // "restic/<cluster id>/<namespace>", below the location's prefix
  std::string to_string() const;
  // kInvalid says what is wrong.
  static Result<SnapshotName> parse(std::string_view text);
};

// This cluster's id. kNotFound says which claim is missing.
Result<std::string> cluster_id(const Settings& settings, kube::Reader& reader);

// The store of a repository of a BackupStorageLocation. kNotFound if there is no such location
// (yet).
Result<blob::StoreLocation> repository_location(const Settings& settings, kube::Reader& reader,
                                                const std::string& storage_location,
                                                const std::string& repository);

// Whether a BackupStorageLocation may only be read: no lock is written to its repositories then.
// False if there is none.
Result<bool> is_read_only(const Settings& settings, kube::Reader& reader,
                          const std::string& storage_location);

// Where the credentials of that location are; nothing if it needs none, or is not there (yet).
Result<std::optional<api::SecretSelector>> location_credential(const Settings& settings,
                                                               kube::Reader& reader,
                                                               const std::string& storage_location);

// The store of a BackupStorageLocation; without credentials. kInvalid: caCert is no base64.
// kNotFound: the Secret of caCertRef, looked for with `reader`, is not there.
Result<blob::StoreLocation> store_location_of(kube::Reader& reader,
                                              const kube::Object& storage_location);
// The same, of a repository below its prefix.
blob::StoreLocation below(blob::StoreLocation location, const std::string& repository);

// Nothing if a Secret has the repository's password; kNotFound names the Secret and the key that is
// missing or empty. The password itself is not kept.
Result<> check_password(kube::Client& client, const kube::Key& secret);
// The Secret of DataUploads and DataDownloads.
kube::Key repository_secret(const Settings& settings);

}  // namespace breakwater::mover
