#include "tests/sim/fleet_story.h"

#include "api/kinds.h"
#include "api/names.h"
#include "api/phases.h"
#include "base/encoding.h"
#include "policy/invitation.h"
#include "tests/sim/objects.h"

namespace breakwater::sim {
namespace {

using kube::Object;

constexpr const char* kHubNamespace = api::kHubNamespace.data();
constexpr const char* kConfig = "acm-virt-config-sim";
constexpr Duration kSoon = std::chrono::minutes(10);
// With retries, pauses of back-off, a hub that is away for an hour, and crashes.
constexpr Duration kLong = std::chrono::hours(3);

Json labels_patch(std::string_view label, const Json& value) {
  Json patch = Json::object();
  patch.set({"metadata", "labels", label}, value);
  return patch;
}

Object config_map(const char* name, const Json& data) {
  Object config = Object::make(api::kConfigMap, {kHubNamespace, name});
  config.set({"data"}, data);
  return config;
}

Result<> create(kube::Client& client, const kube::Kind& kind, const Object& object) {
  auto created = client.create(kind, object);
  if (created || created.error().is(Code::kAlreadyExists)) return {};
  return tl::unexpected(created.error());
}

}  // namespace

Result<> FleetStory::set_up_hub() {
  TRY(create(hub(), api::kNamespace, namespace_object(kHubNamespace)));
  for (const auto& [kind, object] : TRY(virt_manifests(kHubNamespace))) {
    TRY(create(hub(), kind, object));
  }
  Object secret = Object::make(api::kSecret, {kHubNamespace, "hub-secret"});
  secret.set({"data", "cloud"}, to_base64(as_bytes(world_.store_key())));
  secret.set({"data", api::kRepositoryPasswordKey}, to_base64(as_bytes(world_.password())));
  TRY(create(hub(), api::kSecret, secret));
  TRY(create(hub(), api::kConfigMap,
             config_map("schedule-cron",
                        Json::object({{"hourly", "0 * * * *"}, {"often", "@every 20m"}}))));
  TRY(create(hub(), api::kConfigMap, config_map("restore-config", Json::object())));
  Json velero = Json::object({{"provider", api::kLocalProvider}, {"default", true}});
  velero.set({"config", "path"}, world_.store().string());
  velero.set({"objectStorage"}, Json::object({{"bucket", "vb"}, {"prefix", "fleet"}}));
  velero.set({"credential"}, Json::object({{"name", "cloud-credentials"}, {"key", "cloud"}}));
  Json spec = Json::object();
  spec.set("backupLocations", Json::array({Json::object({{"velero", velero}})}));
  spec.set({"configuration", "velero", "defaultPlugins"},
           Json::array({"openshift", "csi", "kubevirt"}));
  return create(hub(), api::kConfigMap,
                config_map(kConfig, Json::object({{"backupNS", kFleetNamespace},
                                                  {"credentials_hub_secret_name", "hub-secret"},
                                                  {"credentials_name", "cloud-credentials"},
                                                  {"dpa_name", "dpa"},
                                                  {"dpa_spec", to_json(spec)},
                                                  {"schedule_hub_config_name", "schedule-cron"},
                                                  {"restore_hub_config_name", "restore-config"},
                                                  {"passwordEscrowed", "true"}})));
}

Result<> FleetStory::join(size_t number) {
  FleetWorld::Member& member = world_.cluster(number);
  const std::string kubeconfig = TRY(policy::invite_cluster(
      hub(), member.name, world_.hub_address(), {}, world_.clock().now(), dice_));
  // Renewing Leases is most of what fifty idle agents do.
  Json patch = Json::object();
  patch.set({"spec", "leaseDurationSeconds"}, 300);
  TRY(hub().patch(api::kManagedCluster, {"", member.name}, kube::PatchType::kMerge, patch));
  const std::string ns(api::kAgentNamespace);
  TRY(create(*member.client, api::kNamespace, namespace_object(ns)));
  Object secret = Object::make(api::kSecret, {ns, std::string(api::kBootstrapKubeconfigSecret)});
  secret.set({"data", "kubeconfig"}, to_base64(as_bytes(kubeconfig)));
  return create(*member.client, api::kSecret, secret);
}

Result<> FleetStory::create_vms() {
  for (size_t number = 1; number <= world_.clusters(); ++number) {
    const uint64_t count = 1 + dice_.below(2);
    for (uint64_t i = 0; i < count; ++i) {
      Vm vm;
      vm.cluster = number;
      vm.key = {"app", i == 0 ? "vm-1" : "vm-10"};
      vm.labelled = i == 0 || dice_.chance(0.5);
      TRY(create(client(number), api::kNamespace, namespace_object(vm.key.ns)));
      Object object = Object::make(api::kVirtualMachine, vm.key);
      object.set({"spec", "runStrategy"}, "Halted");
      object.set({"spec", "template", "spec", "domain", "devices"}, Json::object());
      if (vm.labelled)
        object.set_label(api::kBackupVmLabel, dice_.chance(0.5) ? "hourly" : "often");
      vm.uid = TRY(client(number).create(api::kVirtualMachine, object)).uid();
      if (!vm.labelled) world_.cluster(number).invariants->never_saved(vm.uid);
      vms_.push_back(vm);
    }
  }
  return {};
}

Result<> FleetStory::place(size_t number, bool wanted) {
  TRY(hub().patch(api::kManagedCluster, {"", world_.cluster(number).name}, kube::PatchType::kMerge,
                  labels_patch(api::kVirtConfigLabel, wanted ? Json(kConfig) : Json())));
  if (wanted) {
    placed_.insert(number);
  } else {
    placed_.erase(number);
  }
  return {};
}

Result<> FleetStory::lose_decisions() {
  told_ += " decisions lost;";
  for (const Object& page : TRY(hub().list(api::kPlacementDecision, kHubNamespace))) {
    TRY(remove_if_exists(hub(), api::kPlacementDecision, page.key()));
  }
  return {};
}

// For a while; then it is written anew, as it was.
Result<> FleetStory::lose_config() {
  const char* names[] = {kConfig, "schedule-cron", "restore-config"};
  const kube::Key key{kHubNamespace, names[dice_.below(3)]};
  told_ += " " + key.name + " lost;";
  const Object config = TRY(hub().get(api::kConfigMap, key));
  TRY(hub().remove(api::kConfigMap, key));
  TRY(world_.pass(std::chrono::minutes(1 + dice_.below(15))));
  return create(hub(), api::kConfigMap, config_map(key.name.c_str(), config["data"]));
}

Result<> FleetStory::kill_some() {
  const uint64_t count = 1 + dice_.below(world_.clusters());
  told_ += fmt::format(" {} agents killed;", count);
  for (uint64_t i = 0; i < count; ++i) {
    const size_t number = 1 + dice_.below(world_.clusters());
    world_.cluster(number).host->kill(std::chrono::seconds(dice_.below(600)));
  }
  return {};
}

Result<> FleetStory::misfortune() {
  switch (dice_.below(5)) {
    case 0:
      told_ += " hub away for an hour;";
      world_.lose_hub(std::chrono::hours(1));
      TRY(world_.pass(std::chrono::minutes(50)));
      break;
    case 1:
      TRY(lose_decisions());
      break;
    case 2:
      TRY(lose_config());
      break;
    case 3:
      TRY(kill_some());
      break;
    default:
      told_ += " hub controllers killed;";
      world_.hub().host->kill(std::chrono::minutes(dice_.below(30)));
  }
  return world_.pass(std::chrono::minutes(5 + dice_.below(15)));
}

// One cluster is unlabelled: that is somebody's word.
Result<> FleetStory::give_up() {
  const size_t number = *placed_.begin();
  told_ += fmt::format(" cls{} given up;", number);
  given_up_.insert(number);
  world_.cluster(number).invariants->may_lose("");
  world_.cluster(number).invariants->may_lose_schedules();
  world_.hub().invariants->may_lose(world_.cluster(number).name);
  return place(number, false);
}

Result<bool> FleetStory::is_protected(const Vm& vm) {
  auto protection = client(vm.cluster).get(api::kVirtualMachineProtection, vm.key);
  if (!protection && protection.error().is(Code::kNotFound)) return false;
  return TRY(std::move(protection)).status()["protected"].as_string() == "True";
}

Result<bool> FleetStory::is_green(const std::string& policy) {
  const Object root = TRY(hub().get(api::kPolicy, {kHubNamespace, policy}));
  size_t green = 0;
  for (const Json& cluster : root.status()["status"].items()) {
    if (cluster["compliant"].as_string() == "Compliant") ++green;
  }
  return green == placed_.size() && root.status()["status"].size() == placed_.size();
}

Result<bool> FleetStory::is_cleared(size_t number) {
  kube::Client& cluster = client(number);
  const std::string& name = world_.cluster(number).name;
  for (const kube::Kind& kind : {api::kSchedule, api::kDataProtectionApplication}) {
    if (!TRY(cluster.list(kind, kFleetNamespace)).empty()) return false;
  }
  if (!TRY(cluster.list(api::kPolicy, name)).empty()) return false;
  if (!TRY(hub().list(api::kPolicy, name)).empty()) return false;
  TRY(cluster.get(api::kNamespace, {"", kFleetNamespace}));
  return true;
}

Result<bool> FleetStory::all_is_well() {
  for (const auto policy :
       {api::kInstallPolicyName, api::kRestorePolicyName, api::kBackupPolicyName}) {
    if (!TRY(is_green(std::string(policy)))) return false;
  }
  for (const Vm& vm : vms_) {
    if (vm.labelled && is_placed(vm.cluster) && !TRY(is_protected(vm))) return false;
  }
  return true;
}

Result<> FleetStory::recover() {
  TRY(world_.until("all policies to be Compliant and all VMs protected", kLong,
                   [&]() -> Result<bool> { return all_is_well(); }));
  for (const size_t number : given_up_) {
    TRY(world_.until(fmt::format("cls{} to be cleared", number), kLong,
                     [&]() -> Result<bool> { return is_cleared(number); }));
  }
  return {};
}

// By uid, through the hub's ConfigMap.
Result<> FleetStory::restore() {
  const size_t number = *placed_.rbegin();
  const auto vm =
      std::find_if(vms_.begin(), vms_.end(), [&](const Vm& one) { return one.cluster == number; });
  kube::Client& cluster = client(number);
  const Object protection = TRY(cluster.get(api::kVirtualMachineProtection, vm->key));
  const std::string backup = protection.status()["lastBackup"].as_string();
  world_.cluster(number).invariants->may_lose_schedules();  // its last VM may go now
  TRY(cluster.remove(api::kVirtualMachine, vm->key));
  const std::string id =
      TRY(cluster.get(api::kClusterClaim, {"", "id.k8s.io"})).spec()["value"].as_string();
  Json patch = Json::object();
  patch.set({"data", id + "_restoreName"}, "restore-1");
  patch.set({"data", id + "_backupName"}, backup);
  patch.set({"data", id + "_vmsUID"}, vm->uid);
  TRY(hub().patch(api::kConfigMap, {kHubNamespace, "restore-config"}, kube::PatchType::kMerge,
                  patch));
  return world_.until("the VM to be back", kLong, [&]() -> Result<bool> {
    auto back = cluster.get(api::kVirtualMachine, vm->key);
    if (!back && back.error().is(Code::kNotFound)) return false;
    vm->uid = TRY(std::move(back)).uid();
    return true;
  });
}

Result<> FleetStory::run() {
  world_.start_faults();
  TRY(set_up_hub());
  for (size_t number = 1; number <= world_.clusters(); ++number) TRY(join(number));
  TRY(create_vms());
  for (size_t number = 1; number <= world_.clusters(); ++number) {
    if (dice_.chance(0.9)) TRY(place(number, true));
  }
  TRY(world_.pass(kSoon));
  const uint64_t days = 1 + dice_.below(3);
  for (uint64_t day = 0; day < days; ++day) TRY(misfortune());
  TRY(give_up());
  TRY(misfortune());
  world_.stop_faults();
  TRY(recover());
  TRY(restore());
  return recover();
}

std::string FleetStory::summary() const {
  return fmt::format("{} VMs, {} crashes;{}", vms_.size(), world_.crashes(), told_);
}

}  // namespace breakwater::sim
