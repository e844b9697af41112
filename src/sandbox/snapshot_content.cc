#include "api/kinds.h"
#include "api/names.h"
#include "sandbox/snapshot_driver.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr Duration kPoll = std::chrono::seconds(1);
constexpr Duration kRetry = std::chrono::seconds(10);

bool is_dynamic(const Object& content) { return content.spec()["source"].has("volumeHandle"); }

std::string handle_of(const Object& content) {
  if (is_dynamic(content)) {
    return "snapshot-" + content.spec()["volumeSnapshotRef"]["uid"].as_string();
  }
  return content.spec()["source"]["snapshotHandle"].as_string();
}

Key snapshot_key(const Object& content) {
  const Json& reference = content.spec()["volumeSnapshotRef"];
  return {reference["namespace"].as_string(), reference["name"].as_string()};
}

class Contents final : public kube::Reconciler {
 public:
  explicit Contents(StorageContext& context) : context_(context) {}

  Outcome reconcile(const Key& key) override {
    auto content = context_.reader.get(api::kVolumeSnapshotContent, key);
    if (!content && content.error().is(Code::kNotFound)) return Outcome::done();
    if (!content) return tl::unexpected(std::move(content).error());
    if (content->spec()["driver"].as_string() != api::kSandboxDriver) return Outcome::done();
    if (content->is_deleting()) return finish(*content);
    if (!content->has_finalizer(kContentFinalizer)) {
      TRY(set_finalizer(*content, true));
      return Outcome::done();  // the change brings us back
    }
    if (content->status()["readyToUse"].as_bool()) return Outcome::done();
    return make_ready(*content);
  }

 private:
  Outcome make_ready(const Object& content) {
    const std::string handle = handle_of(content);
    if (is_dynamic(content)) {
      // Live: the cache may show a content that is gone, of which no file must stay.
      if (!TRY(find_live(context_.client, api::kVolumeSnapshotContent, content.key(),
                         content.uid()))) {
        return Outcome::again_after(kPoll);
      }
      auto taken = take(content, handle);
      if (!taken) return report(content, taken.error());
      if (!*taken) return Outcome::done();  // woken at its end
    }
    auto info = context_.files.find_snapshot(handle);
    if (!info) return report(content, info.error());
    TRY(write_status(content,
                     Json::object({{"snapshotHandle", handle},
                                   {"readyToUse", true},
                                   {"restoreSize", info->size},
                                   {"creationTime", info->created.time_since_epoch().count()}})));
    return Outcome::done();
  }

  Result<bool> take(const Object& content, const std::string& handle) {
    const std::string volume = content.spec()["source"]["volumeHandle"].as_string();
    return finish_operation(
        context_, "snapshot/" + handle,
        [&files = context_.files, volume, handle] { return files.create_snapshot(volume, handle); },
        std::string(kSnapshotContentController), content.key());
  }

  Outcome report(const Object& content, const Error& error) {
    if (content.status()["error"]["message"].as_string() != error.message()) {
      Json status = Json::object({{"readyToUse", false}});
      status.set("error", Json::object({{"message", error.message()},
                                        {"time", format_rfc3339(context_.clock.now())}}));
      TRY(write_status(content, status));
    }
    return Outcome::again_after(kRetry);
  }

  Result<> write_status(const Object& content, const Json& status) {
    TRY(kube::edit(context_.client, api::kVolumeSnapshotContent, content.key(), true,
                   [&](Object& now) -> Result<bool> {
                     if (now.uid() != content.uid()) return false;
                     now.set({"status"}, status);
                     return true;
                   }));
    return {};
  }

  Outcome finish(const Object& content) {
    if (!content.has_finalizer(kContentFinalizer)) return Outcome::done();
    const auto now =
        TRY(find_live(context_.client, api::kVolumeSnapshotContent, content.key(), content.uid()));
    if (!now || !now->is_deleting()) return Outcome::done();
    if (TRY(is_protected(*now))) return Outcome::again_after(kRetry);
    const std::string handle = handle_of(*now);
    const auto running = context_.operations.find("snapshot/" + handle);
    if (running && !running->finished) return Outcome::again_after(kPoll);
    if (running) context_.operations.forget("snapshot/" + handle);
    // A handle that can name no file of ours has nothing to remove.
    if (now->spec()["deletionPolicy"].as_string() == "Delete" && is_storage_name(handle)) {
      TRY(context_.files.remove_snapshot(handle));
    }
    TRY(set_finalizer(*now, false));
    return Outcome::done();
  }

  // A content waits for the end of the snapshot that is bound to it.
  Result<bool> is_protected(const Object& content) {
    const std::string& uid = content.spec()["volumeSnapshotRef"]["uid"].as_string();
    if (uid.empty()) return false;
    const auto snapshot =
        TRY(find_live(context_.client, api::kVolumeSnapshot, snapshot_key(content), uid));
    return snapshot && !snapshot->is_deleting();
  }

  Result<> set_finalizer(const Object& content, bool wanted) {
    return sandbox::set_finalizer(context_, api::kVolumeSnapshotContent, content, kContentFinalizer,
                                  wanted);
  }

  StorageContext& context_;
};

}  // namespace

kube::ControllerSpec make_snapshot_content_controller(StorageContext& context) {
  kube::ControllerSpec spec;
  spec.name = kSnapshotContentController;
  spec.reconciler = std::make_unique<Contents>(context);
  spec.sources.push_back({api::kVolumeSnapshotContent, "", kube::map_to_self});
  spec.sources.push_back({api::kVolumeSnapshot, "", [](const Object& snapshot) {
                            return std::vector<Key>{{"", content_name(snapshot)}};
                          }});
  return spec;
}

}  // namespace breakwater::sandbox
