#include "mover/repository_access.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/encoding.h"
#include "mover/data_mover_options.h"
#include "mover/repository_place.h"
#include "mover/repository_url.h"

namespace breakwater::mover {

using kube::Key;
using kube::Object;

namespace {

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
    access.location = store_location_of(*location);
    access.read_only = location->spec()["accessMode"].as_string() == "ReadOnly";
  } else {
    access.location = TRY(location_of_secret(secret));
  }
  return access;
}

Result<std::string> ensure_worker_secret(kube::Client& client, const Object& move,
                                         const RepositoryAccess& access,
                                         const blob::StoreLocation& location) {
  Json data = access.secret_data;
  const std::string url = repository_url(location);
  data.set(api::kRepositoryUrlKey, to_base64(as_bytes(url)));
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
