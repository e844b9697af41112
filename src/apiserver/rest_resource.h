// The verbs of one resource, between HTTP and kube::Client.
#pragma once

#include <memory>

#include "apiserver/rest_path.h"
#include "apiserver/rest_reply.h"
#include "apiserver/table.h"

namespace breakwater::apiserver {

// What one request is about. Borrows context and request.
struct Target {
  const RestContext& context;
  const Request& request;
  ResourcePath path;
  ServedKindPtr served;
  MediaType media;
  std::unique_ptr<kube::Client> client;  // acts as the request's user

  kube::Kind kind() const { return served->key(); }
  kube::Key key() const { return {path.ns, path.name}; }
};

// What includeObject asks for; metadata if it is absent.
Result<RowObject> row_object_of(const Request& request);
Result<kube::ListOptions> list_options_of(const Request& request);

Response serve_watch(Target& target);
Response serve_log(Target& target, const RestContext& context);
// DELETE of one object and of a collection.
Response serve_delete(Target& target);
Response serve_delete_collection(Target& target);

}  // namespace breakwater::apiserver
