#include "kube/kubeconfig.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace breakwater::kube {
namespace {

class KubeconfigTest : public ::testing::Test {
 protected:
  std::filesystem::path put(const std::string& name, const std::string& text) {
    const auto path = dir_.path() / name;
    EXPECT_TRUE(write_file(path, text));
    return path;
  }
  // A kubeconfig with this cluster and user.
  std::filesystem::path config(const std::string& cluster, const std::string& user) {
    return put("config",
               "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
               "contexts:\n- {name: c, context: {cluster: k, user: u, namespace: apps}}\n"
               "- {name: dangling, context: {cluster: nowhere, user: u}}\n"
               "clusters:\n- {name: k, cluster: " +
                   cluster +
                   "}\n"
                   "users:\n- {name: u, user: " +
                   user + "}\n");
  }
  TempDir dir_ = TempDir::create(std::filesystem::temp_directory_path(), "kubeconfig-test").value();
};

TEST_F(KubeconfigTest, ReadsDataFilesAndTokens) {
  put("ca.pem", "CA");
  put("key.pem", "KEY");
  const auto file = config("{server: 'https://h:6443', certificate-authority: ca.pem}",
                           "{client-certificate-data: Q0VSVA==, client-key: key.pem, "
                           "token: ' t ', tokenFile: tok}");
  const ClientConfig read = load_kubeconfig(file).value();
  EXPECT_EQ(read.server, "https://h:6443");
  EXPECT_EQ(read.ca_pem, "CA");
  EXPECT_EQ(read.client_cert_pem, "CERT");
  EXPECT_EQ(read.client_key_pem, "KEY");
  EXPECT_EQ(read.token, "t");
  EXPECT_EQ(read.token_file, dir_.path() / "tok");
  EXPECT_EQ(read.default_namespace, "apps");
  EXPECT_FALSE(read.insecure_skip_verify);
}

TEST_F(KubeconfigTest, NamesFileAndFieldOfWhatIsWrong) {
  const std::string good = "{server: 'https://h'}";
  const struct {
    std::string cluster, user, context;
    Code code;
    std::string named;
  } kCases[] = {
      {"{}", "{}", "", Code::kInvalid, "clusters[k].cluster.server"},
      {"{server: 'https://h', certificate-authority-data: '***'}", "{}", "", Code::kInvalid,
       "clusters[k].cluster.certificate-authority-data"},
      {"{server: 'https://h', certificate-authority: none.pem}", "{}", "", Code::kNotFound,
       "clusters[k].cluster.certificate-authority"},
      {good, "{exec: {command: aws}}", "", Code::kUnsupported, "users[u].user.exec"},
      {good, "{auth-provider: {name: gcp}}", "", Code::kUnsupported, "users[u].user.auth-provider"},
      {good, "{client-key-data: Q0VSVA==}", "", Code::kInvalid, "users[u].user"},
      {good, "{}", "none", Code::kInvalid, "contexts has no entry \"none\""},
      {good, "{}", "dangling", Code::kInvalid, "clusters has no entry \"nowhere\""},
  };
  for (const auto& test : kCases) {
    const auto file = config(test.cluster, test.user);
    const auto read = load_kubeconfig(file, test.context);
    ASSERT_FALSE(read) << test.named;
    EXPECT_EQ(read.error().code(), test.code) << test.named;
    const std::string text = read.error().to_string();
    EXPECT_NE(text.find(test.named), std::string::npos) << text;
    EXPECT_NE(text.find(file.string()), std::string::npos) << text;
  }
  EXPECT_FALSE(load_kubeconfig(put("x", "kind: Config")));
  EXPECT_FALSE(load_kubeconfig(put("y", "- a\n- b")));
  EXPECT_FALSE(load_kubeconfig(put("z", "{")));
  EXPECT_EQ(load_kubeconfig(dir_.path() / "none").error().code(), Code::kNotFound);
}

TEST_F(KubeconfigTest, WritesWhatItReads) {
  ClientConfig config;
  config.server = "https://127.0.0.1:6443";
  config.ca_pem = "-----BEGIN-----\nca\n";
  config.client_cert_pem = "cert";
  config.client_key_pem = "key";
  config.token = "t";
  config.default_namespace = "apps";
  const ClientConfig read = load_kubeconfig(put("w", write_kubeconfig("east", config))).value();
  EXPECT_EQ(read.server, config.server);
  EXPECT_EQ(read.ca_pem, config.ca_pem);
  EXPECT_EQ(read.client_cert_pem, config.client_cert_pem);
  EXPECT_EQ(read.client_key_pem, config.client_key_pem);
  EXPECT_EQ(read.token, config.token);
  EXPECT_EQ(read.default_namespace, "apps");
  EXPECT_TRUE(load_kubeconfig(dir_.path() / "w", "east"));
}

TEST_F(KubeconfigTest, ATextMayNotNameFiles) {
  ClientConfig config;
  config.server = "https://127.0.0.1:6443";
  config.token = "t";
  const std::string text = write_kubeconfig("east", config);
  EXPECT_EQ(parse_kubeconfig(text, "Secret a")->token, "t");
  config.token_file = "/etc/token";
  const auto refused = parse_kubeconfig(write_kubeconfig("east", config), "Secret a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnsupported);
  EXPECT_EQ(refused.error().message(),
            "Secret a: users[east].user.tokenFile names a file; give its content");
  EXPECT_FALSE(parse_kubeconfig("{", "Secret a"));
}

TEST_F(KubeconfigTest, ReadsAPodsServiceAccount) {
  EXPECT_FALSE(in_cluster_config("10.0.0.1", "443", dir_.path()));
  put("ca.crt", "CA");
  put("token", "t");
  put("namespace", "apps\n");
  const ClientConfig read = in_cluster_config("10.0.0.1", "443", dir_.path()).value();
  EXPECT_EQ(read.server, "https://10.0.0.1:443");
  EXPECT_EQ(read.token_file, dir_.path() / "token");
  EXPECT_EQ(read.default_namespace, "apps");
  EXPECT_EQ(in_cluster_config("fd00::1", "443", dir_.path())->server, "https://[fd00::1]:443");
  EXPECT_FALSE(in_cluster_config("", "443", dir_.path()));
}

}  // namespace
}  // namespace breakwater::kube
