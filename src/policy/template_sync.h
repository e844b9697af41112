// The templates of a Policy as objects on the cluster, and what becomes of them as its status.
//
// Follows the governance framework of Open Cluster Management (labels, owner, remediationAction,
// messages) with two differences that keep data safe: an unmet dependency or a template that cannot
// be read leaves an object that exists as it is, and a removal (annotation breakwater.dev/removal)
// is passed on to the templates and acknowledged on the Policy when each has carried it out.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "kube/client.h"
#include "kube/controller.h"

namespace breakwater::policy {

struct TemplateSyncServices {
  kube::Reader& reader;
  kube::Client& client;
  const Clock& clock;
  Logger log;
};

// For the cluster's Runner; Policies in namespace `cluster` that came from a hub. One controller,
// "template-sync".
kube::ControllerSpec make_template_sync(const std::string& cluster, TemplateSyncServices services);

// The object that a template asks for. Its spec is the template's, with the Policy's
// remediationAction if that is set; labels and annotations are added to those of `live`, if there
// is one; the removal annotation is the Policy's. kInvalid if the template has no name.
Result<kube::Object> template_object(const kube::Object& policy, const Json& object_definition,
                                     const kube::Object* live);

}  // namespace breakwater::policy
