// Where an API server is and how to prove who we are: from a kubeconfig file, or from inside a pod.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

namespace breakwater::kube {

// Everything an HttpClient needs. PEM texts, not paths.
struct ClientConfig {
  std::string server;  // "https://127.0.0.1:6443"
  std::string ca_pem;  // "" = the system's
  std::string client_cert_pem;
  std::string client_key_pem;
  std::string token;
  std::filesystem::path token_file;  // read again for each request, as pods' tokens rotate
  std::string default_namespace = "default";
  bool insecure_skip_verify = false;
};

// The context `context` ("" = current-context) of a kubeconfig file: certificate-authority[-data],
// client-certificate[-data], client-key[-data], token, tokenFile, namespace. Exec and auth-provider
// plugins are kUnsupported. Relative paths are relative to the file. Errors name file and field.
Result<ClientConfig> load_kubeconfig(const std::filesystem::path& file,
                                     std::string_view context = "");
// The same of a text, as Secrets hold it. `name` stands for the file in errors; paths in the text
// are kUnsupported.
Result<ClientConfig> parse_kubeconfig(const std::string& text, std::string_view name,
                                      std::string_view context = "");
// A kubeconfig as text with one cluster, user and context, all called `name`; current-context is
// it.
std::string write_kubeconfig(const std::string& name, const ClientConfig& config);
// The same for several; the first is the current one.
struct NamedConfig {
  std::string name;
  ClientConfig config;
};
std::string write_kubeconfig(const std::vector<NamedConfig>& configs);
// The service account mounted into a pod at `directory`; host and port as in KUBERNETES_SERVICE_*.
Result<ClientConfig> in_cluster_config(
    const std::string& host, const std::string& port,
    const std::filesystem::path& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace breakwater::kube
