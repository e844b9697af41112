#include "base/cancel.h"

namespace breakwater {

Result<> CancelToken::check() const {
  if (cancelled()) return fail(Code::kCancelled, "cancelled");
  return {};
}

}  // namespace breakwater
