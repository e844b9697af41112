#include "cli/interrupt.h"

#include <csignal>
#include <thread>

namespace breakwater::cli {
namespace {

// A signal handler may touch nothing but this.
volatile std::sig_atomic_t interrupted = 0;

void on_signal(int signal) {
  if (interrupted != 0) std::signal(signal, SIG_DFL);
  interrupted = 1;
}

}  // namespace

const CancelToken& interrupt_token() {
  static const CancelToken token;
  return token;
}

void install_interrupt_handler() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::thread([token = interrupt_token()] {
    while (interrupted == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    token.cancel();
  }).detach();
}

}  // namespace breakwater::cli
