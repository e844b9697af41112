#include <algorithm>
#include <cstring>

#include "volume/block_volume.h"

namespace breakwater::volume {

bool is_zero(std::span<const std::byte> data) {
  // When the first bytes are zero and the data equals itself shifted by as many, all are zero.
  // memcmp is vectorised at every optimisation level and leaves at the first difference.
  constexpr size_t kShift = 64;
  const size_t head = std::min(data.size(), kShift);
  const bool head_is_zero = std::all_of(data.begin(), data.begin() + static_cast<ptrdiff_t>(head),
                                        [](std::byte byte) { return byte == std::byte{0}; });
  if (!head_is_zero || data.size() <= kShift) return head_is_zero;
  return std::memcmp(data.data(), data.data() + kShift, data.size() - kShift) == 0;
}

}  // namespace breakwater::volume
