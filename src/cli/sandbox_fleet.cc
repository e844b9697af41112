#include "cli/sandbox_fleet.h"

#include <algorithm>
#include <charconv>

#include "api/kinds.h"
#include "api/names.h"
#include "base/file.h"
#include "cli/agent.h"
#include "cli/background.h"
#include "cli/hub.h"
#include "kube/kubeconfig.h"
#include "kube/names.h"
#include "policy/hub_credentials.h"
#include "policy/invitation.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kOperationThreads = 4;
constexpr int kMostClusters = 20;  // each has threads and files of its own

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// A managed cluster with its agent.
struct Member {
  std::string name;
  std::unique_ptr<sandbox::Sandbox> cluster;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<Background<Agent>> agent = {};
};

class RunningFleet final : public Fleet {
 public:
  RunningFleet(FleetSettings settings, const Clock& clock, Random& random, Logger log)
      : settings_(std::move(settings)), clock_(clock), random_(random), log_(std::move(log)) {}

  Result<> start() {
    TRY(make_directories(settings_.directory, 0700));
    hub_ = TRY(start_cluster(kHubName, true));
    hub_client_ = hub_->client(apiserver::admin_user());
    for (const std::string& name : settings_.clusters) {
      auto cluster = TRY(start_cluster(name, false));
      auto client = cluster->client(apiserver::admin_user());
      members_.push_back({name, std::move(cluster), std::move(client)});
    }
    TRY(write_names());
    controllers_ = std::make_unique<Background<Hub>>(
        Hub::create({}, {*hub_client_, clock_, random_, log_.with("in", kHubName)}));
    for (Member& member : members_) {
      TRY(while_doing(start_agent(member), "starting the agent of {}", member.name));
    }
    return {};
  }

  std::string url() const override { return hub_->url(); }

 private:
  Result<std::unique_ptr<sandbox::Sandbox>> start_cluster(const std::string& name, bool hub) {
    sandbox::SandboxSettings settings;
    settings.directory = settings_.directory / name;
    settings.binary = settings_.binary;
    settings.name = name;
    settings.hub = hub;
    return while_doing(
        sandbox::Sandbox::start(std::move(settings), clock_, random_, log_.with("in", name)),
        "starting cluster {}", name);
  }

  Result<> write_names() {
    std::string names = std::string(kHubName) + "\n";
    std::vector<kube::NamedConfig> contexts = {{kHubName, hub_->admin()}};
    for (const Member& member : members_) {
      contexts.push_back({member.name, member.cluster->admin()});
      names += member.name + "\n";
    }
    TRY(write_file(settings_.directory / "clusters", names));
    return write_file(settings_.directory / "kubeconfig", kube::write_kubeconfig(contexts), 0600);
  }

  // With an invitation when there is nothing yet, or nothing any more, to reach the hub with.
  Result<> start_agent(Member& member) {
    auto kept = member.client->get(
        api::kSecret, {std::string(api::kAgentNamespace), std::string(api::kHubKubeconfigSecret)});
    if (!kept && !kept.error().is(Code::kNotFound)) return tl::unexpected(kept.error());
    if (!kept || policy::read_credentials(*kept).not_after() <= clock_.now()) TRY(invite(member));
    Agent::Environment environment{*member.client,
                                   clock_,
                                   random_,
                                   log_.with("in", member.name),
                                   kube::make_operations(kOperationThreads),
                                   {}};
    auto agent = TRY(Agent::create({}, std::move(environment)));
    member.agent = std::make_unique<Background<Agent>>(std::move(agent));
    return {};
  }

  // What `cluster add` and `join` do.
  Result<> invite(const Member& member) {
    TRY(policy::withdraw_invitations(*hub_client_, member.name));  // of a start that was killed
    const std::string kubeconfig = TRY(policy::invite_cluster(
        *hub_client_, member.name, hub_->admin(), {}, clock_.now(), random_));
    return policy::store_invitation(*member.client,
                                    policy::bootstrap_secret(kubeconfig, member.name));
  }

  const FleetSettings settings_;
  const Clock& clock_;
  Random& random_;
  Logger log_;
  // In the order of their dependence; destroyed from the last to the first.
  std::unique_ptr<sandbox::Sandbox> hub_;
  std::unique_ptr<kube::Client> hub_client_;
  std::unique_ptr<Background<Hub>> controllers_;
  std::vector<Member> members_;
};

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::start(FleetSettings settings, const Clock& clock,
                                            Random& random, Logger log) {
  auto fleet = std::make_unique<RunningFleet>(std::move(settings), clock, random, std::move(log));
  TRY(fleet->start());
  return fleet;
}

Result<std::vector<std::string>> parse_clusters(const std::string& text) {
  int count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::vector<std::string> names;
  if (problem != std::errc::invalid_argument && end == text.data() + text.size()) {
    for (int i = 1; i <= std::min(count, kMostClusters + 1); ++i) {
      names.push_back(fmt::format("cls{}", i));
    }
  } else {
    names = split(text, ',');
  }
  if (names.empty() || names.size() > kMostClusters) {
    return fail(Code::kInvalid, "--clusters is \"{}\"; it must be names or a number up to {}", text,
                kMostClusters);
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (!kube::is_dns_label(names[i]) || names[i] == kHubName ||
        std::count(names.begin(), names.end(), names[i]) > 1) {
      return fail(Code::kInvalid,
                  "--clusters names \"{}\"; each must be another lower-case name such as cls1, and "
                  "not \"{}\"",
                  names[i], kHubName);
    }
  }
  return names;
}

std::vector<std::string> fleet_members(const fs::path& directory) {
  const auto text = read_file(directory / "clusters");
  return text ? split(*text, '\n') : std::vector<std::string>();
}

}  // namespace breakwater::cli
