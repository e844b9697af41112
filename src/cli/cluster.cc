#include <fmt/core.h>

#include <memory>
#include <thread>

#include "api/kinds.h"
#include "api/names.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/service.h"
#include "cli/terminal.h"
#include "kube/http_client.h"
#include "policy/cluster_access.h"
#include "policy/invitation.h"

namespace breakwater::cli {
namespace {

using kube::Object;

struct ClusterOptions {
  std::string name, kubeconfig, context, output, server;
  int64_t timeout = 300;  // seconds
  bool no_accept = false, force = false, json = false;
};
using Shared = std::shared_ptr<ClusterOptions>;

constexpr auto kPoll = std::chrono::milliseconds(500);

Result<std::unique_ptr<kube::Client>> connect(const ClusterOptions& options) {
  kube::ClientConfig config = TRY(find_cluster(options.kubeconfig, options.context));
  return kube::make_http_client(std::move(config), Logger());
}

Result<> add(const ClusterOptions& options) {
  const SystemClock clock;
  SystemRandom random;
  kube::ClientConfig address = TRY(find_cluster(options.kubeconfig, options.context));
  if (!options.server.empty()) address.server = options.server;
  auto client = TRY(connect(options));
  policy::InvitationSettings settings;
  settings.accept = !options.no_accept;
  const std::string file = options.output.empty() ? options.name + ".kubeconfig" : options.output;
  const std::string kubeconfig =
      TRY(policy::invite_cluster(*client, options.name, address, settings, clock.now(), random));
  TRY(write_file(file, kubeconfig, 0600));
  fmt::print(
      "wrote {}, good for {}; with it, on the cluster:\n\n"
      "  breakwater join --bootstrap {} --kubeconfig CLUSTER\n",
      file, format_duration(settings.token_lifetime), file);
  if (options.no_accept) {
    fmt::print(
        "\nand to let it in: kubectl patch managedcluster {} --type=merge "
        "-p '{{\"spec\":{{\"hubAcceptsClient\":true}}}}'\n",
        options.name);
  }
  return {};
}

std::string status_of(const Object& cluster, std::string_view type) {
  const std::string& status = kube::find_condition(cluster, type)["status"].as_string();
  return status.empty() ? "-" : status;
}

// By the names of their roots: what each says on this cluster.
Result<Json> policies_of(kube::Client& hub, const std::string& cluster) {
  Json policies = Json::object();
  for (const Object& policy : TRY(hub.list(api::kPolicy, cluster))) {
    const std::string& root = policy.label(api::kRootPolicyLabel);
    if (root.empty()) continue;
    const std::string name = root.substr(root.find('.') + 1);
    policies.set({name}, policy.status()["compliant"].as_string_or(""));
  }
  return policies;
}

Result<> list(const ClusterOptions& options) {
  auto hub = TRY(connect(options));
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ACCEPTED", "JOINED", "AVAILABLE", "CLUSTER ID", "POLICIES"}};
  for (const Object& cluster : TRY(hub->list(api::kManagedCluster, ""))) {
    const bool accepted = cluster.spec()["hubAcceptsClient"].as_bool();
    const std::string joined = status_of(cluster, api::kClusterJoined);
    const std::string available = status_of(cluster, api::kClusterAvailable);
    const std::string& id = cluster.label(api::kClusterIdLabel);
    const Json policies = TRY(policies_of(*hub, cluster.name()));
    if (options.json) {
      fmt::print("{}\n", to_json(Json::object({{"name", cluster.name()},
                                               {"accepted", accepted},
                                               {"joined", joined == "True"},
                                               {"available", available == "True"},
                                               {"clusterID", id},
                                               {"policies", policies}})));
      continue;
    }
    std::string told;
    for (const auto& [name, compliant] : policies.members()) {
      told += fmt::format("{}{}={}", told.empty() ? "" : " ", name,
                          compliant.as_string().empty() ? "?" : compliant.as_string());
    }
    rows.push_back({cluster.name(), accepted ? "true" : "false", joined, available,
                    id.empty() ? "-" : id, told.empty() ? "-" : told});
  }
  if (!options.json) fmt::print("{}", format_table(rows));
  return {};
}

Result<size_t> replicas_left(kube::Client& hub, const std::string& cluster) {
  size_t left = 0;
  for (const Object& policy : TRY(hub.list(api::kPolicy, cluster))) {
    left += policy.has_label(api::kRootPolicyLabel);
  }
  return left;
}

// What the agent would have cleaned up stays on the cluster.
Result<> give_up(kube::Client& hub, const std::string& name) {
  for (const Object& policy : TRY(hub.list(api::kPolicy, name))) {
    if (!policy.has_label(api::kRootPolicyLabel)) continue;
    TRY(kube::remove_if_exists(hub, api::kPolicy, policy.key()));
  }
  auto edited =
      kube::edit(hub, api::kManagedCluster, {"", name}, false, [](Object& cluster) -> Result<bool> {
        if (!cluster.has_finalizer(api::kClusterFinalizer)) return false;
        cluster.remove_finalizer(api::kClusterFinalizer);
        return true;
      });
  if (edited || edited.error().is(Code::kNotFound)) return {};
  return tl::unexpected(edited.error());
}

Result<> wait_until_gone(kube::Client& hub, const ClusterOptions& options) {
  const SystemClock clock;
  const Duration end = clock.monotonic() + std::chrono::seconds(options.timeout);
  size_t told = 0;
  while (true) {
    auto cluster = hub.get(api::kManagedCluster, {"", options.name});
    if (!cluster && cluster.error().is(Code::kNotFound)) return {};
    const size_t left = TRY(replicas_left(hub, options.name));
    if (left != told) {
      fmt::print("waits for the agent to take away {} {}\n", left,
                 left == 1 ? "policy" : "policies");
      std::fflush(stdout);
    }
    told = left;
    if (clock.monotonic() >= end || interrupt_token().cancelled()) {
      return fail(Code::kTimeout,
                  "{} policies are left on cluster {}; it goes when its agent and the hub have "
                  "taken them away; --force leaves them there",
                  left, options.name);
    }
    std::this_thread::sleep_for(kPoll);
  }
}

Result<> remove_namespace(kube::Client& hub, const std::string& name) {
  auto ns = hub.get(api::kNamespace, {"", name});
  if (!ns && ns.error().is(Code::kNotFound)) return {};
  if (!ns) return tl::unexpected(ns.error());
  if (ns->label(api::kManagedByLabel) == api::kManagedBy) {
    return kube::remove_if_exists(hub, api::kNamespace, {"", name});
  }
  fmt::print("namespace {} was there before and stays\n", name);
  return kube::remove_if_exists(hub, api::kLease, {name, std::string(api::kClusterLease)});
}

Result<> remove(const ClusterOptions& options) {
  install_interrupt_handler();
  auto hub = TRY(connect(options));
  const kube::Key key{"", options.name};
  auto found = hub->get(api::kManagedCluster, key);
  if (!found && !found.error().is(Code::kNotFound)) return tl::unexpected(found.error());
  TRY(policy::withdraw_invitations(*hub, options.name));
  if (found) {
    TRY(kube::remove_if_exists(*hub, api::kManagedCluster, key));
    if (options.force) TRY(give_up(*hub, options.name));
    TRY(wait_until_gone(*hub, options));
  }
  TRY(policy::remove_access(*hub, options.name));
  TRY(remove_namespace(*hub, options.name));
  if (!found) return fail(Code::kNotFound, "there is no ManagedCluster {}", options.name);
  fmt::print("cluster {} is no longer managed\n", options.name);
  return {};
}

std::function<int()> exit_code_of(Shared options, Result<> (*run)(const ClusterOptions&)) {
  return [options, run] {
    const Result<> result = run(*options);
    return result ? 0 : complain(result.error());
  };
}

void add_hub_options(Command& command, ClusterOptions& options) {
  command.option("--kubeconfig", options.kubeconfig, "how to reach the hub", "KUBECONFIG");
  command.option("--context", options.context, "context of the kubeconfig");
}

}  // namespace

void add_cluster_command(Command& program) {
  auto options = std::make_shared<ClusterOptions>();
  Command& cluster = program.add(
      "cluster", "The clusters of a hub",
      "  breakwater cluster add cls1 --kubeconfig hub.kubeconfig\n"
      "  breakwater join --bootstrap cls1.kubeconfig --kubeconfig cls1-admin.kubeconfig\n"
      "  breakwater cluster list --kubeconfig hub.kubeconfig\n");
  Command& add_command = cluster.add(
      "add", "Invites a cluster",
      "Makes the ManagedCluster, its namespace and its agent's rights, and writes a kubeconfig\n"
      "with a token of 24 hours for `breakwater join`. The file is a secret. For a cluster that\n"
      "is there already it makes a further invitation.\n");
  add_command.option("name", options->name, "of the cluster in the fleet");
  add_command.required();
  add_hub_options(add_command, *options);
  add_command.option("--output", options->output, "file to write; <name>.kubeconfig");
  add_command.option("--server", options->server, "where clusters reach the hub, if elsewhere");
  add_command.flag("--no-accept", options->no_accept, "let an admin accept it later");
  add_command.action(exit_code_of(options, add));
  Command& list_command = cluster.add("list", "Shows the fleet");
  add_hub_options(list_command, *options);
  list_command.flag("--json", options->json, "one JSON object a line");
  list_command.action(exit_code_of(options, list));
  Command& remove_command = cluster.add(
      "remove", "Takes a cluster out of the fleet",
      "Its agent first removes what the policies made there (backups stay in the bucket); then\n"
      "ManagedCluster, namespace, rights and invitations go.\n");
  remove_command.option("name", options->name, "of the cluster in the fleet");
  remove_command.required();
  add_hub_options(remove_command, *options);
  remove_command.option("--timeout", options->timeout, "seconds to wait for the agent");
  remove_command.flag("--force", options->force, "the cluster is dead: leave it as it is");
  remove_command.action(exit_code_of(options, remove));
}

}  // namespace breakwater::cli
