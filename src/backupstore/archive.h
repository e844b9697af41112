// The tarball of a backup: the objects that were saved, each as one JSON file.
//
// Format (Velero's, version 1.1.0): "metadata/version", then for each object
//   resources/<group resource>/namespaces/<ns>/<name>.json   (or …/cluster/<name>.json)
// and the same file once more below resources/<group resource>/<version>-preferredversion/.
// <group resource> is "persistentvolumeclaims" or "virtualmachines.kubevirt.io".
//
// An Archive is a value; it holds each object once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/error.h"
#include "base/json.h"
#include "base/time.h"

namespace breakwater::backupstore {

// Which object of an archive. Cluster-scoped objects have an empty namespace.
struct ItemKey {
  std::string group_resource;  // "persistentvolumeclaims", "virtualmachines.kubevirt.io"
  std::string ns;
  std::string name;
  friend auto operator<=>(const ItemKey&, const ItemKey&) = default;
};

class Archive {
 public:
  // From a downloaded <name>.tar.gz. Reads the plain copies and ignores further versions. kCorrupt
  // for what gunzip() and read_tar() refuse, for an unknown layout below resources/, for a file
  // that is no JSON object, and for a missing or newer major format version.
  static Result<Archive> unpack(ByteSpan tar_gz);
  // As it is uploaded; entries are sorted by name, so equal archives are equal bytes. Entries bear
  // `modified` as their time.
  Bytes pack(Time modified) const;

  // Adds or replaces. The namespace and name of `key` are CHECKed to be plain path segments.
  void put(ItemKey key, Json object);
  // Null if there is none. Lives until the archive changes.
  const Json* find(const ItemKey& key) const;
  const std::map<ItemKey, Json>& items() const { return items_; }

 private:
  std::map<ItemKey, Json> items_;
};

}  // namespace breakwater::backupstore
