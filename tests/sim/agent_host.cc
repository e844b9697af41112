#include "tests/sim/agent_host.h"

namespace breakwater::sim {
namespace {

// Thrown out of a write that never happens, through everything that the agent is doing: not even
// its error handling sees the end of the process.
struct Crash {};

constexpr Duration kStartRetry = std::chrono::seconds(1);

}  // namespace

AgentHost::AgentHost(kube::Client& client, const Clock& clock, const SeededRandom& random,
                     const Swarm& swarm, Trace& trace, Logger log)
    : client_(client),
      clock_(clock),
      random_(random.fork("crashes")),
      network_(random.fork("network")),
      inside_(random.fork("inside")),
      swarm_(swarm),
      trace_(trace),
      log_(std::move(log)) {}

AgentHost::~AgentHost() = default;

bool AgentHost::step() {
  if (agent_ == nullptr && clock_.monotonic() < start_at_) return false;
  try {
    if (agent_ != nullptr) return agent_->step();
    start();
  } catch (const Crash&) {
    crash();
  }
  return true;
}

std::optional<Duration> AgentHost::next_due() const {
  return agent_ == nullptr ? start_at_ : agent_->next_due();
}

void AgentHost::start() {
  faulty_ = std::make_unique<kube::FaultyClient>(client_, network_,
                                                 faults_ ? swarm_.api : kube::Faults{});
  life_ = faults_ ? draw_life() : 0;
  faulty_->set_before_write([this](int64_t ordinal) -> Result<> {
    if (life_ > 0 && ordinal > life_) throw Crash();
    return {};
  });
  auto agent =
      cli::Agent::create({}, {*faulty_, clock_, inside_, log_, kube::make_inline_operations(), {}});
  if (!agent) {
    trace_.add("agent cannot start: " + agent.error().to_string());
    start_at_ = clock_.monotonic() + kStartRetry;
    return;
  }
  agent_ = std::move(*agent);
  trace_.add("agent starts");
}

void AgentHost::crash() {
  ++crashes_;
  trace_.add("agent crashes");
  if (agent_) earlier_ = earlier_ * 31 + agent_->trace_hash();
  agent_.reset();
  start_at_ = clock_.monotonic() + std::chrono::milliseconds(random_.below(20'000));
}

// Now and then a long one, so that later parts of the story get their share of the crashes.
int64_t AgentHost::draw_life() {
  if (crashes_ >= swarm_.crashes) return 0;
  const uint64_t longest = static_cast<uint64_t>(swarm_.longest_life) << (2 * random_.below(3));
  return 1 + static_cast<int64_t>(random_.below(longest));
}

void AgentHost::start_faults() {
  if (faults_) return;
  faults_ = true;
  if (agent_ == nullptr) return;
  faulty_->set_faults(swarm_.api);
  if (const int64_t life = draw_life(); life > 0) life_ = faulty_->writes() + life;
}

void AgentHost::stop_faults() {
  faults_ = false;
  life_ = 0;
  if (faulty_) faulty_->set_faults({});
}

uint64_t AgentHost::trace_hash() const {
  return agent_ ? earlier_ * 31 + agent_->trace_hash() : earlier_;
}

}  // namespace breakwater::sim
