#include "blob/s3_location.h"

#include <algorithm>
#include <array>
#include <optional>

namespace breakwater::blob {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.front() == text.back();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// What a profile may hold instead of keys.
bool is_other_way(std::string_view field) {
  constexpr std::array<std::string_view, 6> kOthers = {
      "role_arn",    "source_profile",          "credential_process",
      "sso_session", "web_identity_token_file", "credential_source"};
  return std::find(kOthers.begin(), kOthers.end(), field) != kOthers.end();
}

// What one profile says.
struct Profile {
  S3Credentials keys;
  std::string endpoint_url;
};

// In spite of being indented; AWS's tools put settings of one service below others so.
bool is_ours(std::string_view field) {
  return field.starts_with("aws_") || field.starts_with("endpoint_url");
}

class CredentialsReader {
 public:
  explicit CredentialsReader(std::string_view profile) : profile_(profile) {}

  Result<> line(std::string_view raw) {
    ++number_;
    const std::string_view text = trim(raw);
    const bool nested = inside_ && !raw.empty() && kBlanks.find(raw.front()) != kBlanks.npos;
    if (text.empty() || text.front() == '#' || text.front() == ';') return {};
    if (text.front() == '[') return section(text);
    const size_t equals = text.find('=');
    if (nested && (equals == text.npos || !is_ours(text))) return {};
    if (equals == text.npos) {
      return fail(Code::kInvalid,
                  "line {} of the credentials is neither [profile] nor name = value", number_);
    }
    if (!inside_) {
      return fail(Code::kInvalid, "line {} of the credentials stands before any [profile]",
                  number_);
    }
    if (wanted_) field(trim(text.substr(0, equals)), unquoted(trim(text.substr(equals + 1))));
    return {};
  }

  Result<Profile> finish() {
    if (!found_) return fail(Code::kInvalid, "the credentials have no profile {}", profile_);
    const S3Credentials& keys = result_.keys;
    const bool complete = !keys.access_key_id.empty() && !keys.secret_access_key.empty();
    if (!complete && !other_way_.empty()) {
      return fail(Code::kUnsupported,
                  "profile {} of the credentials has {}, which is not supported: give "
                  "aws_access_key_id and aws_secret_access_key",
                  profile_, other_way_);
    }
    if (!complete) {
      return fail(Code::kInvalid, "profile {} of the credentials has no {}", profile_,
                  keys.access_key_id.empty() ? "aws_access_key_id" : "aws_secret_access_key");
    }
    return result_;
  }

 private:
  Result<> section(std::string_view text) {
    const size_t end = text.find(']');
    if (end == text.npos) {
      return fail(Code::kInvalid, "line {} of the credentials has no ]", number_);
    }
    std::string_view name = trim(text.substr(1, end - 1));
    if (name.starts_with("profile ")) name = trim(name.substr(8));
    inside_ = true;
    wanted_ = unquoted(name) == profile_;
    found_ = found_ || wanted_;
    return {};
  }

  void field(std::string_view name, std::string_view value) {
    if (name == "aws_access_key_id") result_.keys.access_key_id = value;
    if (name == "aws_secret_access_key") result_.keys.secret_access_key = value;
    if (name == "aws_session_token") result_.keys.session_token = value;
    if (name == "endpoint_url") result_.endpoint_url = value;
    if (is_other_way(name)) other_way_ = name;
  }

  const std::string_view profile_;
  int number_ = 0;
  bool inside_ = false;  // a section
  bool wanted_ = false;  // it is ours
  bool found_ = false;
  Profile result_;
  std::string other_way_;
};

Result<Profile> parse_profile(std::string_view text, std::string_view profile) {
  CredentialsReader reader(profile);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    TRY(reader.line(text.substr(0, end)));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return reader.finish();
}

std::string config_of(const StoreLocation& location, const std::string& name) {
  const auto found = location.config.find(name);
  return found == location.config.end() ? "" : found->second;
}

Result<bool> flag_of(const StoreLocation& location, const std::string& name) {
  const std::string value = config_of(location, name);
  if (value.empty() || value == "false") return false;
  if (value == "true") return true;
  return fail(Code::kInvalid, "config.{} must be \"true\" or \"false\"", name);
}

Result<> check_config(const StoreLocation& location) {
  constexpr std::array<std::string_view, 13> kKnown = {"region",
                                                       "s3Url",
                                                       "s3ForcePathStyle",
                                                       "profile",
                                                       "insecureSkipTLSVerify",
                                                       "kmsKeyId",
                                                       "publicUrl",
                                                       "signatureVersion",
                                                       "checksumAlgorithm",
                                                       "serverSideEncryption",
                                                       "tagging",
                                                       "enableSharedConfig",
                                                       "credentialsFile"};
  for (const auto& [name, value] : location.config) {
    if (name.starts_with("customerKeyEncryption") && !value.empty()) {
      return fail(Code::kUnsupported, "config.{} is not supported: leave encryption to the server",
                  name);
    }
    if (!name.starts_with("customerKeyEncryption") &&
        std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      return fail(Code::kInvalid, "config.{} is not known for provider {}", name, kS3Provider);
    }
  }
  return {};
}

std::map<std::string, std::string> put_headers_of(const StoreLocation& location) {
  std::map<std::string, std::string> headers;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) headers[name] = value;
  };
  const std::string key = config_of(location, "kmsKeyId");
  const std::string encryption = config_of(location, "serverSideEncryption");
  add("x-amz-server-side-encryption", encryption.empty() && !key.empty() ? "aws:kms" : encryption);
  add("x-amz-server-side-encryption-aws-kms-key-id", key);
  add("x-amz-tagging", config_of(location, "tagging"));
  return headers;
}

std::string profile_of(const StoreLocation& location) {
  const std::string name = config_of(location, "profile");
  return name.empty() ? "default" : name;
}

// A certificate has no name that has a dot before the bucket's host.
bool needs_path_style(std::string_view bucket, std::string_view endpoint) {
  std::string_view host = endpoint.substr(std::min(endpoint.find("://") + 3, endpoint.size()));
  host = host.substr(0, host.rfind(':'));
  const bool number = !host.empty() && host.find_first_not_of("0123456789.") == host.npos;
  return number || host.starts_with('[') || bucket.find('.') != bucket.npos;
}

// Without credentials.
Result<S3Settings> settings_of_config(const StoreLocation& location) {
  S3Settings settings;
  settings.bucket = location.bucket;
  settings.region = config_of(location, "region");
  settings.endpoint = config_of(location, "s3Url");
  if (settings.endpoint.starts_with("s3:")) settings.endpoint.erase(0, 3);
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  if (!settings.endpoint.empty() && settings.endpoint.find("://") == std::string::npos) {
    settings.endpoint = "https://" + settings.endpoint;
  }
  settings.path_style = TRY(flag_of(location, "s3ForcePathStyle"));
  settings.path_style = settings.path_style || needs_path_style(settings.bucket, settings.endpoint);
  settings.insecure = TRY(flag_of(location, "insecureSkipTLSVerify"));
  settings.ca_pem = location.ca_cert;
  settings.put_headers = put_headers_of(location);
  return settings;
}

}  // namespace

Result<S3Credentials> parse_credentials(std::string_view text, std::string_view profile) {
  return TRY(parse_profile(text, profile)).keys;
}

Result<> take_endpoint(StoreLocation& location) {
  if (location.provider != kS3Provider || location.credentials.empty()) return {};
  if (!config_of(location, "s3Url").empty()) return {};
  const Profile profile = TRY(parse_profile(location.credentials, profile_of(location)));
  if (!profile.endpoint_url.empty()) location.config["s3Url"] = profile.endpoint_url;
  return {};
}

Result<S3Settings> s3_settings_of(const StoreLocation& location) {
  TRY(check_config(location));
  if (location.credentials.empty()) {
    return fail(Code::kInvalid, "bucket {} needs credentials: an access key and its secret",
                location.bucket);
  }
  StoreLocation found = location;
  TRY(take_endpoint(found));
  S3Settings settings = TRY(settings_of_config(found));
  settings.credentials = TRY(parse_credentials(found.credentials, profile_of(found)));
  return settings;
}

Result<StoreLocation> location_of_restic_url(std::string_view url, std::string_view region) {
  const auto wrong = [url] {
    return fail(Code::kInvalid, "\"{}\" is not of the form s3:https://host/bucket/prefix", url);
  };
  if (!url.starts_with("s3:")) return wrong();
  std::string_view rest = url.substr(3);
  std::string_view scheme = "https://";
  if (rest.starts_with("http://")) scheme = "http://";
  if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  if (rest.starts_with("//")) rest.remove_prefix(2);
  const size_t slash = rest.find('/');
  if (slash == 0 || slash == rest.npos || rest.find('@') < slash) return wrong();
  const std::string_view host = rest.substr(0, slash);
  std::string_view path = rest.substr(slash + 1);
  while (path.ends_with('/')) path.remove_suffix(1);

  StoreLocation location;
  location.provider = kS3Provider;
  location.bucket = path.substr(0, path.find('/'));
  if (location.bucket.empty()) return wrong();
  if (location.bucket.size() < path.size()) {
    location.prefix = path.substr(location.bucket.size() + 1);
  }
  location.config["s3Url"] = std::string(scheme) + std::string(host);
  if (!region.empty()) location.config["region"] = region;
  const bool amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
  if (!amazon) location.config["s3ForcePathStyle"] = "true";
  if (scheme == "http://") location.config["insecureSkipTLSVerify"] = "true";
  return location;
}

}  // namespace breakwater::blob
