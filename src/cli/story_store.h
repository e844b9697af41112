// Where the demo's backups go: a directory, or a bucket of an S3 server that runs already.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace breakwater::cli {

struct StoryStore {
  Json location;            // the velero part of a backup location of a DataProtectionApplication
  std::string credentials;  // what stands under the key "cloud" of its Secret; secret
  std::string restic_base;  // what restic puts before "<prefix>/restic/…"
  std::map<std::string, std::string> restic_environment;  // secret
};

inline constexpr const char* kStoryBucket = "vb-velero-backup";
inline constexpr const char* kStoryPrefix = "fleet";

StoryStore directory_store(const std::filesystem::path& directory);

// `file` has lines NAME=value: S3_ENDPOINT, S3_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
// and, if it is not us-east-1, AWS_DEFAULT_REGION. kInvalid names what is missing.
Result<StoryStore> s3_store(const std::filesystem::path& file);

}  // namespace breakwater::cli
