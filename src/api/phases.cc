#include "api/phases.h"

namespace breakwater::api {

bool backup_is_terminal(std::string_view phase) {
  using namespace backup_phase;
  return phase == kFailedValidation || phase == kCompleted || phase == kPartiallyFailed ||
         phase == kFailed;
}

bool restore_is_terminal(std::string_view phase) { return backup_is_terminal(phase); }

bool data_move_is_terminal(std::string_view phase) {
  using namespace data_phase;
  return phase == kCanceled || phase == kCompleted || phase == kFailed;
}

bool backup_blocks_schedule(std::string_view phase) {
  using namespace backup_phase;
  return phase.empty() || phase == kNew || phase == kInProgress;
}

}  // namespace breakwater::api
