// A client whose connection is made, replaced and lost while others use it: what stands for a hub
// that an agent has yet to join, and whose certificate is renewed now and then.
#pragma once

#include <memory>
#include <mutex>

#include "kube/client.h"

namespace breakwater::kube {

// Passes every call on to the client of the moment; kUnavailable while there is none. A call and a
// watch that have begun keep the client that they began with. Thread-safe.
class SwitchingClient final : public Client {
 public:
  // `what` it reaches, for errors: "the hub". Once `stop` is cancelled every call ends with
  // kCancelled, whatever its own token says; such calls carry no token of their own.
  explicit SwitchingClient(std::string what) : what_(std::move(what)) {}
  SwitchingClient(std::string what, CancelToken stop)
      : what_(std::move(what)), stop_(std::move(stop)) {}

  // From now on calls go to `client`; null: to nobody.
  void use(std::shared_ptr<Client> client);
  bool connected() const { return current() != nullptr; }

  Result<Object> get(const Kind& kind, const Key& key, const Call& call = {}) override;
  Result<ObjectList> list_page(const Kind& kind, const std::string& ns, const ListOptions& options,
                               const Call& call = {}) override;
  Result<Object> create(const Kind& kind, const Object& object, const Call& call = {}) override;
  Result<Object> update(const Kind& kind, const Object& object, const Call& call = {}) override;
  Result<Object> update_status(const Kind& kind, const Object& object,
                               const Call& call = {}) override;
  Result<Object> update_subresource(const Kind& kind, const Object& object,
                                    const std::string& subresource, const Call& call = {}) override;
  Result<Object> patch(const Kind& kind, const Key& key, PatchType type, const Json& patch,
                       const std::string& subresource = "", const Call& call = {}) override;
  Result<> remove(const Kind& kind, const Key& key, const DeleteOptions& options = {},
                  const Call& call = {}) override;
  Result<std::unique_ptr<Watch>> watch(const Kind& kind, const std::string& ns,
                                       const WatchOptions& options, const Call& call = {}) override;
  Result<std::string> get_raw(const std::string& path, const Call& call = {}) override;

 private:
  std::shared_ptr<Client> current() const;
  Result<std::shared_ptr<Client>> require() const;
  Call stoppable(Call call) const;
  const std::string what_;
  const std::optional<CancelToken> stop_;
  mutable std::mutex mutex_;
  std::shared_ptr<Client> client_;
};

}  // namespace breakwater::kube
