// The DataProtectionApplication controller: OADP's one object of configuration becomes
// BackupStorageLocations.
//
// The n-th entry of spec.backupLocations (from 1) becomes the location <dpa>-<n>, or the one that
// it names; locations of this DPA that it no longer lists are deleted. status.conditions has
// Reconciled: True, or False with one sentence about what we do not offer. Fields of OADP that only
// say how Velero is to be deployed (plugins, feature flags, node agent) are accepted and mean
// nothing here. spec.features.dataMover is checked too (velero/dpa_data_mover.h); what is wrong
// there leaves the locations as they are to be.
#pragma once

#include <string>
#include <vector>

#include "kube/controller.h"
#include "velero/context.h"

namespace breakwater::velero {

inline constexpr char kDpaController[] = "data-protection-application";

kube::ControllerSpec make_dpa_controller(ContextPtr context);

// What is wrong with a DPA: one sentence that names the field; "" if nothing. Pure.
std::string check_dpa(const kube::Object& dpa);
// The locations it asks for. Pure.
std::vector<kube::Object> locations_of_dpa(const kube::Object& dpa);

}  // namespace breakwater::velero
