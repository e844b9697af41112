#include <thread>

#include "kube/http_client.h"
#include "tests/apiserver/live_server.h"
#include "tests/conformance/fixtures.h"
#include "tests/conformance/subject.h"

namespace breakwater::conformance {
namespace {

// ApiServer::client.
class InProcess final : public Subject {
 public:
  InProcess() {
    auto opened = apiserver::ApiServer::open({}, clock_, random_, Logger());
    CHECK(opened);
    server_ = std::move(*opened);
    CHECK(server_->install_crds(fixture_crds()));
    client_ = server_->client(apiserver::admin_user());
  }
  kube::Client& client() override { return *client_; }
  void settle() override {
    while (server_->collect()) {
    }
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<kube::Client> client_;
};

// The same API over HTTPS.
class OverHttps final : public Subject {
 public:
  OverHttps() {
    CHECK(live_.api().install_crds(fixture_crds()));
    kube::ClientConfig config;
    config.server = live_.url();
    config.ca_pem = live_.ca().cert_pem;
    config.token = "admin-token";
    auto made = kube::make_http_client(config, Logger());
    CHECK(made);
    client_ = std::move(*made);
  }
  kube::Client& client() override { return *client_; }
  void settle() override { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

 private:
  apiserver::LiveServer live_;
  std::unique_ptr<kube::Client> client_;
};

}  // namespace

std::vector<Maker> subjects() {
  return {{"InProcess", [] { return std::unique_ptr<Subject>(std::make_unique<InProcess>()); }},
          {"OverHttps", [] { return std::unique_ptr<Subject>(std::make_unique<OverHttps>()); }}};
}

}  // namespace breakwater::conformance
