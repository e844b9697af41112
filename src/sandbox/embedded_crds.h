// The files of deploy/crds and deploy/olm/crds as texts; generated from them at build time
// (CMakeLists.txt).
#pragma once

#include <string_view>
#include <vector>

namespace breakwater::sandbox {

std::vector<std::string_view> embedded_crd_files();

}  // namespace breakwater::sandbox
