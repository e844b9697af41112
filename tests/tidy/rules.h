// The rules of docs/contributing.md that a machine can check.
//
// Each function looks at one file, or at all of them, and adds what it finds. A finding says what
// would be right. The rules read text, not C++: they are exact for code as this project writes it.
#pragma once

#include <string>
#include <vector>

#include "tests/tidy/source.h"

namespace breakwater::tidy {

struct Finding {
  std::string path;
  size_t line;  // from 1; 0: the file as a whole
  std::string message;
  std::string to_string() const;
};
using Findings = std::vector<Finding>;

// C++ and CMake lines are at most 100 characters long.
void check_columns(const Source& source, Findings& findings);
// C++ files have at most 600 lines.
void check_file_length(const Source& source, Findings& findings);
// Functions, with their signature, have at most 70 lines.
void check_function_length(const Source& source, Findings& findings);
// Time, randomness, the environment and threads come in from outside; no heavy standard headers.
void check_banned_calls(const Source& source, Findings& findings);
// Headers begin with a comment, have #pragma once and include no heavy library.
void check_header(const Source& source, Findings& findings);
// No notes to self.
void check_leftovers(const Source& source, Findings& findings);
// No braces inside parentheses in a statement with co_await: g++ 12 destroys such temporaries
// twice.
void check_co_await(const Source& source, Findings& findings);
// No path that exists on one developer's machine only.
void check_machine_paths(const Source& source, Findings& findings);

// A module includes only itself and what its CMakeLists.txt says it uses.
void check_layering(const std::vector<Source>& project, Findings& findings);
// Every module says what it is for and how it is built.
void check_module_files(const std::vector<Source>& project, Findings& findings);

Findings check_project(const std::vector<Source>& project);

}  // namespace breakwater::tidy
