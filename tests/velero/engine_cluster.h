// A cluster in one process for tests of the engine: the embedded API in memory with the CRDs of
// deploy/crds, a clock that stands still until told, operations that run inline, a bucket in
// memory, and stand-ins for the storage driver and the mover.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "api/names.h"
#include "apiserver/api_server.h"
#include "backupstore/backup_store.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/yaml.h"
#include "blob/faulty_store.h"
#include "blob/local_store.h"
#include "blob/memory_store.h"
#include "kube/faulty_client.h"
#include "kube/runner.h"
#include "velero/engine.h"

namespace breakwater::velero_test {

using kube::Object;

inline constexpr char kNs[] = "openshift-adp";

inline Object yaml_object(std::string_view text) {
  auto documents = parse_yaml(text);
  EXPECT_TRUE(documents) << documents.error().to_string();
  EXPECT_EQ(documents->size(), 1u);
  return Object(documents->front());
}

// Everything but the engine: survives an engine's crash.
class EngineCluster {
 public:
  // Clusters that are given one `shared` bucket, which outlives them, see each other's backups.
  explicit EngineCluster(std::string cluster_id = "cluster-a", blob::ObjectStore* shared = nullptr)
      : id(std::move(cluster_id)) {
    if (shared != nullptr) bucket = shared;
    if (id != "cluster-a") random = SeededRandom(8);  // uids of its own
    auto opened = apiserver::ApiServer::open({}, clock, random, Logger());
    EXPECT_TRUE(opened) << opened.error().to_string();
    server = std::move(*opened);
    std::vector<Json> crds;
    for (const auto& entry : std::filesystem::recursive_directory_iterator("deploy/crds")) {
      if (entry.path().extension() != ".yaml") continue;
      auto documents = parse_yaml(*read_file(entry.path()));
      EXPECT_TRUE(documents) << entry.path();
      crds.insert(crds.end(), documents->begin(), documents->end());
    }
    auto installed = server->install_crds(crds);
    EXPECT_TRUE(installed) << installed.error().to_string();
    client = server->client(apiserver::admin_user());
    apply(fmt::format("{{apiVersion: v1, kind: Namespace, metadata: {{name: {}}}}}", kNs));
    apply(R"(
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshotClass
metadata: {name: sandbox}
driver: disk.breakwater.dev
deletionPolicy: Delete)");
    start_engine();
  }

  // --- the engine ---
  void start_engine() {
    stop_engine();
    operations = kube::make_inline_operations();
    faulty = std::make_unique<kube::FaultyClient>(*client, random, kube::Faults{});
    runner = std::make_unique<kube::Runner>(*faulty, clock, random, log);
    events = std::make_unique<kube::EventRecorder>(*client, clock, "engine", Logger());
    for (const std::string& ns : namespaces) add_engine(ns);
  }
  void add_engine(const std::string& ns) {
    velero::EngineSettings settings;
    settings.ns = ns;
    settings.cluster_id = id;
    velero::EngineServices services{runner->reader(),
                                    *faulty,
                                    *operations,
                                    clock,
                                    *events,
                                    log,
                                    [this](const Object& location) { return open_store(location); },
                                    [this] { return discovery(); },
                                    [this](const std::string& controller, const kube::Key& key) {
                                      runner->enqueue(controller, key);
                                    }};
    for (auto& controller : velero::make_engine_controllers(settings, services))
      runner->add(std::move(controller));
  }
  void stop_engine() {
    runner.reset();
    operations.reset();
    events.reset();
    faulty.reset();
  }

  Result<std::unique_ptr<blob::ObjectStore>> open_store(const Object& location) {
    const std::string& provider = location.spec()["provider"].as_string();
    if (provider != api::kLocalProvider && provider != api::kS3Provider)
      return fail(Code::kUnsupported, "provider {} is not supported yet",
                  location.spec()["provider"].as_string());
    std::string prefix = location.spec()["objectStorage"]["bucket"].as_string();
    if (!directory.empty()) return blob::make_local_store({.root = directory / prefix}, random);
    return blob::make_faulty_store(*views.emplace_back(blob::prefixed_store(*bucket, prefix)),
                                   random, {},
                                   [this](int64_t, const std::string& what) -> Result<> {
                                     ++store_operations;
                                     if (before_store) return before_store(store_operations, what);
                                     return {};
                                   });
  }

  Result<velero::Discovery> discovery() { return velero::make_discover(*client)(); }

  // Lets everything happen that is due within `span`, in simulated time. `tick` plays the rest of
  // the world after each round of the engine.
  void run_for(Duration span) {
    const Duration end = clock.monotonic() + span;
    for (int round = 0; round < 100000; ++round) {
      int steps = 0;
      while (steps < 10000 && runner->step()) ++steps;
      ASSERT_LT(steps, 10000) << "the engine does not come to rest";
      bool moved = play_storage();
      moved = play_mover() || moved;
      while (server->collect()) moved = true;
      if (moved || steps > 0) continue;
      auto due = runner->next_due();
      if (!due || *due > end) {
        if (clock.monotonic() < end) clock.advance(end - clock.monotonic());
        return;
      }
      clock.advance(std::max(*due - clock.monotonic(), Duration(std::chrono::milliseconds(1))));
    }
    FAIL() << "time does not pass";
  }

  // --- objects ---
  Object apply(std::string_view yaml) {
    Object object = yaml_object(yaml);
    auto created = client->create(kind_of(object), object);
    EXPECT_TRUE(created) << created.error().to_string();
    return created ? *created : Object();
  }
  kube::Kind kind_of(const Object& object) {
    const std::string& api_version = object.api_version();
    size_t slash = api_version.find('/');
    std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
    std::string version = slash == std::string::npos ? api_version : api_version.substr(slash + 1);
    auto served = server->registry().find_kind(group, version, object.kind());
    EXPECT_TRUE(served) << object.kind();
    kept_kinds.push_back(*served);
    return (*served)->key();
  }
  Object get(const kube::Kind& kind, const std::string& ns, const std::string& name) {
    auto object = client->get(kind, {ns, name});
    EXPECT_TRUE(object) << kind.kind << " " << ns << "/" << name;
    return object ? *object : Object();
  }
  bool exists(const kube::Kind& kind, const std::string& ns, const std::string& name) {
    return client->get(kind, {ns, name}).has_value();
  }
  std::vector<Object> list(const kube::Kind& kind, const std::string& ns = "") {
    auto objects = client->list(kind, ns);
    EXPECT_TRUE(objects);
    return objects ? *objects : std::vector<Object>();
  }
  Object backup(const std::string& name) { return get(api::kBackup, kNs, name); }
  Object restore(const std::string& name) { return get(api::kRestore, kNs, name); }

  void add_location(const std::string& name = "default", const std::string& in_bucket = "bucket",
                    std::string_view more = "  default: true") {
    apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {{name: {}, namespace: {}}}
spec:
  provider: breakwater.dev/local
  config: {{path: /anywhere}}
  objectStorage: {{bucket: {}}}
{})",
                      name, kNs, in_bucket, more));
    run_for(std::chrono::seconds(1));
  }
  void add_namespace(const std::string& name) {
    apply(fmt::format(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {}, labels: {{team: a}}}}}}", name));
  }
  // A bound claim of one gibibyte on the sandbox's driver.
  Object add_claim(const std::string& ns, const std::string& name,
                   const std::string& driver = "disk.breakwater.dev") {
    Object claim = apply(fmt::format(R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {0}
  namespace: {1}
  annotations: {{pv.kubernetes.io/bind-completed: "yes", note: kept}}
spec:
  accessModes: [ReadWriteOnce]
  volumeMode: Block
  storageClassName: disks
  volumeName: pv-{1}-{0}
  resources: {{requests: {{storage: 1Gi}}}})",
                                     name, ns));
    Object volume = yaml_object(fmt::format(R"(
apiVersion: v1
kind: PersistentVolume
metadata: {{name: pv-{1}-{0}}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadWriteOnce]
  volumeMode: Block
  storageClassName: disks
  persistentVolumeReclaimPolicy: Delete
  claimRef: {{namespace: {1}, name: {0}}})",
                                            name, ns));
    if (driver.empty()) {
      volume.set({"spec", "hostPath", "path"}, "/somewhere");
    } else {
      volume.set({"spec", "csi"},
                 Json::object({{"driver", driver}, {"volumeHandle", "h-" + name}}));
    }
    EXPECT_TRUE(client->create(api::kPersistentVolume, volume));
    return claim;
  }
  // A VM with one disk of its name and a cloud-init Secret.
  Object add_vm(const std::string& ns, const std::string& name, bool labelled = true) {
    add_claim(ns, name + "-disk");
    apply(fmt::format(R"(
apiVersion: v1
kind: Secret
metadata: {{name: {}-init, namespace: {}}}
stringData: {{userdata: x}})",
                      name, ns));
    Object vm = yaml_object(fmt::format(R"(
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {{name: {0}, namespace: {1}}}
spec:
  runStrategy: Always
  template:
    spec:
      domain: {{devices: {{disks: [{{name: root, disk: {{bus: virtio}}}}]}}}}
      futureField: {{kept: true}}
      volumes:
      - {{name: root, persistentVolumeClaim: {{claimName: {0}-disk}}}}
      - {{name: init, cloudInitNoCloud: {{secretRef: {{name: {0}-init}}}}}})",
                                        name, ns));
    if (labelled) vm.set_label(api::kBackupVmLabel, "daily");
    auto created = client->create(api::kVirtualMachine, vm);
    EXPECT_TRUE(created) << created.error().to_string();
    return *created;
  }
  void add_backup(const std::string& name, const std::string& ns, std::string_view more = "") {
    apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Backup
metadata: {{name: {}, namespace: {}}}
spec:
  includedNamespaces: [{}]
  snapshotMoveData: true
  labelSelector: {{matchLabels: {{cluster.open-cluster-management.io/backup-vm: daily}}}}
{})",
                      name, kNs, ns, more));
  }
  void add_restore(const std::string& name, const std::string& backup, std::string_view more = "") {
    apply(fmt::format(R"(
apiVersion: velero.io/v1
kind: Restore
metadata: {{name: {}, namespace: {}}}
spec:
  backupName: {}
{})",
                      name, kNs, backup, more));
  }
  // What a disaster leaves of a namespace with one VM.
  void destroy_vm(const std::string& ns, const std::string& name) {
    EXPECT_TRUE(client->remove(api::kVirtualMachine, {ns, name}));
    EXPECT_TRUE(client->remove(api::kPersistentVolumeClaim, {ns, name + "-disk"}));
    EXPECT_TRUE(client->remove(api::kSecret, {ns, name + "-init"}));
  }

  // --- the bucket ---
  backupstore::BackupStore files(const std::string& in_bucket = "bucket") {
    return backupstore::BackupStore(*views.emplace_back(blob::prefixed_store(*bucket, in_bucket)));
  }
  backupstore::Archive archive(const std::string& backup_name) {
    auto contents = files().get_contents(backup_name);
    EXPECT_TRUE(contents) << contents.error().to_string();
    return contents ? *contents : backupstore::Archive();
  }

  // --- the storage driver: makes snapshots ready ---
  bool play_storage() {
    bool changed = false;
    for (Object& snapshot : list(api::kVolumeSnapshot)) {
      cut[snapshot.spec()["source"]["persistentVolumeClaimName"].as_string()].insert(
          snapshot.uid());
      if (!snapshot.status()["readyToUse"].is_null() || never_ready || snapshot.is_deleting())
        continue;
      std::string content = snapshot.spec()["source"]["volumeSnapshotContentName"].as_string();
      std::string handle = "snap-" + snapshot.uid();
      if (content.empty()) {
        content = "snapcontent-" + snapshot.uid();
        handles.insert(handle);
        Object object = Object::make(api::kVolumeSnapshotContent, {"", content});
        object.set(
            {"spec"},
            Json::object({{"deletionPolicy", "Delete"},
                          {"driver", "disk.breakwater.dev"},
                          {"source", Json::object({{"volumeHandle", "h"}})},
                          {"volumeSnapshotRef", Json::object({{"namespace", snapshot.ns()},
                                                              {"name", snapshot.name()}})}}));
        EXPECT_TRUE(client->create(api::kVolumeSnapshotContent, object));
      }
      Object object = get(api::kVolumeSnapshotContent, "", content);
      if (const Json& given = object.spec()["source"]["snapshotHandle"]; !given.is_null())
        handle = given.as_string();
      EXPECT_TRUE(handles.contains(handle)) << handle << " is gone";
      object.set({"status"}, Json::object({{"snapshotHandle", handle}, {"readyToUse", true}}));
      EXPECT_TRUE(client->update_status(api::kVolumeSnapshotContent, object));
      snapshot.set({"status"}, Json::object({{"readyToUse", true},
                                             {"restoreSize", "1Gi"},
                                             {"boundVolumeSnapshotContentName", content}}));
      EXPECT_TRUE(client->update_status(api::kVolumeSnapshot, snapshot));
      changed = true;
    }
    for (const Object& content : list(api::kVolumeSnapshotContent)) {
      const Json& ref = content.spec()["volumeSnapshotRef"];
      if (content.status().is_null() || content.spec()["deletionPolicy"].as_string() != "Delete" ||
          exists(api::kVolumeSnapshot, ref["namespace"].as_string(), ref["name"].as_string()))
        continue;
      handles.erase(content.status()["snapshotHandle"].as_string());
      EXPECT_TRUE(client->remove(api::kVolumeSnapshotContent, content.key()));
      changed = true;
    }
    for (Object& claim : list(api::kPersistentVolumeClaim)) changed = provision(claim) || changed;
    return changed;
  }
  // Binds a claim to a volume made of the snapshot that it names.
  bool provision(Object claim) {
    const std::string& source = claim.spec()["dataSource"]["name"].as_string();
    if (source.empty() || claims_wait || !claim.spec()["volumeName"].as_string().empty())
      return false;
    auto snapshot = client->get(api::kVolumeSnapshot, {claim.ns(), source});
    if (!snapshot || !snapshot->status()["readyToUse"].as_bool()) return false;
    const Object content = get(api::kVolumeSnapshotContent, "",
                               snapshot->status()["boundVolumeSnapshotContentName"].as_string());
    EXPECT_TRUE(handles.contains(content.status()["snapshotHandle"].as_string()));
    claim.set({"spec", "volumeName"}, "made-of-" + content.status()["snapshotHandle"].as_string());
    EXPECT_TRUE(client->update(api::kPersistentVolumeClaim, claim));
    return true;
  }

  // --- the mover: moves data, disposes of snapshots, binds restored volumes ---
  bool play_mover() {
    if (mover_sleeps) return false;
    bool changed = false;
    for (Object& upload : list(api::kDataUpload, kNs)) changed = move_up(upload) || changed;
    for (Object& download : list(api::kDataDownload, kNs)) changed = move_down(download) || changed;
    for (Object& vsb : list(api::kVolumeSnapshotBackup)) changed = move_vsb(vsb) || changed;
    for (Object& vsr : list(api::kVolumeSnapshotRestore)) changed = move_vsr(vsr) || changed;
    return changed;
  }
  bool move_vsb(Object vsb) {
    if (!vsb.phase().empty()) return false;
    const std::string& name = vsb.spec()["volumeSnapshotContent"]["name"].as_string();
    const Object content = get(api::kVolumeSnapshotContent, "", name);
    EXPECT_TRUE(content.status()["readyToUse"].as_bool());
    const Json& ref = content.spec()["volumeSnapshotRef"];
    EXPECT_EQ(ref["namespace"].as_string(), vsb.ns());
    const Object snapshot = get(api::kVolumeSnapshot, vsb.ns(), ref["name"].as_string());
    const std::string& claim = snapshot.spec()["source"]["persistentVolumeClaimName"].as_string();
    Json status = Json::object({{"phase", "Completed"},
                                {"batchingStatus", "Completed"},
                                {"sourcePVCData", Json::object({{"name", claim},
                                                                {"size", "2Gi"},
                                                                {"storageClassName", "disks"},
                                                                {"volumeMode", "Block"}})},
                                {"volumeSnapshotClassName", "sandbox"},
                                {"resticrepository", "s3:s3.amazonaws.com/bucket/restic/" + id +
                                                         "/" + vsb.ns() + "#" + claim},
                                {"completionTimestamp", format_rfc3339(clock.now())}});
    if (broken_claims.contains(claim)) {
      status.set("phase", "Failed");
      status.erase("resticrepository");
    }
    vsb.set({"status"}, std::move(status));
    if (broken_claims.contains(claim))
      kube::set_condition(vsb, "Reconciled", "False", "Error", "the disk is on fire", clock.now());
    ++uploads_done;
    EXPECT_TRUE(client->update_status(api::kVolumeSnapshotBackup, vsb));
    return true;
  }
  bool move_vsr(Object vsr) {
    if (!vsr.phase().empty()) return false;
    const Json& from = vsr.spec()["volumeSnapshotMoverBackupRef"];
    const std::string& claim = from["sourcePVCData"]["name"].as_string();
    if (broken_claims.contains(claim)) {
      vsr.set({"status", "phase"}, "Failed");
      kube::set_condition(vsr, "Reconciled", "False", "Error", "a pack is damaged", clock.now());
    } else {
      const std::string handle = "restored-" + vsr.uid();
      handles.insert(handle);
      Object left = Object::make(api::kVolumeSnapshotContent, {"", "left-" + vsr.name()});
      left.set(
          {"spec"},
          Json::object({{"deletionPolicy", "Retain"},
                        {"driver", "disk.breakwater.dev"},
                        {"source", Json::object({{"snapshotHandle", handle}})},
                        {"volumeSnapshotRef",
                         Json::object({{"namespace", kNs}, {"name", "gone-" + vsr.name()}})}}));
      EXPECT_TRUE(client->create(api::kVolumeSnapshotContent, left));
      vsr.set({"status"}, Json::object({{"phase", "Completed"},
                                        {"batchingStatus", "Completed"},
                                        {"snapshotHandle", handle},
                                        {"volumeSnapshotContentName", left.name()}}));
    }
    EXPECT_TRUE(client->update_status(api::kVolumeSnapshotRestore, vsr));
    return true;
  }
  bool move_up(Object upload) {
    if (upload.phase() != "" && upload.phase() != "New") return false;
    const std::string& claim = upload.spec()["sourcePVC"].as_string();
    const std::string& ns = upload.spec()["sourceNamespace"].as_string();
    const std::string& snapshot = upload.spec()["csiSnapshot"]["volumeSnapshot"].as_string();
    if (upload.spec()["cancel"].as_bool()) {
      upload.set({"status", "phase"}, "Canceled");
    } else if (broken_claims.contains(claim)) {
      upload.set({"status", "phase"}, "Failed");
      upload.set({"status", "message"}, "the disk is on fire");
    } else {
      EXPECT_TRUE(exists(api::kVolumeSnapshot, ns, snapshot)) << "moved without a snapshot";
      upload.set({"status"},
                 Json::object({{"phase", "Completed"},
                               {"snapshotID", "restic/" + id + "/" + ns + "#" + claim},
                               {"completionTimestamp", format_rfc3339(clock.now())},
                               {"incrementalBytes", 4096},
                               {"progress", Json::object({{"totalBytes", int64_t{1} << 30},
                                                          {"bytesDone", int64_t{1} << 30}})}}));
    }
    ++uploads_done;
    EXPECT_TRUE(client->update(api::kDataUpload, upload));
    (void)kube::remove_if_exists(*client, api::kVolumeSnapshot, {ns, snapshot});
    for (const Object& content : list(api::kVolumeSnapshotContent))
      if (content.spec()["volumeSnapshotRef"]["name"].as_string() == snapshot)
        (void)kube::remove_if_exists(*client, api::kVolumeSnapshotContent, content.key());
    return true;
  }
  bool move_down(Object download) {
    if (download.phase() != "" && download.phase() != "New") return false;
    const Json& target = download.spec()["targetVolume"];
    kube::Key key{target["namespace"].as_string(), target["pvc"].as_string()};
    auto claim = client->get(api::kPersistentVolumeClaim, key);
    if (!claim) return false;
    if (broken_claims.contains(key.name)) {
      download.set({"status", "phase"}, "Failed");
      download.set({"status", "message"}, "a pack is damaged");
    } else {
      const std::string& wanted =
          claim->spec()["selector"]["matchLabels"][api::kDynamicPvRestoreLabel].as_string();
      EXPECT_FALSE(wanted.empty());
      claim->set({"spec", "volumeName"}, "restored-" + key.ns + "-" + key.name);
      EXPECT_TRUE(client->update(api::kPersistentVolumeClaim, *claim));
      download.set({"status"}, Json::object({{"phase", "Completed"}}));
    }
    EXPECT_TRUE(client->update(api::kDataDownload, download));
    return true;
  }

  ManualClock clock{Time(std::chrono::seconds(1763697600))};  // 2025-11-21T04:00:00Z
  SeededRandom random{7};
  Logger log;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<kube::Client> client;
  const std::string id;
  std::vector<std::string> namespaces = {kNs};  // of engines; start_engine() reads it
  std::unique_ptr<blob::ObjectStore> own_bucket = blob::make_memory_store();
  blob::ObjectStore* bucket = own_bucket.get();
  std::vector<std::unique_ptr<blob::ObjectStore>> views;
  std::vector<apiserver::ServedKindPtr> kept_kinds;
  std::unique_ptr<kube::Operations> operations;
  std::unique_ptr<kube::FaultyClient> faulty;
  std::unique_ptr<kube::Runner> runner;
  std::unique_ptr<kube::EventRecorder> events;
  std::filesystem::path directory;  // where buckets lie, instead of in memory
  blob::BeforeOperation before_store;
  int64_t store_operations = 0;

  bool never_ready = false;                          // snapshots stay pending
  bool claims_wait = false;                          // none is made of a snapshot
  std::set<std::string> handles;                     // snapshots of the storage
  bool mover_sleeps = false;                         // nothing is moved
  std::set<std::string> broken_claims;               // moves of these fail
  std::map<std::string, std::set<std::string>> cut;  // uids of snapshots ever seen, by claim
  int uploads_done = 0;
};

}  // namespace breakwater::velero_test
