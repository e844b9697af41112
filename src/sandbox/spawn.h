// fork and exec, done with care. Private to processes.cc.
#pragma once

#include <sys/types.h>

#include "base/file.h"
#include "sandbox/processes.h"

namespace breakwater::sandbox {

struct Spawned {
  pid_t pid = -1;
  Fd pidfd;
};

// Starts the process; returns after its exec has succeeded. The child is killed when the calling
// thread ends, has its own process group, default signals, /dev/null as input and no descriptor of
// ours. It holds a lock on its log as long as it lives: kUnavailable if another process still does.
Result<Spawned> spawn_process(const ProcessSpec& spec);

// Sends a signal by descriptor, not by number: a pid may belong to somebody else by now.
void send_signal(const Fd& pidfd, int number);

}  // namespace breakwater::sandbox
