#include "mover/repository_access.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "blob/s3_location.h"
#include "mover/data_mover_options.h"
#include "mover/repository_place.h"
#include "mover/repository_url.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;

namespace {

constexpr char kCredentialsKey[] = "credentials";
constexpr std::pair<const char*, const char*> kCredentialFields[] = {
    {"AWS_ACCESS_KEY_ID", "aws_access_key_id"},
    {"AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"},
    {"AWS_SESSION_TOKEN", "aws_session_token"}};
constexpr std::string_view kCredentialKeys[] = {"AWS_", "AZURE_", "GOOGLE_", "RESTIC_"};

// Keys that restic or its backends read.
Json credentials_of(const Object& secret) {
  Json data = Json::object();
  for (const auto& [name, value] : secret["data"].members()) {
    for (const std::string_view start : kCredentialKeys) {
      if (name.starts_with(start)) data.set(name, value);
    }
  }
  return data;
}

// The keys of `data`, base64, as a credentials file, base64.
std::string credentials_file(const Json& data) {
  std::string text = "[default]\n";
  for (const auto& [variable, field] : kCredentialFields) {
    const auto value = from_base64(data[variable].as_string());
    if (value && !value->empty()) text += fmt::format("{}={}\n", field, as_text(*value));
  }
  return to_base64(as_bytes(text));
}

std::string location_named_by(const std::string& secret) {
  if (!secret.ends_with(api::kResticSecretSuffix)) return "";
  return secret.substr(0, secret.size() - api::kResticSecretSuffix.size());
}

Result<std::string> default_location(const Settings& settings, kube::Reader& reader) {
  const auto all = TRY(reader.list(api::kBackupStorageLocation, settings.engine_namespace));
  for (const Object& location : all) {
    if (location.spec()["default"].as_bool()) return location.name();
  }
  if (all.size() == 1) return all.front().name();
  return fail(Code::kNotFound, "waiting for a default BackupStorageLocation in {}",
              settings.engine_namespace);
}

Result<blob::StoreLocation> location_of_secret(const Object& secret) {
  const auto url = from_base64(secret["data"][api::kRepositoryUrlKey].as_string());
  if (!url || url->empty()) {
    return fail(Code::kNotFound, "Secret {} has no key {} or it is empty", secret.key().to_string(),
                api::kRepositoryUrlKey);
  }
  auto location = TRY(location_of_url(as_text(*url)));
  const auto region = from_base64(secret["data"]["AWS_DEFAULT_REGION"].as_string());
  if (region && !region->empty()) location.config["region"] = as_text(*region);
  return location;
}

// The Secret with the password: what the move names, or the data mover's where that only stands for
// a location.
Result<Object> find_secret(const Settings& settings, const Environment& environment,
                           const std::string& named, bool location_known) {
  const std::string& ns = settings.engine_namespace;
  if (!named.empty()) {
    auto secret = TRY(find_live(environment.client, api::kSecret, {ns, named}));
    if (secret) return std::move(*secret);
    if (!location_known) return fail(Code::kNotFound, "waiting for Secret {}/{}", ns, named);
  }
  const Key own{ns, TRY(data_mover_options(settings, environment)).credential};
  TRY(check_password(environment.client, own));
  return environment.client.get(api::kSecret, own);
}

}  // namespace

Result<RepositoryAccess> find_access(const Settings& settings, const Environment& environment,
                                     const Object& move) {
  const std::string& named = move.spec()["resticSecretRef"]["name"].as_string();
  std::string name = location_named_by(named);
  if (named.empty()) name = TRY(default_location(settings, environment.reader));
  const auto location = TRY(find_live(environment.client, api::kBackupStorageLocation,
                                      {settings.engine_namespace, name.empty() ? named : name}));
  const bool known = location && !name.empty();
  const Object secret = TRY(find_secret(settings, environment, named, known));
  TRY(check_password(environment.client, secret.key()));
  RepositoryAccess access;
  access.secret_data = credentials_of(secret);
  if (known) {
    access.location = TRY(reachable_location(environment.client, *location));
    access.location.config.erase("profile");  // the worker's file has one
    const Json keys = TRY(restic_credentials(environment.client, *location));
    for (const auto& [key, value] : keys.members()) access.secret_data.set(key, value);
    access.read_only = location->spec()["accessMode"].as_string() == "ReadOnly";
  } else {
    access.location = TRY(location_of_secret(secret));
  }
  return access;
}

Result<Json> restic_credentials(kube::Reader& reader, const Object& location) {
  Json data = Json::object();
  const Json& ca = location.spec()["objectStorage"]["caCert"];
  if (!ca.is_null()) data.set("RESTIC_CUSTOM_CA", ca);
  if (location.spec()["provider"].as_string() != api::kS3Provider) return data;
  const Json& config = location.spec()["config"];
  const auto selector = api::credential_of_location(location);
  const std::string text = TRY(api::secret_value(reader, location.ns(), *selector));
  const blob::S3Credentials keys =
      TRY(while_doing(blob::parse_credentials(text, config["profile"].as_string_or("default")),
                      "reading Secret {}/{}", location.ns(), selector->name));
  data.set("AWS_ACCESS_KEY_ID", to_base64(as_bytes(keys.access_key_id)));
  data.set("AWS_SECRET_ACCESS_KEY", to_base64(as_bytes(keys.secret_access_key)));
  if (!keys.session_token.empty()) {
    data.set("AWS_SESSION_TOKEN", to_base64(as_bytes(keys.session_token)));
  }
  const std::string& region = config["region"].as_string();
  if (!region.empty()) data.set("AWS_DEFAULT_REGION", to_base64(as_bytes(region)));
  return data;
}

Result<blob::StoreLocation> reachable_location(kube::Reader& reader, const Object& location) {
  blob::StoreLocation result = TRY(store_location_of(reader, location));
  if (result.provider == api::kS3Provider) {
    const auto selector = api::credential_of_location(location);
    result.credentials = TRY(api::secret_value(reader, location.ns(), *selector));
    TRY(while_doing(blob::take_endpoint(result), "reading Secret {}/{}", location.ns(),
                    selector->name));
    result.credentials.clear();
  }
  return result;
}

std::optional<api::SecretSelector> worker_credentials(const RepositoryAccess& access,
                                                      const std::string& secret) {
  if (!access.secret_data.has("AWS_ACCESS_KEY_ID")) return std::nullopt;
  return api::SecretSelector{secret, kCredentialsKey};
}

Result<std::string> ensure_worker_secret(kube::Client& client, const Object& move,
                                         const RepositoryAccess& access,
                                         const blob::StoreLocation& location) {
  Json data = access.secret_data;
  const std::string url = repository_url(location);
  data.set(api::kRepositoryUrlKey, to_base64(as_bytes(url)));
  if (worker_credentials(access, "")) data.set(kCredentialsKey, credentials_file(data));
  Object wanted = make_child(api::kSecret, move);
  wanted.set({"type"}, "Opaque");
  wanted.set({"data"}, data);
  const Object there = TRY(ensure_child(client, api::kSecret, move, wanted));
  if (there["data"] == data) return there.name();
  TRY(kube::edit(client, api::kSecret, there.key(), false, [&](Object& now) -> Result<bool> {
    if (!is_child(now, move)) return false;
    now.set({"data"}, data);
    return true;
  }));
  return there.name();
}

}  // namespace breakwater::mover
