#include "mover/repository_place.h"

#include "api/kinds.h"
#include "api/names.h"

namespace breakwater::mover {

std::string SnapshotName::repository() const { return fmt::format("restic/{}/{}", cluster, ns); }

std::string SnapshotName::to_string() const { return fmt::format("{}#{}", repository(), id); }

Result<SnapshotName> SnapshotName::parse(std::string_view text) {
  constexpr std::string_view kStart = "restic/";
  const size_t slash = text.find('/', kStart.size());
  const size_t hash = text.find('#');
  const bool complete = text.starts_with(kStart) && slash != std::string_view::npos &&
                        hash != std::string_view::npos && slash > kStart.size() &&
                        hash > slash + 1 && hash + 1 < text.size();
  SnapshotName name;
  if (complete) {
    name.cluster = text.substr(kStart.size(), slash - kStart.size());
    name.ns = text.substr(slash + 1, hash - slash - 1);
    name.id = text.substr(hash + 1);
  }
  const bool traverses = name.cluster.starts_with('.') || name.ns.starts_with('.');
  if (!complete || traverses || name.ns.find('/') != std::string::npos) {
    return fail(Code::kInvalid,
                "snapshotID \"{}\" is not of the form restic/<cluster id>/<namespace>#<snapshot>",
                text);
  }
  return name;
}

Result<std::string> cluster_id(const Settings& settings, kube::Reader& reader) {
  if (!settings.cluster_id.empty()) return settings.cluster_id;
  for (const std::string_view name : {api::kClaimOpenShift, api::kClaimKubernetes}) {
    auto claim = reader.get(api::kClusterClaim, {"", std::string(name)});
    if (claim && !claim->spec()["value"].as_string().empty()) {
      return claim->spec()["value"].as_string();
    }
    if (!claim && !claim.error().is(Code::kNotFound)) {
      return tl::unexpected(std::move(claim).error());
    }
  }
  return fail(Code::kNotFound, "waiting for ClusterClaim {} or {}, the cluster's id",
              api::kClaimOpenShift, api::kClaimKubernetes);
}

Result<blob::StoreLocation> repository_location(const Settings& settings, kube::Reader& reader,
                                                const std::string& storage_location,
                                                const std::string& repository) {
  const kube::Key key{settings.engine_namespace, storage_location};
  auto object = reader.get(api::kBackupStorageLocation, key);
  if (!object && object.error().is(Code::kNotFound)) {
    return fail(Code::kNotFound, "waiting for BackupStorageLocation {}", key.to_string());
  }
  if (!object) return tl::unexpected(std::move(object).error());
  return below(TRY(store_location_of(reader, *object)), repository);
}

Result<bool> is_read_only(const Settings& settings, kube::Reader& reader,
                          const std::string& storage_location) {
  auto object =
      reader.get(api::kBackupStorageLocation, {settings.engine_namespace, storage_location});
  if (!object && object.error().is(Code::kNotFound)) return false;
  if (!object) return tl::unexpected(std::move(object).error());
  return object->spec()["accessMode"].as_string() == "ReadOnly";
}

Result<std::optional<api::SecretSelector>> location_credential(
    const Settings& settings, kube::Reader& reader, const std::string& storage_location) {
  auto object =
      reader.get(api::kBackupStorageLocation, {settings.engine_namespace, storage_location});
  if (!object && object.error().is(Code::kNotFound)) return std::nullopt;
  if (!object) return tl::unexpected(std::move(object).error());
  return api::credential_of_location(*object);
}

Result<blob::StoreLocation> store_location_of(kube::Reader& reader,
                                              const kube::Object& storage_location) {
  blob::StoreLocation location = TRY(blob::location_of_spec(storage_location.spec()));
  if (const auto ca = api::ca_cert_of_location(storage_location)) {
    location.ca_cert = TRY(api::secret_value(reader, storage_location.ns(), *ca));
  }
  return location;
}

blob::StoreLocation below(blob::StoreLocation location, const std::string& repository) {
  if (!location.prefix.empty()) location.prefix += '/';
  location.prefix += repository;
  return location;
}

Result<> check_password(kube::Client& client, const kube::Key& key) {
  auto secret = client.get(api::kSecret, key);
  if (!secret && !secret.error().is(Code::kNotFound)) {
    return tl::unexpected(std::move(secret).error());
  }
  if (secret && !(*secret)["data"][api::kRepositoryPasswordKey].as_string().empty()) return {};
  return fail(Code::kNotFound,
              "the repository's password is missing: Secret {} has no key {} or it is empty",
              key.to_string(), api::kRepositoryPasswordKey);
}

kube::Key repository_secret(const Settings& settings) {
  return {settings.engine_namespace, std::string(api::kRepositorySecret)};
}

}  // namespace breakwater::mover
