// The whole sandbox in this process: HTTPS, files, real children.
#include "sandbox/sandbox.h"

#include <gtest/gtest.h>

#include <thread>

#include "api/kinds.h"
#include "base/file.h"
#include "kube/http_client.h"
#include "kube/kubeconfig.h"
#include "sandbox/setup.h"

namespace breakwater::sandbox_test {
namespace {

namespace fs = std::filesystem;

class WholeSandbox : public testing::Test {
 protected:
  void start() {
    sandbox::SandboxSettings settings;
    settings.directory = directory_.path() / "sandbox";
    settings.binary = "/bin/sh";  // pods' arguments are its arguments
    sandbox_ = sandbox::Sandbox::start(settings, clock_, random_, Logger()).value();
    client_ =
        kube::make_http_client(kube::load_kubeconfig(sandbox_->kubeconfig()).value(), Logger())
            .value();
  }
  void stop() {
    client_.reset();
    sandbox_.reset();
  }
  // Until it is so, in real time.
  bool eventually(const std::function<bool()>& is_so) {
    const Duration end = clock_.monotonic() + std::chrono::seconds(15);
    while (clock_.monotonic() < end) {
      if (is_so()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  kube::Object get(const kube::Kind& kind, const kube::Key& key) {
    return client_->get(kind, key).value_or(kube::Object());
  }
  void create_pod(const std::string& name, const std::string& script) {
    kube::Object pod = kube::Object::make(api::kPod, {"default", name});
    Json container = Json::object({{"name", "main"}, {"image", api::kWorkerImage}});
    container.set("args", Json::array({"-c", script}));
    pod.set({"spec", "containers"}, Json::array({container}));
    pod.set({"spec", "restartPolicy"}, "Never");
    const auto created = client_->create(api::kPod, pod);
    ASSERT_TRUE(created) << created.error().to_string();
  }

  TempDir directory_ = TempDir::create(fs::temp_directory_path(), "whole").value();
  const SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::unique_ptr<kube::Client> client_;
};

TEST_F(WholeSandbox, ServesVolumesAndPodsAndSurvivesItsEnd) {
  start();
  const kube::Key disk{"default", "disk"};
  kube::Object claim = kube::Object::make(api::kPersistentVolumeClaim, disk);
  claim.set({"spec", "accessModes"}, Json::array({"ReadWriteOnce"}));
  claim.set({"spec", "volumeMode"}, "Block");
  claim.set({"spec", "resources", "requests", "storage"}, "1Mi");
  ASSERT_TRUE(client_->create(api::kPersistentVolumeClaim, claim));
  EXPECT_TRUE(
      eventually([&] { return get(api::kPersistentVolumeClaim, disk).phase() == "Bound"; }));

  create_pod("greeter", "echo hello; echo '{\"x\":1}' > /dev/termination-log; exit 3");
  EXPECT_TRUE(eventually([&] {
    return get(api::kPod, {"default", "greeter"}).phase() == "Failed";
  }));
  const Json ended = get(api::kPod, {"default", "greeter"})
                         .status()["containerStatuses"][0]["state"]["terminated"];
  EXPECT_EQ(ended["exitCode"].as_int(), 3);
  EXPECT_EQ(ended["message"].as_string(), "{\"x\":1}\n");
  const std::string path = api::kPod.path("default", "greeter") + "/log?tailLines=1";
  EXPECT_EQ(client_->get_raw(path).value_or("no log"), "hello\n");
  EXPECT_EQ(sandbox_->client(apiserver::admin_user())->get_raw(path).value_or("none"), "hello\n");

  create_pod("sleeper", "exec sleep 100");
  EXPECT_TRUE(eventually([&] {
    return get(api::kPod, {"default", "sleeper"}).phase() == "Running";
  }));
  const std::string url = sandbox_->url();
  EXPECT_EQ(sandbox::sandbox_url(directory_.path() / "sandbox").value(), url);
  stop();

  start();
  EXPECT_EQ(sandbox_->url(), url);
  EXPECT_EQ(get(api::kPersistentVolumeClaim, disk).phase(), "Bound");
  EXPECT_TRUE(eventually([&] {
    return get(api::kPod, {"default", "sleeper"}).phase() == "Failed";
  }));
  EXPECT_EQ(get(api::kPod, {"default", "sleeper"}).status()["reason"].as_string(), "NodeLost");
  stop();
}

TEST_F(WholeSandbox, OneDirectoryServesOneSandbox) {
  start();
  sandbox::SandboxSettings settings;
  settings.directory = directory_.path() / "sandbox";
  settings.binary = "/bin/sh";
  const auto second = sandbox::Sandbox::start(settings, clock_, random_, Logger());
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(Code::kUnavailable));
  stop();
  const auto none = sandbox::sandbox_url(directory_.path() / "elsewhere");
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().is(Code::kNotFound));
}

TEST(EmbeddedCrds, OperatorsKindsAreThereOnlyWhenAskedFor) {
  const auto count = [](bool olm) {
    int found = 0;
    const std::vector<Json> crds = sandbox::embedded_crds(olm).value();
    for (const Json& crd : crds) {
      if (crd.at({"spec", "group"}).as_string() == api::kSubscription.group) ++found;
    }
    return found;
  };
  EXPECT_EQ(count(false), 0);
  EXPECT_GE(count(true), 3);
}

}  // namespace
}  // namespace breakwater::sandbox_test
