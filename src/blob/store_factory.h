// From a description of a storage location, as a BackupStorageLocation gives it, to an object
// store. Stateless; any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "blob/object_store.h"

namespace breakwater::blob {

// A directory as a storage location; config "path" is where its buckets lie.
inline constexpr char kLocalProvider[] = "breakwater.dev/local";
// S3; config as Velero's AWS plugin takes it (blob/s3_location.h).
inline constexpr char kS3Provider[] = "aws";

struct StoreLocation {
  std::string provider;
  std::string bucket;
  std::string prefix;                         // keys are below it; "" for none
  std::map<std::string, std::string> config;  // as spec.config of a BackupStorageLocation
  std::string credentials;                    // the text of a credentials file; secret
  std::string ca_cert = {};                   // PEM; trusted instead of the system's authorities
};

// From spec of a BackupStorageLocation: provider, objectStorage.{bucket, prefix, caCert}, config.
// Credentials lie in a Secret and are the caller's to add. kInvalid: caCert is no base64.
Result<StoreLocation> location_of_spec(const Json& spec);

// kUnsupported for a provider that this build does not have, kInvalid when config lacks something
// or bucket or prefix is no valid path. Nothing is contacted or created yet. `random`, thread-safe,
// outlives the store.
Result<std::unique_ptr<ObjectStore>> open_store(const StoreLocation& location, Random& random);

}  // namespace breakwater::blob
