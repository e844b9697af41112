#include "kube/kubeconfig.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/yaml.h"

namespace breakwater::kube {
namespace {

std::string trimmed(std::string text) {
  constexpr std::string_view kSpace = " \t\r\n";
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, text.find_first_not_of(kSpace));
  return text;
}

// What a kubeconfig holds, and where it came from, so that errors can name file and field.
struct Source {
  const std::filesystem::path& file;
  const Json& root;
  bool may_name_files = true;

  // The entry called `name` of the list `list` ("clusters"), as its member `member` ("cluster").
  Result<Json> entry(const char* list, const char* member, const std::string& name) const {
    for (const Json& item : root[list].items()) {
      if (item["name"].as_string() != name) continue;
      if (item[member].is_object()) return item[member];
      return fail(Code::kInvalid, "{}: {}[{}].{} is missing", file.string(), list, name, member);
    }
    return fail(Code::kInvalid, "{}: {} has no entry \"{}\"", file.string(), list, name);
  }

  Result<> check_path(std::string_view where, std::string_view field) const {
    if (may_name_files) return {};
    return fail(Code::kUnsupported, "{}: {}.{} names a file; give its content", file.string(),
                where, field);
  }

  std::filesystem::path beside(const std::string& path) const {
    const std::filesystem::path given(path);
    return given.is_absolute() ? given : file.parent_path() / given;
  }

  // The PEM text of `field`-data (base64) or, failing that, of the file that `field` names.
  Result<std::string> pem(const Json& from, std::string_view where,
                          const std::string& field) const {
    if (const std::string& data = from[field + "-data"].as_string(); !data.empty()) {
      auto bytes = from_base64(data);
      if (!bytes) {
        return fail(Code::kInvalid, "{}: {}.{}-data is not base64", file.string(), where, field);
      }
      return std::string(as_text(*bytes));
    }
    const std::string& path = from[field].as_string();
    if (path.empty()) return std::string();
    TRY(check_path(where, field));
    return while_doing(read_file(beside(path)), "reading {}.{} of {}", where, field, file.string());
  }
};

Result<> take_cluster(const Source& source, const std::string& name, ClientConfig& config) {
  const Json cluster = TRY(source.entry("clusters", "cluster", name));
  const std::string where = fmt::format("clusters[{}].cluster", name);
  config.server = cluster["server"].as_string();
  if (!config.server.starts_with("https://") && !config.server.starts_with("http://")) {
    return fail(Code::kInvalid, "{}: {}.server must be a URL", source.file.string(), where);
  }
  config.ca_pem = TRY(source.pem(cluster, where, "certificate-authority"));
  config.insecure_skip_verify = cluster["insecure-skip-tls-verify"].as_bool();
  for (const char* field : {"tls-server-name", "proxy-url"}) {
    if (!cluster[field].as_string().empty()) {
      return fail(Code::kUnsupported, "{}: {}.{} is not supported", source.file.string(), where,
                  field);
    }
  }
  return {};
}

Result<> take_user(const Source& source, const std::string& name, ClientConfig& config) {
  const Json user = TRY(source.entry("users", "user", name));
  const std::string where = fmt::format("users[{}].user", name);
  for (const char* field : {"exec", "auth-provider", "username", "as"}) {
    if (!user.has(field)) continue;
    return fail(Code::kUnsupported, "{}: {}.{} is not supported", source.file.string(), where,
                field);
  }
  config.client_cert_pem = TRY(source.pem(user, where, "client-certificate"));
  config.client_key_pem = TRY(source.pem(user, where, "client-key"));
  if (config.client_cert_pem.empty() != config.client_key_pem.empty()) {
    return fail(Code::kInvalid, "{}: {} has only one of client-certificate and client-key",
                source.file.string(), where);
  }
  config.token = trimmed(user["token"].as_string());
  if (const std::string& path = user["tokenFile"].as_string(); !path.empty()) {
    TRY(source.check_path(where, "tokenFile"));
    config.token_file = source.beside(path);
  }
  return {};
}

Result<ClientConfig> parse(const std::string& text, const std::filesystem::path& file,
                           std::string_view context, bool may_name_files) {
  const auto documents = TRY(while_doing(parse_yaml(text), "reading {}", file.string()));
  if (documents.size() != 1 || !documents.front().is_object()) {
    return fail(Code::kInvalid, "{}: not a kubeconfig", file.string());
  }
  const Source source{file, documents.front(), may_name_files};
  const std::string name =
      context.empty() ? source.root["current-context"].as_string() : std::string(context);
  if (name.empty()) return fail(Code::kInvalid, "{}: current-context is not set", file.string());
  const Json chosen = TRY(source.entry("contexts", "context", name));
  for (const char* field : {"cluster", "user"}) {
    if (!chosen[field].as_string().empty()) continue;
    return fail(Code::kInvalid, "{}: contexts[{}].context.{} is missing", file.string(), name,
                field);
  }
  ClientConfig config;
  TRY(take_cluster(source, chosen["cluster"].as_string(), config));
  TRY(take_user(source, chosen["user"].as_string(), config));
  config.default_namespace = chosen["namespace"].as_string_or("default");
  return config;
}

std::string base64(const std::string& text) { return to_base64(as_bytes(text)); }

Json cluster_entry(const ClientConfig& config) {
  Json cluster = Json::object({{"server", config.server}});
  if (!config.ca_pem.empty()) cluster.set("certificate-authority-data", base64(config.ca_pem));
  if (config.insecure_skip_verify) cluster.set("insecure-skip-tls-verify", true);
  return cluster;
}

Json user_entry(const ClientConfig& config) {
  Json user = Json::object();
  if (!config.client_cert_pem.empty()) {
    user.set("client-certificate-data", base64(config.client_cert_pem));
    user.set("client-key-data", base64(config.client_key_pem));
  }
  if (!config.token.empty()) user.set("token", config.token);
  if (!config.token_file.empty()) user.set("tokenFile", config.token_file.string());
  return user;
}

}  // namespace

Result<ClientConfig> load_kubeconfig(const std::filesystem::path& file, std::string_view context) {
  const std::string text = TRY(read_file(file));
  return parse(text, file, context, true);
}

Result<ClientConfig> parse_kubeconfig(const std::string& text, std::string_view name,
                                      std::string_view context) {
  return parse(text, std::filesystem::path(name), context, false);
}

std::string write_kubeconfig(const std::string& name, const ClientConfig& config) {
  return write_kubeconfig({{name, config}});
}

std::string write_kubeconfig(const std::vector<NamedConfig>& configs) {
  Json clusters = Json::array(), users = Json::array(), contexts = Json::array();
  for (const auto& [name, config] : configs) {
    clusters.push_back(Json::object({{"name", name}, {"cluster", cluster_entry(config)}}));
    users.push_back(Json::object({{"name", name}, {"user", user_entry(config)}}));
    const Json context =
        Json::object({{"cluster", name}, {"user", name}, {"namespace", config.default_namespace}});
    contexts.push_back(Json::object({{"name", name}, {"context", context}}));
  }
  return to_yaml(Json::object({{"apiVersion", "v1"},
                               {"kind", "Config"},
                               {"clusters", std::move(clusters)},
                               {"users", std::move(users)},
                               {"contexts", std::move(contexts)},
                               {"current-context", configs.empty() ? "" : configs.front().name}}));
}

Result<ClientConfig> in_cluster_config(const std::string& host, const std::string& port,
                                       const std::filesystem::path& directory) {
  if (host.empty() || port.empty()) {
    return fail(Code::kInvalid, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set");
  }
  ClientConfig config;
  const bool ipv6 = host.find(':') != std::string::npos;
  config.server = fmt::format("https://{}{}{}:{}", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
  config.ca_pem = TRY(read_file(directory / "ca.crt"));
  config.token_file = directory / "token";
  TRY(read_file(config.token_file));  // a pod without a token should hear of it now
  auto ns = read_file(directory / "namespace");
  if (ns && !trimmed(*ns).empty()) config.default_namespace = trimmed(*ns);
  return config;
}

}  // namespace breakwater::kube
