#include "velero/collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "api/kinds.h"
#include "api/names.h"
#include "velero/item_graph.h"
#include "velero/selection.h"

namespace breakwater::velero {
namespace {

// Saving these would restore the past of machinery, not of an application.
constexpr std::string_view kNeverSaved[] = {"events",
                                            "events.events.k8s.io",
                                            "nodes",
                                            "leases.coordination.k8s.io",
                                            "volumesnapshots.snapshot.storage.k8s.io",
                                            "volumesnapshotcontents.snapshot.storage.k8s.io",
                                            "backups.velero.io",
                                            "restores.velero.io",
                                            "deletebackuprequests.velero.io",
                                            "datauploads.velero.io",
                                            "datadownloads.velero.io",
                                            "volumesnapshotbackups.datamover.oadp.openshift.io",
                                            "volumesnapshotrestores.datamover.oadp.openshift.io",
                                            "virtualmachineprotections.breakwater.dev",
                                            "endpoints",
                                            "endpointslices.discovery.k8s.io",
                                            "certificatesigningrequests.certificates.k8s.io"};

bool never_saved(const kube::Kind& kind) {
  return std::ranges::find(kNeverSaved, kind.group_resource()) != std::end(kNeverSaved);
}

bool left_out(const kube::Object& object) {
  return object.is_deleting() || object.label(api::kExcludeLabel) == "true";
}

class Run {
 public:
  Run(const Selection& selection, kube::Client& client, const Discovery& discovery,
      const CancelToken& cancel)
      : selection_(selection), client_(client), discovery_(discovery) {
    call_.cancel = cancel;
  }

  Result<Collection> run() {
    TRY(find_namespaces());
    for (const std::string& group : discovery_.silent_groups())
      result_.findings.warning(
          "", fmt::format("API group {} does not answer: its objects are not saved", group));
    for (const DiscoveredKind& kind : discovery_.kinds()) TRY(list_kind(kind.as_kind()));
    while (!queue_.empty()) {
      kube::Object object = std::move(queue_.front());
      queue_.pop_front();
      TRY(follow(object));
    }
    TRY(add_namespaces());
    return std::move(result_);
  }

 private:
  Result<> find_namespaces() {
    for (const std::string& name : selection_.namespaces().includes)
      if (name.find_first_of("*?[{") == std::string::npos) missing_.insert(name);
    auto all = TRY(while_doing(client_.list(api::kNamespace, "", {}, call_), "listing namespaces"));
    for (kube::Object& ns : all) {
      missing_.erase(ns.name());
      if (left_out(ns) || !selection_.allows_namespace(ns.name())) continue;
      names_.insert(ns.name());
    }
    for (const std::string& name : missing_)
      result_.findings.warning(name, fmt::format("namespace {} does not exist", name));
    return {};
  }

  Result<> list_kind(const kube::Kind& kind) {
    if (never_saved(kind) || !selection_.allows_kind(kind)) return {};
    if (kind.group == "" && kind.kind == "Namespace") return {};
    if (!kind.namespaced && !selection_.lists_cluster_scoped()) return {};
    std::vector<kube::LabelSelector> selectors = selection_.selectors();
    if (selectors.empty()) selectors.emplace_back();
    // One list for the cluster costs less than one for each of its namespaces.
    std::vector<std::string> places(names_.begin(), names_.end());
    if (!kind.namespaced || selection_.namespaces().unrestricted()) places = {""};
    for (const std::string& ns : places) {
      for (const kube::LabelSelector& selector : selectors) {
        auto found = client_.list(kind, ns, selector, call_);
        if (!found && found.error().is(Code::kNotFound)) continue;  // the kind is not served
        if (!found && found.error().is(Code::kForbidden)) {
          result_.findings.warning(ns, fmt::format("{} cannot be listed: {}", kind.group_resource(),
                                                   found.error().message()));
          continue;
        }
        auto objects = TRY(while_doing(std::move(found), "listing {}", kind.plural));
        for (kube::Object& object : objects) take_listed(kind, std::move(object));
      }
    }
    return {};
  }

  void take_listed(const kube::Kind& kind, kube::Object object) {
    if (left_out(object)) return;
    if (kind.namespaced && !names_.contains(object.ns())) return;
    add(kind, std::move(object));
  }

  void add(const kube::Kind& kind, kube::Object object) {
    backupstore::ItemKey key = item_key(kind, object.key());
    if (result_.items.find(key) != nullptr) return;
    // Items of a list need not say what they are.
    object.set({"apiVersion"}, kind.api_version());
    object.set({"kind"}, kind.kind);
    result_.items.put(std::move(key), object.json());
    queue_.push_back(std::move(object));
  }

  Result<> follow(const kube::Object& from) {
    for (const Related& related : related_items(from)) {
      if (result_.items.find(item_key(related.kind, related.key)) != nullptr) continue;
      if (!related.kind.namespaced && selection_.cluster_resources() == false) continue;
      if (!selection_.allows_kind(related.kind)) {
        report(from, related, "is not among the kinds to save");
        continue;
      }
      auto object = client_.get(related.kind, related.key, call_);
      if (!object && object.error().is(Code::kNotFound)) {
        report(from, related, "does not exist");
        continue;
      }
      kube::Object item = TRY(while_doing(std::move(object), "reading {} {}", related.kind.kind,
                                          related.key.to_string()));
      if (item.label(api::kExcludeLabel) == "true") {
        report(from, related, "is excluded from backups by its label");
      } else if (item.is_deleting()) {
        report(from, related, "is being deleted");
      } else {
        add(related.kind, std::move(item));
      }
    }
    return {};
  }

  void report(const kube::Object& from, const Related& related, std::string_view why) {
    if (related.need == Need::kOptional) return;
    std::string message = fmt::format("{} {}: {} {} {}", from.kind(), from.key().to_string(),
                                      related.kind.kind, related.key.to_string(), why);
    if (related.need == Need::kData) {
      result_.findings.error(from.ns(), std::move(message));
    } else {
      result_.findings.warning(from.ns(), std::move(message));
    }
  }

  // The namespaces of all items, and without selectors those that were asked for.
  Result<> add_namespaces() {
    std::set<std::string> wanted;
    if (selection_.selectors().empty()) wanted = names_;
    for (const auto& [key, object] : result_.items.items())
      if (!key.ns.empty()) wanted.insert(key.ns);
    for (const std::string& name : wanted) {
      auto ns = client_.get(api::kNamespace, {"", name}, call_);
      if (!ns && ns.error().is(Code::kNotFound)) continue;
      kube::Object object = TRY(while_doing(std::move(ns), "reading namespace {}", name));
      result_.items.put(item_key(api::kNamespace, object.key()), object.json());
    }
    return {};
  }

  const Selection& selection_;
  kube::Client& client_;
  const Discovery& discovery_;
  kube::Call call_;
  std::set<std::string> names_, missing_;
  std::deque<kube::Object> queue_;
  Collection result_;
};

}  // namespace

backupstore::ItemKey item_key(const kube::Kind& kind, const kube::Key& key) {
  return {kind.group_resource(), key.ns, key.name};
}

Result<Collection> collect(const kube::Object& backup, kube::Client& client,
                           const Discovery& discovery, const CancelToken& cancel) {
  std::vector<std::string> errors;
  Selection selection = Selection::parse(backup.spec(), errors);
  if (!errors.empty()) return fail(Code::kInvalid, "{}", errors.front());
  return Run(selection, client, discovery, cancel).run();
}

}  // namespace breakwater::velero
