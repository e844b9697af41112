// What the conformance tests work on: a namespace of their own, built-in kinds, and two custom
// kinds, of which one has a status subresource.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/yaml.h"
#include "tests/conformance/subject.h"

namespace breakwater::conformance {

using kube::Key;
using kube::Object;
using kube::PatchType;

inline constexpr kube::Kind kMaps{"", "v1", "ConfigMap", "configmaps", true, false};
inline constexpr kube::Kind kNamespaces{"", "v1", "Namespace", "namespaces", false, true};
inline constexpr kube::Kind kPods{"", "v1", "Pod", "pods", true, true};
inline constexpr kube::Kind kSecrets{"", "v1", "Secret", "secrets", true, false};
inline constexpr kube::Kind kClaims{"",   "v1", "PersistentVolumeClaim", "persistentvolumeclaims",
                                    true, true};
inline constexpr kube::Kind kShips{"conformance.test", "v1", "Ship", "ships", true, true};
inline constexpr kube::Kind kBuoys{"conformance.test", "v1", "Buoy", "buoys", true, false};

inline Json yaml(std::string_view text) {
  auto documents = parse_yaml(text);
  CHECK(documents && documents->size() == 1);
  return documents->front();
}

inline Json fixture_crd(std::string_view kind, std::string_view plural, bool status) {
  Json crd = yaml(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  group: conformance.test
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              name: {type: string, pattern: '^[a-z]*$'}
              crew: {type: integer, minimum: 1, default: 3}
              cargo: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status:
            type: object
            properties: {place: {type: string}}
)");
  crd.set({"metadata", "name"}, std::string(plural) + ".conformance.test");
  crd.set({"spec", "names"}, Json::object({{"kind", kind}, {"plural", plural}}));
  if (status) {
    Json version = crd["spec"]["versions"][0];
    version.set({"subresources", "status"}, Json::object());
    crd.set({"spec", "versions"}, Json::array({version}));
  }
  return crd;
}

inline std::vector<Json> fixture_crds() {
  return {fixture_crd("Ship", "ships", true), fixture_crd("Buoy", "buoys", false)};
}

class Conformance : public testing::TestWithParam<Maker> {
 protected:
  Conformance() : subject_(GetParam().make()), client_(subject_->client()) {
    CHECK(client_.create(kNamespaces, Object::make(kNamespaces, {"", "conf"})));
  }

  static Object parsed(std::string_view name, std::string_view body = "{}") {
    Object object(yaml(body));
    object.set({"metadata", "namespace"}, "conf");
    if (!name.empty()) object.set({"metadata", "name"}, name);
    return object;
  }
  Object create(const kube::Kind& kind, std::string_view name, std::string_view body = "{}") {
    auto made = client_.create(kind, parsed(name, body));
    EXPECT_TRUE(made) << made.error().to_string();
    return made ? *made : Object();
  }
  Result<Object> merge(const kube::Kind& kind, std::string_view name, std::string_view patch,
                       const std::string& subresource = "") {
    return client_.patch(kind, {"conf", std::string(name)}, PatchType::kMerge, yaml(patch),
                         subresource);
  }
  // Whether `seen` comes true within ten seconds of settling.
  template <class Seen>
  bool comes_true(const Seen& seen) {
    for (int i = 0; i < 2000; ++i) {
      if (seen()) return true;
      subject_->settle();
    }
    return seen();
  }

  // A watch whose events are waited for.
  class Follower {
   public:
    explicit Follower(Result<std::unique_ptr<kube::Watch>> watch) : watch_(std::move(watch)) {
      if (watch_) (*watch_)->set_wake([this] { wake(); });
    }
    // "ADDED name", "BOOKMARK", the code of an error, or "nothing" after ten seconds.
    std::string next() {
      if (!watch_) return std::string(code_name(watch_.error().code()));
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (std::chrono::steady_clock::now() < deadline) {
        const auto event = (*watch_)->next();
        if (!event) return std::string(code_name(event.error().code()));
        if (*event) {
          last = (*event)->object;
          return text_of(**event);
        }
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return woken_; });
        woken_ = false;
      }
      return "nothing";
    }
    Object last;

   private:
    void wake() {
      const std::lock_guard lock(mutex_);
      woken_ = true;
      changed_.notify_all();
    }
    static std::string text_of(const kube::WatchEvent& event) {
      switch (event.type) {
        case kube::WatchEvent::Type::kAdded:
          return "ADDED " + event.object.name();
        case kube::WatchEvent::Type::kModified:
          return "MODIFIED " + event.object.name();
        case kube::WatchEvent::Type::kDeleted:
          return "DELETED " + event.object.name();
        case kube::WatchEvent::Type::kBookmark:
          return "BOOKMARK";
      }
      return "";
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
    Result<std::unique_ptr<kube::Watch>> watch_;
  };

  const std::unique_ptr<Subject> subject_;
  kube::Client& client_;
};

}  // namespace breakwater::conformance
