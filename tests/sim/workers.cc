#include "tests/sim/workers.h"

#include <mutex>
#include <vector>

#include "base/file.h"
#include "blob/faulty_store.h"
#include "blob/store_factory.h"
#include "datapath/worker.h"
#include "mover/worker_pod.h"

namespace breakwater::sim {
namespace {

constexpr uint64_t kMostOperationsBeforeDeath = 40;

std::string flag_of(const sandbox::ProcessSpec& spec, std::string_view name) {
  for (const std::string& arg : spec.args) {
    if (arg.starts_with(name)) return arg.substr(name.size());
  }
  return "";
}

std::string variable_of(const sandbox::ProcessSpec& spec, std::string_view name) {
  for (const std::string& variable : spec.env) {
    if (variable.starts_with(name) && variable[name.size()] == '=') {
      return variable.substr(name.size() + 1);
    }
  }
  return "";
}

// Draws are the worker's own, so that its threads cannot change what others draw.
class LockedRandom final : public Random {
 public:
  explicit LockedRandom(uint64_t seed) : random_(seed) {}
  uint64_t next() override {
    const std::lock_guard lock(mutex_);
    return random_.next();
  }

 private:
  std::mutex mutex_;
  SeededRandom random_;
};

// All stores of one worker; they stop working at the same moment.
class Stores {
 public:
  Stores(Random& random, std::optional<int64_t> death) : random_(random), death_(death) {}

  Result<std::unique_ptr<blob::ObjectStore>> open(const blob::StoreLocation& location) {
    stores_.push_back(TRY(blob::open_store(location, random_)));
    return blob::make_faulty_store(*stores_.back(), random_, {},
                                   [this](int64_t ordinal, const std::string&) -> Result<> {
                                     if (!death_ || ordinal < *death_) return {};
                                     died_ = true;
                                     return fail(Code::kUnavailable, "the worker was killed");
                                   });
  }
  bool died() const { return died_; }

 private:
  Random& random_;
  const std::optional<int64_t> death_;
  std::atomic<bool> died_{false};
  std::vector<std::unique_ptr<blob::ObjectStore>> stores_;
};

}  // namespace

Workers::Workers(const Clock& clock, Random& random, const Swarm& swarm, Trace& trace, Logger log)
    : clock_(clock),
      random_(random),
      swarm_(swarm),
      trace_(trace),
      log_(std::move(log)),
      kills_left_(swarm.worker_kills) {}

Result<int64_t> Workers::start(const sandbox::ProcessSpec& spec, OnExit on_exit) {
  const auto most = static_cast<uint64_t>(swarm_.slow_workers ? 20'000 : 2'000);
  const Duration takes = std::chrono::milliseconds(50 + random_.below(most));
  running_[next_id_] = {spec, std::move(on_exit), clock_.monotonic() + takes};
  return next_id_++;
}

void Workers::signal(int64_t id, int number) {
  if (number == SIGTERM || number == SIGKILL) end(id, {128 + number, true});
}

std::optional<Duration> Workers::next_due() const {
  std::optional<Duration> first;
  for (const auto& [id, process] : running_) {
    if (!first || process.due < *first) first = process.due;
  }
  return first;
}

bool Workers::step() {
  for (const auto& [id, process] : running_) {
    if (process.due > clock_.monotonic()) continue;
    const std::optional<int> code = work(process.spec);
    end(id, code ? sandbox::ProcessExit{*code, false} : sandbox::ProcessExit{137, true});
    return true;
  }
  return false;
}

void Workers::end(int64_t id, sandbox::ProcessExit exit) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  const OnExit on_exit = std::move(found->second.on_exit);
  trace_.add(fmt::format("worker {} ends with {}", variable_of(found->second.spec, "HOSTNAME"),
                         exit.code));
  running_.erase(found);
  on_exit(exit);
}

std::optional<int> Workers::work(const sandbox::ProcessSpec& spec) {
  LockedRandom random(random_.next());
  std::optional<int64_t> death;
  if (kills_left_ > 0 && random_.chance(0.3)) {
    death = static_cast<int64_t>(1 + random_.below(kMostOperationsBeforeDeath));
  }
  Stores stores(random, death);
  datapath::WorkerEnvironment environment{
      clock_, random,
      log_,   variable_of(spec, "HOSTNAME"),
      "root", [&stores](const blob::StoreLocation& location) { return stores.open(location); }};
  environment.settings.upload_threads = 0;
  environment.settings.lock_recheck = Duration(0);
  environment.kdf = {1024, 8, 1};

  Result<Json> result = parse_json(flag_of(spec, mover::kConfigFlag)).value_or(Json());
  auto config = datapath::worker_config_from_json(*result);
  if (config) {
    config->password = variable_of(spec, "RESTIC_PASSWORD");
    config->threads = 1;
    result = datapath::run_worker(*config, environment, CancelToken());
  } else {
    result = tl::unexpected(config.error());
  }
  if (stores.died()) {
    --kills_left_;
    ++killed_;
    return std::nullopt;
  }
  const Json report = result ? *result
                             : Json::object({{"error", result.error().to_string()},
                                             {"code", code_name(result.error().code())}});
  if (result) {
    const Json progress =
        Json::object({{"totalBytes", report["totalBytes"]}, {"bytesDone", report["totalBytes"]}});
    if (!write_file(spec.log, to_json(progress) + "\n")) return 1;
  }
  if (!write_file(flag_of(spec, mover::kResultFlag), to_json(report))) return 1;
  return result ? 0 : 1;
}

}  // namespace breakwater::sim
