// Where a VolumeSnapshotBackup or -Restore finds its repository, and the Secret that its worker
// gets.
//
// spec.resticSecretRef names a Secret in the engine's namespace: "<location>-volsync-restic" stands
// for that BackupStorageLocation (and need not exist: the data mover's own Secret has the
// password), any other must have RESTIC_REPOSITORY. Without a reference the default location and
// the data mover's Secret are taken. A password that is missing is one finding that names Secret
// and key.
//
// The worker's Secret, "<vsb>-secret" or "<vsr>-secret", has RESTIC_PASSWORD, RESTIC_REPOSITORY and
// the provider's credentials: what restic itself needs. It goes with the move.
//
// Source: volume-snapshot-mover.md 6; decisions.md, "Data mover".
#pragma once

#include <optional>
#include <string>

#include "api/secret_selector.h"
#include "blob/store_factory.h"
#include "mover/children.h"
#include "mover/settings.h"

namespace breakwater::mover {

struct RepositoryAccess {
  blob::StoreLocation location;  // its prefix is where the engine's keys begin
  bool read_only = false;
  Json secret_data;  // password and credentials, base64; secret
};

// kNotFound says what is missing (yet).
Result<RepositoryAccess> find_access(const Settings& settings, const Environment& environment,
                                     const kube::Object& move);

// What restic wants to know of a location's credentials and authority: AWS_ACCESS_KEY_ID, …,
// RESTIC_CUSTOM_CA, base64; {} where there are none. Read live. kNotFound, kInvalid: the Secret
// that the location points to is missing, or does not say.
Result<Json> restic_credentials(kube::Reader& reader, const kube::Object& location);

// The store of a BackupStorageLocation, without credentials but with the server that they name
// (blob::take_endpoint), so that its URL says where it is. Errors as of restic_credentials and
// store_location_of.
Result<blob::StoreLocation> reachable_location(kube::Reader& reader, const kube::Object& location);

// Makes the worker's Secret say what `access` does and `location` is; its name.
// Its key "credentials" is the same as a credentials file.
Result<std::string> ensure_worker_secret(kube::Client& client, const kube::Object& move,
                                         const RepositoryAccess& access,
                                         const blob::StoreLocation& location);
// Where that Secret has the credentials file; nothing if there are no keys.
std::optional<api::SecretSelector> worker_credentials(const RepositoryAccess& access,
                                                      const std::string& secret);

}  // namespace breakwater::mover
