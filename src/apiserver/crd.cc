#include "apiserver/crd.h"

#include <algorithm>

#include "apiserver/api_errors.h"
#include "apiserver/schema.h"
#include "kube/names.h"

namespace breakwater::apiserver {
namespace {

std::vector<std::string> strings_of(const Json& list) {
  std::vector<std::string> result;
  for (const Json& item : list.items()) result.push_back(item.as_string());
  return result;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void check_names(const Json& crd, std::vector<std::string>& causes) {
  const Json& spec = crd["spec"];
  const Json& names = spec["names"];
  const auto require = [&causes](const Json& value, std::string_view field) {
    if (value.as_string().empty()) causes.push_back(fmt::format("{}: Required value", field));
  };
  require(spec["group"], "spec.group");
  require(names["kind"], "spec.names.kind");
  require(names["plural"], "spec.names.plural");
  const std::string& scope = spec["scope"].as_string();
  if (scope != "Namespaced" && scope != "Cluster") {
    causes.push_back(fmt::format(
        "spec.scope: Unsupported value: \"{}\": supported values: \"Cluster\", \"Namespaced\"",
        scope));
  }
  const std::string name = names["plural"].as_string() + "." + spec["group"].as_string();
  if (crd.at({"metadata", "name"}).as_string() != name) {
    causes.push_back(
        fmt::format("metadata.name: Invalid value: \"{}\": must be spec.names.plural+"
                    "\".\"+spec.group",
                    crd.at({"metadata", "name"}).as_string()));
  }
}

std::vector<PrinterColumn> columns_of(const Json& version) {
  std::vector<PrinterColumn> columns;
  for (const Json& column : version["additionalPrinterColumns"].items()) {
    columns.push_back({column["name"].as_string(), column["type"].as_string(),
                       column["jsonPath"].as_string(), column["description"].as_string(),
                       static_cast<int>(column["priority"].as_int())});
  }
  if (columns.empty()) columns.push_back({"Age", "date", ".metadata.creationTimestamp", "", 0});
  return columns;
}

ServedKind kind_of(const Json& spec, const Json& version) {
  const Json& names = spec["names"];
  ServedKind kind;
  kind.group = spec["group"].as_string();
  kind.version = version["name"].as_string();
  kind.kind = names["kind"].as_string();
  kind.plural = names["plural"].as_string();
  kind.singular = names["singular"].as_string_or(lower(kind.kind));
  kind.short_names = strings_of(names["shortNames"]);
  kind.categories = strings_of(names["categories"]);
  kind.namespaced = spec["scope"].as_string() == "Namespaced";
  kind.has_status_subresource = version["subresources"].has("status");
  kind.columns = columns_of(version);
  kind.schema = version.at({"schema", "openAPIV3Schema"});
  return kind;
}

}  // namespace

Result<std::vector<ServedKindPtr>> kinds_of_crd(const Json& crd) {
  std::vector<std::string> causes;
  check_names(crd, causes);
  const Json& spec = crd["spec"];
  std::vector<ServedKindPtr> kinds;
  int storage_versions = 0;
  for (size_t i = 0; i < spec["versions"].size(); ++i) {
    const Json& version = spec["versions"][i];
    const std::string field = fmt::format("spec.versions[{}]", i);
    if (!kube::is_dns_label(version["name"].as_string())) {
      causes.push_back(fmt::format("{}.name: Invalid value: \"{}\": must be a DNS label", field,
                                   version["name"].as_string()));
    }
    if (version["storage"].as_bool()) ++storage_versions;
    const Json& schema = version.at({"schema", "openAPIV3Schema"});
    if (!schema.is_object()) {
      causes.push_back(
          fmt::format("{}.schema.openAPIV3Schema: Required value: schemas are required", field));
    } else {
      check_schema(schema, field + ".schema.openAPIV3Schema", causes);
    }
    if (version["served"].as_bool()) {
      kinds.push_back(std::make_shared<ServedKind>(kind_of(spec, version)));
    }
  }
  if (storage_versions != 1) {
    causes.push_back(
        "spec.versions: Invalid value: must have exactly one version marked as storage "
        "version");
  }
  if (!causes.empty()) {
    return invalid("CustomResourceDefinition.apiextensions.k8s.io",
                   crd.at({"metadata", "name"}).as_string(), causes);
  }
  return kinds;
}

kube::Object established(kube::Object crd, Time now) {
  const Json spec = crd.spec();
  if (!spec["names"].has("listKind")) {
    crd.set({"spec", "names", "listKind"}, spec.at({"names", "kind"}).as_string() + "List");
  }
  if (!spec["names"].has("singular")) {
    crd.set({"spec", "names", "singular"}, lower(spec.at({"names", "kind"}).as_string()));
  }
  if (!spec.has("conversion")) {
    crd.set({"spec", "conversion"}, Json::object({{"strategy", "None"}}));
  }
  crd.set({"status", "acceptedNames"}, crd.spec()["names"]);
  Json stored = crd.status()["storedVersions"];
  for (const Json& version : spec["versions"].items()) {
    const auto& known = stored.items();
    if (version["storage"].as_bool() &&
        std::find(known.begin(), known.end(), version["name"]) == known.end()) {
      stored.push_back(version["name"]);
    }
  }
  crd.set({"status", "storedVersions"}, stored);
  kube::set_condition(crd, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
  kube::set_condition(crd, "Established", "True", "InitialNamesAccepted",
                      "the initial names have been accepted", now);
  return crd;
}

}  // namespace breakwater::apiserver
