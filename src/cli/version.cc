#include <fmt/core.h>

#include <memory>

#include "base/json.h"
#include "cli/commands.h"

namespace breakwater::cli {
namespace {

constexpr const char* kVersion = "0.1.0";

}  // namespace

void add_version_command(Command& program) {
  auto json = std::make_shared<bool>(false);
  Command& command = program.add("version", "Prints the version and what it speaks");
  command.flag("--json", *json, "one JSON object");
  command.action([json] {
    if (*json) {
      fmt::print("{}\n", to_json(Json::object({{"version", kVersion},
                                               {"compiler", __VERSION__},
                                               {"repositoryFormat", 2},
                                               {"veleroFormat", "1.1.0"}})));
    } else {
      fmt::print("breakwater {} (repository format: restic 2; backup layout: Velero 1.1.0)\n",
                 kVersion);
    }
    return 0;
  });
}

}  // namespace breakwater::cli
