#include "mover/snapshot_backup.h"

#include "api/kinds.h"
#include "api/names.h"
#include "mover/backup_config.h"
#include "mover/exposer.h"
#include "mover/repository_access.h"
#include "mover/repository_place.h"
#include "mover/repository_url.h"
#include "mover/snapshot_direction.h"
#include "mover/storage_classes.h"

namespace breakwater::mover {
namespace {

using kube::Key;
using kube::Object;

class SnapshotBackup final : public SnapshotDirection {
 public:
  SnapshotBackup(const Settings& settings, const Environment& environment)
      : SnapshotDirection(settings, environment), exposer_(settings, environment) {}

  const kube::Kind& kind() const override { return api::kVolumeSnapshotBackup; }

  Result<> validate(const Object& move) override {
    const std::string name = move.key().to_string();
    if (content_name(move).empty()) {
      return fail(Code::kInvalid, "snapshot name cannot be nil for volumesnapshotbackup {}", name);
    }
    if (!namespace_of(move).empty()) return {};
    return fail(Code::kInvalid, "protected ns cannot be empty for volumesnapshotbackup {}", name);
  }

  Result<WorkerNeeds> prepare_worker(const Object& move) override {
    const RepositoryAccess access = TRY(find_access(settings_, environment_, move));
    if (access.read_only) {
      return fail(Code::kInvalid, "the backup storage location of Secret {} is ReadOnly",
                  move.spec()["resticSecretRef"]["name"].as_string());
    }
    const std::string cluster = TRY(cluster_id(settings_, environment_.reader));
    const Key claim{move.ns(), TRY(claim_name(move))};
    WorkerNeeds needs;
    needs.config = backup_config(settings_, move, claim, cluster);
    needs.config.location =
        below(access.location, SnapshotName{cluster, move.ns(), ""}.repository());
    needs.secret =
        TRY(ensure_worker_secret(environment_.client, move, access, needs.config.location));
    needs.credentials = worker_credentials(access, needs.secret);
    return needs;
  }

  Result<Step> expose(const Object& move) override {
    const Object content = TRY(find_content(move));
    ExposureSource source;
    source.snapshot = snapshot_of(content);
    source.content = content.name();
    source.claim = {move.ns(), TRY(claim_name(move))};
    source.limit = TRY(data_mover_options(settings_, environment_)).timeout;
    if (!TRY(find_live(environment_.client, api::kPersistentVolumeClaim, source.claim))) {
      source.storage_class =
          TRY(storage_class_of_driver(environment_.reader, content.spec()["driver"].as_string()));
    }
    return exposer_.expose(move, source);
  }

  Result<> describe(Object& move, const Object& pod) override {
    const auto claim = TRY(find_child(environment_.client, api::kPersistentVolumeClaim, move));
    const auto clone = TRY(find_child(environment_.client, api::kVolumeSnapshotContent, move));
    if (!claim || !clone) return fail(Code::kInvalid, "the clone of the snapshot is gone");
    const std::string name = TRY(claim_name(move));
    const Json& spec = claim->spec();
    move.set({"status", "sourcePVCData"},
             Json::object({{"name", name},
                           {"size", spec.at({"resources", "requests", "storage"})},
                           {"storageClassName", spec["storageClassName"].as_string()},
                           {"volumeMode", spec["volumeMode"]}}));
    move.set({"status", "volumeSnapshotClassName"},
             clone->spec()["volumeSnapshotClassName"].as_string());
    move.set({"status", "replicationSourceData"},
             Json::object({{"name", pod.name()},
                           {"startTimestamp", format_rfc3339(environment_.clock.now())}}));
    return {};
  }

  Result<> record(Object& move, const Json& result) override {
    const WorkerNeeds needs = TRY(prepare_worker(move));
    const std::string repository = fmt::format("{}#{}", repository_url(needs.config.location),
                                               result["snapshotID"].as_string());
    const Json claim = move.status()["sourcePVCData"];
    const Json snapshot_class = move.status()["volumeSnapshotClassName"];
    move.set({"status", "resticrepository"}, repository);
    move.set({"status", "replicationSourceData", "completionTimestamp"},
             format_rfc3339(environment_.clock.now()));
    move.set_annotation(api::kVsbRepositoryAnnotation, repository);
    move.set_annotation(api::kBytesMovedAnnotation, std::to_string(result["bytesMoved"].as_int()));
    for (const auto& [annotation, value] :
         {std::pair(api::kVsbPvcNameAnnotation, claim["name"]),
          std::pair(api::kVsbPvcSizeAnnotation, claim["size"]),
          std::pair(api::kVsbStorageClassAnnotation, claim["storageClassName"]),
          std::pair(api::kVsbVolumeModeAnnotation, claim["volumeMode"]),
          std::pair(api::kVsbSnapshotClassAnnotation, snapshot_class)}) {
      move.set_annotation(annotation, value.as_string());
    }
    return {};
  }

  Result<Step> conclude(const Object&) override { return Step{}; }

  Result<Step> clean_up(const Object& move) override {
    const Step exposure = TRY(exposer_.dispose(move, std::nullopt));
    if (!exposure.done) return exposure;
    return remove_child(environment_.client, api::kSecret, move);
  }
  bool keeps_result() const override { return false; }

 private:
  static const std::string& content_name(const Object& move) {
    return move.spec()["volumeSnapshotContent"]["name"].as_string();
  }
  static Key snapshot_of(const Object& content) {
    const Json& reference = content.spec()["volumeSnapshotRef"];
    return {reference["namespace"].as_string(), reference["name"].as_string()};
  }

  // The content that the move names, which must be of the move's namespace.
  Result<Object> find_content(const Object& move) {
    const std::string& name = content_name(move);
    auto content = TRY(find_live(environment_.client, api::kVolumeSnapshotContent, {"", name}));
    if (!content) return fail(Code::kNotFound, "waiting for VolumeSnapshotContent {}", name);
    if (snapshot_of(*content).ns == move.ns()) return std::move(*content);
    return fail(
        Code::kInvalid,
        "VolumeSnapshotContent {} belongs to another namespace than VolumeSnapshotBackup {}", name,
        move.key().to_string());
  }

  // The claim that the snapshot was taken of; a snapshot that was not taken of one stands for it.
  Result<std::string> claim_name(const Object& move) {
    const std::string& known = move.status()["sourcePVCData"]["name"].as_string();
    if (!known.empty()) return known;
    const Key key = snapshot_of(TRY(find_content(move)));
    const auto snapshot = TRY(find_live(environment_.client, api::kVolumeSnapshot, key));
    if (!snapshot) return fail(Code::kNotFound, "waiting for VolumeSnapshot {}", key.to_string());
    return snapshot->spec()["source"]["persistentVolumeClaimName"].as_string_or(snapshot->name());
  }

  Exposer exposer_;
};

}  // namespace

std::unique_ptr<Direction> make_snapshot_backup_direction(const Settings& settings,
                                                          const Environment& environment) {
  return std::make_unique<SnapshotBackup>(settings, environment);
}

}  // namespace breakwater::mover
