#include "mover/location_secret.h"

#include <memory>

#include "api/kinds.h"
#include "base/encoding.h"
#include "base/ids.h"
#include "mover/children.h"
#include "mover/data_mover_options.h"
#include "mover/repository_access.h"
#include "mover/repository_place.h"
#include "mover/repository_url.h"

namespace breakwater::mover {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr Duration kRefresh = std::chrono::minutes(1);

Json encoded(std::string_view text) { return to_base64(as_bytes(text)); }

bool is_ours(const Object& secret, const Object& location) {
  return secret.controller_uid() == location.uid();
}

class LocationSecrets final : public kube::Reconciler {
 public:
  LocationSecrets(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment) {}

  Outcome reconcile(const Key& key) override {
    const auto location = TRY(find_live(environment_.client, api::kBackupStorageLocation, key));
    if (!location || location->is_deleting()) return Outcome::done();
    const DataMoverOptions options = TRY(data_mover_options(settings_, environment_));
    const Key name{key.ns, key.name + std::string(api::kResticSecretSuffix)};
    const auto present = TRY(find_live(environment_.client, api::kSecret, name));
    if (present && !is_ours(*present, *location)) return Outcome::done();
    if (!options.enabled) {
      if (present) TRY(kube::remove_if_exists(environment_.client, api::kSecret, name));
      return Outcome::done();
    }
    const auto wanted = TRY(make_secret(*location, name, options));
    if (!wanted) return Outcome::again_after(kRefresh);
    if (!present) {
      TRY(environment_.client.create(api::kSecret, *wanted));
    } else if (!((*present)["data"] == (*wanted)["data"])) {
      Object changed = *present;
      changed.set({"data"}, (*wanted)["data"]);
      TRY(environment_.client.update(api::kSecret, changed));
    }
    return Outcome::again_after(kRefresh);
  }

 private:
  // Nothing while there is no password.
  Result<std::optional<Object>> make_secret(const Object& location, const Key& name,
                                            const DataMoverOptions& options) {
    const auto own =
        TRY(find_live(environment_.client, api::kSecret, {name.ns, options.credential}));
    const Json& password = own ? (*own)["data"][api::kRepositoryPasswordKey] : Json();
    if (password.as_string().empty()) return std::nullopt;
    Json data = options.repository_settings;
    data.set(api::kRepositoryPasswordKey, password);
    const auto place = TRY(reachable_location(environment_.client, location));
    data.set(api::kRepositoryUrlKey, encoded(repository_url(place)));
    const Json keys = TRY(restic_credentials(environment_.client, location));
    for (const auto& [key, value] : keys.members()) data.set(key, value);
    Object secret = Object::make(api::kSecret, name);
    secret.set_label(api::kManagedByLabel, api::kManagedBy);
    secret.set_label(api::kOadpLabel, "True");
    secret.set_label(api::kOadpLocationLabel, label_value(location.name()));
    secret.set_label(api::kOadpProviderLabel, provider_of(location));
    secret.add_owner(location, true);
    secret.set({"type"}, "Opaque");
    secret.set({"data"}, std::move(data));
    return secret;
  }

  // "breakwater.dev/local" is no label value.
  static std::string provider_of(const Object& location) {
    const std::string& provider = location.spec()["provider"].as_string();
    return provider.substr(provider.find('/') + 1);
  }

  const Settings& settings_;
  const Environment& environment_;
};

}  // namespace

kube::ControllerSpec make_location_secret_controller(const Settings& settings,
                                                     const Environment& environment) {
  const std::string& ns = settings.engine_namespace;
  kube::ControllerSpec spec;
  spec.name = "location-secret";
  spec.reconciler = std::make_unique<LocationSecrets>(settings, environment);
  spec.sources.push_back({api::kBackupStorageLocation, ns, kube::map_to_self});
  spec.sources.push_back(
      {api::kDataProtectionApplication, ns, [&reader = environment.reader, ns](const Object&) {
         std::vector<Key> keys;
         const auto all = reader.list(api::kBackupStorageLocation, ns);
         if (!all) return keys;  // they come by themselves when listed
         for (const Object& one : *all) keys.push_back(one.key());
         return keys;
       }});
  return spec;
}

}  // namespace breakwater::mover
