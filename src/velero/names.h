// Names of the objects that the engine creates, derived so that a step repeated after a crash finds
// what it made before. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace breakwater::velero {

// At most `limit` characters: the beginning of `base`, '-', and ten hex digits of the SHA-256 of
// `identity`. A valid object name if `base` begins like one.
std::string derived_name(std::string_view base, std::string_view identity, size_t limit = 63);

// The VolumeSnapshot of a PVC in a Backup; "velero-<pvc>-<digits>".
std::string snapshot_name(std::string_view backup_uid, std::string_view pvc_name,
                          std::string_view pvc_uid);
std::string data_upload_name(std::string_view backup_name, std::string_view backup_uid,
                             std::string_view pvc_uid);
// "vsb-<digits>", in the claim's namespace.
std::string snapshot_backup_name(std::string_view backup_uid, std::string_view pvc_uid);
// "vsr-<digits>", in the target's namespace. `pvc` is "namespace/name" of the target.
std::string snapshot_restore_name(std::string_view restore_uid, std::string_view pvc);
// `pvc` is "namespace/name" of the target.
std::string data_download_name(std::string_view restore_name, std::string_view restore_uid,
                               std::string_view pvc);
// The value of the PVC selector and PV label by which a restored volume finds its claim.
std::string dynamic_pv_value(std::string_view restore_uid, std::string_view ns,
                             std::string_view pvc);
// Velero finds a DataUpload or DataDownload by this label: "du-<backup uid>.<pvc uid>" (hashed when
// longer than a label may be), "dd-…" for restores.
std::string operation_id(std::string_view prefix, std::string_view owner_uid,
                         std::string_view pvc_uid);

}  // namespace breakwater::velero
