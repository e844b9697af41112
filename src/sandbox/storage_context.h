// What the storage controllers share: the API, the files, and the pool for long copies.
//
// One StorageContext belongs to the Sandbox (or a test) and outlives the controllers. It is used by
// the Runner's thread; `enqueue` alone is called from other threads too.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"
#include "kube/events.h"
#include "kube/operations.h"
#include "sandbox/storage_directory.h"

namespace breakwater::sandbox {

struct StorageContext {
  kube::Reader& reader;  // the Runner's cache
  kube::Client& client;
  const Clock& clock;
  kube::EventRecorder& events;
  kube::Operations& operations;  // copies of files run here
  const StorageDirectory& files;
  // Runner::enqueue; when a copy has ended.
  std::function<void(const std::string& controller, const kube::Key&)> enqueue;
  Logger log;
};

// Which PersistentVolumeClaim a claimRef, a dataSource or a pod's volume means, compared by uid if
// both have one.
bool refers_to(const Json& claim_ref, const kube::Object& claim);
// The bytes that spec.resources.requests.storage asks for. kInvalid names the claim and the field.
Result<uint64_t> requested_size(const kube::Object& claim);
// The StorageClass of a claim; kNotFound with a sentence for people if it has none or it is
// missing.
Result<kube::Object> storage_class_of(kube::Reader& reader, const kube::Object& claim);
// The object as the API has it now; nothing if it is gone or has another uid than `uid` (unless
// "").
Result<std::optional<kube::Object>> find_live(kube::Client& client, const kube::Kind& kind,
                                              const kube::Key& key, const std::string& uid = "");

// Adds or removes a finalizer of the object as the API has it now. Nothing happens if that is gone
// or another one, nor is a finalizer added to what is being deleted.
Result<> set_finalizer(StorageContext& context, const kube::Kind& kind, const kube::Object& object,
                       std::string_view finalizer, bool wanted);

// Runs `work` on the pool under `id`. False while it runs (`controller` looks at `key` again when
// it has ended), true once it has succeeded; its error once, and then the next call starts it
// again.
Result<bool> finish_operation(StorageContext& context, const std::string& id,
                              std::function<Result<>()> work, const std::string& controller,
                              const kube::Key& key);

}  // namespace breakwater::sandbox
