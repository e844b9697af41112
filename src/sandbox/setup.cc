#include "sandbox/setup.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/file.h"
#include "base/yaml.h"
#include "sandbox/embedded_crds.h"

namespace breakwater::sandbox {
namespace {

namespace fs = std::filesystem;
using kube::Object;

constexpr Duration kCertificateLifetime = std::chrono::hours(24 * 365 * 10);

Result<apiserver::KeyPair> load_pair(const fs::path& folder, const std::string& name) {
  apiserver::KeyPair pair;
  pair.cert_pem = TRY(read_file(folder / (name + ".pem")));
  pair.key_pem = TRY(read_file(folder / (name + "-key.pem")));
  return pair;
}

// The certificate comes last: where it is, its key is too.
Result<> save_pair(const fs::path& folder, const std::string& name,
                   const apiserver::KeyPair& pair) {
  TRY(write_file(folder / (name + "-key.pem"), pair.key_pem, 0600));
  return write_file(folder / (name + ".pem"), pair.cert_pem, 0644);
}

template <class Make>
Result<apiserver::KeyPair> load_or_make(const fs::path& folder, const std::string& name,
                                        const Make& make) {
  auto loaded = load_pair(folder, name);
  if (loaded || !loaded.error().is(Code::kNotFound)) return loaded;
  const apiserver::KeyPair pair = TRY(make());
  TRY(save_pair(folder, name, pair));
  return pair;
}

Object storage_class() {
  Object object = Object::make(api::kStorageClass, {"", kStorageClass});
  object.set_annotation(api::kDefaultStorageClassAnnotation, "true");
  object.set({"provisioner"}, api::kSandboxDriver);
  object.set({"reclaimPolicy"}, "Delete");
  object.set({"volumeBindingMode"}, "Immediate");
  object.set({"allowVolumeExpansion"}, false);
  return object;
}

// Retain, as the mission asks for: a deleted namespace must not take its snapshots along.
Object snapshot_class(bool shared_extents) {
  Object object = Object::make(api::kVolumeSnapshotClass, {"", kSnapshotClass});
  object.set_label(api::kSnapshotClassLabel, "true");
  object.set_annotation(api::kDefaultSnapshotClassAnnotation, "true");
  if (shared_extents) object.set_annotation(api::kChangedBlocksAnnotation, api::kSharedExtents);
  object.set({"driver"}, api::kSandboxDriver);
  object.set({"deletionPolicy"}, "Retain");
  return object;
}

// The set of all clusters that are in no other, and that of all clusters.
Object cluster_set(const char* name, Json selector) {
  Object set = Object::make(api::kManagedClusterSet, {"", name});
  set.set({"spec", "clusterSelector"}, std::move(selector));
  return set;
}

bool is_olm(const Json& crd) {
  const std::string& group = crd.at({"spec", "group"}).as_string();
  return group == api::kSubscription.group || group == api::kClusterVersion.group;
}

Result<> create_unless_there(kube::Client& client, const kube::Kind& kind, const Object& object) {
  auto created = client.create(kind, object);
  if (created || created.error().is(Code::kAlreadyExists)) return {};
  return tl::unexpected(created.error());
}

}  // namespace

Result<std::vector<Json>> embedded_crds(bool olm) {
  std::vector<Json> crds;
  for (std::string_view file : embedded_crd_files()) {
    for (Json& crd : TRY(parse_yaml(file))) {
      if (olm || !is_olm(crd)) crds.push_back(std::move(crd));
    }
  }
  return crds;
}

Result<Certificates> load_certificates(const fs::path& directory, Time now) {
  const fs::path folder = directory / "pki";
  TRY(make_directories(folder, 0700));
  Certificates result;
  result.ca = TRY(load_or_make(folder, "ca", [&] {
    return apiserver::make_ca("breakwater sandbox", now, kCertificateLifetime);
  }));
  result.server = TRY(load_or_make(folder, "server", [&] {
    return apiserver::make_server_certificate(result.ca, {"localhost", "127.0.0.1"}, now,
                                              kCertificateLifetime);
  }));
  result.admin = TRY(load_or_make(folder, "admin", [&] {
    return apiserver::make_client_certificate(result.ca, "admin", {"system:masters"}, now,
                                              kCertificateLifetime);
  }));
  return result;
}

Result<> furnish(kube::Client& client, bool shared_extents) {
  TRY(create_unless_there(client, api::kStorageClass, storage_class()));
  TRY(create_unless_there(client, api::kVolumeSnapshotClass, snapshot_class(shared_extents)));
  const Object system = TRY(client.get(api::kNamespace, {"", "kube-system"}));
  Object claim = Object::make(api::kClusterClaim, {"", std::string(api::kClaimKubernetes)});
  claim.set({"spec", "value"}, system.uid());
  return create_unless_there(client, api::kClusterClaim, claim);
}

Result<> furnish_hub(kube::Client& client) {
  const Json exclusive = Json::object({{"selectorType", "ExclusiveClusterSetLabel"}});
  const Json everything =
      Json::object({{"selectorType", "LabelSelector"}, {"labelSelector", Json::object()}});
  TRY(create_unless_there(client, api::kManagedClusterSet, cluster_set("default", exclusive)));
  return create_unless_there(client, api::kManagedClusterSet, cluster_set("global", everything));
}

}  // namespace breakwater::sandbox
