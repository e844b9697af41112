#include "mover/data_mover_options.h"

#include <charconv>

#include "api/kinds.h"

namespace breakwater::mover {
namespace {

int number_of(const Json& value, int otherwise) {
  const std::string& text = value.as_string();
  int64_t number = value.as_int();
  if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), number);
  return number > 0 && number <= 1'000'000 ? static_cast<int>(number) : otherwise;
}

DataMoverOptions parse(const Json& from) {
  DataMoverOptions options;
  options.enabled = from["enable"].as_bool();
  options.credential = from["credentialName"].as_string_or(options.credential);
  const auto timeout = parse_duration(from["timeout"].as_string());
  if (timeout && timeout->count() > 0) options.timeout = *timeout;
  options.backups = number_of(from["maxConcurrentBackupVolumes"], options.backups);
  options.restores = number_of(from["maxConcurrentRestoreVolumes"], options.restores);
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
