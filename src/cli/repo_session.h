// What all `breakwater repo` commands share: which repository, with which password, and exit codes
// as restic's.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "cli/command_line.h"
#include "repo/repository.h"

namespace breakwater::cli {

// restic's exit codes.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitNoRepository = 10;
inline constexpr int kExitLocked = 11;
inline constexpr int kExitWrongPassword = 12;

struct RepoOptions {
  std::string repository;     // --repo, RESTIC_REPOSITORY
  std::string password_file;  // --password-file, RESTIC_PASSWORD_FILE
  bool json = false;

  void add_to(Command& command);
};

// An object store, and the repository in it once it is open.
class RepoSession {
 public:
  // Opens the store that `options` names, as restic would: a directory ("local:" before it or not),
  // or "s3:https://host/bucket/prefix" with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
  // AWS_SESSION_TOKEN, else with AWS_PROFILE of AWS_SHARED_CREDENTIALS_FILE; AWS_DEFAULT_REGION;
  // RESTIC_CACERT.
  static Result<std::unique_ptr<RepoSession>> start(const RepoOptions& options);

  Result<> init();
  // Opens the repository with the password of RESTIC_PASSWORD or the password file.
  Result<repo::Repository*> open(repo::Settings settings = {});

  const Clock& clock() const { return clock_; }
  const std::string& hostname() const { return hostname_; }

 private:
  RepoSession() = default;
  Result<std::string> password() const;
  // So that a store that refuses us is not taken for a wrong password.
  Result<> check_access();
  repo::Environment environment();

  SystemClock clock_;
  SystemRandom random_;
  RepoOptions options_;
  std::string hostname_;
  std::unique_ptr<blob::ObjectStore> store_;
  std::unique_ptr<repo::Repository> repository_;
};

// Tells what went wrong and returns restic's exit code for it.
int complain_as_restic(const Error& error);

}  // namespace breakwater::cli
