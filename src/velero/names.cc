#include "velero/names.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/hash.h"

namespace breakwater::velero {
namespace {

constexpr size_t kDigits = 10;

std::string digits(std::string_view identity, size_t count = kDigits) {
  return to_hex(sha256(as_bytes(identity))).substr(0, count);
}

}  // namespace

std::string derived_name(std::string_view base, std::string_view identity, size_t limit) {
  base = base.substr(0, limit - kDigits - 1);
  while (base.ends_with('-') || base.ends_with('.')) base.remove_suffix(1);
  return fmt::format("{}-{}", base, digits(identity));
}

std::string snapshot_name(std::string_view backup_uid, std::string_view pvc_name,
                          std::string_view pvc_uid) {
  return derived_name(fmt::format("velero-{}", pvc_name),
                      fmt::format("{}/{}", backup_uid, pvc_uid));
}

std::string data_upload_name(std::string_view backup_name, std::string_view backup_uid,
                             std::string_view pvc_uid) {
  return derived_name(backup_name, fmt::format("{}/{}", backup_uid, pvc_uid));
}

std::string snapshot_backup_name(std::string_view backup_uid, std::string_view pvc_uid) {
  return derived_name("vsb", fmt::format("{}/{}", backup_uid, pvc_uid));
}

std::string snapshot_restore_name(std::string_view restore_uid, std::string_view pvc) {
  return derived_name("vsr", fmt::format("{}/{}", restore_uid, pvc));
}

std::string data_download_name(std::string_view restore_name, std::string_view restore_uid,
                               std::string_view pvc) {
  return derived_name(restore_name, fmt::format("{}/{}", restore_uid, pvc));
}

std::string dynamic_pv_value(std::string_view restore_uid, std::string_view ns,
                             std::string_view pvc) {
  std::string tail = digits(fmt::format("{}/{}/{}", restore_uid, ns, pvc), 5);
  std::string text = fmt::format("{}.{}.{}", ns, pvc, tail);
  return text.size() <= 63 ? text : derived_name(text, text);
}

std::string operation_id(std::string_view prefix, std::string_view owner_uid,
                         std::string_view pvc_uid) {
  return fmt::format("{}-{}.{}", prefix, owner_uid, pvc_uid);
}

}  // namespace breakwater::velero
