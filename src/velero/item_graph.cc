#include "velero/item_graph.h"

#include <algorithm>

#include "api/kinds.h"

namespace breakwater::velero {
namespace {

constexpr kube::Kind kControllerRevision{"apps", "v1", "ControllerRevision", "controllerrevisions",
                                         true,   false};

class Collector {
 public:
  explicit Collector(const std::string& ns) : ns_(ns) {}

  void add(const kube::Kind& kind, const Json& name, Need need) {
    if (name.as_string().empty()) return;
    kube::Key key{kind.namespaced ? ns_ : "", name.as_string()};
    for (Related& known : found_)
      if (known.kind == kind && known.key == key) {
        known.need = std::min(known.need, need);
        return;
      }
    found_.push_back({kind, std::move(key), need});
  }
  void claim(const Json& name) { add(api::kPersistentVolumeClaim, name, Need::kData); }
  void secret(const Json& name) { add(api::kSecret, name, Need::kReference); }
  void config_map(const Json& name) { add(api::kConfigMap, name, Need::kReference); }
  std::vector<Related> take() { return std::move(found_); }

 private:
  const std::string& ns_;
  std::vector<Related> found_;
};

// One element of spec.volumes of a VirtualMachineInstanceSpec.
void add_volume(const Json& volume, Collector& out) {
  out.claim(volume["persistentVolumeClaim"]["claimName"]);
  out.claim(volume["ephemeral"]["persistentVolumeClaim"]["claimName"]);
  out.add(api::kPersistentVolumeClaim, volume["memoryDump"]["claimName"], Need::kOptional);
  const Json& data_volume = volume["dataVolume"]["name"];
  out.claim(data_volume);
  out.add(api::kDataVolume, data_volume, Need::kOptional);
  out.config_map(volume["configMap"]["name"]);
  out.secret(volume["secret"]["secretName"]);
  out.add(api::kServiceAccount, volume["serviceAccount"]["serviceAccountName"], Need::kReference);
  out.config_map(volume["sysprep"]["configMap"]["name"]);
  out.secret(volume["sysprep"]["secret"]["name"]);
  for (const char* source : {"cloudInitNoCloud", "cloudInitConfigDrive"}) {
    out.secret(volume[source]["secretRef"]["name"]);
    out.secret(volume[source]["networkDataSecretRef"]["name"]);
  }
}

void add_instance_spec(const Json& spec, Collector& out) {
  for (const Json& volume : spec["volumes"].items()) add_volume(volume, out);
  for (const Json& credential : spec["accessCredentials"].items())
    for (const char* type : {"sshPublicKey", "userPassword"})
      out.secret(credential[type]["source"]["secret"]["secretName"]);
}

void add_virtual_machine(const kube::Object& vm, Collector& out) {
  add_instance_spec(vm.spec()["template"]["spec"], out);
  for (const char* ref : {"instancetype", "preference"})
    out.add(kControllerRevision, vm.spec()[ref]["revisionName"], Need::kReference);
  for (const char* ref : {"instancetypeRef", "preferenceRef"})
    out.add(kControllerRevision, vm.status()[ref]["controllerRevisionRef"]["name"],
            Need::kReference);
  // Where KubeVirt keeps a persistent TPM or EFI state.
  out.add(api::kPersistentVolumeClaim, Json("persistent-state-for-" + vm.name()), Need::kOptional);
  if (vm.status()["created"].as_bool())
    out.add(api::kVirtualMachineInstance, vm.name(), Need::kOptional);
}

}  // namespace

std::vector<Related> related_items(const kube::Object& object) {
  Collector out(object.ns());
  if (object.is(api::kVirtualMachine)) {
    add_virtual_machine(object, out);
  } else if (object.is(api::kVirtualMachineInstance)) {
    add_instance_spec(object.spec(), out);
  } else if (object.is(api::kDataVolume)) {
    out.claim(object.name());
  } else if (object.is(api::kPersistentVolumeClaim)) {
    out.add(api::kPersistentVolume, object.spec()["volumeName"], Need::kReference);
  }
  return out.take();
}

std::vector<kube::Key> data_claims(const kube::Object& vm) {
  std::vector<kube::Key> keys;
  for (Related& related : related_items(vm))
    if (related.kind == api::kPersistentVolumeClaim && related.need == Need::kData)
      keys.push_back(std::move(related.key));
  return keys;
}

}  // namespace breakwater::velero
