// The policies of virt/ as texts; generated from those files at build time (CMakeLists.txt).
#pragma once

#include <string_view>
#include <vector>

namespace breakwater::cli {

std::vector<std::string_view> embedded_virt_manifests();

}  // namespace breakwater::cli
