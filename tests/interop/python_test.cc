// The official Python client against a real server.
#include <gtest/gtest.h>

#include "tests/apiserver/live_server.h"

namespace breakwater::python_test {

TEST(PythonClient, ListsWatchesResumesAndNotices410) {
  apiserver::Settings settings;
  settings.history = 50;
  apiserver::LiveServer server(settings);
  auto directory = TempDir::create(std::filesystem::temp_directory_path(), "python-test-");
  ASSERT_TRUE(directory);
  const std::filesystem::path kubeconfig = directory->path() / "config";
  server.write_kubeconfig(kubeconfig, "admin-token");
  // Debian's python3-kubernetes belongs to Debian's interpreter, not to the one in PATH.
  const std::string command = "HOME=" + directory->path().string() +
                              " /usr/bin/python3 tests/interop/python_client.py " +
                              kubeconfig.string() + " 80";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace breakwater::python_test
