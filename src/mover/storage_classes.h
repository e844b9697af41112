// Which StorageClass and VolumeSnapshotClass to take where a name does not decide it.
//
// Source: decisions.md, "Data mover". Pure choices over what the reader shows; ties by name.
#pragma once

#include <string>

#include "kube/client.h"

namespace breakwater::mover {

// The class of new volumes: `named` if there is such a class, else the default one, else the only
// one. kNotFound if that leaves none.
Result<kube::Object> choose_storage_class(kube::Reader& reader, const std::string& named);
// The name of a class of this CSI driver: the default one, else the first. kNotFound if there is
// none.
Result<std::string> storage_class_of_driver(kube::Reader& reader, const std::string& driver);
// The class of a snapshot of this driver: `named` if it is of that driver, else the one labelled
// velero.io/csi-volumesnapshot-class, else the default one, else the only one. kNotFound if that
// leaves none.
Result<kube::Object> choose_snapshot_class(kube::Reader& reader, const std::string& driver,
                                           const std::string& named);

}  // namespace breakwater::mover
