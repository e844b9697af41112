#include "mover/snapshot_restore.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/quantity.h"
#include "mover/repository_access.h"
#include "mover/repository_place.h"
#include "mover/repository_url.h"
#include "mover/restored_snapshot.h"
#include "mover/snapshot_direction.h"
#include "mover/storage_classes.h"

namespace breakwater::mover {
namespace {

using kube::Object;

const Json& reference_of(const Object& move) { return move.spec()["volumeSnapshotMoverBackupRef"]; }

class SnapshotRestore final : public SnapshotDirection {
 public:
  SnapshotRestore(const Settings& settings, const Environment& environment)
      : SnapshotDirection(settings, environment), snapshot_(settings, environment) {}

  const kube::Kind& kind() const override { return api::kVolumeSnapshotRestore; }

  Result<> validate(const Object& move) override {
    const Json& reference = reference_of(move);
    const std::string& size = reference["sourcePVCData"]["size"].as_string();
    TRY(require(move, namespace_of(move), "protected ns"));
    TRY(require(move, reference["resticrepository"].as_string(), "resticrepository"));
    TRY(require(move, reference["sourcePVCData"]["name"].as_string(), "sourcePVCData name"));
    TRY(require(move, size, "sourcePVCData size"));
    TRY(parse_quantity(size));
    return {};
  }

  Result<WorkerNeeds> prepare_worker(const Object& move) override {
    const auto [url, id] = split_snapshot(reference_of(move)["resticrepository"].as_string());
    const RepositoryAccess access = TRY(find_access(settings_, environment_, move));
    WorkerNeeds needs;
    needs.config.operation = datapath::WorkerConfig::Operation::kRestore;
    needs.config.location = access.location;
    needs.config.location.prefix = TRY(path_in_bucket(url, access.location));
    TRY(check_permission(move, access, needs.config.location.prefix));
    needs.config.lock = !access.read_only;
    if (!id.empty()) needs.config.snapshot = id;
    needs.config.threads = settings_.worker_threads;
    needs.secret =
        TRY(ensure_worker_secret(environment_.client, move, access, needs.config.location));
    needs.credentials = worker_credentials(access, needs.secret);
    return needs;
  }

  Result<Step> expose(const Object& move) override {
    const Json& data = reference_of(move)["sourcePVCData"];
    const Object storage_class =
        TRY(choose_storage_class(environment_.reader, data["storageClassName"].as_string()));
    const int64_t size = TRY(parse_quantity(data["size"].as_string()));
    Object claim = make_child(api::kPersistentVolumeClaim, move);
    Json spec = Json::object({{"accessModes", Json::array({"ReadWriteOnce"})},
                              {"volumeMode", data["volumeMode"].as_string_or("Filesystem")},
                              {"storageClassName", storage_class.name()}});
    spec.set({"resources", "requests", "storage"}, format_quantity(size));
    claim.set({"spec"}, std::move(spec));
    TRY(ensure_child(environment_.client, api::kPersistentVolumeClaim, move, claim));
    return Step{};
  }

  Result<> describe(Object& move, const Object& pod) override {
    move.set({"status", "replicationDestinationData"},
             Json::object({{"name", pod.name()},
                           {"startTimestamp", format_rfc3339(environment_.clock.now())}}));
    return {};
  }

  Result<> record(Object& move, const Json& result) override {
    move.set_annotation(api::kBytesMovedAnnotation, std::to_string(result["bytesMoved"].as_int()));
    move.set({"status", "replicationDestinationData", "completionTimestamp"},
             format_rfc3339(environment_.clock.now()));
    return {};
  }

  Result<Step> conclude(const Object& move) override {
    return snapshot_.take(move, TRY(data_mover_options(settings_, environment_)).timeout);
  }

  Result<Step> clean_up(const Object& move) override {
    const Stage stage = stage_of(move);
    const bool is_done = stage == Stage::kCleaning || stage == Stage::kCompleted;
    const Step snapshot = TRY(snapshot_.release(move, is_done && !move.is_deleting()));
    if (!snapshot.done) return snapshot;
    const Step claim = TRY(remove_claim(environment_.client, move));
    if (!claim.done) return claim;
    return remove_child(environment_.client, api::kSecret, move);
  }
  bool keeps_result() const override { return true; }

 private:
  static Result<> require(const Object& move, const std::string& value, std::string_view what) {
    if (!value.empty()) return {};
    return fail(Code::kInvalid, "{} cannot be empty for volumesnapshotrestore {}", what,
                move.key().to_string());
  }

  // Nothing if this namespace may have the data of the repository at `path`.
  Result<> check_permission(const Object& move, const RepositoryAccess& access,
                            const std::string& path) {
    const RepositoryOwner owner = TRY(owner_of_path(path));
    const bool ours = !owner.cluster.empty();
    if (ours && !path.starts_with(below(access.location, "restic/").prefix)) {
      return fail(Code::kInvalid, "repository {} is not below {}", path,
                  repository_url(access.location));
    }
    const std::string cluster = TRY(cluster_id(settings_, environment_.reader));
    if (owner.cluster == cluster && owner.ns == move.ns()) return {};
    const auto restore = TRY(find_owner(settings_, environment_, move));
    if (restore && restores_to(*restore, owner, move.ns())) return {};
    return fail(Code::kInvalid,
                "VolumeSnapshotRestore {} may not read repository {}: it is not of its namespace, "
                "and no Restore maps it there",
                move.key().to_string(), path);
  }

  static bool restores_to(const Object& restore, const RepositoryOwner& owner,
                          const std::string& ns) {
    const std::string& backup = restore.spec()["backupName"].as_string();
    if (owner.cluster.empty()) return owner.backup.empty() || owner.backup == backup;
    const Json& mapping = restore.spec()["namespaceMapping"];
    return mapping[owner.ns].as_string_or(owner.ns) == ns;
  }

  RestoredSnapshot snapshot_;
};

}  // namespace

std::unique_ptr<Direction> make_snapshot_restore_direction(const Settings& settings,
                                                           const Environment& environment) {
  return std::make_unique<SnapshotRestore>(settings, environment);
}

}  // namespace breakwater::mover
