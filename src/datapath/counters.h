// What threads have done so far, as Progress. Private to datapath/.
#pragma once

#include <atomic>

#include "datapath/volume_backup.h"

namespace breakwater::datapath {

// Counted by many threads, read by any. The figures may be of slightly different moments.
struct Counters {
  std::atomic<uint64_t> done{0}, read{0}, moved{0};
  std::atomic<uint64_t> blobs{0}, blob_bytes{0};  // new data blobs, and their plaintext

  Progress progress(uint64_t total) const { return {total, done, read, moved}; }
};

}  // namespace breakwater::datapath
