// An API server without sockets for tests: in memory unless told otherwise, with a clock that
// stands.
#pragma once

#include <gtest/gtest.h>

#include "apiserver/api_server.h"
#include "base/check.h"
#include "base/yaml.h"

namespace breakwater::apiserver {

inline constexpr kube::Kind kMapKind{"", "v1", "ConfigMap", "configmaps", true, false};
inline constexpr kube::Kind kNamespaceKind{"", "v1", "Namespace", "namespaces", false, true};
inline constexpr kube::Kind kPodKind{"", "v1", "Pod", "pods", true, true};
inline constexpr kube::Kind kSecretKind{"", "v1", "Secret", "secrets", true, false};
inline constexpr kube::Kind kEventKind{"", "v1", "Event", "events", true, false};
inline constexpr kube::Kind kAccountKind{"",   "v1", "ServiceAccount", "serviceaccounts",
                                         true, false};
inline constexpr kube::Kind kCrdKind{"apiextensions.k8s.io",      "v1",  "CustomResourceDefinition",
                                     "customresourcedefinitions", false, true};
// With a status subresource, and without one.
inline constexpr kube::Kind kShipKind{"sea.test", "v1", "Ship", "ships", true, true};
inline constexpr kube::Kind kBuoyKind{"sea.test", "v1", "Buoy", "buoys", true, false};

inline Json yaml(std::string_view text) {
  auto documents = parse_yaml(text);
  CHECK(documents && documents->size() == 1);
  return documents->front();
}

inline Json ship_crd() {
  return yaml(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.sea.test}
spec:
  group: sea.test
  scope: Namespaced
  names: {kind: Ship, plural: ships, shortNames: [sh]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: &schema
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [name]
            properties:
              name: {type: string}
              crew: {type: integer, minimum: 1, default: 3}
          status:
            type: object
            properties: {place: {type: string}}
  - name: v2
    served: true
    storage: false
    subresources: {status: {}}
    schema: *schema
)");
}

inline Json buoy_crd() {
  return yaml(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: buoys.sea.test}
spec:
  group: sea.test
  scope: Namespaced
  names: {kind: Buoy, plural: buoys}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
)");
}

struct World {
  explicit World(Settings settings = {})
      : clock(*parse_rfc3339("2026-11-21T04:00:00Z")), random(7) {
    auto opened = ApiServer::open(std::move(settings), clock, random, Logger());
    CHECK(opened);
    server = std::move(*opened);
    admin = server->client(admin_user());
    CHECK(server->install_crds({ship_crd(), buoy_crd()}));
    CHECK(add_namespace("demo"));
  }

  Result<kube::Object> add_namespace(const std::string& name) {
    return admin->create(kNamespaceKind, kube::Object::make(kNamespaceKind, {"", name}));
  }
  kube::Object create(const kube::Kind& kind, std::string_view name, std::string_view body = "{}",
                      std::string_view ns = "demo") {
    kube::Object object(yaml(body));
    object.set({"metadata", "name"}, name);
    object.set({"metadata", "namespace"}, ns);
    auto made = admin->create(kind, object);
    EXPECT_TRUE(made) << made.error().to_string();
    return made ? *made : kube::Object();
  }
  kube::Object ship(std::string_view name) { return create(kShipKind, name, "spec: {name: x}"); }
  bool exists(const kube::Kind& kind, const kube::Key& key) {
    return admin->get(kind, key).has_value();
  }
  void settle() {
    for (int i = 0; i < 100 && server->collect(); ++i) {
    }
  }

  ManualClock clock;
  SeededRandom random;
  std::unique_ptr<ApiServer> server;
  std::unique_ptr<kube::Client> admin;
};

}  // namespace breakwater::apiserver
