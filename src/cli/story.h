// The story that `make demo` tells: one VM is labelled, backed up, changed, backed up again,
// destroyed with its namespace, restored by UID, and compared byte for byte, by us and by the real
// restic.
//
// Everything is done as a user would: objects through the API over HTTPS, data on the volume's
// file. Each step can meet a sandbox that has just been killed: it is repeated until its deadline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "cli/sandbox_process.h"
#include "kube/client.h"

namespace breakwater::cli {

struct StoryOptions {
  std::filesystem::path program;    // our own binary
  std::filesystem::path directory;  // of everything that the story makes
  std::string size = "1Gi";         // of the disk
  int64_t kills = 0;                // of the sandbox, at random moments
  int64_t seed = 1;
};

// One line of the table at the end.
struct StoryRow {
  std::string what;
  uint64_t logical_size = 0, bytes_read = 0, bytes_moved = 0;
  double seconds = 0;
  bool verified = false;
};

class Story {
 public:
  // `say` prints one line of progress.
  Story(StoryOptions options, const Clock& clock, Random& random,
        std::function<void(const std::string&)> say);

  // Runs to the end. An error says which step failed and why.
  Result<> run();
  const std::vector<StoryRow>& rows() const { return rows_; }
  // What is left although nobody owns it; empty is right. Part of run().
  Result<std::vector<std::string>> leftovers();

 private:
  using Attempt = std::function<Result<bool>()>;
  // Repeats `attempt` until it returns true; errors that a restart explains are not final.
  Result<> until(const std::string& what, Duration limit, const Attempt& attempt);
  Result<> ensure(const kube::Kind& kind, const kube::Object& object);

  void allow_kills(double share);

  Result<> set_up_engine();
  Result<> create_vm();
  Result<> label_vm();
  Result<kube::Object> wait_for_backup(Time started_after);
  Result<> add_backup_row(const std::string& what, const kube::Object& backup,
                          const std::filesystem::path& expected);
  Result<> destroy();
  Result<> restore(const kube::Object& backup);
  Result<> compare();
  Result<> quiesce();
  Result<> let_restic_check();
  Result<kube::Object> find_upload(const kube::Object& backup);
  Result<std::filesystem::path> volume_file();

  const StoryOptions options_;
  const Clock& clock_;
  Random& random_;
  std::function<void(const std::string&)> say_;
  SandboxProcess sandbox_;
  std::filesystem::path repository_;  // as restic names it
  std::string password_;
  std::string vm_uid_;
  std::vector<StoryRow> rows_;
};

}  // namespace breakwater::cli
