#include "cli/fleet_process.h"

#include <fmt/format.h>

#include "api/kinds.h"
#include "base/file.h"
#include "base/random.h"
#include "kube/http_client.h"
#include "kube/kubeconfig.h"

namespace breakwater::cli {
namespace {

namespace fs = std::filesystem;

constexpr Duration kReadyTimeout = std::chrono::seconds(90);
constexpr auto kPoll = std::chrono::milliseconds(50);

bool has_condition(const kube::Object& cluster, const char* type) {
  for (const Json& condition : cluster.status()["conditions"].items()) {
    if (condition["type"].as_string() == type) return condition["status"].as_string() == "True";
  }
  return false;
}

}  // namespace

FleetProcess::FleetProcess(fs::path program, fs::path directory, const Clock& clock)
    : program_(std::move(program)), directory_(std::move(directory)), clock_(clock) {}

FleetProcess::~FleetProcess() { stop(); }

fs::path FleetProcess::kubeconfig(const std::string& cluster) const {
  return folder(cluster) / "kubeconfig";
}

fs::path FleetProcess::log_file(const std::string& member) const {
  return directory_ / (member + ".log");
}

Result<> FleetProcess::spawn(Member& member) {
  member.child.emplace(TRY(Child::start(member.arguments, log_file(member.name))));
  return {};
}

Result<> FleetProcess::start_member(const std::string& name, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program_.string());
  std::lock_guard lock(mutex_);
  members_.push_back({name, std::move(arguments), std::nullopt});
  return spawn(members_.back());
}

Result<> FleetProcess::check_alive(const std::string& name) {
  std::lock_guard lock(mutex_);
  for (Member& member : members_) {
    if (member.name != name || !member.child) continue;
    if (auto code = member.child->poll()) {
      return fail(Code::kInternal, "{} ended with {}; its log is {}", name, *code,
                  log_file(name).string());
    }
  }
  return {};
}

Result<> FleetProcess::wait_for(const std::string& what,
                                const std::function<Result<bool>()>& attempt) {
  const Duration start = clock_.monotonic();
  std::string last = "it did not happen";
  while (clock_.monotonic() - start < kReadyTimeout) {
    auto done = attempt();
    if (done && *done) return {};
    if (!done && done.error().is(Code::kInternal)) return tl::unexpected(done.error());
    if (!done) last = done.error().to_string();
    std::this_thread::sleep_for(kPoll);
  }
  return fail(Code::kTimeout, "waited {} for {}: {}; logs are in {}",
              format_duration(kReadyTimeout), what, last, directory_.string());
}

Result<> FleetProcess::connect(const std::string& cluster) {
  return wait_for("cluster " + cluster + " to answer", [&]() -> Result<bool> {
    TRY(check_alive(cluster));
    if (!clients_.contains(cluster)) {
      if (!fs::exists(kubeconfig(cluster))) return false;
      kube::ClientConfig config = TRY(kube::load_kubeconfig(kubeconfig(cluster)));
      clients_[cluster] = TRY(kube::make_http_client(std::move(config), Logger()));
    }
    TRY(client(cluster).get_raw("/readyz"));
    return true;
  });
}

Result<> FleetProcess::start_cluster(const std::string& name) {
  TRY(make_directories(folder(name), 0700));
  TRY(start_member(name,
                   {"sandbox", "cluster", "--name", name, "--directory", folder(name).string()}));
  return connect(name);
}

Result<> FleetProcess::run_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program_.string());
  return wait_for(fmt::format("breakwater {} {}", arguments[1], arguments[2]),
                  [&]() -> Result<bool> {
                    auto result = run_checked(arguments);
                    if (result) return true;
                    return fail(Code::kUnavailable, "{}", result.error().to_string());
                  });
}

Result<> FleetProcess::start_hub() {
  TRY(start_cluster(kHubName));
  return start_member("hub-controllers", {"hub", "--kubeconfig", kubeconfig(kHubName).string()});
}

Result<> FleetProcess::add_cluster(const std::string& name) {
  TRY(start_cluster(name));
  const fs::path bootstrap = directory_ / (name + "-bootstrap.kubeconfig");
  TRY(run_command({"cluster", "add", name, "--kubeconfig", kubeconfig(kHubName).string(),
                   "--output", bootstrap.string()}));
  TRY(run_command(
      {"join", "--bootstrap", bootstrap.string(), "--kubeconfig", kubeconfig(name).string()}));
  TRY(start_member(name + "-agent", {"agent", "--kubeconfig", kubeconfig(name).string()}));
  return wait_for("cluster " + name + " to be Available", [&]() -> Result<bool> {
    TRY(check_alive(name + "-agent"));
    const kube::Object cluster = TRY(client(kHubName).get(api::kManagedCluster, {"", name}));
    return has_condition(cluster, "ManagedClusterConditionAvailable");
  });
}

void FleetProcess::kill_at_random(uint64_t seed) {
  killer_ = std::thread([this, seed] { kill_loop(seed); });
}

void FleetProcess::kill_loop(uint64_t seed) {
  SeededRandom random(seed);
  for (size_t turn = random.below(members_.size()); !stopping_; ++turn) {
    const auto wait = std::chrono::milliseconds(100 + random.below(2500));
    const Duration until = clock_.monotonic() + wait;
    while (!stopping_ && (clock_.monotonic() < until || killed_ >= allowed_kills_)) {
      std::this_thread::sleep_for(kPoll);
    }
    if (stopping_) return;
    std::lock_guard lock(mutex_);
    Member& victim = members_[turn % members_.size()];
    if (victim.child) victim.child->kill_and_wait();
    ++killed_;
    if (!spawn(victim)) return;
  }
}

void FleetProcess::stop() {
  stopping_ = true;
  if (killer_.joinable()) killer_.join();
  std::lock_guard lock(mutex_);
  // Agents and controllers before the API servers that they talk to.
  for (auto member = members_.rbegin(); member != members_.rend(); ++member) {
    if (member->child) member->child->stop();
    member->child.reset();
  }
}

}  // namespace breakwater::cli
