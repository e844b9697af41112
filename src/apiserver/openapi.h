// The OpenAPI documents: what every served kind looks like, for kubectl explain, apply and
// validation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apiserver/registry.h"

namespace breakwater::apiserver {

// A CRD's structural schema as OpenAPI v2 can say it, the way Kubernetes publishes it: what v2 or
// kubectl 1.20 does not understand (nullable, int-or-string, preserved unknown fields) becomes a
// value of any shape.
Json to_openapi_v2(const Json& schema);
// An OpenAPI v2 document as a protobuf message openapi.v2.Document (field numbers: gnostic's
// OpenAPIv2.proto); only info, definitions and an empty list of paths.
std::string encode_openapi_v2(const Json& document);

// Makes the documents when they are asked for and keeps them until the registry changes.
// Thread-safe.
class OpenApi {
 public:
  // `registry` outlives this.
  explicit OpenApi(const Registry& registry);

  using Text = std::shared_ptr<const std::string>;
  Text v2_json();
  Text v2_protobuf();
  // {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}}
  Text v3_index();
  // `group_version` as in the index: "api/v1", "apis/velero.io/v1". Null if nothing of it is
  // served.
  Text v3(const std::string& group_version);

 private:
  Json make_v2() const;
  Json make_v3_index() const;
  Json make_v3(const std::string& group_version) const;
  Text cached(const std::string& name, const std::function<std::string()>& make);

  const Registry& registry_;
  const Json builtin_;
  std::mutex mutex_;
  uint64_t generation_ = 0;
  std::map<std::string, Text> texts_;
};

}  // namespace breakwater::apiserver
