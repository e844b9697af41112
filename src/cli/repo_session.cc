#include "cli/repo_session.h"

#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "blob/local_store.h"
#include "cli/terminal.h"

namespace breakwater::cli {
namespace {

std::string this_host() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

void RepoOptions::add_to(Command& command) {
  command.option("-r,--repo", repository, "the repository: a directory", "RESTIC_REPOSITORY");
  command.option("-p,--password-file", password_file, "a file whose first line is the password",
                 "RESTIC_PASSWORD_FILE");
  command.flag("--json", json, "JSON on stdout");
}

Result<std::unique_ptr<RepoSession>> RepoSession::start(const RepoOptions& options) {
  if (options.repository.empty()) {
    return fail(Code::kInvalid, "no repository given: use --repo DIR or RESTIC_REPOSITORY");
  }
  std::string path = options.repository;
  if (path.starts_with("local:")) path.erase(0, 6);
  std::unique_ptr<RepoSession> session(new RepoSession);
  session->options_ = options;
  session->hostname_ = this_host();
  session->store_ = blob::make_local_store({path, 0400, true}, session->random_);
  return session;
}

Result<std::string> RepoSession::password() const {
  if (const char* password = std::getenv("RESTIC_PASSWORD"); password != nullptr && *password) {
    return std::string(password);
  }
  if (options_.password_file.empty()) {
    return fail(Code::kInvalid,
                "no password given: set RESTIC_PASSWORD, or use --password-file FILE");
  }
  std::string text = without_line_end(TRY(read_file(options_.password_file)));
  if (text.empty()) return fail(Code::kInvalid, "{} holds no password", options_.password_file);
  return text;
}

repo::Environment RepoSession::environment() {
  const char* user = std::getenv("USER");
  return {*store_, clock_, random_, Logger(), hostname_, user == nullptr ? "root" : user};
}

Result<> RepoSession::init() {
  const std::string secret = TRY(password());
  return repo::Repository::init(environment(), secret);
}

Result<repo::Repository*> RepoSession::open(repo::Settings settings) {
  const std::string secret = TRY(password());
  repository_ = TRY(repo::Repository::open(environment(), secret, settings));
  return repository_.get();
}

int complain_as_restic(const Error& error) {
  switch (error.code()) {
    case Code::kNotFound:
      return complain(error, kExitNoRepository);
    case Code::kConflict:
      return complain(error, kExitLocked);
    case Code::kForbidden:
      return complain(error, kExitWrongPassword);
    default:
      return complain(error, kExitFailed);
  }
}

}  // namespace breakwater::cli
