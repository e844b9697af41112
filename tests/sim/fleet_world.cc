#include "tests/sim/fleet_world.h"

#include "api/kinds.h"
#include "api/names.h"
#include "base/x509.h"
#include "cli/agent.h"
#include "cli/hub.h"
#include "sandbox/setup.h"
#include "sandbox/signer.h"

namespace breakwater::sim {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHubUrl = "https://hub.sim";
// What one step takes: calls have to travel.
constexpr uint64_t kLongestStepUs = 20'000;
// So that conditions that depend on time alone are looked at.
constexpr Duration kLongestSleep = std::chrono::seconds(10);
constexpr Duration kCaLifetime = std::chrono::hours(24 * 3650);

// In memory where there is such a place: a run syncs thousands of files.
fs::path fast_directory() {
  const fs::path memory = "/dev/shm";
  return fs::is_directory(memory) ? memory : fs::temp_directory_path();
}

Swarm swarm_of(const SeededRandom& seed) {
  SeededRandom random = seed.fork("swarm");
  return draw_swarm(random);
}

// The hub's controllers, with the client that they reach the API through.
class HubProcess final : public Process {
 public:
  HubProcess(std::shared_ptr<kube::Client> client, const Clock& clock, Random& random,
             const Logger& log)
      : client_(std::move(client)), hub_(cli::Hub::create({}, {*client_, clock, random, log})) {}
  bool ready() const override { return hub_->runner().ready(); }
  bool step() override { return hub_->runner().step(); }
  std::optional<Duration> next_due() const override { return hub_->runner().next_due(); }
  uint64_t trace_hash() const override { return hub_->runner().trace_hash(); }

 private:
  std::shared_ptr<kube::Client> client_;
  std::unique_ptr<cli::Hub> hub_;
};

class AgentProcess final : public Process {
 public:
  AgentProcess(std::shared_ptr<kube::Client> client, std::unique_ptr<cli::Agent> agent)
      : client_(std::move(client)), agent_(std::move(agent)) {}
  bool ready() const override { return agent_->ready(); }
  bool step() override { return agent_->step(); }
  std::optional<Duration> next_due() const override { return agent_->next_due(); }
  uint64_t trace_hash() const override { return agent_->trace_hash(); }

 private:
  std::shared_ptr<kube::Client> client_;
  std::unique_ptr<cli::Agent> agent_;
};

}  // namespace

FleetWorld::FleetWorld(uint64_t seed, TempDir directory)
    : directory_(std::move(directory)),
      clock_(Time(std::chrono::seconds(1'790'000'000))),
      seed_(seed),
      order_(seed_.fork("order")),
      choices_(seed_.fork("choices")),
      inside_(seed_.fork("inside")),
      swarm_(swarm_of(seed_)),
      trace_(clock_),
      password_(fmt::format("secret-{:016x}", seed_.fork("password").next())),
      store_key_(fmt::format("KEY{:016x}", seed_.fork("key").next())),
      log_watch_(std::make_shared<LogWatch>(trace_, std::vector{password_, store_key_})),
      log_(log_watch_, clock_, LogLevel::kDebug) {}

// Processes go before the servers that they talk to.
FleetWorld::~FleetWorld() {
  for (const auto& member : members_) member->host.reset();
  signer_.reset();
}

Result<std::unique_ptr<FleetWorld>> FleetWorld::create(uint64_t seed, int clusters) {
  TempDir directory = TRY(TempDir::create(fast_directory(), "breakwater-fleet"));
  std::unique_ptr<FleetWorld> world(new FleetWorld(seed, std::move(directory)));
  TRY(while_doing(world->start(clusters), "starting the fleet"));
  return world;
}

kube::ClientConfig FleetWorld::hub_address() const {
  kube::ClientConfig config;
  config.server = kHubUrl;
  config.ca_pem = ca_.cert_pem;
  return config;
}

Result<> FleetWorld::start(int clusters) {
  TRY(make_directories(store()));
  definitions_ = TRY(sandbox::embedded_crds());
  ca_ = TRY(apiserver::make_ca("fleet", clock_.now(), kCaLifetime));
  TRY(add_member("hub"));
  tokens_ = std::make_unique<apiserver::BootstrapTokens>(hub().server->reader(), clock_);
  TRY(start_signer());
  hub().host = std::make_unique<Host>(
      "hub", [this](Host& host) { return start_hub_controllers(host); }, clock_, seed_, swarm_,
      trace_);
  for (int number = 1; number <= clusters; ++number) {
    TRY(add_member(fmt::format("cls{}", number)));
    Member& member = *members_.back();
    member.host = std::make_unique<Host>(
        member.name, [this, &member](Host& host) { return start_agent(member, host); }, clock_,
        seed_, swarm_, trace_);
  }
  return {};
}

Result<> FleetWorld::add_member(const std::string& name) {
  auto member = std::make_unique<Member>();
  member->name = name;
  member->dice = std::make_unique<SeededRandom>(seed_.fork(name + " server"));
  member->server =
      TRY(apiserver::ApiServer::open({}, clock_, *member->dice, log_.with("in", name)));
  TRY(member->server->install_crds(definitions_));
  member->client = member->server->client(apiserver::admin_user());
  TRY(sandbox::furnish(*member->client));
  member->invariants = std::make_unique<FleetInvariants>(
      name, *member->server, *member->client, std::vector{password_, store_key_}, trace_);
  member->server->set_wake([raw = member.get()] { raw->changed = true; });
  members_.push_back(std::move(member));
  return {};
}

Result<> FleetWorld::start_signer() {
  signer_ = std::make_unique<kube::Runner>(*hub().client, clock_, order_, log_);
  for (auto& controller : sandbox::make_signer_controllers(
           {signer_->reader(), *hub().client, clock_, ca_, log_.with("in", "signer")})) {
    signer_->add(std::move(controller));
  }
  return {};
}

Result<std::unique_ptr<Process>> FleetWorld::start_hub_controllers(Host& host) {
  auto client = host.wrap(hub().server->client(apiserver::admin_user()), {});
  return std::make_unique<HubProcess>(std::move(client), clock_, inside_, log_.with("in", "hub"));
}

Result<apiserver::User> FleetWorld::hub_user(const kube::ClientConfig& config) {
  apiserver::User user;
  if (!config.client_cert_pem.empty()) {
    const CertificateInfo info = TRY(read_certificate(config.client_cert_pem));
    if (info.not_after <= clock_.now()) return fail(Code::kForbidden, "the certificate is too old");
    user.name = info.subject.common_name;
    user.groups = info.subject.organizations;
  } else {
    auto found = tokens_->user_of(config.token);
    if (!found) return fail(Code::kForbidden, "nobody has this token");
    user = std::move(*found);
  }
  user.groups.push_back("system:authenticated");
  return user;
}

Result<std::unique_ptr<Process>> FleetWorld::start_agent(Member& member, Host& host) {
  std::shared_ptr<kube::Client> client =
      host.wrap(member.server->client(apiserver::admin_user()), {});
  cli::Agent::Environment environment{
      *client, clock_, inside_, log_.with("in", member.name), kube::make_inline_operations(),
      nullptr};
  environment.connect =
      [this, &host](const kube::ClientConfig& config) -> Result<std::shared_ptr<kube::Client>> {
    apiserver::User user = TRY(hub_user(config));
    return host.wrap(hub().server->client(std::move(user)), [this] { return hub_is_away(); });
  };
  auto agent = TRY(cli::Agent::create({}, std::move(environment)));
  return std::make_unique<AgentProcess>(std::move(client), std::move(agent));
}

Result<bool> FleetWorld::step() {
  // Who has something to do: a member's host, its server, or the signer.
  std::vector<std::function<void()>> ready;
  for (const auto& member : members_) {
    if (member->host->ready()) ready.push_back([&] { member->host->step(); });
    if (member->changed) {
      ready.push_back([&] {
        member->changed = false;
        if (member->server->collect()) member->changed = true;
      });
    }
  }
  if (signer_->ready()) ready.push_back([&] { signer_->step(); });
  if (ready.empty()) return false;
  ready[order_.below(ready.size())]();
  for (const auto& member : members_) TRY(member->invariants->look());
  TRY(log_watch_->check());
  clock_.advance(std::chrono::microseconds(order_.below(kLongestStepUs)));
  return true;
}

void FleetWorld::let_time_pass(Duration end) {
  const Duration now = clock_.monotonic();
  Duration next = std::min(end, now + kLongestSleep);
  const auto consider = [&](std::optional<Duration> due) {
    if (due) next = std::min(next, *due);
  };
  for (const auto& member : members_) consider(member->host->next_due());
  consider(signer_->next_due());
  clock_.advance(std::max<Duration>(next - now, std::chrono::milliseconds(1)));
}

Result<> FleetWorld::until(const std::string& what, Duration limit, const Condition& done) {
  trace_.add("until " + what);
  const Duration end = clock_.monotonic() + limit;
  while (true) {
    const bool busy = TRY(while_doing(step(), "waiting for {}", what));
    // Seldom in the middle of the world's work, so that people act at any moment.
    if ((!busy || order_.chance(0.02)) && TRY(while_doing(done(), "waiting for {}", what)))
      return {};
    if (clock_.monotonic() >= end) {
      return fail(Code::kTimeout, "waited {} for {}", format_duration(limit), what);
    }
    if (!busy) let_time_pass(end);
  }
}

Result<> FleetWorld::pass(Duration time) {
  const Duration end = clock_.monotonic() + time;
  return until("time to pass", time + std::chrono::minutes(10),
               [&]() -> Result<bool> { return clock_.monotonic() >= end; });
}

void FleetWorld::start_faults() {
  trace_.add("faults start");
  for (const auto& member : members_) member->host->start_faults();
}

void FleetWorld::stop_faults() {
  trace_.add("faults stop");
  hub_away_until_ = {};
  for (const auto& member : members_) member->host->stop_faults();
}

int FleetWorld::crashes() const {
  int all = 0;
  for (const auto& member : members_) all += member->host->crashes();
  return all;
}

uint64_t FleetWorld::hash() const {
  Trace all(clock_);
  all.mix_in(trace_.hash());
  for (const auto& member : members_) all.mix_in(member->host->trace_hash());
  return all.hash();
}

}  // namespace breakwater::sim
