// What strategic merge knows about lists, beside strategic_merge_key() of kube/patch.h.
#pragma once

#include <string_view>

namespace breakwater::kube {

// Lists of strings that a strategic merge unites instead of replacing.
bool merges_as_set(std::string_view field);

}  // namespace breakwater::kube
