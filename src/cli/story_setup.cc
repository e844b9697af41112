// The beginning of the story: the fleet, what the hub admin writes, what the VM users have.
#include <fmt/format.h>

#include "api/kinds.h"
#include "api/names.h"
#include "base/file.h"
#include "cli/story.h"
#include "cli/story_disk.h"
#include "volume/block_volume.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;
using kube::Object;
using story::DiskMode;

constexpr Duration kStepLimit = std::chrono::minutes(2);

Json label_patch(std::string_view label, const Json& value) {
  return Json::object(
      {{"metadata", Json::object({{"labels", Json::object({{std::string(label), value}})}})}});
}

}  // namespace

Result<> Story::set_up_fleet() {
  if (options_.s3.empty()) {
    const fs::path folder = options_.directory / "object-store";
    TRY(make_directories(folder));
    store_ = directory_store(folder);
  } else {
    store_ = TRY(s3_store(options_.s3));
  }
  TRY(fleet_.start_hub());
  TRY(fleet_.add_cluster("cls1"));
  TRY(fleet_.add_cluster("cls2"));
  return learn_cluster_ids();
}

Result<> Story::learn_cluster_ids() {
  for (const char* name : {"cls1", "cls2"}) {
    TRY(until(fmt::format("the claims of {}", name), kStepLimit, [&]() -> Result<bool> {
      const Object cluster = TRY(fleet_.client(kHubName).get(api::kManagedCluster, {"", name}));
      for (const Json& claim : cluster.status()["clusterClaims"].items()) {
        if (claim["name"].as_string() == api::kClaimKubernetes) {
          cluster_ids_[name] = claim["value"].as_string();
        }
      }
      return cluster_ids_.contains(name);
    }));
  }
  return {};
}

Result<> Story::set_up_policies() {
  const std::string hub = kHubName;
  TRY(ensure(hub, api::kNamespace, story::namespace_object(story::kHubNamespace)));
  for (const auto& [kind, object] : TRY(story::virt_manifests(story::kHubNamespace))) {
    TRY(ensure(hub, kind, object));
  }
  TRY(ensure(hub, api::kSecret, story::hub_secret(store_, password_)));
  TRY(ensure(hub, api::kConfigMap, story::schedule_cron()));
  TRY(ensure(hub, api::kConfigMap, story::restore_config()));
  TRY(ensure(hub, api::kConfigMap, story::virt_config(store_)));
  for (const char* cluster : {"cls1", "cls2"}) {
    TRY(change(hub, api::kManagedCluster, {"", cluster},
               label_patch(api::kVirtConfigLabel, story::kConfig)));
  }
  return until("policy acm-dr-virt-install to be Compliant", kStepLimit, [&]() -> Result<bool> {
    const Object policy = TRY(fleet_.client(hub).get(
        api::kPolicy, {story::kHubNamespace, std::string(api::kInstallPolicyName)}));
    return policy.status()["compliant"].as_string() == "Compliant" &&
           policy.status()["status"].size() == 2;
  });
}

Result<fs::path> Story::volume_of(const std::string& cluster, const kube::Key& claim) {
  fs::path path;
  TRY(until("the volume of " + claim.to_string(), kStepLimit, [&]() -> Result<bool> {
    kube::Client& client = fleet_.client(cluster);
    auto found = client.get(api::kPersistentVolumeClaim, claim);
    if (!found || found->phase() != "Bound") return false;
    const std::string& name = found->spec()["volumeName"].as_string();
    const Object volume = TRY(client.get(api::kPersistentVolume, {"", name}));
    path = volume.spec()["csi"]["volumeAttributes"]["path"].as_string();
    return !path.empty();
  }));
  return path;
}

Result<> Story::expect(const story::Vm& vm) {
  const fs::path disk = TRY(volume_of("cls1", {vm.ns, vm.disk()}));
  if (vm.mode == DiskMode::kFilesystem) {
    expected_trees_[vm.title()] = TRY(describe_tree(disk));
    return {};
  }
  const fs::path expected = options_.directory / (vm.ns + "-" + vm.name + ".expected");
  std::error_code error;
  fs::remove(expected, error);
  TRY(volume::clone_file(disk, expected));
  return {};
}

Result<> Story::create_vms() {
  for (story::Vm& vm : vms_) {
    TRY(ensure("cls1", api::kNamespace, story::namespace_object(vm.ns)));
    TRY(ensure("cls1", api::kPersistentVolumeClaim,
               story::claim(vm.ns, vm.disk(), vm.size, vm.mode)));
    const fs::path disk = TRY(volume_of("cls1", {vm.ns, vm.disk()}));
    if (vm.mode == DiskMode::kBlock) {
      TRY(fill_disk(disk, options_.directory, random_));
    } else {
      TRY(fill_tree(disk, random_));
    }
    TRY(expect(vm));
    TRY(ensure("cls1", api::kVirtualMachine, story::virtual_machine(vm)));
    TRY(until("VirtualMachine " + vm.title(), kStepLimit, [&]() -> Result<bool> {
      const Object made = TRY(fleet_.client("cls1").get(api::kVirtualMachine, {vm.ns, vm.name}));
      vm.uid = made.uid();
      if (!vm.labelled) unselected_version_ = made.resource_version();
      return true;
    }));
  }
  return {};
}

Result<> Story::label_vms() {
  for (const story::Vm& vm : vms_) {
    if (!vm.labelled) continue;
    TRY(change("cls1", api::kVirtualMachine, {vm.ns, vm.name},
               label_patch(api::kBackupVmLabel, story::kCron)));
    namespaces_saved_.insert(vm.ns);
  }
  return {};
}

Result<> Story::change_disks() {
  for (const story::Vm& vm : vms_) {
    if (!vm.labelled) continue;
    const fs::path disk = TRY(volume_of("cls1", {vm.ns, vm.disk()}));
    if (vm.mode == DiskMode::kBlock) {
      TRY(change_one_percent(disk, options_.directory, random_));
    } else {
      TRY(change_tree(disk, random_));
    }
    TRY(expect(vm));
  }
  return {};
}

}  // namespace breakwater::cli
