#include "mover/data_download.h"

#include <algorithm>

#include "api/kinds.h"
#include "api/names.h"
#include "base/quantity.h"
#include "mover/rebinder.h"
#include "mover/repository_place.h"

namespace breakwater::mover {
namespace {

using kube::Key;
using kube::Object;

class Download final : public Direction {
 public:
  Download(const Settings& settings, const Environment& environment)
      : settings_(settings), environment_(environment), rebinder_(settings, environment) {}

  const kube::Kind& kind() const override { return api::kDataDownload; }
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
    const SnapshotName name = TRY(SnapshotName::parse(spec["snapshotID"].as_string()));
    const std::string& source = spec["sourceNamespace"].as_string();
    if (name.ns != source) {  // a snapshot of another namespace is not for this restore
      return fail(
          Code::kInvalid,
          "DataDownload {}: spec.snapshotID is of namespace {}, spec.sourceNamespace says {}",
          move.key().to_string(), name.ns, source);
    }
    const Key target = target_claim(move);
    if (target.ns.empty() || target.name.empty()) {
      return fail(Code::kInvalid, "DataDownload {}: spec.targetVolume needs namespace and pvc",
                  move.key().to_string());
    }
    return {};
  }

  Result<Step> expose(const Object& move) override {
    if (TRY(has_claim(move))) return Step{};
    const Key key = target_claim(move);
    const auto target = TRY(find_live(environment_.client, api::kPersistentVolumeClaim, key));
    if (!target || target->is_deleting()) return wait_for_target(move, key);
    const std::string& volume = target->spec()["volumeName"].as_string();
    if (!volume.empty()) {
      return fail(Code::kInvalid,
                  "PersistentVolumeClaim {} is bound to PersistentVolume {} already",
                  key.to_string(), volume);
    }
    TRY(ensure_child(environment_.client, api::kPersistentVolumeClaim, move,
                     make_claim(move, *target)));
    return Step{};
  }

  Result<WorkerNeeds> prepare_worker(const Object& move) override {
    TRY(check_password(environment_.client, repository_secret(settings_)));
    const SnapshotName name = TRY(SnapshotName::parse(move.spec()["snapshotID"].as_string()));
    datapath::WorkerConfig config;
    config.operation = datapath::WorkerConfig::Operation::kRestore;
    const std::string& storage = move.spec()["backupStorageLocation"].as_string();
    config.location =
        TRY(repository_location(settings_, environment_.client, storage, name.repository()));
    config.lock = !TRY(is_read_only(settings_, environment_.reader, storage));
    config.snapshot = name.id;
    config.threads = settings_.worker_threads;
    WorkerNeeds needs;
    needs.credentials = TRY(location_credential(settings_, environment_.client, storage));
    needs.config = std::move(config);
    needs.secret = api::kRepositorySecret;
    return needs;
  }

  Result<> describe(Object& move, const Object& pod) override {
    move.set({"status", "node"}, pod.spec()["nodeName"].as_string());
    return {};
  }

  Result<> record(Object& move, const Json& result) override {
    move.set_annotation(api::kBytesMovedAnnotation, std::to_string(result["bytesMoved"].as_int()));
    return {};
  }
  Result<Step> conclude(const Object& move) override { return rebinder_.rebind(move); }

  Result<Step> clean_up(const Object& move) override {
    const Step claim = TRY(remove_claim(environment_.client, move));
    TRY(rebinder_.give_back(move));
    return claim;
  }
  bool keeps_result() const override { return false; }

 private:
  Result<bool> has_claim(const Object& move) {
    const auto claim = TRY(find_child(environment_.client, api::kPersistentVolumeClaim, move));
    return claim && !claim->is_deleting();
  }

  Result<Step> wait_for_target(const Object& move, const Key& key) {
    const Duration limit = operation_timeout(settings_, move);
    if (since_accepted(environment_, move) <= limit) {
      return Step::wait(fmt::format("waiting for PersistentVolumeClaim {}", key.to_string()));
    }
    return fail(Code::kInvalid, "PersistentVolumeClaim {} did not appear within {}",
                key.to_string(), format_duration(limit));
  }

  // The target's spec without what chooses a volume or its content, and large enough for the data.
  static Object make_claim(const Object& move, const Object& target) {
    Object claim = make_child(api::kPersistentVolumeClaim, move);
    Json spec = target.spec();
    for (const char* member : {"selector", "volumeName", "dataSource", "dataSourceRef"}) {
      spec.erase(member);
    }
    const std::string& asked = spec.at({"resources", "requests", "storage"}).as_string();
    const int64_t size =
        std::max(parse_quantity(asked).value_or(0), move.spec()["snapshotSize"].as_int());
    spec.set({"resources", "requests", "storage"}, format_quantity(size));
    claim.set({"spec"}, std::move(spec));
    return claim;
  }

  const Settings& settings_;
  const Environment& environment_;
  Rebinder rebinder_;
};

}  // namespace

std::unique_ptr<Direction> make_download_direction(const Settings& settings,
                                                   const Environment& environment) {
  return std::make_unique<Download>(settings, environment);
}

}  // namespace breakwater::mover
