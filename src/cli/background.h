// Something that works until it is stopped, on a thread of its own as it would be a process of its
// own.
#pragma once

#include <memory>
#include <thread>
#include <utility>

#include "base/cancel.h"

namespace breakwater::cli {

// Worker has run(const CancelToken&) and wake(), as Agent and Hub have. Runs from construction to
// destruction.
template <class Worker>
class Background {
 public:
  explicit Background(std::unique_ptr<Worker> worker)
      : worker_(std::move(worker)), thread_([this] { worker_->run(stop_); }) {}
  ~Background() {
    stop_.cancel();
    worker_->wake();
    thread_.join();
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

 private:
  const std::unique_ptr<Worker> worker_;
  CancelToken stop_;
  std::thread thread_;
};

}  // namespace breakwater::cli
