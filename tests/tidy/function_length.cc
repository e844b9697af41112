// Finds functions by their braces. At namespace and class level the text before a '{' tells what it
// opens; inside a function braces are only counted.
#include <fmt/format.h>

#include "tests/tidy/rules.h"

namespace breakwater::tidy {

namespace {

constexpr size_t kMaxFunctionLines = 70;

bool ends_in_word(std::string_view text) {
  const char c = text.empty() ? ' ' : text.back();
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '>';
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \n\t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \n\t") - first + 1);
}

// After "template <…>" and what may stand before the key word.
std::string_view without_template(std::string_view head) {
  while (head.starts_with("template")) {
    int depth = 0;
    size_t end = head.find('<');
    for (; end < head.size(); ++end) {
      if (head[end] == '<') ++depth;
      if (head[end] == '>' && --depth == 0) break;
    }
    head = end < head.size() ? trimmed(head.substr(end + 1)) : std::string_view();
  }
  return head;
}

// Whether a constructor's list of initialisers has begun: a ')' and then a single ':'.
bool in_initialisers(std::string_view head) {
  const size_t colon = head.rfind(" : ");
  if (colon == std::string_view::npos) return false;
  return head.substr(0, colon).find(')') != std::string_view::npos;
}

enum class Opens { kScope, kFunction, kValue };

Opens classify(std::string_view head, int parentheses) {
  head = without_template(trimmed(head));
  if (parentheses > 0 || head.ends_with('=')) return Opens::kValue;
  for (const char* word :
       {"namespace", "inline namespace", "extern", "class ", "struct ", "union ", "enum "}) {
    if (head.starts_with(word) && head.find('(') == std::string_view::npos) return Opens::kScope;
  }
  if (head.find('(') == std::string_view::npos) return Opens::kValue;
  if (in_initialisers(head) && ends_in_word(head)) return Opens::kValue;
  return Opens::kFunction;
}

class Finder {
 public:
  Finder(const Source& source, Findings& findings) : source_(source), findings_(findings) {}

  void run() {
    for (line_ = 0; line_ < source_.code.size(); ++line_) {
      for (const char c : source_.code[line_]) take(c);
      take('\n');
    }
  }

 private:
  void take(char c) {
    if (inside_ > 0) {
      if (c == '{') ++inside_;
      if (c == '}' && --inside_ == 0) leave();
      return;
    }
    if (c == '{') {
      open();
    } else if (c == '}' || (c == ';' && parentheses_ == 0)) {
      start_over();
    } else {
      if (c == '(') ++parentheses_;
      if (c == ')') --parentheses_;
      if (head_.empty() && c != ' ' && c != '\n') first_line_ = line_;
      if (!head_.empty() || (c != ' ' && c != '\n')) head_ += c;
      drop_label();
    }
  }

  void open() {
    opened_ = classify(head_, parentheses_);
    if (opened_ == Opens::kScope) {
      start_over();
    } else {
      inside_ = 1;
    }
  }

  void leave() {
    if (opened_ == Opens::kValue) {  // the declaration goes on
      head_ += '}';
      return;
    }
    const size_t lines = line_ - first_line_ + 1;
    if (lines > kMaxFunctionLines) {
      findings_.push_back({source_.path, first_line_ + 1,
                           fmt::format("a function of {} lines; split it so that each part has at "
                                       "most {}",
                                       lines, kMaxFunctionLines)});
    }
    start_over();
  }

  void start_over() {
    head_.clear();
    parentheses_ = 0;
  }

  // "public:" and the like end no declaration, but begin none either.
  void drop_label() {
    for (const std::string_view label : {"public:", "private:", "protected:"}) {
      if (head_ == label) start_over();
    }
  }

  const Source& source_;
  Findings& findings_;
  std::string head_;  // the declaration so far
  size_t line_ = 0;
  size_t first_line_ = 0;
  int parentheses_ = 0;
  int inside_ = 0;  // braces open in a function or value
  Opens opened_ = Opens::kScope;
};

}  // namespace

void check_function_length(const Source& source, Findings& findings) {
  Finder(source, findings).run();
}

}  // namespace breakwater::tidy
