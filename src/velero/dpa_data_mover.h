// The data mover's part of a DataProtectionApplication, spec.features.dataMover, as OADP 1.2 has
// it: is it right, and is what it names there?
#pragma once

#include <string>

#include "kube/client.h"

namespace breakwater::velero {

// What is wrong with it: one sentence that names the field and what would be right; "" if nothing.
// Numbers may be given as texts, as OADP has them, or as numbers. Pure.
std::string check_data_mover(const kube::Object& dpa);

// The same, for what must exist while the data mover is enabled: the Secret with the repository's
// password, and the storage classes that options are given for or that they name.
Result<std::string> check_data_mover_objects(kube::Client& client, const kube::Object& dpa);

}  // namespace breakwater::velero
