#include "cli/sandbox_process.h"

#include "base/file.h"
#include "kube/http_client.h"
#include "kube/kubeconfig.h"

namespace breakwater::cli {
namespace {

constexpr Duration kReadyTimeout = std::chrono::seconds(60);
constexpr auto kPoll = std::chrono::milliseconds(50);

}  // namespace

SandboxProcess::SandboxProcess(std::filesystem::path program, std::filesystem::path directory,
                               const Clock& clock)
    : program_(std::move(program)), directory_(std::move(directory)), clock_(clock) {}

SandboxProcess::~SandboxProcess() { stop(); }

Result<> SandboxProcess::spawn() {
  TRY(make_directories(directory_, 0700));
  auto child = TRY(Child::start(
      {program_.string(), "sandbox", "up", "--directory", directory_.string()}, log_file()));
  std::lock_guard lock(mutex_);
  child_.emplace(std::move(child));
  return {};
}

Result<> SandboxProcess::wait_until_ready() {
  const Duration start = clock_.monotonic();
  Error last(Code::kTimeout, "it wrote no kubeconfig");
  while (clock_.monotonic() - start < kReadyTimeout) {
    {
      std::lock_guard lock(mutex_);
      if (auto code = child_->poll()) {
        return fail(Code::kInternal, "the sandbox ended with {}; its log is {}", *code,
                    log_file().string());
      }
    }
    if (!client_ && std::filesystem::exists(kubeconfig())) {
      kube::ClientConfig config = TRY(kube::load_kubeconfig(kubeconfig()));
      client_ = TRY(kube::make_http_client(std::move(config), Logger()));
    }
    if (client_) {
      auto ready = client_->get_raw("/readyz");
      if (ready) return {};
      last = ready.error();
    }
    std::this_thread::sleep_for(kPoll);
  }
  return fail(Code::kTimeout, "the sandbox did not become ready: {}; its log is {}",
              last.to_string(), log_file().string());
}

Result<> SandboxProcess::start() {
  TRY(spawn());
  return wait_until_ready();
}

void SandboxProcess::kill_at_random(uint64_t seed) {
  killer_ = std::thread([this, seed] { kill_loop(seed); });
}

void SandboxProcess::kill_loop(uint64_t seed) {
  SeededRandom random(seed);
  while (!stopping_) {
    const auto wait = std::chrono::milliseconds(100 + random.below(2500));
    const Duration until = clock_.monotonic() + wait;
    while (!stopping_ && (clock_.monotonic() < until || killed_ >= allowed_kills_)) {
      std::this_thread::sleep_for(kPoll);
    }
    if (stopping_) return;
    {
      std::lock_guard lock(mutex_);
      child_->kill_and_wait();
    }
    ++killed_;
    if (!spawn()) return;
  }
}

void SandboxProcess::stop() {
  stopping_ = true;
  if (killer_.joinable()) killer_.join();
  std::lock_guard lock(mutex_);
  if (child_) child_->stop();
  child_.reset();
}

}  // namespace breakwater::cli
