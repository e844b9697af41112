#include "repo/lock.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "repo/json_reader.h"
#include "repo/json_writer.h"

namespace breakwater::repo {
namespace {

constexpr Duration kRetryRefresh = std::chrono::seconds(10);

std::string describe(const LockRecord& lock) {
  return fmt::format("process {} of {}@{} since {}{}", lock.pid, lock.username, lock.hostname,
                     format_rfc3339(lock.time), lock.exclusive ? " (exclusive)" : "");
}

// restic leaves stale locks of others alone too: only unlock removes them.
Result<> check_free(SealedFiles& files, const LockRecord& wanted, const Clock& clock,
                    const LockTiming& timing) {
  for (const LockRecord& lock : TRY(list_locks(files))) {
    if (lock.id == wanted.id || (!lock.exclusive && !wanted.exclusive)) continue;
    const bool stale = is_stale(lock, clock.now(), wanted.hostname, timing);
    return fail(Code::kConflict, "the repository is locked by {}{}", describe(lock),
                stale ? ", which is gone: unlock removes its lock" : "");
  }
  return {};
}

Result<Id> write_lock(SealedFiles& files, const LockRecord& record) {
  return files.save(FileKind::kLock, encode_lock(record));
}

class HeldLock final : public Lock {
 public:
  HeldLock(SealedFiles& files, const Clock& clock, Logger log, LockRecord record, LockTiming timing)
      : files_(files),
        clock_(clock),
        log_(std::move(log)),
        timing_(timing),
        record_(std::move(record)),
        refreshed_(clock.monotonic()),
        refresher_([this] { refresh_until_stopped(); }) {}

  ~HeldLock() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    refresher_.join();
    const Result<> removed = files_.remove(FileKind::kLock, record_.id);
    if (!removed) {
      log_.warning("lock could not be removed", {{"error", removed.error().to_string()}});
    }
  }

  Result<> check() const override {
    const std::lock_guard lock(mutex_);
    if (lost_) return tl::unexpected(*lost_);
    if (age() < timing_.lost) return {};
    return fail(Code::kConflict,
                "the lock could not be refreshed for {}, others may take it for stale",
                format_duration(age()));
  }

 private:
  // By whichever clock has run further: a suspended machine stops only the monotonic one, and
  // others judge by the wall clock. mutex_ is held.
  Duration age() const {
    return std::max<Duration>(clock_.monotonic() - refreshed_, clock_.now() - record_.time);
  }

  void refresh_until_stopped() {
    std::unique_lock lock(mutex_);
    Duration next_try{};
    while (!stop_ && !lost_) {
      wake_.wait_for(lock, timing_.poll, [&] { return stop_; });
      const bool due = age() >= timing_.refresh && clock_.monotonic() >= next_try;
      if (stop_ || !due) continue;
      const Result<> done = refresh(lock);
      if (done) continue;
      next_try = clock_.monotonic() + kRetryRefresh;
      log_.warning("lock could not be refreshed", {{"error", done.error().to_string()}});
    }
  }

  // Writes a new file before the old one goes, so that there is one at any moment. The file
  // operations run without the mutex.
  Result<> refresh(std::unique_lock<std::mutex>& lock) {
    LockRecord fresh = record_;
    const bool late = age() >= timing_.lost;
    const Duration started = clock_.monotonic();
    fresh.time = clock_.now();
    lock.unlock();
    const Result<Id> written = replace(fresh, late);
    lock.lock();
    if (!written) {
      if (written.error().is(Code::kConflict)) lost_ = written.error();
      return tl::unexpected(written.error());
    }
    fresh.id = *written;
    record_ = std::move(fresh);
    refreshed_ = started;
    return {};
  }

  // A lock that somebody removed is lost for good: an exclusive one may have come and gone since.
  Result<Id> replace(const LockRecord& fresh, bool late) {
    TRY(check_there());
    const Id id = TRY(write_lock(files_, fresh));
    Result<> still;
    if (late) {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, timing_.recheck, [&] { return stop_; });
      lock.unlock();
      still = check_there();
    }
    TRY(files_.remove(FileKind::kLock, still ? record_.id : id));
    if (!still) return tl::unexpected(still.error());
    return id;
  }

  Result<> check_there() {
    const Result<blob::ObjectInfo> info = files_.store().head(key_of(FileKind::kLock, record_.id));
    if (info) return {};
    if (!info.error().is(Code::kNotFound)) return tl::unexpected(info.error());
    return fail(Code::kConflict, "somebody removed the lock of this process");
  }

  SealedFiles& files_;
  const Clock& clock_;
  const Logger log_;
  const LockTiming timing_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  LockRecord record_;   // written by the refresher only
  Duration refreshed_;  // monotonic
  std::optional<Error> lost_;
  bool stop_ = false;
  std::thread refresher_;  // last: it uses everything above
};

void wait(Duration duration) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, duration, [] { return false; });
}

}  // namespace

std::string encode_lock(const LockRecord& record) {
  JsonWriter json;
  json.begin_object();
  json.name("time");
  json.time(record.time);
  json.name("exclusive");
  json.boolean(record.exclusive);
  json.member("hostname", record.hostname);
  json.member("username", record.username);
  json.member("pid", static_cast<uint64_t>(record.pid));
  json.end_object();
  return json.take();
}

Result<LockRecord> decode_lock(std::string_view text) {
  LockRecord record;
  JsonReader json(text);
  std::string_view name;
  json.begin_object();
  while (json.next_member(name)) {
    if (name == "time")
      record.time = json.time();
    else if (name == "exclusive")
      record.exclusive = json.boolean();
    else if (name == "hostname")
      record.hostname = json.string();
    else if (name == "username")
      record.username = json.string();
    else if (name == "pid")
      record.pid = static_cast<int64_t>(json.number32());
    else
      json.skip();
  }
  TRY(json.finish("lock"));
  return record;
}

bool is_stale(const LockRecord& lock, Time now, const std::string& hostname,
              const LockTiming& timing) {
  // Not now - time: a record may hold any time.
  if (lock.time < now - timing.stale) return true;
  if (lock.hostname != hostname || lock.pid <= 0) return false;
  return ::kill(static_cast<pid_t>(lock.pid), 0) != 0 && errno == ESRCH;
}

Result<std::vector<LockRecord>> list_locks(SealedFiles& files) {
  std::vector<LockRecord> locks;
  for (const StoredFile& file : TRY(list_files(files.store(), FileKind::kLock))) {
    if (file.size == 0) continue;
    const Result<std::string> text = files.load(FileKind::kLock, file.id);
    if (!text && text.error().is(Code::kNotFound)) continue;
    if (!text) return tl::unexpected(text.error());
    LockRecord lock = TRY(while_doing(decode_lock(*text), "reading lock {}", file.id.to_string()));
    lock.id = file.id;
    locks.push_back(std::move(lock));
  }
  return locks;
}

Result<std::unique_ptr<Lock>> acquire_lock(SealedFiles& files, const Clock& clock, Logger log,
                                           LockRecord wanted, const LockTiming& timing) {
  TRY(check_free(files, wanted, clock, timing));
  wanted.time = clock.now();
  wanted.id = TRY(write_lock(files, wanted));
  if (timing.recheck > Duration::zero()) wait(timing.recheck);
  const Result<> free = check_free(files, wanted, clock, timing);
  if (free) {
    return std::make_unique<HeldLock>(files, clock, std::move(log), std::move(wanted), timing);
  }
  const Result<> removed = files.remove(FileKind::kLock, wanted.id);
  if (!removed) log.warning("lock could not be removed", {{"error", removed.error().to_string()}});
  return tl::unexpected(free.error());
}

Result<int> remove_locks(SealedFiles& files, const Clock& clock, const std::string& hostname,
                         LocksToRemove which, const LockTiming& timing) {
  int removed = 0;
  for (const StoredFile& file : TRY(list_files(files.store(), FileKind::kLock))) {
    bool remove = which == LocksToRemove::kAll;
    if (!remove && file.size != 0) {
      const Result<std::string> text = files.load(FileKind::kLock, file.id);
      if (!text) continue;  // gone, or not ours to judge
      const Result<LockRecord> lock = decode_lock(*text);
      remove = lock && (is_stale(*lock, clock.now(), hostname, timing) ||
                        (which == LocksToRemove::kStaleAndOwnHost && lock->hostname == hostname));
    }
    if (!remove) continue;
    TRY(files.remove(FileKind::kLock, file.id));
    ++removed;
  }
  return removed;
}

}  // namespace breakwater::repo
