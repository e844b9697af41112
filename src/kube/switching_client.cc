#include "kube/switching_client.h"

namespace breakwater::kube {
namespace {

// Keeps the client that it watches with, which may have been replaced.
class HeldWatch final : public Watch {
 public:
  HeldWatch(std::shared_ptr<Client> client, std::unique_ptr<Watch> inner)
      : client_(std::move(client)), inner_(std::move(inner)) {}
  Result<std::optional<WatchEvent>> next() override { return inner_->next(); }
  void set_wake(std::function<void()> wake) override { inner_->set_wake(std::move(wake)); }

 private:
  const std::shared_ptr<Client> client_;  // goes after the watch
  const std::unique_ptr<Watch> inner_;
};

}  // namespace

void SwitchingClient::use(std::shared_ptr<Client> client) {
  std::lock_guard lock(mutex_);
  client_.swap(client);
}

std::shared_ptr<Client> SwitchingClient::current() const {
  std::lock_guard lock(mutex_);
  return client_;
}

Result<std::shared_ptr<Client>> SwitchingClient::require() const {
  auto client = current();
  if (!client) return fail(Code::kUnavailable, "there is no connection to {} yet", what_);
  return client;
}

Call SwitchingClient::stoppable(Call call) const {
  if (stop_) call.cancel = *stop_;
  return call;
}

Result<Object> SwitchingClient::get(const Kind& kind, const Key& key, const Call& call) {
  const auto client = TRY(require());
  return client->get(kind, key, stoppable(call));
}

Result<ObjectList> SwitchingClient::list_page(const Kind& kind, const std::string& ns,
                                              const ListOptions& options, const Call& call) {
  const auto client = TRY(require());
  return client->list_page(kind, ns, options, stoppable(call));
}

Result<Object> SwitchingClient::create(const Kind& kind, const Object& object, const Call& call) {
  const auto client = TRY(require());
  return client->create(kind, object, stoppable(call));
}

Result<Object> SwitchingClient::update(const Kind& kind, const Object& object, const Call& call) {
  const auto client = TRY(require());
  return client->update(kind, object, stoppable(call));
}

Result<Object> SwitchingClient::update_status(const Kind& kind, const Object& object,
                                              const Call& call) {
  const auto client = TRY(require());
  return client->update_status(kind, object, stoppable(call));
}

Result<Object> SwitchingClient::update_subresource(const Kind& kind, const Object& object,
                                                   const std::string& subresource,
                                                   const Call& call) {
  const auto client = TRY(require());
  return client->update_subresource(kind, object, subresource, stoppable(call));
}

Result<Object> SwitchingClient::patch(const Kind& kind, const Key& key, PatchType type,
                                      const Json& patch, const std::string& subresource,
                                      const Call& call) {
  const auto client = TRY(require());
  return client->patch(kind, key, type, patch, subresource, stoppable(call));
}

Result<> SwitchingClient::remove(const Kind& kind, const Key& key, const DeleteOptions& options,
                                 const Call& call) {
  const auto client = TRY(require());
  return client->remove(kind, key, options, stoppable(call));
}

Result<std::unique_ptr<Watch>> SwitchingClient::watch(const Kind& kind, const std::string& ns,
                                                      const WatchOptions& options,
                                                      const Call& call) {
  auto client = TRY(require());
  auto inner = TRY(client->watch(kind, ns, options, stoppable(call)));
  std::unique_ptr<Watch> held = std::make_unique<HeldWatch>(std::move(client), std::move(inner));
  return held;
}

Result<std::string> SwitchingClient::get_raw(const std::string& path, const Call& call) {
  const auto client = TRY(require());
  return client->get_raw(path, stoppable(call));
}

}  // namespace breakwater::kube
