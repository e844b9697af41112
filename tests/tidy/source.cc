#include "tests/tidy/source.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/file.h"

namespace breakwater::tidy {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Blanks what is no code, in place, keeping every newline.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text) {}

  std::string run() {
    while (place_ < text_.size()) step();
    return std::move(text_);
  }

 private:
  void step() {
    const char c = text_[place_];
    const char next = place_ + 1 < text_.size() ? text_[place_ + 1] : '\0';
    if (c == '/' && next == '/') {
      blank_until("\n", 0);
    } else if (c == '/' && next == '*') {
      blank_until("*/", 2);
    } else if (c == '#' && begins_line()) {
      blank_directive();
    } else if (c == '"' && is_raw()) {
      const size_t open = text_.find('(', place_);
      blank_until(")" + text_.substr(place_ + 1, open - place_ - 1) + "\"", 0, true);
    } else if (c == '"' || (c == '\'' && (place_ == 0 || !is_word(text_[place_ - 1])))) {
      blank_literal(c);
    } else {
      ++place_;
    }
  }

  bool begins_line() const {
    if (place_ == 0) return true;
    const size_t before = text_.find_last_not_of(" \t", place_ - 1);
    return before == std::string::npos || text_[before] == '\n';
  }

  bool is_raw() const {
    return place_ > 0 && text_[place_ - 1] == 'R' && (place_ < 2 || !is_word(text_[place_ - 2]));
  }

  void blank(size_t end) {
    for (; place_ < end; ++place_) {
      if (text_[place_] != '\n') text_[place_] = ' ';
    }
  }

  // Up to `mark` and `extra` characters of it; a literal keeps its quotes.
  void blank_until(const std::string& mark, size_t extra, bool keep_quotes = false) {
    const size_t found = text_.find(mark, place_ + 1);
    const size_t size = keep_quotes ? mark.size() - 1 : extra;
    const size_t end = found == std::string::npos ? text_.size() : found + size;
    if (keep_quotes) ++place_;
    blank(end);
    if (keep_quotes && place_ < text_.size()) ++place_;
  }

  void blank_directive() {
    size_t end = place_;
    do {
      end = text_.find('\n', end + 1);
    } while (end != std::string::npos && text_[end - 1] == '\\');
    blank(std::min(end, text_.size()));
  }

  void blank_literal(char quote) {
    size_t end = place_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    ++place_;
    blank(std::min(end, text_.size()));
    if (place_ < text_.size()) ++place_;
  }

  std::string text_;
  size_t place_ = 0;
};

std::vector<std::string> git_files(const std::string& root) {
  std::string listing;
  const std::string command = "git -C '" + root + "' ls-files -z 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return {};
  std::array<char, 4096> buffer;
  while (const size_t n = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    listing.append(buffer.data(), n);
  }
  std::vector<std::string> files;
  for (size_t start = 0; start < listing.size();) {
    const size_t end = listing.find('\0', start);
    files.push_back(listing.substr(start, end - start));
    start = end == std::string::npos ? listing.size() : end + 1;
  }
  return files;
}

std::vector<std::string> all_files(const std::string& root) {
  std::vector<std::string> files;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    const std::string name = entry->path().filename();
    if (entry->is_directory() && (name == ".git" || name == "build")) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      files.push_back(entry->path().lexically_relative(root));
    }
  }
  return files;
}

}  // namespace

bool Source::is_under(std::string_view folder) const {
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

std::string Source::module() const {
  if (!is_under("src")) return "";
  const size_t end = path.find('/', 4);
  return end == std::string::npos ? "" : path.substr(4, end - 4);
}

Source make_source(std::string path, std::string_view text) {
  Source source{std::move(path), split_lines(text), {}};
  if (source.is_cpp()) {
    source.code = split_lines(Blanker(text).run());
    source.code.resize(source.lines.size());
  }
  return source;
}

std::vector<Source> load_project(const std::string& root) {
  std::vector<std::string> paths = git_files(root);
  if (paths.empty()) paths = all_files(root);
  std::vector<Source> sources;
  for (const std::string& path : paths) {
    const auto text = read_file(fs::path(root) / path);
    if (!text || text->substr(0, 8192).find('\0') != std::string::npos) continue;
    sources.push_back(make_source(path, *text));
  }
  return sources;
}

}  // namespace breakwater::tidy
