#include "tests/sim/machines.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "api/kinds.h"
#include "base/encoding.h"
#include "base/file.h"

namespace breakwater::sim {

using kube::Key;
using kube::Object;

std::vector<Machine> draw_machines(Random& random) {
  const bool apart = random.chance(0.3);
  std::vector<Machine> machines;
  machines.push_back({{"shop", "vm-1"}, "every_40s", {"vm-1-root"}, ""});
  if (random.chance(0.4)) machines[0].disks.push_back("vm-1-data");
  // Where names are all that tells two VMs apart, a selection by name takes the wrong one.
  machines.push_back({{apart ? "shop-2" : "shop", apart ? "vm-1" : "vm-10"}, "", {}, ""});
  machines[1].disks = {machines[1].key.name + "-root"};
  if (apart) machines[1].disks = {"vm-1-root"};
  if (random.chance(0.5)) {
    const bool same = random.chance(0.5);
    machines.push_back(
        {{same ? "shop" : "yard", "vm-2"}, same ? "every_40s" : "minutely", {"vm-2-root"}, ""});
  }
  return machines;
}

Object claim_object(const Machine& machine, const std::string& disk, uint64_t size) {
  Object claim = Object::make(api::kPersistentVolumeClaim, {machine.key.ns, disk});
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Block");
  claim.set({"spec", "resources", "requests", "storage"}, std::to_string(size));
  return claim;
}

Object machine_object(const Machine& machine) {
  Object vm = Object::make(api::kVirtualMachine, machine.key);
  vm.set({"spec", "runStrategy"}, "Always");
  vm.set({"spec", "template", "spec", "domain", "devices"}, Json::object());
  Json::Array volumes;
  for (const std::string& disk : machine.disks) {
    volumes.push_back(Json::object(
        {{"name", disk}, {"persistentVolumeClaim", Json::object({{"claimName", disk}})}}));
  }
  vm.set({"spec", "template", "spec", "volumes"}, std::move(volumes));
  return vm;
}

Result<std::string> disk_file(kube::Client& client, const Key& claim) {
  auto object = client.get(api::kPersistentVolumeClaim, claim);
  if (!object && object.error().is(Code::kNotFound)) return std::string();
  if (!object) return tl::unexpected(object.error());
  if (object->phase() != "Bound") return std::string();
  const Key volume{"", object->spec()["volumeName"].as_string()};
  const Object bound = TRY(client.get(api::kPersistentVolume, volume));
  return bound.spec()["csi"]["volumeAttributes"]["path"].as_string();
}

Result<> scribble(kube::Client& client, const Machine& machine, Random& random) {
  for (const std::string& disk : machine.disks) {
    const std::string file = TRY(disk_file(client, {machine.key.ns, disk}));
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    std::error_code error;
    const uint64_t size = std::filesystem::file_size(file, error);
    if (!fd.valid() || error) return fail(Code::kNotFound, "disk {} has no file", disk);
    const uint64_t runs = 1 + random.below(4);
    for (uint64_t run = 0; run < runs; ++run) {
      const uint64_t at = random.below(size);
      Bytes bytes(std::min<uint64_t>(size - at, 1 + random.below(700'000)));
      const uint64_t what = random.below(4);
      if (what == 0) std::fill(bytes.begin(), bytes.end(), std::byte{'x'});
      if (what > 1) random.fill(bytes);  // otherwise zeros
      const ssize_t written =
          ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (written != static_cast<ssize_t>(bytes.size()))
        return fail(Code::kInternal, "short write");
    }
  }
  return {};
}

Result<Contents> read_disks(kube::Client& client, const Machine& machine) {
  Contents contents;
  for (const std::string& disk : machine.disks) {
    const std::string file = TRY(disk_file(client, {machine.key.ns, disk}));
    if (file.empty()) return fail(Code::kNotFound, "disk {} is not bound", disk);
    contents[disk] = TRY(read_file(file));
  }
  return contents;
}

}  // namespace breakwater::sim
