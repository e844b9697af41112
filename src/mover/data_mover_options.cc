#include "mover/data_mover_options.h"

#include <charconv>

#include "api/kinds.h"
#include "base/encoding.h"

namespace breakwater::mover {
namespace {

int number_of(const Json& value, int otherwise) {
  const std::string& text = value.as_string();
  int64_t number = value.as_int();
  if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), number);
  return number > 0 && number <= 1'000'000 ? static_cast<int>(number) : otherwise;
}

// Each under the key that the original mover's Secrets have.
Json repository_settings(const Json& from) {
  const Json& retain = from["snapshotRetainPolicy"];
  Json settings = Json::object();
  for (const auto& [key, value] : {std::pair("restic-prune-interval", from["pruneInterval"]),
                                   std::pair("SnapshotScheduleCron", from["schedule"]),
                                   std::pair("SnapshotRetainPolicyHourly", retain["hourly"]),
                                   std::pair("SnapshotRetainPolicyDaily", retain["daily"]),
                                   std::pair("SnapshotRetainPolicyWeekly", retain["weekly"]),
                                   std::pair("SnapshotRetainPolicyMonthly", retain["monthly"]),
                                   std::pair("SnapshotRetainPolicyYearly", retain["yearly"]),
                                   std::pair("SnapshotRetainPolicyWithin", retain["within"])}) {
    const std::string& text = value.as_string();
    if (!text.empty()) settings.set(key, to_base64(as_bytes(text)));
  }
  return settings;
}

DataMoverOptions parse(const Json& from) {
  DataMoverOptions options;
  options.enabled = from["enable"].as_bool();
  options.credential = from["credentialName"].as_string_or(options.credential);
  const auto timeout = parse_duration(from["timeout"].as_string());
  if (timeout && timeout->count() > 0) options.timeout = *timeout;
  options.backups = number_of(from["maxConcurrentBackupVolumes"], options.backups);
  options.restores = number_of(from["maxConcurrentRestoreVolumes"], options.restores);
  options.repository_settings = repository_settings(from);
  return options;
}

}  // namespace

Result<DataMoverOptions> data_mover_options(const Settings& settings,
                                            const Environment& environment) {
  DataMoverOptions options;
  bool found = false;
  for (const kube::Object& dpa :
       TRY(environment.reader.list(api::kDataProtectionApplication, settings.engine_namespace))) {
    const Json& mover = dpa.spec()["features"]["dataMover"];
    const bool enabled = mover["enable"].as_bool();
    if (mover.is_null() || (found && !enabled)) continue;
    options = parse(mover);
    found = true;
    if (enabled) break;
  }
  return options;
}

}  // namespace breakwater::mover
