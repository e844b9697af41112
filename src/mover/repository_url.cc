#include "mover/repository_url.h"

#include <fmt/format.h>

#include <vector>

#include "api/names.h"
#include "blob/s3_location.h"

namespace breakwater::mover {

using blob::StoreLocation;

namespace {

constexpr std::string_view kS3 = "s3:";
constexpr std::string_view kHttps = "https://";
constexpr std::string_view kAmazon = "s3.amazonaws.com";
constexpr std::string_view kAmazonHosts = ".amazonaws.com";

std::string_view trim_slashes(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

std::string config_of(const StoreLocation& location, const std::string& name) {
  const auto found = location.config.find(name);
  return found == location.config.end() ? "" : found->second;
}

std::string endpoint_of(const StoreLocation& location) {
  const std::string given = config_of(location, "s3Url");
  std::string_view endpoint = given;
  if (endpoint.starts_with(kS3)) endpoint.remove_prefix(kS3.size());
  endpoint = trim_slashes(endpoint);
  if (endpoint.starts_with(kHttps) && endpoint.ends_with(kAmazonHosts)) {
    endpoint.remove_prefix(kHttps.size());
  }
  return std::string(endpoint.empty() ? kAmazon : endpoint);
}

// What means the same, spelled the same.
std::string plain(std::string_view url) {
  std::string text(trim_slashes(url));
  if (text.starts_with(kS3) && std::string_view(text).substr(kS3.size()).starts_with(kHttps)) {
    text.erase(kS3.size(), kHttps.size());
  }
  return text;
}

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    segments.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

bool is_path(std::string_view path) {
  for (const std::string& segment : segments_of(path)) {
    if (segment.empty() || segment == "." || segment == "..") return false;
  }
  return true;
}

Result<StoreLocation> location_of_directory(std::string_view url) {
  const std::string_view path = trim_slashes(url);
  const size_t slash = path.rfind('/');
  StoreLocation location;
  location.provider = api::kLocalProvider;
  location.bucket = path.substr(std::min(slash + 1, path.size()));
  location.config["path"] = slash == 0 ? "/" : std::string(path.substr(0, slash));
  if (location.bucket.empty()) {
    return fail(Code::kInvalid, "repository URL {} names no directory", url);
  }
  return location;
}

}  // namespace

std::string bucket_url(const StoreLocation& location) {
  if (location.provider == api::kLocalProvider) {
    return fmt::format("{}/{}", trim_slashes(config_of(location, "path")), location.bucket);
  }
  if (location.provider == "azure") return fmt::format("azure:{}:", location.bucket);
  if (location.provider == "gcp") return fmt::format("gs:{}:", location.bucket);
  return fmt::format("{}{}/{}", kS3, endpoint_of(location), location.bucket);
}

std::string repository_url(const StoreLocation& location) {
  const std::string_view prefix = trim_slashes(location.prefix);
  return prefix.empty() ? bucket_url(location) : fmt::format("{}/{}", bucket_url(location), prefix);
}

Result<StoreLocation> location_of_url(std::string_view url) {
  if (url.starts_with(kS3)) return blob::location_of_restic_url(url, "");
  if (url.starts_with('/')) return location_of_directory(url);
  return fail(Code::kUnsupported, "repository URL {} is neither s3: nor a directory", url);
}

Result<std::string> path_in_bucket(std::string_view url, const StoreLocation& location) {
  const std::string base = plain(bucket_url(location)) + "/";
  const std::string whole = plain(url);
  std::string path = whole.starts_with(base) ? whole.substr(base.size()) : "";
  if (!path.empty() && is_path(path)) return path;
  return fail(Code::kInvalid, "repository {} is not in {}", url, bucket_url(location));
}

UrlAndSnapshot split_snapshot(std::string_view text) {
  const size_t hash = text.rfind('#');
  if (hash == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, hash)), std::string(text.substr(hash + 1))};
}

Result<RepositoryOwner> owner_of_path(std::string_view path) {
  const std::vector<std::string> segments = segments_of(path);
  const size_t count = segments.size();
  RepositoryOwner owner;
  if (count >= 3 && segments[count - 3] == "restic") {
    owner.cluster = segments[count - 2];
    owner.ns = segments[count - 1];
    return owner;
  }
  if ((count == 2 || count == 3) && segments.back().ends_with("-pvc")) {
    if (count == 3) owner.backup = segments[1];
    return owner;
  }
  return fail(Code::kInvalid,
              "repository path {} is neither restic/<cluster id>/<namespace> nor one of the "
              "original mover",
              path);
}

}  // namespace breakwater::mover
