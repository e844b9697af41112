#include "cli/repo_session.h"

#include <unistd.h>

#include <cstdlib>

#include "base/file.h"
#include "blob/local_store.h"
#include "blob/s3_location.h"
#include "cli/terminal.h"

namespace breakwater::cli {
namespace {

std::string this_host() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

std::string environment_value(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The text of a credentials file: the environment's keys, or what AWS's tools would read.
Result<std::string> aws_credentials() {
  const std::string key = environment_value("AWS_ACCESS_KEY_ID");
  if (!key.empty()) {
    std::string text = fmt::format("[default]\naws_access_key_id={}\naws_secret_access_key={}\n",
                                   key, environment_value("AWS_SECRET_ACCESS_KEY"));
    const std::string token = environment_value("AWS_SESSION_TOKEN");
    if (!token.empty()) text += fmt::format("aws_session_token={}\n", token);
    return text;
  }
  std::string path = environment_value("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = environment_value("HOME") + "/.aws/credentials";
  auto text = read_file(path);
  if (text) return text;
  return fail(Code::kInvalid,
              "no keys for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
              "AWS_SHARED_CREDENTIALS_FILE");
}

Result<std::unique_ptr<blob::ObjectStore>> open_s3(const std::string& url, Random& random) {
  blob::StoreLocation location =
      TRY(blob::location_of_restic_url(url, environment_value("AWS_DEFAULT_REGION")));
  location.credentials = TRY(aws_credentials());
  const std::string profile = environment_value("AWS_PROFILE");
  const bool from_file = environment_value("AWS_ACCESS_KEY_ID").empty();
  if (from_file && !profile.empty()) location.config["profile"] = profile;
  const std::string ca = environment_value("RESTIC_CACERT");
  if (!ca.empty()) location.ca_cert = TRY(read_file(ca));
  return blob::open_store(location, random);
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

void RepoOptions::add_to(Command& command) {
  command.option("-r,--repo", repository,
                 "the repository: a directory, or s3:https://host/bucket/prefix",
                 "RESTIC_REPOSITORY");
  command.option("-p,--password-file", password_file, "a file whose first line is the password",
                 "RESTIC_PASSWORD_FILE");
  command.flag("--json", json, "JSON on stdout");
}

Result<std::unique_ptr<RepoSession>> RepoSession::start(const RepoOptions& options) {
  if (options.repository.empty()) {
    return fail(Code::kInvalid,
                "no repository given: use --repo DIR, --repo s3:https://host/bucket/prefix, or "
                "RESTIC_REPOSITORY");
  }
  std::string path = options.repository;
  std::unique_ptr<RepoSession> session(new RepoSession);
  session->options_ = options;
  session->hostname_ = this_host();
  if (path.starts_with("s3:")) {
    session->store_ = TRY(open_s3(path, session->random_));
    return session;
  }
  if (path.starts_with("local:")) path.erase(0, 6);
  session->store_ = blob::make_local_store({path, 0400, true}, session->random_);
  return session;
}

Result<> RepoSession::check_access() {
  auto looked = store_->head("config");
  if (looked || looked.error().is(Code::kNotFound)) return {};
  if (!looked.error().is(Code::kForbidden)) return tl::unexpected(std::move(looked).error());
  return fail(Code::kUnauthorized, "{}", looked.error().to_string());
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
  TRY(check_access());
  return repo::Repository::init(environment(), secret);
}

Result<repo::Repository*> RepoSession::open(repo::Settings settings) {
  const std::string secret = TRY(password());
  TRY(check_access());
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
