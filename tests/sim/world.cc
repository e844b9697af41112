#include "tests/sim/world.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace breakwater::sim {
namespace {

namespace fs = std::filesystem;

constexpr int kActors = 4;
// What one step takes: calls have to travel.
constexpr uint64_t kLongestStepUs = 20'000;
// So that conditions that depend on time alone are looked at.
constexpr Duration kLongestSleep = std::chrono::seconds(1);

// In memory where there is such a place: a run syncs thousands of files.
fs::path fast_directory() {
  const fs::path memory = "/dev/shm";
  return fs::is_directory(memory) ? memory : fs::temp_directory_path();
}

Swarm swarm_of(const SeededRandom& seed) {
  SeededRandom random = seed.fork("swarm");
  return draw_swarm(random);
}

}  // namespace

// Keeps lines for the reader, and remembers the first that tells a secret.
class World::Sink final : public LogSink {
 public:
  Sink(Trace& trace, std::string secret) : trace_(trace), secret_(std::move(secret)) {}
  void write(std::string_view line) override {
    trace_.note(std::string(line));
    if (line.find(secret_) == line.npos) return;
    const std::lock_guard lock(mutex_);
    if (leak_.empty()) leak_ = line;
  }
  std::string leak() {
    const std::lock_guard lock(mutex_);
    return leak_;
  }

 private:
  Trace& trace_;
  const std::string secret_;
  std::mutex mutex_;
  std::string leak_;
};

World::World(uint64_t seed, TempDir directory)
    : directory_(std::move(directory)),
      clock_(Time(std::chrono::seconds(1'790'000'000))),
      seed_(seed),
      order_(seed_.fork("order")),
      choices_(seed_.fork("choices")),
      swarm_(swarm_of(seed_)),
      trace_(clock_),
      password_(fmt::format("secret-{:016x}", seed_.fork("password").next())),
      sink_(std::make_shared<Sink>(trace_, password_)),
      log_(sink_, clock_, LogLevel::kDebug) {}

World::~World() {
  invariants_.reset();
  agent_.reset();
}

Result<std::unique_ptr<World>> World::create(uint64_t seed) {
  TempDir directory = TRY(TempDir::create(fast_directory(), "breakwater-sim"));
  std::unique_ptr<World> world(new World(seed, std::move(directory)));
  TRY(world->start());
  return world;
}

Result<> World::start() {
  TRY(make_directories(store()));
  cluster_ = TRY(Cluster::create(directory() / "sandbox", clock_, seed_, swarm_, trace_,
                                 log_.with("in", "cluster")));
  invariants_ =
      std::make_unique<Invariants>(cluster_->server(), client(), bucket(), password_, trace_);
  agent_ = std::make_unique<AgentHost>(client(), clock_, seed_, swarm_, trace_,
                                       log_.with("in", "agent"));
  return {};
}

bool World::act(int actor) {
  switch (actor) {
    case 0:
      return cluster_->runner().step();
    case 1:
      return agent_->step();
    case 2:
      return cluster_->workers().step();
    default:
      return cluster_->server().collect();
  }
}

Result<bool> World::step() {
  std::array<int, kActors> order{};
  std::iota(order.begin(), order.end(), 0);
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[order_.below(left)]);
  }
  const bool busy =
      std::any_of(order.begin(), order.end(), [this](int actor) { return act(actor); });
  TRY(invariants_->look());
  TRY(check_log());
  if (busy) clock_.advance(std::chrono::microseconds(order_.below(kLongestStepUs)));
  return busy;
}

Result<> World::check_log() {
  const std::string leak = sink_->leak();
  if (!leak.empty()) return fail(Code::kInternal, "the password was logged: {}", leak);
  return {};
}

void World::let_time_pass(Duration end) {
  const Duration now = clock_.monotonic();
  Duration next = std::min(end, now + kLongestSleep);
  for (const auto& due :
       {cluster_->runner().next_due(), agent_->next_due(), cluster_->workers().next_due()}) {
    if (due) next = std::min(next, *due);
  }
  clock_.advance(std::max<Duration>(next - now, std::chrono::milliseconds(1)));
}

Result<> World::until(const std::string& what, Duration limit, const Condition& done) {
  trace_.add("until " + what);
  const Duration end = clock_.monotonic() + limit;
  while (true) {
    const bool busy = TRY(while_doing(step(), "waiting for {}", what));
    // Seldom in the middle of the world's work, so that people act at any moment.
    if ((!busy || order_.chance(0.1)) && TRY(while_doing(done(), "waiting for {}", what)))
      return {};
    if (clock_.monotonic() >= end) {
      return fail(Code::kTimeout, "waited {} for {}", format_duration(limit), what);
    }
    if (!busy) let_time_pass(end);
  }
}

Result<> World::pass(Duration time) {
  const Duration end = clock_.monotonic() + time;
  return until("time to pass", time + std::chrono::seconds(10),
               [&]() -> Result<bool> { return clock_.monotonic() >= end; });
}

void World::start_faults() {
  trace_.add("faults start");
  agent_->start_faults();
}

void World::stop_faults() {
  trace_.add("faults stop");
  agent_->stop_faults();
  cluster_->workers().stop_faults();
}

uint64_t World::hash() const {
  Trace all(clock_);
  all.mix_in(trace_.hash());
  all.mix_in(cluster_->runner().trace_hash());
  all.mix_in(agent_->trace_hash());
  return all.hash();
}

}  // namespace breakwater::sim
