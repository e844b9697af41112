// An API server for tests that speak to it over HTTPS: in memory, on loopback, with its own CA.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "apiserver/api_server.h"
#include "apiserver/certificates.h"
#include "apiserver/http_server.h"
#include "apiserver/tokens.h"
#include "base/check.h"
#include "base/file.h"
#include "base/yaml.h"

namespace breakwater::apiserver {

// Logs of pods that tests write themselves.
class FakePodLogs final : public PodLogs {
 public:
  void set(const std::string& pod, std::string text) { logs_[pod] = std::move(text); }
  Result<std::string> read(const kube::Key& pod, const std::string&, int64_t tail_lines) override {
    const auto found = logs_.find(pod.to_string());
    if (found == logs_.end()) return fail(Code::kNotFound, "no log of {}", pod.to_string());
    std::string text = found->second;
    const int64_t lines = std::count(text.begin(), text.end(), '\n');
    for (int64_t cut = lines - tail_lines; tail_lines >= 0 && cut > 0; --cut) {
      text.erase(0, text.find('\n') + 1);
    }
    return text;
  }

 private:
  std::map<std::string, std::string> logs_;
};

// The CRDs of deploy/crds, with those of the systems around us. Tests run in the project's root.
inline std::vector<Json> deployed_crds() {
  std::vector<Json> crds;
  const std::filesystem::path root = "deploy/crds";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".yaml") continue;
    const auto text = read_file(entry.path());
    CHECK(text);
    auto documents = parse_yaml(*text);
    CHECK(documents);
    for (Json& document : *documents) {
      if (document["kind"].as_string() == "CustomResourceDefinition") {
        crds.push_back(std::move(document));
      }
    }
  }
  return crds;
}

// Serves from construction to destruction. Bootstrap tokens work; besides, "admin-token" may do
// everything, "alice-token" is the user alice without permissions.
class LiveServer {
 public:
  explicit LiveServer(Settings settings = {}) {
    const Time now = clock_.now();
    const auto year = std::chrono::hours(24 * 365);
    ca_ = take(make_ca("breakwater test", now, year));
    const KeyPair cert = take(make_server_certificate(ca_, {"localhost", "127.0.0.1"}, now, year));
    api_ = take(ApiServer::open(std::move(settings), clock_, random_, Logger()));
    take_ok(api_->install_crds(deployed_crds()));
    rest_ = std::make_unique<Rest>(*api_, &logs_, clock_);
    bootstrap_tokens_ = std::make_unique<BootstrapTokens>(api_->reader(), clock_);
    all_tokens_ = std::make_unique<TokenChain>(
        std::vector<TokenAuthenticator*>{&tokens_, bootstrap_tokens_.get()});
    tokens_.add("admin-token", admin_user());
    tokens_.add("alice-token", User{"alice", {}, ""});
    api_->set_wake([this] { wake(); });
    collector_ = std::thread([this] { collect(); });
    HttpSettings http;
    http.cert_pem = cert.cert_pem;
    http.key_pem = cert.key_pem;
    http.client_ca_pem = ca_.cert_pem;
    http_ = take(HttpServer::start(http, *rest_, *all_tokens_, Logger()));
  }
  ~LiveServer() {
    http_->stop();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    collector_.join();
    api_->set_wake(nullptr);
  }

  ApiServer& api() { return *api_; }
  Rest& rest() { return *rest_; }
  HttpServer& http() { return *http_; }
  FakePodLogs& logs() { return logs_; }
  StaticTokens& tokens() { return tokens_; }
  const KeyPair& ca() const { return ca_; }
  const Clock& clock() const { return clock_; }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(http_->port()); }

  // A kubeconfig whose current context uses `token`.
  void write_kubeconfig(const std::filesystem::path& file, const std::string& token) const {
    Json cluster = Json::object({{"server", url()}});
    cluster.set("certificate-authority-data", to_base64(as_bytes(ca_.cert_pem)));
    const Json named = Json::object({{"name", "test"}});
    Json clusters = named, users = named, contexts = named;
    clusters.set("cluster", std::move(cluster));
    users.set({"user", "token"}, token);
    contexts.set("context", Json::object({{"cluster", "test"}, {"user", "test"}}));
    take_ok(write_file(file,
                       to_json(Json::object({{"apiVersion", "v1"},
                                             {"kind", "Config"},
                                             {"clusters", Json::array({clusters})},
                                             {"users", Json::array({users})},
                                             {"contexts", Json::array({contexts})},
                                             {"current-context", "test"}})),
                       0600));
  }

 private:
  template <class T>
  static T take(Result<T> result) {
    if (!result) ADD_FAILURE() << result.error().to_string();
    CHECK(result);
    return std::move(*result);
  }
  static void take_ok(Result<> result) {
    if (!result) ADD_FAILURE() << result.error().to_string();
    CHECK(result);
  }

  void wake() {
    {
      const std::lock_guard lock(mutex_);
      dirty_ = true;
    }
    changed_.notify_all();
  }
  void collect() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      dirty_ = false;
      lock.unlock();
      while (api_->collect()) {
      }
      lock.lock();
      changed_.wait(lock, [this] { return dirty_ || stopping_; });
    }
  }

  SystemClock clock_;
  SystemRandom random_;
  KeyPair ca_;
  FakePodLogs logs_;
  StaticTokens tokens_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<BootstrapTokens> bootstrap_tokens_;
  std::unique_ptr<TokenChain> all_tokens_;
  std::unique_ptr<Rest> rest_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool dirty_ = false;
  bool stopping_ = false;
  std::thread collector_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace breakwater::apiserver
