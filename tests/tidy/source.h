// A file of the project as the tidy rules look at it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace breakwater::tidy {

// One file. Lines are numbered from 1 in messages and from 0 here.
struct Source {
  std::string path;                // relative to the project, with '/'
  std::vector<std::string> lines;  // as written
  // C++ only: the same lines with comments, the contents of string and character literals and
  // preprocessor directives replaced by spaces, so that a search finds code and nothing else.
  std::vector<std::string> code;

  bool is_header() const { return path.ends_with(".h"); }
  bool is_cpp() const { return is_header() || path.ends_with(".cc"); }
  bool is_cmake() const { return path.ends_with(".cmake") || path.ends_with("CMakeLists.txt"); }
  bool is_under(std::string_view folder) const;  // "src/cli"
  // "base" for src/base/…; "" outside src/.
  std::string module() const;
};

Source make_source(std::string path, std::string_view text);

// What git tracks, or every file if `root` is no git work tree. Files that are no text, and files
// that are tracked but gone, are left out.
std::vector<Source> load_project(const std::string& root);

}  // namespace breakwater::tidy
