#include "cli/story_store.h"

#include <fmt/format.h>

#include "api/names.h"
#include "base/file.h"

namespace breakwater::cli {
namespace {

Json location_of(std::string_view provider, Json config, const std::string& bucket) {
  return Json::object(
      {{"provider", provider},
       {"default", true},
       {"config", std::move(config)},
       {"credential", Json::object({{"name", "cloud-credentials"}, {"key", "cloud"}})},
       {"objectStorage", Json::object({{"bucket", bucket}, {"prefix", kStoryPrefix}})}});
}

std::map<std::string, std::string> assignments_of(const std::string& text) {
  std::map<std::string, std::string> values;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string line = text.substr(start, end - start);
    if (const size_t equals = line.find('='); equals != std::string::npos && line[0] != '#') {
      values[line.substr(0, equals)] = line.substr(equals + 1);
    }
    start = end + 1;
  }
  return values;
}

}  // namespace

StoryStore directory_store(const std::filesystem::path& directory) {
  StoryStore store;
  store.location =
      location_of(api::kLocalProvider, Json::object({{"path", directory.string()}}), kStoryBucket);
  store.credentials = "[default]\n";
  store.restic_base = (directory / kStoryBucket).string();
  return store;
}

Result<StoryStore> s3_store(const std::filesystem::path& file) {
  auto values = assignments_of(TRY(read_file(file)));
  for (const char* name :
       {"S3_ENDPOINT", "S3_BUCKET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
    if (values[name].empty()) return fail(Code::kInvalid, "{} has no {}", file.string(), name);
  }
  std::string& region = values["AWS_DEFAULT_REGION"];
  if (region.empty()) region = "us-east-1";
  StoryStore store;
  const Json config = Json::object({{"profile", "default"},
                                    {"region", region},
                                    {"s3Url", values["S3_ENDPOINT"]},
                                    {"s3ForcePathStyle", "true"}});
  store.location = location_of("aws", config, values["S3_BUCKET"]);
  store.credentials = fmt::format("[default]\naws_access_key_id={}\naws_secret_access_key={}\n",
                                  values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]);
  store.restic_base = fmt::format("s3:{}/{}", values["S3_ENDPOINT"], values["S3_BUCKET"]);
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}) {
    store.restic_environment[name] = values[name];
  }
  return store;
}

}  // namespace breakwater::cli
