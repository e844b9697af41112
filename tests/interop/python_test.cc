// The official Python client against a real server.
#include <gtest/gtest.h>

#include "tests/apiserver/live_server.h"

namespace breakwater::python_test {

// Debian's python3-kubernetes belongs to Debian's interpreter, not to the one in PATH.
int run_script(const apiserver::LiveServer& server, const std::string& script,
               const std::string& arguments) {
  auto directory = TempDir::create(std::filesystem::temp_directory_path(), "python-test-");
  CHECK(directory);
  const std::filesystem::path kubeconfig = directory->path() / "config";
  server.write_kubeconfig(kubeconfig, "admin-token");
  const std::string command = "HOME=" + directory->path().string() +
                              " /usr/bin/python3 tests/interop/" + script + " " +
                              kubeconfig.string() + " " + arguments;
  return std::system(command.c_str());
}

TEST(PythonClient, ListsWatchesResumesAndNotices410) {
  apiserver::Settings settings;
  settings.history = 50;
  const apiserver::LiveServer server(settings);
  EXPECT_EQ(run_script(server, "python_client.py", "80"), 0);
}

TEST(PythonClient, PagesThroughFiveThousandObjects) {
  constexpr kube::Kind kMaps{"", "v1", "ConfigMap", "configmaps", true, false};
  constexpr kube::Kind kNamespaces{"", "v1", "Namespace", "namespaces", false, true};
  constexpr int kCount = 5000;
  apiserver::Settings settings;
  settings.history = 200;
  apiserver::LiveServer server(settings);
  const auto admin = server.api().client(apiserver::admin_user());
  ASSERT_TRUE(admin->create(kNamespaces, kube::Object::make(kNamespaces, {"", "many"})));
  for (int i = 0; i < kCount; ++i) {
    kube::Object map = kube::Object::make(kMaps, {"many", fmt::format("m-{:05}", i)});
    map.set({"data", "text"}, std::string(200, 'x'));
    ASSERT_TRUE(admin->create(kMaps, map));
  }
  EXPECT_EQ(run_script(server, "python_pages.py", fmt::format("{} {}", kCount, settings.history)),
            0);
}

}  // namespace breakwater::python_test
