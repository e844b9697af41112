#include "mover/data_upload.h"

#include "api/kinds.h"
#include "api/names.h"
#include "mover/backup_config.h"
#include "mover/exposer.h"
#include "mover/repository_place.h"
#include "mover/snapshot_base.h"

namespace breakwater::mover {
namespace {

using kube::Object;

Result<> require(const Object& move, std::string_view field, const Json& value) {
  if (!value.as_string().empty()) return {};
  return fail(Code::kInvalid, "{} {}: spec.{} is missing", move.kind(), move.key().to_string(),
              field);
}

// spec.parentSnapshot: "" and "auto" leave the choice to the repository, "none" reads everything,
// and a snapshot may be named as in status.snapshotID.
std::optional<std::string> parent_of(const Object& upload) {
  const std::string& parent = upload.spec()["parentSnapshot"].as_string();
  if (parent.empty() || parent == "auto") return std::nullopt;
  const auto name = SnapshotName::parse(parent);
  return name ? name->id : parent;
}

class Upload final : public Direction {
 public:
  Upload(const Settings& settings, const Environment& environment)
      : settings_(settings),
        environment_(environment),
        exposer_(settings, environment),
        bases_(settings, environment) {}

  const kube::Kind& kind() const override { return api::kDataUpload; }
  bool takes(const Object& move) const override {
    return takes_data_mover(move.spec()["datamover"].as_string());
  }
  Result<Duration> prepare_timeout(const Object&) override { return settings_.prepare_timeout; }
  // A Backup or Restore that gives up asks its moves to stop (spec.cancel).
  Result<std::optional<std::string>> find_owner_failure(const Object&) override {
    return std::nullopt;
  }

  Result<> validate(const Object& move) override {
    const Json& spec = move.spec();
    TRY(require(move, "csiSnapshot.volumeSnapshot", spec["csiSnapshot"]["volumeSnapshot"]));
    TRY(require(move, "sourceNamespace", spec["sourceNamespace"]));
    TRY(require(move, "sourcePVC", spec["sourcePVC"]));
    return require(move, "backupStorageLocation", spec["backupStorageLocation"]);
  }

  Result<Step> expose(const Object& move) override {
    ExposureSource source;
    source.snapshot = source_snapshot(move);
    source.claim = source_claim(move);
    source.storage_class = move.spec()["csiSnapshot"]["storageClass"].as_string();
    source.take_over = true;
    source.limit = operation_timeout(settings_, move);
    const Step exposed = TRY(exposer_.expose(move, source));
    if (!exposed.done) return exposed;
    return bases_.expose(move, source.claim, parent_of(move).value_or(""));
  }

  Result<WorkerNeeds> prepare_worker(const Object& move) override {
    TRY(check_password(environment_.client, repository_secret(settings_)));
    const SnapshotName name = TRY(snapshot_name(move));
    datapath::WorkerConfig config =
        backup_config(settings_, move, source_claim(move), name.cluster);
    const std::string& storage = move.spec()["backupStorageLocation"].as_string();
    config.location =
        TRY(repository_location(settings_, environment_.client, storage, name.repository()));
    config.parent = parent_of(move);
    WorkerNeeds needs;
    const auto base = TRY(bases_.find_exposed(move));
    if (base) {
      config.parent = base->snapshot;
      needs.base = base->claim;
    }
    needs.config = std::move(config);
    needs.secret = api::kRepositorySecret;
    needs.credentials = TRY(location_credential(settings_, environment_.client, storage));
    return needs;
  }

  Result<> describe(Object& move, const Object& pod) override {
    move.set({"status", "node"}, pod.spec()["nodeName"].as_string());
    move.set({"status", "nodeOS"}, "linux");
    return {};
  }

  Result<> record(Object& move, const Json& result) override {
    SnapshotName name = TRY(snapshot_name(move));
    name.id = result["snapshotID"].as_string();
    const int64_t read = result["bytesRead"].as_int();
    const int64_t moved = result["bytesMoved"].as_int();
    move.set({"status", "snapshotID"}, name.to_string());
    move.set({"status", "path"}, path_in_repository(source_claim(move)));
    move.set({"status", "incrementalBytes"}, moved);
    move.set({"status", "dataMoverResult"}, Json::object({{"bytesRead", std::to_string(read)},
                                                          {"bytesMoved", std::to_string(moved)}}));
    return {};
  }

  Result<Step> conclude(const Object&) override { return Step{}; }
  Result<Step> clean_up(const Object& move) override {
    const Step base = TRY(bases_.dispose(move));
    if (!base.done) return base;
    if (state_of(move).done()) {
      const auto name = SnapshotName::parse(move.status()["snapshotID"].as_string());
      const Step kept = TRY(bases_.keep(move, source_claim(move), name ? name->id : ""));
      if (!kept.done) return kept;
    }
    return exposer_.dispose(move, source_snapshot(move));
  }
  bool keeps_result() const override { return false; }

 private:
  static kube::Key source_claim(const Object& move) {
    return {move.spec()["sourceNamespace"].as_string(), move.spec()["sourcePVC"].as_string()};
  }
  static kube::Key source_snapshot(const Object& move) {
    return {move.spec()["sourceNamespace"].as_string(),
            move.spec()["csiSnapshot"]["volumeSnapshot"].as_string()};
  }

  // Without its id.
  Result<SnapshotName> snapshot_name(const Object& move) {
    SnapshotName name;
    name.cluster = TRY(cluster_id(settings_, environment_.reader));
    name.ns = move.spec()["sourceNamespace"].as_string();
    return name;
  }

  const Settings& settings_;
  const Environment& environment_;
  Exposer exposer_;
  SnapshotBases bases_;
};

}  // namespace

std::unique_ptr<Direction> make_upload_direction(const Settings& settings,
                                                 const Environment& environment) {
  return std::make_unique<Upload>(settings, environment);
}

}  // namespace breakwater::mover
