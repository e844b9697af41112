// The extended attributes of a node: restic's member "extended_attributes", which Node keeps as raw
// JSON. POSIX ACLs (system.posix_acl_access, …) and capabilities are among them. Pure functions.
//
//   [{"name":"user.comment","value":"<base64>"},…]
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "repo/types.h"

namespace breakwater::repo {

struct ExtendedAttribute {
  std::string name;
  std::string value;  // raw bytes
  friend bool operator==(const ExtendedAttribute&, const ExtendedAttribute&) = default;
};

// Replaces those of the node, keeping the order given; none leaves the member out, as restic does.
void set_extended_attributes(Node& node, const std::vector<ExtendedAttribute>& attributes);

// kCorrupt for what is no such list, or has a name that is empty or contains a NUL byte.
Result<std::vector<ExtendedAttribute>> extended_attributes(const Node& node);

}  // namespace breakwater::repo
