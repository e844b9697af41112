#include "tests/sim/host.h"

#include "kube/switching_client.h"

namespace breakwater::sim {
namespace {

// Thrown out of a write that never happens, through everything that the process is doing: not even
// its error handling sees the end of the process.
struct Death {};

constexpr Duration kRetryStart = std::chrono::seconds(1);

}  // namespace

// The faulty client, and what it stands on. When what it reaches is away, every call fails and
// every watch ends.
class Host::Wire {
 public:
  Wire(std::shared_ptr<kube::Client> inner, Random& random, Away away)
      : inner_(std::move(inner)), away_(std::move(away)), client_(*inner_, random, {}) {}

  kube::FaultyClient& client() { return client_; }
  void use(const kube::Faults& faults) {
    faults_ = faults;
    refresh();
  }
  void refresh() {
    kube::Faults now = faults_;
    if (away_ && away_()) now.unavailable = now.dropped_watch = 1;
    client_.set_faults(now);
  }

 private:
  std::shared_ptr<kube::Client> inner_;
  Away away_;
  kube::Faults faults_;
  kube::FaultyClient client_;
};

Host::Host(std::string name, Start start, const Clock& clock, const SeededRandom& random,
           const Swarm& swarm, Trace& trace)
    : name_(std::move(name)),
      start_(std::move(start)),
      clock_(clock),
      random_(random.fork(name_ + " crashes")),
      network_(random.fork(name_ + " network")),
      swarm_(swarm),
      trace_(trace) {}

Host::~Host() = default;

std::shared_ptr<kube::Client> Host::wrap(std::shared_ptr<kube::Client> inner, Away away) {
  auto wire = std::make_shared<Wire>(std::move(inner), network_, std::move(away));
  wire->use(faults_ ? swarm_.api : kube::Faults{});
  wire->client().set_before_write([this](int64_t) -> Result<> {
    count_write();
    return {};
  });
  wires_.push_back(wire);
  return {wire, &wire->client()};
}

void Host::count_write() {
  ++writes_;
  if (life_ > 0 && writes_ > life_) throw Death();
}

bool Host::ready() const { return process_ ? process_->ready() : clock_.monotonic() >= start_at_; }

bool Host::step() {
  if (process_ == nullptr && clock_.monotonic() < start_at_) return false;
  for (const auto& wire : wires_) {
    if (auto alive = wire.lock()) alive->refresh();
  }
  try {
    if (process_ != nullptr) return process_->step();
    start();
  } catch (const Death&) {
    crash();
  }
  return true;
}

std::optional<Duration> Host::next_due() const {
  return process_ == nullptr ? start_at_ : process_->next_due();
}

void Host::start() {
  wires_.clear();
  writes_ = 0;
  life_ = faults_ ? draw_life() : 0;
  auto process = start_(*this);
  if (!process) {
    trace_.add(name_ + " cannot start: " + process.error().to_string());
    start_at_ = clock_.monotonic() + kRetryStart;
    return;
  }
  process_ = std::move(*process);
  trace_.add(name_ + " starts");
}

void Host::crash() {
  ++crashes_;
  kill(std::chrono::milliseconds(random_.below(20'000)));
}

void Host::kill(Duration pause) {
  trace_.add(name_ + " dies");
  if (process_) earlier_ = earlier_ * 31 + process_->trace_hash();
  process_.reset();
  start_at_ = clock_.monotonic() + pause;
}

// Now and then a long one, so that later parts of the story get their share of the crashes.
int64_t Host::draw_life() {
  if (crashes_ >= swarm_.crashes) return 0;
  const uint64_t longest = static_cast<uint64_t>(swarm_.longest_life) << (2 * random_.below(3));
  return 1 + static_cast<int64_t>(random_.below(longest));
}

void Host::start_faults() {
  if (faults_) return;
  faults_ = true;
  for (const auto& wire : wires_) {
    if (auto alive = wire.lock()) alive->use(swarm_.api);
  }
  if (const int64_t life = draw_life(); process_ && life > 0) life_ = writes_ + life;
}

void Host::stop_faults() {
  faults_ = false;
  life_ = 0;
  for (const auto& wire : wires_) {
    if (auto alive = wire.lock()) alive->use({});
  }
}

uint64_t Host::trace_hash() const {
  return process_ ? earlier_ * 31 + process_->trace_hash() : earlier_;
}

}  // namespace breakwater::sim
