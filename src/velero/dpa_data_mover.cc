#include "velero/dpa_data_mover.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "base/cron.h"
#include "base/quantity.h"

namespace breakwater::velero {
namespace {

constexpr char kField[] = "spec.features.dataMover";
constexpr const char* kSides[] = {"sourceVolumeOptions", "destinationVolumeOptions"};
constexpr std::string_view kAccessModes[] = {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany",
                                             "ReadWriteOncePod"};

const Json& mover_of(const kube::Object& dpa) { return dpa.spec()["features"]["dataMover"]; }

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : to_json(value);
}

bool is_whole_number(const Json& value, int64_t at_least) {
  const std::string text = text_of(value);
  int64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() && number >= at_least;
}

std::string check_number(const Json& parent, const std::string& path, const char* name,
                         int64_t at_least, std::string_view what) {
  const Json& value = parent[name];
  if (value.is_null() || text_of(value).empty() || is_whole_number(value, at_least)) return "";
  return fmt::format("{}.{}: \"{}\" is no {}, a whole number from {}", path, name, text_of(value),
                     what, at_least);
}

// restic's "1y5m7d2h".
bool is_span(std::string_view text) {
  size_t unit = 0;
  constexpr std::string_view kUnits = "ymdh";
  while (!text.empty()) {
    size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits == text.size()) return false;
    unit = kUnits.find(text[digits], unit);
    if (unit == std::string_view::npos) return false;
    ++unit;
    text.remove_prefix(digits + 1);
  }
  return true;
}

std::string check_retention(const Json& policy) {
  const std::string path = fmt::format("{}.snapshotRetainPolicy", kField);
  for (const char* name : {"hourly", "daily", "weekly", "monthly", "yearly"})
    if (auto wrong = check_number(policy, path, name, 0, "number of snapshots"); !wrong.empty())
      return wrong;
  const std::string& within = policy["within"].as_string();
  if (within.empty() || is_span(within)) return "";
  return fmt::format("{}.within: \"{}\" is no span of time such as 30d or 1y6m", path, within);
}

std::string check_side(const Json& options, const std::string& path) {
  for (const char* name : {"accessMode", "cacheAccessMode"}) {
    const std::string& mode = options[name].as_string();
    if (mode.empty() || std::ranges::find(kAccessModes, mode) != std::end(kAccessModes)) continue;
    return fmt::format("{}.{}: \"{}\" is no access mode such as ReadWriteOnce or ReadOnlyMany",
                       path, name, mode);
  }
  const std::string& capacity = options["cacheCapacity"].as_string();
  auto size = parse_quantity(capacity);
  if (!capacity.empty() && (!size || *size <= 0))
    return fmt::format("{}.cacheCapacity: \"{}\" is no size such as 10Gi", path, capacity);
  if (const Json& inherit = options["moverSecurityContext"];
      !inherit.is_null() && !inherit.is_bool())
    return fmt::format("{}.moverSecurityContext: must be true or false", path);
  return "";
}

std::string check_options(const Json& by_class) {
  for (const auto& [name, options] : by_class.members())
    for (const char* side : kSides)
      if (auto wrong = check_side(
              options[side],
              fmt::format("{}.volumeOptionsForStorageClasses.{}.{}", kField, name, side));
          !wrong.empty())
        return wrong;
  return "";
}

}  // namespace

std::string check_data_mover(const kube::Object& dpa) {
  const Json& mover = mover_of(dpa);
  const std::string& timeout = mover["timeout"].as_string();
  auto parsed = parse_duration(timeout);
  if (!timeout.empty() && (!parsed || parsed->count() <= 0))
    return fmt::format("{}.timeout: \"{}\" is no duration such as 10m or 1h30m", kField, timeout);
  for (const char* name : {"maxConcurrentBackupVolumes", "maxConcurrentRestoreVolumes"})
    if (auto wrong = check_number(mover, kField, name, 1, "number of volumes"); !wrong.empty())
      return wrong;
  if (auto wrong = check_number(mover, kField, "pruneInterval", 1, "number of days");
      !wrong.empty())
    return wrong;
  if (auto wrong = check_retention(mover["snapshotRetainPolicy"]); !wrong.empty()) return wrong;
  const std::string& schedule = mover["schedule"].as_string();
  if (!schedule.empty())
    if (auto cron = Cron::parse(schedule); !cron)
      return fmt::format("{}.schedule: {}", kField, cron.error().message());
  return check_options(mover["volumeOptionsForStorageClasses"]);
}

Result<std::string> check_data_mover_objects(kube::Client& client, const kube::Object& dpa) {
  const Json& mover = mover_of(dpa);
  if (!mover["enable"].as_bool()) return std::string();
  const std::string name = mover["credentialName"].as_string_or(api::kRepositorySecret);
  auto secret = client.get(api::kSecret, {dpa.ns(), name});
  if (!secret && !secret.error().is(Code::kNotFound)) return tl::unexpected<Error>(secret.error());
  if (!secret || (*secret)["data"][api::kRepositoryPasswordKey].as_string().empty())
    return fmt::format(
        "{}.credentialName: Secret {} {}", kField, name,
        secret ? fmt::format("has no key {} or it is empty", api::kRepositoryPasswordKey)
               : fmt::format("with key {} does not exist in {}", api::kRepositoryPasswordKey,
                             dpa.ns()));
  std::set<std::string> classes;
  for (const auto& [given, options] : mover["volumeOptionsForStorageClasses"].members()) {
    classes.insert(given);
    for (const char* side : kSides)
      for (const char* field : {"storageClassName", "cacheStorageClassName"})
        if (const std::string& named = options[side][field].as_string(); !named.empty())
          classes.insert(named);
  }
  for (const std::string& wanted : classes) {
    auto found = client.get(api::kStorageClass, {"", wanted});
    if (found) continue;
    if (!found.error().is(Code::kNotFound)) return tl::unexpected<Error>(found.error());
    return fmt::format("{}.volumeOptionsForStorageClasses: StorageClass {} does not exist", kField,
                       wanted);
  }
  return std::string();
}

}  // namespace breakwater::velero
