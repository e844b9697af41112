#include "policy/restore_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "kube/names.h"

namespace breakwater::policy {
namespace {

constexpr std::string_view kFields[] = {"restoreName",      "backupName",    "vmsUID",
                                        "namespaceMapping", "sourceCluster", "allowInexact"};

std::vector<std::string> words(std::string_view text, std::string_view separators) {
  std::vector<std::string> result;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find_first_of(separators, start), text.size());
    if (end > start) result.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return result;
}

std::string trimmed(std::string_view text) {
  const auto parts = words(text, " \t\r\n");
  return fmt::format("{}", fmt::join(parts, " "));
}

// "2_vmsUID" is field vmsUID of prefix "2_"; nothing for a key that is none of ours.
struct KeyParts {
  std::string prefix, field;
};
std::optional<KeyParts> split_key(const std::string& key) {
  const size_t digits = key.find_first_not_of("0123456789");
  const bool numbered = digits > 0 && digits != std::string::npos && key[digits] == '_';
  KeyParts parts{numbered ? key.substr(0, digits + 1) : "",
                 numbered ? key.substr(digits + 1) : key};
  if (std::find(std::begin(kFields), std::end(kFields), parts.field) == std::end(kFields)) {
    return std::nullopt;
  }
  return parts;
}

class Reader {
 public:
  Reader(std::string prefix, std::map<std::string, std::string> fields, kube::Key config)
      : fields_(std::move(fields)), config_(std::move(config)) {
    request_.prefix = std::move(prefix);
  }

  RestoreRequest read() {
    request_.name = field("restoreName");
    if (!kube::is_dns_subdomain(request_.name)) {
      problem("InvalidValue", "restoreName", "is \"{}\": it must be a name such as restore-1",
              request_.name);
    }
    request_.backup = field("backupName");
    if (request_.backup.empty()) {
      problem("MissingValue", "backupName", "is missing: it must name the Backup to restore from");
    }
    const auto uids = words(fields_["vmsUID"], " \t\r\n,");
    const std::set<std::string> unique(uids.begin(), uids.end());
    request_.uids.assign(unique.begin(), unique.end());
    if (uids.empty()) {
      problem("MissingValue", "vmsUID",
              "is empty: it must list the uids of the VMs to restore, separated by spaces; the "
              "annotations of the Backup say them");
    }
    read_mapping();
    request_.source_cluster = field("sourceCluster");
    if (!request_.source_cluster.empty() && !kube::is_dns_subdomain(request_.source_cluster)) {
      problem("InvalidValue", "sourceCluster",
              "is \"{}\": it must be the name or the id of the cluster that saved",
              request_.source_cluster);
    }
    read_inexact();
    return std::move(request_);
  }

 private:
  std::string field(const char* name) { return trimmed(fields_[name]); }

  template <typename... Args>
  void problem(const char* reason, std::string_view name, fmt::format_string<Args...> what,
               Args&&... args) {
    request_.problems.push_back({api::kConfigMap, config_, reason,
                                 fmt::format("{}{} {}", request_.prefix, name,
                                             fmt::format(what, std::forward<Args>(args)...))});
  }

  void read_mapping() {
    for (const std::string& word : words(fields_["namespaceMapping"], " \t\r\n,")) {
      const size_t equals = word.find('=');
      const std::string from = word.substr(0, equals);
      const std::string to = equals == std::string::npos ? "" : word.substr(equals + 1);
      if (!kube::is_dns_label(from) || !kube::is_dns_label(to)) {
        problem("InvalidValue", "namespaceMapping",
                "has \"{}\": it must be written old=new, with names of namespaces", word);
      } else if (!request_.mapping.emplace(from, to).second) {
        problem("InvalidValue", "namespaceMapping", "maps {} twice", from);
      }
    }
  }

  void read_inexact() {
    const std::string value = field("allowInexact");
    request_.allow_inexact = value == "true";
    if (!value.empty() && value != "true" && value != "false") {
      problem("InvalidValue", "allowInexact", "is \"{}\": it must be \"true\" or \"false\"", value);
    }
  }

  RestoreRequest request_;
  std::map<std::string, std::string> fields_;
  const kube::Key config_;
};

// "" before "2_" before "10_".
bool prefix_before(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

std::string RestoreRequest::fingerprint() const {
  std::string text = fmt::format("{};{}", backup, fmt::join(uids, ","));
  for (const auto& [from, to] : mapping) text += fmt::format(";{}={}", from, to);
  if (!source_cluster.empty()) text += ";from " + source_cluster;
  return text;
}

RestoreRequests read_restore_requests(const Json& data, const kube::Key& config) {
  std::map<std::string, std::map<std::string, std::string>> groups;
  RestoreRequests result;
  for (const auto& [key, value] : data.members()) {
    if (auto parts = split_key(key)) {
      groups[parts->prefix][parts->field] = value.as_string();
    } else {
      result.findings.push_back(
          {api::kConfigMap, config, "UnknownKey",
           fmt::format("{} is no key of a restore: they are {}, with a number in front (2_) for "
                       "further restores",
                       key, fmt::join(kFields, ", "))});
    }
  }
  for (auto& [prefix, fields] : groups) {
    if (trimmed(fields["restoreName"]).empty()) continue;  // no restore is asked for
    result.requests.push_back(Reader(prefix, std::move(fields), config).read());
  }
  std::sort(result.requests.begin(), result.requests.end(),
            [](const auto& a, const auto& b) { return prefix_before(a.prefix, b.prefix); });
  return result;
}

}  // namespace breakwater::policy
