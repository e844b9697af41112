#include "tests/tidy/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace breakwater::tidy {

namespace {

constexpr size_t kMaxColumns = 100;
constexpr size_t kMaxFileLines = 600;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

size_t characters(std::string_view line) {
  return static_cast<size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Finds `pattern` where it does not continue a longer word.
size_t find_word(std::string_view text, std::string_view pattern, size_t from = 0) {
  for (size_t at = text.find(pattern, from); at != std::string_view::npos;
       at = text.find(pattern, at + 1)) {
    const size_t end = at + pattern.size();
    const bool starts = at == 0 || !is_word(text[at - 1]) || !is_word(pattern.front());
    const bool ends = end == text.size() || !is_word(text[end]) || !is_word(pattern.back());
    if (starts && ends) return at;
  }
  return std::string_view::npos;
}

// The name between the quotes or brackets of an include line; "" for any other line.
std::string included(const std::string& line, char open, char close) {
  const size_t start = line.find_first_not_of(" \t");
  if (start == std::string::npos || line.compare(start, 8, "#include") != 0) return "";
  const size_t from = line.find(open, start);
  if (from == std::string::npos) return "";
  return line.substr(from + 1, line.find(close, from + 1) - from - 1);
}

struct Ban {
  std::string_view pattern;
  std::string_view instead;
  std::vector<std::string_view> allowed;  // files and folders
};

const std::vector<Ban>& bans() {
  const std::string_view clock = "take the time from a Clock (base/clock.h) given to you";
  const std::string_view random = "draw from a Random (base/random.h) given to you";
  const std::string_view wait = "wait on a condition variable, or return and be called again";
  const std::string_view thread = "use the pool, runner or pipeline you are given";
  static const auto* const kBans = new std::vector<Ban>{
      {"system_clock::now", clock, {"src/base/clock.cc", "src/cli", "tests", "bench"}},
      {"steady_clock::now", clock, {"src/base/clock.cc", "src/cli", "tests", "bench"}},
      {"high_resolution_clock::now", clock, {}},
      {"random_device", random, {"src/base/random.cc"}},
      {"rand(", random, {}},
      {"getenv(", "let src/cli read the environment and pass the value on", {"src/cli", "tests"}},
      {"sleep_for", wait, {"src/cli", "tests"}},
      {"sleep_until", wait, {"tests"}},
      {"usleep(", wait, {}},
      {"std::regex", "parse by hand: std::regex is slow and recursive", {}},
      {"std::thread",
       thread,
       {"src/kube", "src/apiserver", "src/repo", "src/datapath", "src/sandbox", "src/cli", "tests",
        "bench"}},
  };
  return *kBans;
}

bool allows(const Ban& ban, const Source& source) {
  return std::any_of(ban.allowed.begin(), ban.allowed.end(), [&](std::string_view place) {
    return source.path == place || source.is_under(place);
  });
}

// USES of breakwater_module() in a CMakeLists.txt.
std::set<std::string> uses_of(const Source& cmake) {
  std::set<std::string> uses;
  bool inside = false;
  bool in_call = false;
  for (const std::string& raw : cmake.lines) {
    std::string line = raw.substr(0, raw.find('#'));
    for (const char c : {'(', ')'}) {
      for (size_t at = line.find(c); at != std::string::npos; at = line.find(c, at + 3)) {
        line.replace(at, 1, std::string{' ', c, ' '});
      }
    }
    for (size_t start = 0; (start = line.find_first_not_of(" \t", start)) != std::string::npos;) {
      const size_t end = std::min(line.find_first_of(" \t", start), line.size());
      const std::string word = line.substr(start, end - start);
      start = end;
      if (word == "breakwater_module") in_call = true;
      if (word == ")") in_call = inside = false;
      const bool keyword = word == "FLOOR" || word == "SOURCES" || word == "LIBS" || word == "USES";
      if (keyword) inside = in_call && word == "USES";
      if (inside && !keyword) uses.insert(word);
    }
  }
  return uses;
}

using Uses = std::map<std::string, std::set<std::string>>;

void add_closure(const Uses& uses, const std::string& module, std::set<std::string>& closure) {
  if (!closure.insert(module).second) return;
  const auto found = uses.find(module);
  if (found == uses.end()) return;
  for (const std::string& used : found->second) add_closure(uses, used, closure);
}

}  // namespace

std::string Finding::to_string() const { return fmt::format("{}:{}: {}", path, line, message); }

void check_columns(const Source& source, Findings& findings) {
  if (!source.is_cpp() && !source.is_cmake()) return;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    const size_t columns = characters(source.lines[i]);
    if (columns > kMaxColumns) {
      findings.push_back({source.path, i + 1,
                          fmt::format("{} columns; break the line at {}", columns, kMaxColumns)});
    }
  }
}

void check_file_length(const Source& source, Findings& findings) {
  if (!source.is_cpp() || source.lines.size() <= kMaxFileLines) return;
  findings.push_back({source.path, 0,
                      fmt::format("{} lines; split it so that each part has at most {}",
                                  source.lines.size(), kMaxFileLines)});
}

void check_banned_calls(const Source& source, Findings& findings) {
  if (!source.is_cpp()) return;
  for (size_t i = 0; i < source.code.size(); ++i) {
    for (const Ban& ban : bans()) {
      if (find_word(source.code[i], ban.pattern) == std::string_view::npos) continue;
      if (allows(ban, source)) continue;
      findings.push_back(
          {source.path, i + 1, fmt::format("{} is not used here: {}", ban.pattern, ban.instead)});
    }
    const std::string header = included(source.lines[i], '<', '>');
    if (header == "iostream" || header == "regex") {
      findings.push_back({source.path, i + 1,
                          fmt::format("<{}> is not used: write with fmt, parse by hand", header)});
    }
  }
}

void check_header(const Source& source, Findings& findings) {
  if (!source.is_header()) return;
  if (source.lines.empty() || !source.lines[0].starts_with("//")) {
    findings.push_back({source.path, 1, "a header begins with a comment that says what it is"});
  }
  if (std::find(source.lines.begin(), source.lines.end(), "#pragma once") == source.lines.end()) {
    findings.push_back({source.path, 1, "a header has #pragma once after its first comment"});
  }
  if (!source.is_under("src")) return;
  for (size_t i = 0; i < source.lines.size(); ++i) {
    const std::string header = included(source.lines[i], '<', '>');
    for (const std::string_view heavy : {"spdlog/", "CLI/", "yaml-cpp/", "boost/json"}) {
      if (!header.starts_with(heavy)) continue;
      findings.push_back({source.path, i + 1,
                          fmt::format("<{}> is slow to compile: include it in one .cc", header)});
    }
  }
}

void check_leftovers(const Source& source, Findings& findings) {
  // Put together so that this file does not find itself.
  static constexpr std::array<std::string_view, 2> kMarks = {
      "TO"
      "DO",
      "FIX"
      "ME"};
  for (size_t i = 0; i < source.lines.size(); ++i) {
    for (const std::string_view mark : kMarks) {
      if (find_word(source.lines[i], mark) == std::string_view::npos) continue;
      findings.push_back({source.path, i + 1, "do it now, or open an issue for it"});
    }
  }
}

void check_co_await(const Source& source, Findings& findings) {
  int parentheses = 0;
  bool braces = false;
  size_t awaits = 0;  // the line, from 1
  for (size_t i = 0; i < source.code.size(); ++i) {
    const std::string& line = source.code[i];
    const size_t await = find_word(line, "co_await");
    for (size_t at = 0; at < line.size(); ++at) {
      const char c = line[at];
      if (at == await) awaits = i + 1;
      if (c == '(') ++parentheses;
      if (c == ')') --parentheses;
      if (c == '{' && parentheses > 0) braces = true;
      if (parentheses > 0 || (c != ';' && c != '{' && c != '}')) continue;
      if (braces && awaits > 0) {
        findings.push_back({source.path, awaits,
                            "'{' inside the parentheses of a statement with co_await: name the "
                            "braced value or lambda in a statement before it"});
      }
      parentheses = 0;
      braces = false;
      awaits = 0;
    }
  }
}

void check_machine_paths(const Source& source, Findings& findings) {
  static constexpr std::array<std::string_view, 2> kPaths = {
      "/work"
      "/",
      "/tmp"
      "/bw"};
  for (size_t i = 0; i < source.lines.size(); ++i) {
    const std::string& line = source.lines[i];
    for (const std::string_view path : kPaths) {
      const size_t at = line.find(path);
      if (at == std::string::npos) continue;
      if (at > 0 && (is_word(line[at - 1]) ||
                     std::string_view("./-}*").find(line[at - 1]) != std::string_view::npos)) {
        continue;  // the inside of a longer path
      }
      findings.push_back({source.path, i + 1,
                          fmt::format("\"{}\" is a path of one machine: make it relative", path)});
    }
  }
}

void check_layering(const std::vector<Source>& project, Findings& findings) {
  Uses uses;
  for (const Source& source : project) {
    const std::string module = source.module();
    if (source.path == "src/" + module + "/CMakeLists.txt") uses[module] = uses_of(source);
  }
  for (const Source& source : project) {
    const std::string module = source.module();
    if (!source.is_cpp() || !uses.contains(module)) continue;
    std::set<std::string> allowed;
    add_closure(uses, module, allowed);
    for (size_t i = 0; i < source.lines.size(); ++i) {
      const std::string header = included(source.lines[i], '"', '"');
      if (header.empty()) continue;
      const size_t slash = header.find('/');
      const std::string other = header.substr(0, slash);
      if (slash == std::string::npos || other == "..") {
        findings.push_back(
            {source.path, i + 1,
             fmt::format("include \"module/file.h\" relative to src/, not \"{}\"", header)});
      } else if (!allowed.contains(other)) {
        findings.push_back({source.path, i + 1,
                            fmt::format("{0} may not include {1}: src/{0}/CMakeLists.txt does not "
                                        "list it under USES",
                                        module, other)});
      }
    }
  }
}

void check_module_files(const std::vector<Source>& project, Findings& findings) {
  std::set<std::string> modules;
  std::set<std::string> paths;
  for (const Source& source : project) {
    const std::string module = source.module();
    if (module.empty()) continue;
    modules.insert(module);
    paths.insert(source.path);
  }
  for (const std::string& module : modules) {
    const std::string readme = "src/" + module + "/README.md";
    const std::string cmake = "src/" + module + "/CMakeLists.txt";
    if (!paths.contains(readme)) {
      findings.push_back(
          {readme, 0, "missing: say what the module is for, its main types and invariants"});
    }
    if (!paths.contains(cmake)) {
      findings.push_back({cmake, 0, "missing: declare the module, its floor and what it uses"});
    }
  }
}

Findings check_project(const std::vector<Source>& project) {
  Findings findings;
  for (const Source& source : project) {
    check_machine_paths(source, findings);
    check_leftovers(source, findings);
    check_columns(source, findings);
    if (!source.is_cpp()) continue;
    check_file_length(source, findings);
    check_function_length(source, findings);
    check_banned_calls(source, findings);
    check_header(source, findings);
    check_co_await(source, findings);
  }
  check_layering(project, findings);
  check_module_files(project, findings);
  return findings;
}

}  // namespace breakwater::tidy
