// The backup engine: what Velero's server does, for the kinds and fields that the README lists.
//
// make_engine_controllers() returns plain controllers for a kube::Runner:
//   data-protection-application   DPA → BackupStorageLocations
//   backup-storage-location       is the bucket there and ours?
//   backup-sync                   backups that others left in a location become known
//   schedule                      creates Backups by cron
//   backup                        items, snapshots, DataUploads, files in the bucket
//   restore                       items, DataDownloads, files in the bucket
// Names are followed by "/<namespace>", so that engines of several namespaces share a Runner.
// All state is in the objects and in the bucket; any process may be killed at any moment.
#pragma once

#include <vector>

#include "base/random.h"
#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

std::vector<kube::ControllerSpec> make_engine_controllers(EngineSettings settings,
                                                          EngineServices services);

// Opens locations of the providers that blob/store_factory.h knows, with the credentials and the
// authority of the Secrets that they point to, read live with `secrets`. Both outlive the factory;
// `random` is used on several threads: the kernel's, not a seeded one.
StoreFactory make_store_factory(Random& random, kube::Reader& secrets);
// Asks `client`, and falls back to well_known_kinds() where the transport has no discovery.
Discover make_discover(kube::Client& client);

}  // namespace breakwater::velero
