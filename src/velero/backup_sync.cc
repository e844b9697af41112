#include "velero/backup_sync.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "backupstore/backup_store.h"
#include "base/ids.h"
#include "velero/names.h"
#include "velero/steps.h"

namespace breakwater::velero {
namespace {

namespace phase = api::backup_phase;
using backupstore::BackupStore;
using kube::Object;
using kube::Outcome;

constexpr size_t kNamesInMessage = 5;
constexpr size_t kLongestName = 253;

// Phases in which the files of a backup do not change any more and may be restored or explained.
bool is_finished(const std::string& now_in) {
  return now_in == phase::kCompleted || now_in == phase::kPartiallyFailed ||
         now_in == phase::kFailed;
}

bool has_files(const std::string& now_in) {
  return now_in == phase::kCompleted || now_in == phase::kPartiallyFailed;
}

// Whether two locations are one place in one store.
bool same_place(const Object& a, const Object& b) {
  return a.spec()["provider"] == b.spec()["provider"] && a.spec()["config"] == b.spec()["config"] &&
         a.spec()["objectStorage"]["bucket"] == b.spec()["objectStorage"]["bucket"] &&
         a.spec()["objectStorage"]["prefix"] == b.spec()["objectStorage"]["prefix"];
}

std::string some_of(const std::set<std::string>& names) {
  std::string text;
  size_t shown = 0;
  for (const std::string& name : names) {
    if (++shown > kNamesInMessage) break;
    text += (text.empty() ? "" : ", ") + name;
  }
  if (names.size() > kNamesInMessage)
    text += fmt::format(" and {} more", names.size() - kNamesInMessage);
  return text;
}

// One look at one location, on a thread of the pool.
class Look {
 public:
  Look(const Context& context, const Object& location, BackupStore& files)
      : context_(context), location_(location), files_(files) {}

  Result<Json> run(const CancelToken& cancel) {
    // Objects first: whatever they say is finished has its files by now.
    auto objects = TRY(client().list(api::kBackup, context_.settings.ns));
    for (Object& object : objects) known_.emplace(object.name(), std::move(object));
    const auto folders = TRY(files_.list_folders());
    for (const std::string& name : folders) {
      TRY(cancel.check());
      TRY(take_in(name));
    }
    TRY(drop_orphans({folders.begin(), folders.end()}, cancel));
    return Json(Json::Array(problems().begin(), problems().end()));
  }

 private:
  kube::Client& client() const { return context_.services.client; }
  const std::string& location() const { return location_.name(); }

  std::set<std::string>& problems() {
    if (!taken_.empty())
      problems_.insert(
          fmt::format("shown as <name>-{}, because another Backup of the same name is "
                      "here: {}",
                      location(), some_of(taken_)));
    taken_.clear();
    return problems_;
  }

  // What a backup of this location is called where its name is taken.
  std::string other_name(const std::string& name) const {
    std::string text = fmt::format("{}-{}", name, location());
    return text.size() <= kLongestName ? text : derived_name(text, text, kLongestName);
  }

  bool is_shown_as(const std::string& shown, const std::string& name) const {
    auto known = known_.find(shown);
    return known != known_.end() && stored_name(known->second) == name &&
           known->second.spec()["storageLocation"].as_string() == location();
  }

  Result<> take_in(const std::string& name) {
    const std::string other = other_name(name);
    auto known = known_.find(name);
    if (known == known_.end()) return is_shown_as(other, name) ? Result<>() : show(name, name);
    if (!TRY(is_another(known->second))) return {};
    if (!is_shown_as(other, name)) TRY(show(name, other));
    if (is_shown_as(other, name)) taken_.insert(name);
    return {};
  }

  Result<> show(const std::string& name, const std::string& shown) {
    auto stored = files_.get_backup(name);
    if (!stored && stored.error().is(Code::kNotFound)) return {};  // not a backup yet, or no more
    if (!stored && stored.error().is(Code::kCorrupt)) {
      problems_.insert(stored.error().message());
      return {};
    }
    const Json text = TRY(std::move(stored));
    if (!is_finished(text["status"]["phase"].as_string())) return {};
    auto backup = synced_backup(text, name, context_.settings.ns, location(), shown);
    if (!backup) {
      problems_.insert(backup.error().message());
      return {};
    }
    auto created = client().create(api::kBackup, *backup);
    if (created) {
      context_.services.log.info("backup found", {{"backup", shown}, {"location", location()}});
      known_[shown] = std::move(*created);
      return {};
    }
    if (created.error().is(Code::kAlreadyExists)) return {};
    if (is_transient(created.error())) return tl::unexpected<Error>(created.error());
    problems_.insert(fmt::format("backup {} cannot be shown: {}", name, created.error().message()));
    return {};
  }

  // Whether the Backup of the cluster is not the one that has its name in this location.
  Result<bool> is_another(const Object& object) {
    const std::string& lives_in = object.spec()["storageLocation"].as_string();
    if (lives_in.empty()) return false;  // it has not found its place yet
    if (lives_in == location()) {
      if (object.phase() != phase::kFailed && object.phase() != phase::kFailedValidation)
        return false;
      // It may have failed because the name was taken.
      auto stored = files_.get_backup(object.name());
      return stored && is_finished((*stored)["status"]["phase"].as_string()) &&
             (*stored)["metadata"]["uid"].as_string() != object.uid() &&
             object.label(api::kStorageLocationLabel) == label_value(location()) &&
             !is_of_another_cluster(context_, object);
    }
    auto judged = same_place_.find(lives_in);
    if (judged == same_place_.end()) {
      auto other = client().get(api::kBackupStorageLocation, {context_.settings.ns, lives_in});
      if (!other && !other.error().is(Code::kNotFound)) return tl::unexpected<Error>(other.error());
      judged = same_place_.emplace(lives_in, other && same_place(*other, location_)).first;
    }
    return !judged->second;
  }

  bool is_of_location(const Object& backup) const {
    return backup.label(api::kStorageLocationLabel) == label_value(location()) &&
           has_files(backup.phase()) && !backup.is_deleting();
  }

  // A few at once are deletions or expiry. Most of them at once are a bucket that is not the one it
  // was, or a directory where nothing is mounted: then nothing is dropped.
  Result<> drop_orphans(const std::set<std::string>& folders, const CancelToken& cancel) {
    size_t all = 0;
    std::vector<Object> orphans;
    for (const auto& [name, object] : known_) {
      if (!is_of_location(object)) continue;
      ++all;
      if (folders.contains(stored_name(object))) continue;
      TRY(cancel.check());
      if (!TRY(files_.has_backup(stored_name(object)))) orphans.push_back(object);
    }
    if (orphans.size() > 1 && orphans.size() * 2 > all) {
      problems_.insert(fmt::format(
          "{} of the {} Backups of this location have no files there any more; they stay known. "
          "Check that bucket and prefix are the right ones and, of a directory, that it is "
          "mounted; if the files are meant to be gone, delete these Backups",
          orphans.size(), all));
      return {};
    }
    for (const Object& orphan : orphans) TRY(drop(orphan));
    return {};
  }

  Result<> drop(const Object& orphan) {
    kube::DeleteOptions only_this;
    only_this.uid = orphan.uid();
    only_this.resource_version = orphan.resource_version();
    auto removed = client().remove(api::kBackup, orphan.key(), only_this);
    if (!removed && !removed.error().is(Code::kNotFound) && !removed.error().is(Code::kConflict))
      return removed;
    context_.services.log.info("backup has no files any more",
                               {{"backup", orphan.name()}, {"location", location()}});
    return {};
  }

  const Context& context_;
  const Object& location_;
  BackupStore& files_;
  std::map<std::string, Object> known_;
  std::map<std::string, bool> same_place_;  // by name of another location
  std::set<std::string> taken_, problems_;
};

class BackupSyncReconciler final : public kube::Reconciler {
 public:
  explicit BackupSyncReconciler(ContextPtr context) : context_(std::move(context)) {}

  Outcome reconcile(const kube::Key& key) override {
    auto found = services().reader.get(api::kBackupStorageLocation, key);
    if (!found && found.error().is(Code::kNotFound)) return Outcome::done();
    const Object location = TRY(std::move(found));
    if (location.is_deleting() || location.phase() != "Available") return Outcome::done();
    const Duration period = period_of(location);
    if (period.count() == 0) return Outcome::done();
    if (auto wait = until_due(location, period)) return Outcome::again_after(*wait);

    const std::string id = fmt::format("sync/{}/{}", location.uid(), to_json(location.spec()));
    auto looked =
        run_operation(*context_, kBackupSyncController, key, id,
                      [context = context_, location](const CancelToken& cancel) -> Result<Json> {
                        auto store = TRY(context->services.open_store(location));
                        BackupStore files(*store);
                        return Look(*context, location, files).run(cancel);
                      });
    if (!looked) {
      services().log.warning("backups cannot be listed", {{"location", location.name()},
                                                          {"error", looked.error().to_string()}});
      return Outcome::again_after(period);
    }
    if (!*looked) return Outcome::again_after(period);
    services().operations.forget(id);
    report(location, **looked);
    return stamp(location, period);
  }

 private:
  const EngineServices& services() const { return context_->services; }

  Duration period_of(const Object& location) const {
    Duration period =
        parse_duration(location.spec()["backupSyncPeriod"].as_string()).value_or(Duration(-1));
    return period.count() < 0 ? context_->settings.sync_period : period;
  }

  // Nothing if a look is due. A changed spec is looked at at once.
  std::optional<Duration> until_due(const Object& location, Duration period) const {
    auto seen = seen_.find(location.uid());
    if (seen == seen_.end() || !(seen->second.spec == location.spec())) return std::nullopt;
    Duration left = seen->second.when + period - services().clock.now();
    if (left.count() <= 0) return std::nullopt;
    return left;
  }

  // Each problem once, until it is gone.
  void report(const Object& location, const Json& problems) {
    std::set<std::string>& told = seen_[location.uid()].told;
    std::set<std::string> now;
    for (const Json& problem : problems.items()) {
      now.insert(problem.as_string());
      if (!told.contains(problem.as_string()))
        services().events.warning(location, "BackupsFound", problem.as_string());
    }
    told = std::move(now);
  }

  Outcome stamp(const Object& location, Duration period) {
    const Time now = services().clock.now();
    seen_[location.uid()].spec = location.spec();
    seen_[location.uid()].when = now;
    Json status = Json::object({{"lastSyncedTime", format_rfc3339(now)}});
    auto patched = services().client.patch(api::kBackupStorageLocation, location.key(),
                                           kube::PatchType::kMerge,
                                           Json::object({{"status", std::move(status)}}));
    if (!patched && !patched.error().is(Code::kNotFound))
      return tl::unexpected<Error>(patched.error());
    return Outcome::again_after(period);
  }

  struct Seen {
    Json spec;
    Time when;
    std::set<std::string> told;
  };

  const ContextPtr context_;
  std::map<std::string, Seen> seen_;  // by uid of the location
};

}  // namespace

Result<Object> synced_backup(const Json& stored, const std::string& name, const std::string& ns,
                             const std::string& location, const std::string& shown) {
  const Object read(stored);
  if (!read.is(api::kBackup) || read.name() != name)
    return fail(Code::kInvalid, "backups/{0}/velero-backup.json is not the Backup {0}", name);
  Object backup = Object::make(api::kBackup, {ns, shown});
  for (const char* field : {"labels", "annotations"})
    if (!read.metadata()[field].empty()) backup.set({"metadata", field}, read.metadata()[field]);
  backup.set_label(api::kStorageLocationLabel, label_value(location));
  if (shown != name) backup.set_annotation(api::kStoredNameAnnotation, name);
  backup.set({"spec"}, read.spec());
  backup.set({"spec", "storageLocation"}, location);
  backup.set({"status"}, read.status());
  return backup;
}

kube::ControllerSpec make_backup_sync_controller(ContextPtr context) {
  kube::ControllerSpec spec;
  spec.name = controller_name(*context, kBackupSyncController);
  spec.sources.push_back({api::kBackupStorageLocation, context->settings.ns, kube::map_to_self});
  spec.reconciler = std::make_unique<BackupSyncReconciler>(std::move(context));
  return spec;
}

}  // namespace breakwater::velero
