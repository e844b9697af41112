// Which of the kinds that a cluster may or may not have are served there.
//
// Used by one thread. Asks the API at most once a minute a kind; a cluster gains kinds now and then
// (an operator is installed), so no answer is kept for longer.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "kube/client.h"

namespace breakwater::policy {

class ServedKinds {
 public:
  // References outlive the object.
  ServedKinds(kube::Client& client, const Clock& clock) : client_(client), clock_(clock) {}
  Result<bool> serves(const kube::Kind& kind);
  // What `reader` lists, or nothing if the kind is not served.
  Result<std::vector<kube::Object>> list(kube::Reader& reader, const kube::Kind& kind,
                                         const std::string& ns);

 private:
  struct Answer {
    bool served = false;
    Duration until{};  // Clock::monotonic()
  };
  kube::Client& client_;
  const Clock& clock_;
  std::map<std::string, Answer> answers_;  // by group_resource()
};

}  // namespace breakwater::policy
