#include <fmt/format.h>

#include <array>
#include <utility>

#include "apiserver/table.h"

namespace breakwater::apiserver {

namespace {

using kube::Object;
using Columns = std::vector<TableColumn>;

constexpr int kWide = 1;

TableColumn column(std::string name, std::function<Json(const Object&)> cell, int priority = 0,
                   std::string type = "string") {
  return {std::move(name),
          std::move(type),
          "",
          "",
          priority,
          [cell = std::move(cell)](const Object& object, Time) { return cell(object); }};
}

TableColumn aged(std::string name, std::function<Json(const Object&)> timestamp, int priority = 0) {
  return {std::move(name),
          "string",
          "",
          "",
          priority,
          [timestamp = std::move(timestamp)](const Object& object, Time now) {
            const Json age = age_of(timestamp(object), now);
            return age.is_null() ? Json("<unknown>") : age;
          }};
}

// A text at a path; "<none>" if it is absent.
TableColumn text(std::string name, std::vector<std::string> path, int priority = 0,
                 std::string otherwise = "<none>") {
  return column(
      std::move(name),
      [path = std::move(path), otherwise = std::move(otherwise)](const Object& object) {
        const Json& value = object.json().at(std::span<const std::string>(path));
        return value.is_string() && !value.as_string().empty() ? value : Json(otherwise);
      },
      priority);
}

std::string joined(const Json& list, std::string_view separator = ",") {
  std::string result;
  for (const Json& item : list.items()) {
    if (!result.empty()) result += separator;
    result += item.as_string();
  }
  return result;
}

std::string or_none(std::string value) { return value.empty() ? "<none>" : value; }

std::string access_modes(const Json& modes) {
  std::string result;
  for (const Json& mode : modes.items()) {
    const std::string& name = mode.as_string();
    if (!result.empty()) result += ',';
    if (name == "ReadWriteOnce")
      result += "RWO";
    else if (name == "ReadOnlyMany")
      result += "ROX";
    else if (name == "ReadWriteMany")
      result += "RWX";
    else if (name == "ReadWriteOncePod")
      result += "RWOP";
    else
      result += name;
  }
  return result;
}

// What a container's state says: the reason for which it waits or ended.
std::string waiting_reason(const Json& state) {
  const std::string& waiting = state["waiting"]["reason"].as_string();
  if (!waiting.empty()) return waiting;
  const Json& ended = state["terminated"];
  if (!ended.is_object()) return "";
  if (!ended["reason"].as_string().empty()) return ended["reason"].as_string();
  if (ended["signal"].as_int() != 0) return fmt::format("Signal:{}", ended["signal"].as_int());
  return fmt::format("ExitCode:{}", ended["exitCode"].as_int());
}

Json pod_status(const Object& pod) {
  std::string status = pod.phase();
  if (!pod.status()["reason"].as_string().empty()) status = pod.status()["reason"].as_string();
  for (const Json& container : pod.status()["containerStatuses"].items()) {
    const std::string reason = waiting_reason(container["state"]);
    if (!reason.empty()) status = reason;
  }
  if (pod.is_deleting()) return "Terminating";
  return status.empty() ? Json("Pending") : Json(status);
}

Json pod_ready(const Object& pod) {
  size_t ready = 0;
  for (const Json& container : pod.status()["containerStatuses"].items()) {
    if (container["ready"].as_bool()) ++ready;
  }
  return fmt::format("{}/{}", ready, pod.spec()["containers"].size());
}

Json pod_restarts(const Object& pod) {
  int64_t restarts = 0;
  for (const Json& container : pod.status()["containerStatuses"].items()) {
    restarts += container["restartCount"].as_int();
  }
  return std::to_string(restarts);
}

Columns pod_columns() {
  return {name_column(),
          column("Ready", pod_ready),
          column("Status", pod_status),
          column("Restarts", pod_restarts),
          age_column(),
          text("IP", {"status", "podIP"}, kWide),
          text("Node", {"spec", "nodeName"}, kWide),
          text("Nominated Node", {"status", "nominatedNodeName"}, kWide),
          column(
              "Readiness Gates", [](const Object&) { return Json("<none>"); }, kWide)};
}

Json node_status(const Object& node) {
  const std::string& ready = kube::find_condition(node, "Ready")["status"].as_string();
  std::string status = ready == "True" ? "Ready" : ready.empty() ? "Unknown" : "NotReady";
  if (node.spec()["unschedulable"].as_bool()) status += ",SchedulingDisabled";
  return status;
}

Json node_roles(const Object& node) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::string roles;
  for (const auto& [name, value] : node.metadata()["labels"].members()) {
    if (!name.starts_with(kPrefix)) continue;
    if (!roles.empty()) roles += ',';
    roles += name.substr(kPrefix.size());
  }
  return or_none(roles);
}

Json node_address(const Object& node, std::string_view type) {
  for (const Json& address : node.status()["addresses"].items()) {
    if (address["type"].as_string() == type) return address["address"];
  }
  return "<none>";
}

TableColumn address_column(std::string name, std::string_view type) {
  return column(
      std::move(name), [type](const Object& node) { return node_address(node, type); }, kWide);
}

Columns node_columns() {
  return {name_column(),
          column("Status", node_status),
          column("Roles", node_roles),
          age_column(),
          text("Version", {"status", "nodeInfo", "kubeletVersion"}, 0, ""),
          address_column("Internal-IP", "InternalIP"),
          address_column("External-IP", "ExternalIP"),
          text("OS-Image", {"status", "nodeInfo", "osImage"}, kWide, "<unknown>"),
          text("Kernel-Version", {"status", "nodeInfo", "kernelVersion"}, kWide, "<unknown>"),
          text("Container-Runtime", {"status", "nodeInfo", "containerRuntimeVersion"}, kWide,
               "<unknown>")};
}

Columns namespace_columns() {
  return {name_column(), text("Status", {"status", "phase"}), age_column()};
}

Json storage_status(const Object& object) {
  return object.is_deleting() ? Json("Terminating") : Json(object.phase());
}

Columns claim_columns() {
  return {name_column(),
          column("Status", storage_status),
          text("Volume", {"spec", "volumeName"}, 0, ""),
          text("Capacity", {"status", "capacity", "storage"}, 0, ""),
          column("Access Modes",
                 [](const Object& pvc) { return Json(access_modes(pvc.status()["accessModes"])); }),
          text("StorageClass", {"spec", "storageClassName"}, 0, ""),
          age_column(),
          text("VolumeMode", {"spec", "volumeMode"}, kWide, "<unset>")};
}

Json bound_claim(const Object& volume) {
  const Json& claim = volume.spec()["claimRef"];
  if (!claim.is_object()) return "";
  return claim["namespace"].as_string() + "/" + claim["name"].as_string();
}

Columns volume_columns() {
  return {name_column(),
          text("Capacity", {"spec", "capacity", "storage"}, 0, ""),
          column("Access Modes",
                 [](const Object& pv) { return Json(access_modes(pv.spec()["accessModes"])); }),
          text("Reclaim Policy", {"spec", "persistentVolumeReclaimPolicy"}, 0, ""),
          column("Status", storage_status),
          column("Claim", bound_claim),
          text("StorageClass", {"spec", "storageClassName"}, 0, ""),
          text("Reason", {"status", "reason"}, 0, ""),
          age_column(),
          text("VolumeMode", {"spec", "volumeMode"}, kWide, "<unset>")};
}

Columns storage_class_columns() {
  return {
      name_column(),
      column("Provisioner", [](const Object& c) { return c["provisioner"]; }),
      text("ReclaimPolicy", {"reclaimPolicy"}, 0, "Delete"),
      text("VolumeBindingMode", {"volumeBindingMode"}, 0, "Immediate"),
      column(
          "AllowVolumeExpansion",
          [](const Object& c) { return Json(c["allowVolumeExpansion"].as_bool()); }, 0, "boolean"),
      age_column()};
}

Json service_ports(const Object& service) {
  std::string result;
  for (const Json& port : service.spec()["ports"].items()) {
    if (!result.empty()) result += ',';
    result += std::to_string(port["port"].as_int());
    if (port["nodePort"].as_int() != 0) result += fmt::format(":{}", port["nodePort"].as_int());
    result += "/" + port["protocol"].as_string_or("TCP");
  }
  return or_none(result);
}

Json selector_text(const Json& labels) {
  std::string result;
  for (const auto& [name, value] : labels.members()) {
    if (!result.empty()) result += ',';
    result += name + "=" + value.as_string();
  }
  return or_none(result);
}

Columns service_columns() {
  return {
      name_column(),
      text("Type", {"spec", "type"}, 0, "ClusterIP"),
      text("Cluster-IP", {"spec", "clusterIP"}),
      column("External-IP",
             [](const Object& s) { return Json(or_none(joined(s.spec()["externalIPs"]))); }),
      column("Port(s)", service_ports),
      age_column(),
      column(
          "Selector", [](const Object& s) { return selector_text(s.spec()["selector"]); }, kWide)};
}

Json data_count(const Object& object) {
  return static_cast<int64_t>(object["data"].size() + object["binaryData"].size());
}

Columns secret_columns() {
  return {name_column(), text("Type", {"type"}, 0, "Opaque"),
          column("Data", data_count, 0, "integer"), age_column()};
}

Columns config_map_columns() {
  return {name_column(), column("Data", data_count, 0, "integer"), age_column()};
}

Columns service_account_columns() {
  return {name_column(),
          column(
              "Secrets",
              [](const Object& a) { return Json(static_cast<int64_t>(a["secrets"].size())); }, 0,
              "integer"),
          age_column()};
}

Json first_present(std::initializer_list<const Json*> values) {
  for (const Json* value : values) {
    if (value->is_string() && !value->as_string().empty()) return *value;
  }
  return {};
}

Json last_seen(const Object& event) {
  return first_present({&event["series"]["lastObservedTime"], &event["lastTimestamp"],
                        &event["eventTime"], &event.metadata()["creationTimestamp"]});
}

Json event_object(const Object& event) {
  const Json& about = event["involvedObject"];
  std::string kind = about["kind"].as_string();
  for (char& c : kind) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return kind + "/" + about["name"].as_string();
}

Columns event_columns() {
  return {
      aged("Last Seen", last_seen),
      text("Type", {"type"}, 0, ""),
      text("Reason", {"reason"}, 0, ""),
      column("Object", event_object),
      text("Subobject", {"involvedObject", "fieldPath"}, kWide, ""),
      column(
          "Source",
          [](const Object& e) {
            return first_present({&e["source"]["component"], &e["reportingComponent"]});
          },
          kWide),
      text("Message", {"message"}, 0, ""),
      aged(
          "First Seen",
          [](const Object& e) {
            return first_present(
                {&e["firstTimestamp"], &e["eventTime"], &e.metadata()["creationTimestamp"]});
          },
          kWide),
      column(
          "Count", [](const Object& e) { return Json(e["count"].as_int(1)); }, kWide, "integer"),
      {"Name", "string", "name", "", kWide, [](const Object& e, Time) { return Json(e.name()); }}};
}

Columns lease_columns() {
  return {name_column(), text("Holder", {"spec", "holderIdentity"}, 0, ""), age_column()};
}

// "Approved,Issued", "Denied", "Pending", …
Json request_condition(const Object& request) {
  std::string verdict, failed;
  for (const Json& condition : request.status()["conditions"].items()) {
    const std::string& type = condition["type"].as_string();
    if (type == "Approved" || type == "Denied") verdict = type;
    if (type == "Failed") failed = ",Failed";
  }
  if (verdict.empty()) verdict = "Pending";
  const bool issued = !request.status()["certificate"].as_string().empty();
  return verdict + failed + (issued ? ",Issued" : "");
}

Columns request_columns() {
  return {
      name_column(),
      age_column(),
      text("SignerName", {"spec", "signerName"}),
      text("Requestor", {"spec", "username"}, 0, ""),
      column("RequestedDuration",
             [](const Object& request) {
               const int64_t seconds = request.spec()["expirationSeconds"].as_int();
               return Json(seconds == 0 ? "<none>" : human_duration(std::chrono::seconds(seconds)));
             }),
      column("Condition", request_condition)};
}

Columns created_at_columns() {
  return {name_column(),
          column("Created At", [](const Object& o) { return o.metadata()["creationTimestamp"]; })};
}

// The names of a binding's subjects of one kind.
std::string subjects(const Object& binding, std::string_view kind) {
  std::string result;
  for (const Json& subject : binding["subjects"].items()) {
    if (subject["kind"].as_string() != kind) continue;
    if (!result.empty()) result += ", ";
    if (kind == "ServiceAccount") result += subject["namespace"].as_string() + "/";
    result += subject["name"].as_string();
  }
  return result;
}

Columns binding_columns() {
  return {name_column(),
          column("Role",
                 [](const Object& b) {
                   const Json& role = b["roleRef"];
                   return Json(role["kind"].as_string() + "/" + role["name"].as_string());
                 }),
          age_column(),
          column(
              "Users", [](const Object& b) { return Json(subjects(b, "User")); }, kWide),
          column(
              "Groups", [](const Object& b) { return Json(subjects(b, "Group")); }, kWide),
          column(
              "ServiceAccounts",
              [](const Object& b) { return Json(subjects(b, "ServiceAccount")); }, kWide)};
}

Json ready_replicas(const Object& object) {
  return fmt::format("{}/{}", object.status()["readyReplicas"].as_int(),
                     object.spec()["replicas"].as_int(1));
}

Columns stateful_set_columns() {
  return {name_column(), column("Ready", ready_replicas), age_column()};
}

Columns deployment_columns() {
  const auto count = [](std::string_view field) {
    return [field](const Object& o) { return Json(o.status()[field].as_int()); };
  };
  return {name_column(), column("Ready", ready_replicas),
          column("Up-to-date", count("updatedReplicas"), 0, "integer"),
          column("Available", count("availableReplicas"), 0, "integer"), age_column()};
}

struct Builtin {
  std::string_view group, kind;
  Columns (*columns)();
};

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::array kBuiltins = {
    Builtin{"", "Pod", pod_columns},
    Builtin{"", "Node", node_columns},
    Builtin{"", "Namespace", namespace_columns},
    Builtin{"", "PersistentVolumeClaim", claim_columns},
    Builtin{"", "PersistentVolume", volume_columns},
    Builtin{"", "Service", service_columns},
    Builtin{"", "Secret", secret_columns},
    Builtin{"", "ConfigMap", config_map_columns},
    Builtin{"", "ServiceAccount", service_account_columns},
    Builtin{"", "Event", event_columns},
    Builtin{"storage.k8s.io", "StorageClass", storage_class_columns},
    Builtin{"coordination.k8s.io", "Lease", lease_columns},
    Builtin{kRbac, "Role", created_at_columns},
    Builtin{kRbac, "ClusterRole", created_at_columns},
    Builtin{kRbac, "RoleBinding", binding_columns},
    Builtin{kRbac, "ClusterRoleBinding", binding_columns},
    Builtin{"certificates.k8s.io", "CertificateSigningRequest", request_columns},
    Builtin{"apiextensions.k8s.io", "CustomResourceDefinition", created_at_columns},
    Builtin{"apps", "Deployment", deployment_columns},
    Builtin{"apps", "StatefulSet", stateful_set_columns},
};

}  // namespace

std::vector<TableColumn> builtin_columns(std::string_view group, std::string_view kind) {
  for (const Builtin& builtin : kBuiltins) {
    if (builtin.group == group && builtin.kind == kind) return builtin.columns();
  }
  return {};
}

}  // namespace breakwater::apiserver
