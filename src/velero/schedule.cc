#include "velero/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/ids.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

using kube::Object;
using kube::Outcome;

constexpr Duration kTick = std::chrono::minutes(1);
constexpr int kNameAttempts = 60;
// A Schedule that slept through more activations than this is named after a later one; only the
// name is concerned.
constexpr int kMaxMissed = 100000;

class ScheduleReconciler final : public kube::Reconciler {
 public:
  explicit ScheduleReconciler(ContextPtr context) : context_(std::move(context)) {}

  Outcome reconcile(const kube::Key& key) override {
    auto found = services().reader.get(api::kSchedule, key);
    if (!found && found.error().is(Code::kNotFound)) return Outcome::done();
    Object schedule = TRY(std::move(found));
    if (schedule.is_deleting() || schedule.spec()["paused"].as_bool()) return Outcome::done();
    const Object before = schedule;
    auto cron = validate(schedule);
    if (cron && schedule.spec()["skipImmediately"].as_bool()) {
      schedule.set({"status", "lastSkipped"}, format_rfc3339(now()));
      schedule.set({"spec", "skipImmediately"}, false);
    }
    if (!(schedule == before)) return write_object(*context_, api::kSchedule, schedule);
    if (!cron) return Outcome::done();

    DueTime due = due_time(schedule, *cron, now());
    if (!due.next) return Outcome::done();
    if (!due.current) return wait_until(*due.next);
    if (TRY(overlaps(schedule))) return Outcome::again_after(kTick);
    TRY(create_backup(schedule, *due.current));
    schedule.set({"status", "lastBackup"}, format_rfc3339(now()));
    return write_object(*context_, api::kSchedule, schedule);
  }

 private:
  const EngineServices& services() const { return context_->services; }
  Time now() const { return services().clock.now(); }

  // Sets phase and validationErrors.
  Result<Cron> validate(Object& schedule) {
    auto cron = parse_schedule(schedule);
    if (cron) {
      schedule.set({"status", "phase"}, "Enabled");
      schedule.erase({"status", "validationErrors"});
    } else {
      schedule.set({"status", "phase"}, "FailedValidation");
      schedule.set({"status", "validationErrors"}, Json::array({cron.error().message()}));
    }
    return cron;
  }

  Outcome wait_until(Time next) {
    // Due is strictly after the activation, and times are kept to the second.
    Duration wait = next - now() + std::chrono::seconds(1);
    return Outcome::again_after(std::min(wait, kTick));
  }

  Result<bool> overlaps(const Object& schedule) {
    auto selector =
        kube::LabelSelector::equals(api::kScheduleNameLabel, label_value(schedule.name()));
    auto backups = TRY(services().reader.list(api::kBackup, schedule.ns(), selector));
    return std::ranges::any_of(backups, [this](const Object& backup) {
      return api::backup_blocks_schedule(backup.phase()) &&
             !is_of_another_cluster(*context_, backup);
    });
  }

  Result<> create_backup(const Object& schedule, Time activation) {
    for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
      Object wanted = make_scheduled_backup(schedule, activation + std::chrono::seconds(attempt));
      auto created = services().client.create(api::kBackup, wanted);
      if (created) {
        services().events.normal(schedule, "BackupCreated",
                                 fmt::format("Backup {} is due", wanted.name()));
        return {};
      }
      if (!created.error().is(Code::kAlreadyExists)) return tl::unexpected<Error>(created.error());
      auto there = services().client.get(api::kBackup, wanted.key());
      // Ours, of a run that died before it could say so; somebody else's name is left to them.
      if (there && there->label(api::kScheduleNameLabel) == label_value(schedule.name()) &&
          !is_of_another_cluster(*context_, *there))
        return {};
    }
    return fail(Code::kAlreadyExists, "Schedule {}: no free name for a Backup", schedule.name());
  }

  const ContextPtr context_;
};

}  // namespace

Result<Cron> parse_schedule(const Object& schedule) {
  const std::string& text = schedule.spec()["schedule"].as_string();
  if (text.empty())
    return fail(Code::kInvalid, "Schedule must be a non-empty valid Cron expression");
  auto cron = Cron::parse(text);
  if (!cron) return fail(Code::kInvalid, "invalid schedule: {}", cron.error().message());
  return cron;
}

DueTime due_time(const Object& schedule, const Cron& cron, Time now) {
  Time base = time_or(schedule.status()["lastBackup"], schedule.created());
  base = std::max(base, time_or(schedule.status()["lastSkipped"], base));
  DueTime due;
  due.next = cron.next(base);
  if (!due.next || !(now > *due.next)) return due;
  due.current = due.next;
  for (int i = 0; i < kMaxMissed; ++i) {
    auto later = cron.next(*due.current);
    if (!later || !(now > *later)) break;
    due.current = later;
  }
  return due;
}

Object make_scheduled_backup(const Object& schedule, Time activation) {
  Object backup = Object::make(
      api::kBackup,
      {schedule.ns(), fmt::format("{}-{}", schedule.name(), format_compact(activation))});
  const Json& metadata = schedule.spec()["template"]["metadata"];
  const Json& labels =
      metadata["labels"].is_object() ? metadata["labels"] : schedule.metadata()["labels"];
  for (const auto& [name, value] : labels.members()) backup.set_label(name, value.as_string());
  backup.set_label(api::kScheduleNameLabel, label_value(schedule.name()));
  const Json& annotations = metadata["annotations"].is_object()
                                ? metadata["annotations"]
                                : schedule.metadata()["annotations"];
  for (const auto& [name, value] : annotations.members())
    backup.set_annotation(name, value.as_string());
  backup.set({"spec"}, schedule.spec()["template"]);
  if (schedule.spec()["useOwnerReferencesInBackup"].as_bool()) backup.add_owner(schedule, true);
  return backup;
}

std::optional<Object> make_successor(const Object& backup) {
  constexpr size_t kDigits = 14;
  const std::string& name = backup.name();
  if (!backup.has_label(api::kScheduleNameLabel) || name.size() < kDigits + 2) return std::nullopt;
  const std::string digits = name.substr(name.size() - kDigits);
  if (name[name.size() - kDigits - 1] != '-' ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  auto part = [&](size_t at, size_t length) { return digits.substr(at, length); };
  auto time = parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2), part(6, 2),
                                        part(8, 2), part(10, 2), part(12, 2)));
  if (!time) return std::nullopt;
  std::string next =
      name.substr(0, name.size() - kDigits) + format_compact(*time + std::chrono::seconds(1));
  Object successor = Object::make(api::kBackup, {backup.ns(), std::move(next)});
  for (const char* field : {"labels", "annotations", "ownerReferences"})
    if (backup.metadata().has(field)) successor.set({"metadata", field}, backup.metadata()[field]);
  successor.set({"spec"}, backup.spec());
  return successor;
}

kube::ControllerSpec make_schedule_controller(ContextPtr context) {
  const std::string ns = context->settings.ns;
  kube::ControllerSpec spec;
  spec.name = controller_name(*context, kScheduleController);
  spec.sources.push_back({api::kSchedule, ns, kube::map_to_self});
  spec.sources.push_back(
      {api::kBackup, ns, kube::map_to_label(std::string(api::kScheduleNameLabel))});
  spec.reconciler = std::make_unique<ScheduleReconciler>(std::move(context));
  return spec;
}

}  // namespace breakwater::velero
