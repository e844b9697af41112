#include "velero/engine.h"

#include "api/secret_selector.h"
#include "blob/store_factory.h"
#include "velero/backup.h"
#include "velero/backup_sync.h"
#include "velero/data_protection_application.h"
#include "velero/restore.h"
#include "velero/schedule.h"
#include "velero/storage_location.h"

namespace breakwater::velero {

std::vector<kube::ControllerSpec> make_engine_controllers(EngineSettings settings,
                                                          EngineServices services) {
  auto context = std::make_shared<const Context>(Context{std::move(settings), std::move(services)});
  std::vector<kube::ControllerSpec> controllers;
  controllers.push_back(make_dpa_controller(context));
  controllers.push_back(make_storage_location_controller(context));
  controllers.push_back(make_backup_sync_controller(context));
  controllers.push_back(make_schedule_controller(context));
  controllers.push_back(make_backup_controller(context));
  controllers.push_back(make_restore_controller(context));
  return controllers;
}

StoreFactory make_store_factory(Random& random, kube::Reader& secrets) {
  return [&random,
          &secrets](const kube::Object& location) -> Result<std::unique_ptr<blob::ObjectStore>> {
    blob::StoreLocation wanted = TRY(blob::location_of_spec(location.spec()));
    if (const auto credential = api::credential_of_location(location)) {
      wanted.credentials = TRY(while_doing(api::secret_value(secrets, location.ns(), *credential),
                                           "reading spec.credential"));
    }
    if (const auto ca = api::ca_cert_of_location(location)) {
      wanted.ca_cert = TRY(while_doing(api::secret_value(secrets, location.ns(), *ca),
                                       "reading spec.objectStorage.caCertRef"));
    }
    return blob::open_store(wanted, random);
  };
}

Discover make_discover(kube::Client& client) {
  return [&client]() -> Result<Discovery> {
    auto found = discover(client);
    if (!found && found.error().is(Code::kUnsupported)) return well_known_kinds();
    return found;
  };
}

}  // namespace breakwater::velero
