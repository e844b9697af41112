#include "velero/steps.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>

#include "api/kinds.h"
#include "api/names.h"
#include "base/ids.h"

namespace breakwater::velero {

std::string controller_name(const Context& context, std::string_view controller) {
  return fmt::format("{}/{}", controller, context.settings.ns);
}

bool is_of_another_cluster(const Context& context, const kube::Object& backup) {
  const std::string& whose = backup.label(api::kBackupClusterLabel);
  const std::string& ours = context.settings.cluster_id;
  return !whose.empty() && !ours.empty() && whose != label_value(ours);
}

std::string stored_name(const kube::Object& backup_or_restore) {
  const std::string& noted = backup_or_restore.annotation(api::kStoredNameAnnotation);
  if (!noted.empty()) return noted;
  if (backup_or_restore.is(api::kRestore))
    return backup_or_restore.spec()["backupName"].as_string();
  return backup_or_restore.name();
}

Result<std::optional<Json>> run_operation(const Context& context, const std::string& controller,
                                          const kube::Key& key, const std::string& id,
                                          kube::Operations::Work work) {
  kube::Operations& operations = context.services.operations;
  auto state = operations.find(id);
  if (!state) {
    // What ends before start() returns is seen below: waking the queue for it would only make the
    // next look come before its time.
    auto starting = std::make_shared<std::atomic<bool>>(true);
    auto started = operations.start(id, std::move(work),
                                    [enqueue = context.services.enqueue,
                                     name = controller_name(context, controller), key, starting] {
                                      if (enqueue && !*starting) enqueue(name, key);
                                    });
    *starting = false;
    if (!started && !started.error().is(Code::kUnavailable))
      return tl::unexpected<Error>(started.error());
    state = operations.find(id);
  }
  if (!state || !state->finished) return std::nullopt;
  if (!state->result) {
    operations.forget(id);
    return tl::unexpected<Error>(state->result.error());
  }
  return std::optional<Json>(*state->result);
}

kube::Outcome write_object(const Context& context, const kube::Kind& kind,
                           const kube::Object& object) {
  auto written = context.services.client.update(kind, object);
  if (written || written.error().is(Code::kNotFound)) return kube::Outcome::done();
  if (written.error().is(Code::kConflict))
    return kube::Outcome::again_after(std::chrono::milliseconds(200));
  Error error = written.error();
  return tl::unexpected<Error>(
      error.add_context(fmt::format("writing {} {}", kind.kind, object.name())));
}

kube::Outcome try_later(const Context& context, const kube::Object& object, const Error& error) {
  context.services.log.warning(
      "step failed, trying again",
      {{"kind", object.kind()}, {"name", object.name()}, {"error", error.to_string()}});
  return kube::Outcome::again_after(std::chrono::seconds(5));
}

bool is_transient(const Error& error) {
  switch (error.code()) {
    case Code::kTimeout:
    case Code::kUnavailable:
    case Code::kConflict:
    case Code::kExpired:
    case Code::kCancelled:
    case Code::kInternal:
    case Code::kUnauthorized:
      return true;
    default:
      return false;
  }
}

Duration duration_or(const Json& field, const std::string& otherwise) {
  auto given = parse_duration(field.as_string());
  if (given && given->count() > 0) return *given;
  return parse_duration(otherwise).value_or(Duration(0));
}

Time time_or(const Json& field, Time otherwise) {
  return parse_rfc3339(field.as_string()).value_or(otherwise);
}

Result<std::unique_ptr<blob::ObjectStore>> open_location(const Context& context,
                                                         const std::string& location) {
  auto object =
      context.services.client.get(api::kBackupStorageLocation, {context.settings.ns, location});
  if (!object && object.error().is(Code::kNotFound))
    return fail(Code::kNotFound, "BackupStorageLocation {} does not exist", location);
  if (!object) return tl::unexpected<Error>(object.error());
  return while_doing(context.services.open_store(*object), "opening BackupStorageLocation {}",
                     location);
}

}  // namespace breakwater::velero
