// What Kubernetes accepts as label names, label values and object names.
#pragma once

#include <string_view>

#include "base/error.h"

namespace breakwater::kube {

// A qualified name: "app", "app.kubernetes.io/name". The prefix is a DNS subdomain of at most 253
// characters, the name at most 63 of letters, digits, '-', '_' and '.', beginning and ending with a
// letter or digit. kInvalid says what is wrong. Annotation names and finalizers follow it as well.
Result<> check_label_name(std::string_view name);
// Empty, or at most 63 characters as in a name.
Result<> check_label_value(std::string_view value);
// RFC 1123: lower-case letters, digits and '-', beginning and ending with a letter or digit; at
// most 63 characters. Namespaces, and the parts of a subdomain.
bool is_dns_label(std::string_view text);
// DNS labels (of any length) joined by dots, at most 253 characters: most objects' names.
bool is_dns_subdomain(std::string_view text);

}  // namespace breakwater::kube
