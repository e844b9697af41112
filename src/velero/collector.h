// Finds everything that a Backup has to save.
#pragma once

#include <string>

#include "backupstore/archive.h"
#include "base/cancel.h"
#include "kube/client.h"
#include "velero/discovery.h"
#include "velero/findings.h"

namespace breakwater::velero {

struct Collection {
  backupstore::Archive items;
  Findings findings;
};

// Lists what `backup`'s spec selects and follows related items (velero/item_graph.h), live. Objects
// that are being deleted or bear velero.io/exclude-from-backup=true are left out. Never saved:
// Events, volume snapshots, Velero's own Backups, Restores and data moves.
//
// A related item that holds data and is missing or left out is an error finding that names both;
// other gaps are warnings. An API call that fails for another reason than "not found" or
// "forbidden" fails the whole, to be repeated. Runs on a thread of the Operations pool; uses memory
// for all items.
Result<Collection> collect(const kube::Object& backup, kube::Client& client,
                           const Discovery& discovery, const CancelToken& cancel);

// "persistentvolumeclaims/shop/disk-0" as a key of the archive.
backupstore::ItemKey item_key(const kube::Kind& kind, const kube::Key& key);

}  // namespace breakwater::velero
