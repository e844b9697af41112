#include "api/kinds.h"
#include "sandbox/node_state.h"

namespace breakwater::sandbox {
namespace {

using kube::Key;
using kube::Object;
using kube::Outcome;

constexpr std::string_view kLeaseNamespace = "kube-node-lease";

class Nodes final : public kube::Reconciler {
 public:
  Nodes(const NodeSettings& settings, const Node::Environment& environment)
      : settings_(settings), environment_(environment) {}

  Outcome reconcile(const Key& key) override {
    if (key.name != settings_.name) return Outcome::done();
    auto cached = environment_.reader.get(api::kNode, key);
    if (!cached) TRY(create(key));
    const Duration now = environment_.clock.monotonic();
    if (renewed_at_ && now - *renewed_at_ < settings_.heartbeat) {
      return Outcome::again_after(*renewed_at_ + settings_.heartbeat - now);
    }
    TRY(write_ready(key));
    TRY(renew_lease());
    renewed_at_ = now;
    return Outcome::again_after(settings_.heartbeat);
  }

 private:
  Result<> create(const Key& key) {
    Object node = Object::make(api::kNode, key);
    node.set_label("kubernetes.io/hostname", settings_.name);
    node.set_label("kubernetes.io/os", "linux");
    return created(environment_.client.create(api::kNode, node));
  }

  static Result<> created(Result<Object> result) {
    if (result || result.error().is(Code::kAlreadyExists)) return {};
    return tl::unexpected(std::move(result).error());
  }

  Result<> write_ready(const Key& key) {
    TRY(kube::edit(environment_.client, api::kNode, key, true, [&](Object& node) -> Result<bool> {
      const std::string pods = std::to_string(settings_.max_processes);
      node.set({"status", "capacity", "pods"}, pods);
      node.set({"status", "allocatable", "pods"}, pods);
      return kube::set_condition(node, "Ready", "True", "SandboxReady",
                                 "runs pods as child processes", environment_.clock.now());
    }));
    return {};
  }

  Result<> renew_lease() {
    const Key key{std::string(kLeaseNamespace), settings_.name};
    const std::string time = format_rfc3339_micro(environment_.clock.now());
    auto edited = kube::edit(environment_.client, api::kLease, key, false,
                             [&](Object& lease) -> Result<bool> {
                               lease.set({"spec", "renewTime"}, time);
                               return true;
                             });
    if (edited) return {};
    if (!edited.error().is(Code::kNotFound)) return tl::unexpected(std::move(edited).error());
    Object lease = Object::make(api::kLease, key);
    lease.set({"spec"}, Json::object({{"holderIdentity", settings_.name},
                                      {"leaseDurationSeconds", 40},
                                      {"renewTime", time}}));
    return created(environment_.client.create(api::kLease, lease));
  }

  const NodeSettings& settings_;
  const Node::Environment& environment_;
  std::optional<Duration> renewed_at_;
};

}  // namespace

std::unique_ptr<kube::Reconciler> make_node_reconciler(const NodeSettings& settings,
                                                       const Node::Environment& environment) {
  return std::make_unique<Nodes>(settings, environment);
}

}  // namespace breakwater::sandbox
