#include "policy/restore_selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "kube/names.h"

namespace breakwater::policy {
namespace {

using kube::Object;

constexpr size_t kNamedInMessage = 10;

bool includes_namespace(const Object& backup, const std::string& ns) {
  const Json& included = backup.spec()["includedNamespaces"];
  if (included.empty()) return true;
  return std::any_of(included.items().begin(), included.items().end(),
                     [&](const Json& item) { return item == Json(ns) || item == Json("*"); });
}

// The first split of "<namespace>--<name>" that fits; nothing if none does.
std::optional<kube::Key> split_identity(const Object& backup, const std::string& text) {
  for (size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at + 1)) {
    kube::Key key{text.substr(0, at), text.substr(at + 2)};
    if (kube::is_dns_label(key.ns) && kube::is_dns_subdomain(key.name) &&
        includes_namespace(backup, key.ns)) {
      return key;
    }
  }
  return std::nullopt;
}

std::string name_some(const std::vector<SavedVm>& vms) {
  std::vector<std::string> names;
  for (const SavedVm& vm : vms) {
    if (names.size() == kNamedInMessage) break;
    names.push_back(fmt::format("{} ({})", vm.uid, vm.key.to_string()));
  }
  const size_t more = vms.size() - names.size();
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

Json in_list(std::string_view key, const std::set<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) list.push_back(value);
  const Json requirement =
      Json::object({{"key", key}, {"operator", "In"}, {"values", std::move(list)}});
  return Json::object({{"matchExpressions", Json::array({requirement})}});
}

class Selector {
 public:
  Selector(const RestoreRequest& request, const Object& backup, const kube::Key& config)
      : request_(request), backup_(backup), config_(config), saved_(saved_vms(backup)) {}

  RestoreSelection select() {
    find_vms();
    check_mapping();
    check_targets();
    for (const SavedVm& vm : result_.vms) {
      namespaces_.insert(vm.key.ns);
      names_.insert(vm.key.name);
    }
    // Our Schedules' labels are on their Backups, those that another cluster made included.
    if (backup_.label(api::kManagedByLabel) == api::kManagedBy) {
      const std::set<std::string> uids(request_.uids.begin(), request_.uids.end());
      result_.selector.set("labelSelector", in_list(api::kBackupVmUidLabel, uids));
    } else {
      select_by_name();
    }
    Json included = Json::array();
    for (const std::string& ns : namespaces_) included.push_back(ns);
    result_.selector.set("includedNamespaces", std::move(included));
    return std::move(result_);
  }

 private:
  void problem(const char* reason, std::string message) {
    result_.problems.push_back(
        {api::kConfigMap, config_, reason, request_.prefix + std::move(message)});
  }

  void find_vms() {
    for (const std::string& uid : request_.uids) {
      const auto found = std::find_if(saved_.begin(), saved_.end(),
                                      [&](const SavedVm& vm) { return vm.uid == uid; });
      if (found != saved_.end()) {
        result_.vms.push_back(*found);
      } else {
        problem("UnknownVm",
                fmt::format("vmsUID has {}: Backup {} was not asked to save such a VM; "
                            "it was asked to save {}",
                            uid, backup_.name(), saved_.empty() ? "none" : name_some(saved_)));
      }
    }
  }

  void check_mapping() {
    for (const auto& [from, to] : request_.mapping) {
      const bool used = std::any_of(result_.vms.begin(), result_.vms.end(),
                                    [&](const SavedVm& vm) { return vm.key.ns == from; });
      if (!used) {
        problem(
            "UnusedMapping",
            fmt::format("namespaceMapping maps {} to {}, but none of the VMs in vmsUID was in {}",
                        from, to, from));
      }
    }
  }

  void check_targets() {
    std::set<kube::Key> targets;
    for (const SavedVm& vm : result_.vms) {
      const kube::Key target{target_of(request_, vm.key.ns), vm.key.name};
      if (!targets.insert(target).second) {
        problem("SameTarget", fmt::format("namespaceMapping gives two VMs the name {}: map their "
                                          "namespaces to different ones",
                                          target.to_string()));
      }
    }
  }

  // What the mission documents: names times namespaces, by labels that users may have set.
  void select_by_name() {
    result_.selector.set("orLabelSelectors", Json::array({in_list("app", names_),
                                                          in_list("kubevirt.io/domain", names_)}));
    if (request_.allow_inexact) return;
    std::vector<SavedVm> others;
    for (const SavedVm& vm : saved_) {
      const bool asked =
          std::find(request_.uids.begin(), request_.uids.end(), vm.uid) != request_.uids.end();
      if (!asked && namespaces_.contains(vm.key.ns) && names_.contains(vm.key.name)) {
        others.push_back(vm);
      }
    }
    if (others.empty()) return;
    problem(
        "InexactSelection",
        fmt::format("vmsUID: Backup {} has no uid labels, and selecting by name would restore {} "
                    "too: restore fewer VMs at once, or set {}allowInexact: \"true\"",
                    backup_.name(), name_some(others), request_.prefix));
  }

  const RestoreRequest& request_;
  const Object& backup_;
  const kube::Key& config_;
  const std::vector<SavedVm> saved_;
  std::set<std::string> namespaces_, names_;
  RestoreSelection result_;
};

}  // namespace

std::vector<SavedVm> saved_vms(const Object& backup) {
  std::vector<SavedVm> vms;
  for (const auto& [uid, value] : backup.metadata()["annotations"].members()) {
    if (uid.find('/') != std::string::npos) continue;  // an annotation of somebody else
    if (auto key = split_identity(backup, value.as_string())) vms.push_back({uid, *key});
  }
  return vms;
}

RestoreSelection select_vms(const RestoreRequest& request, const Object& backup,
                            const kube::Key& config) {
  return Selector(request, backup, config).select();
}

std::string target_of(const RestoreRequest& request, const std::string& ns) {
  const auto found = request.mapping.find(ns);
  return found == request.mapping.end() ? ns : found->second;
}

}  // namespace breakwater::policy
