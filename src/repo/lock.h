// Lock files, by restic's protocol (restic doc/design.rst, "Locks"): look for a lock that excludes
// ours, write ours, wait a moment, look again. Exclusive excludes everything, non-exclusive only
// exclusive.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "repo/repository.h"
#include "repo/sealed_files.h"

namespace breakwater::repo {

struct LockRecord {
  Id id;  // the name of its file; not part of the record
  Time time{};
  bool exclusive = false;
  std::string hostname, username;
  int64_t pid = 0;
};

std::string encode_lock(const LockRecord& record);
Result<LockRecord> decode_lock(std::string_view text);

struct LockTiming {
  Duration recheck = std::chrono::milliseconds(200);  // between writing ours and looking again
  Duration refresh = std::chrono::minutes(5);
  Duration stale = std::chrono::minutes(30);  // older ones are nobody's
  // Past this age ours may be taken for stale before we notice: restic's margin.
  Duration lost = std::chrono::minutes(30) - std::chrono::seconds(450);
  Duration poll = std::chrono::seconds(1);  // how often the refresher looks at the clock
};

// Whether nobody can hold this lock any more: too old, or of a process of this host that is gone.
bool is_stale(const LockRecord& lock, Time now, const std::string& hostname,
              const LockTiming& timing);

// All locks. Empty files (a writer died) and such as vanish meanwhile are left out. A damaged one
// is an error that names it.
Result<std::vector<LockRecord>> list_locks(SealedFiles& files);

// kConflict names the holder. `files`, `clock` outlive the lock.
Result<std::unique_ptr<Lock>> acquire_lock(SealedFiles& files, const Clock& clock, Logger log,
                                           LockRecord wanted, const LockTiming& timing);

enum class LocksToRemove { kStale, kStaleAndOwnHost, kAll };

// Removes stale locks, or all. Returns how many.
Result<int> remove_locks(SealedFiles& files, const Clock& clock, const std::string& hostname,
                         LocksToRemove which, const LockTiming& timing);

}  // namespace breakwater::repo
