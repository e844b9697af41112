// Ctrl-C and SIGTERM as a CancelToken.
#pragma once

#include "base/cancel.h"

namespace breakwater::cli {

// restic's exit code after an interrupt.
inline constexpr int kExitInterrupted = 130;

// From now on the first SIGINT or SIGTERM sets the token; a second one ends the program at once.
void install_interrupt_handler();
// The process's one token. Cancelled at the latest a tenth of a second after the signal.
const CancelToken& interrupt_token();

}  // namespace breakwater::cli
