#include "apiserver/pattern_parser.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace breakwater::apiserver {
namespace {

using Node = PatternNode;
using Ranges = Pattern::Ranges;

constexpr int kMostRepetitions = 1000;
constexpr int kDeepest = 100;
constexpr char32_t kLast = 0x10FFFF;

Ranges without(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end());
  Ranges result;
  char32_t from = 0;
  for (const auto& [first, last] : ranges) {
    if (first > from) result.push_back({from, first - 1});
    from = std::max<char32_t>(from, last + 1);
  }
  if (from <= kLast) result.push_back({from, kLast});
  return result;
}

// \d, \w, \s and their opposites; empty for other letters.
Ranges perl_class(char32_t letter) {
  switch (letter) {
    case 'd':
      return {{'0', '9'}};
    case 'w':
      return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    case 's':
      return {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
    case 'D':
      return without(perl_class('d'));
    case 'W':
      return without(perl_class('w'));
    case 'S':
      return without(perl_class('s'));
    default:
      return {};
  }
}

Ranges posix_class(std::u32string_view name) {
  if (name == U"digit") return perl_class('d');
  if (name == U"word") return perl_class('w');
  if (name == U"space") return {{'\t', '\r'}, {' ', ' '}};
  if (name == U"alpha") return {{'A', 'Z'}, {'a', 'z'}};
  if (name == U"alnum") return {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}};
  if (name == U"lower") return {{'a', 'z'}};
  if (name == U"upper") return {{'A', 'Z'}};
  if (name == U"xdigit") return {{'0', '9'}, {'A', 'F'}, {'a', 'f'}};
  if (name == U"punct") return {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}};
  return {};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(code_points(text)) {}

  Result<Node> parse() {
    Node node = TRY(choice(0));
    if (at_ < text_.size()) return fail(Code::kInvalid, "a ')' without its '('");
    return node;
  }

 private:
  bool more() const { return at_ < text_.size(); }
  bool take(char32_t c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::u32string_view literal) {
    if (std::u32string_view(text_).substr(at_, literal.size()) != literal) return false;
    at_ += literal.size();
    return true;
  }

  Result<Node> choice(int depth);
  Result<Node> sequence(int depth);
  Result<Node> repeated(int depth);
  Result<Node> atom(int depth);
  Result<Node> group(int depth);
  Result<Node> bracket();
  Result<Ranges> bracket_item();
  Result<Node> escape();
  Result<char32_t> escaped_char(char32_t letter);
  Result<bool> counts(Node& repeat);
  std::optional<int> number();
  Node one_of(Ranges ranges) const;

  std::u32string text_;
  size_t at_ = 0;
  bool fold_ = false;     // (?i)
  bool newline_ = false;  // (?s): '.' matches a newline
};

Node Parser::one_of(Ranges ranges) const {
  Node node{Node::Kind::kOneOf, std::move(ranges), {}, 0, 0};
  if (!fold_) return node;
  Ranges extra;
  const auto shift = [&extra](std::pair<char32_t, char32_t> r, char32_t from, char32_t to, int by) {
    const char32_t first = std::max(r.first, from), last = std::min(r.second, to);
    if (first <= last) {
      extra.push_back({static_cast<char32_t>(static_cast<int>(first) + by),
                       static_cast<char32_t>(static_cast<int>(last) + by)});
    }
  };
  for (const auto& range : node.ranges) {
    shift(range, 'a', 'z', -32);
    shift(range, 'A', 'Z', 32);
  }
  node.ranges.insert(node.ranges.end(), extra.begin(), extra.end());
  return node;
}

Result<Node> Parser::choice(int depth) {
  if (depth > kDeepest) return fail(Code::kInvalid, "groups are nested too deeply");
  Node node{Node::Kind::kChoice, {}, {}, 0, 0};
  do {
    node.children.push_back(TRY(sequence(depth)));
  } while (take('|'));
  if (node.children.size() > 1) return node;
  Node only = std::move(node.children.front());
  return only;
}

Result<Node> Parser::sequence(int depth) {
  Node node{Node::Kind::kSequence, {}, {}, 0, 0};
  while (more() && text_[at_] != '|' && text_[at_] != ')') {
    node.children.push_back(TRY(repeated(depth)));
  }
  return node;
}

Result<Node> Parser::repeated(int depth) {
  Node node = TRY(atom(depth));
  while (more()) {
    Node repeat{Node::Kind::kRepeat, {}, {}, 0, -1};
    if (take('*')) {
    } else if (take('+')) {
      repeat.least = 1;
    } else if (take('?')) {
      repeat.most = 1;
    } else if (!TRY(counts(repeat))) {
      break;
    }
    take('?');  // lazy: whether it matches is the same
    repeat.children.push_back(std::move(node));
    node = std::move(repeat);
  }
  return node;
}

std::optional<int> Parser::number() {
  const size_t start = at_;
  int value = 0;
  while (more() && text_[at_] >= '0' && text_[at_] <= '9' && value <= kMostRepetitions) {
    value = value * 10 + static_cast<int>(text_[at_++] - '0');
  }
  if (at_ == start) return std::nullopt;
  return value;
}

// {n}, {n,}, {n,m}; anything else in braces stands for itself.
Result<bool> Parser::counts(Node& repeat) {
  const size_t start = at_;
  if (!take('{')) return false;
  const auto least = number();
  bool good = least.has_value();
  if (good) {
    repeat.least = repeat.most = *least;
    if (take(',')) repeat.most = number().value_or(-1);
    good = take('}');
  }
  if (!good) {
    at_ = start;
    return false;
  }
  if (repeat.least > kMostRepetitions || repeat.most > kMostRepetitions ||
      (repeat.most >= 0 && repeat.most < repeat.least)) {
    return fail(Code::kInvalid, "a repetition must be at most {} and not run backwards",
                kMostRepetitions);
  }
  return true;
}

Result<Node> Parser::atom(int depth) {
  const char32_t c = text_[at_++];
  switch (c) {
    case '(':
      return group(depth);
    case '[':
      return bracket();
    case '\\':
      return escape();
    case '.':
      if (newline_) return one_of({{0, kLast}});
      return one_of(without({{'\n', '\n'}}));
    case '^':
      return Node{Node::Kind::kBegin, {}, {}, 0, 0};
    case '$':
      return Node{Node::Kind::kEnd, {}, {}, 0, 0};
    case '*':
    case '+':
    case '?':
      return fail(Code::kInvalid, "a repetition has nothing to repeat");
    case '{': {
      --at_;
      Node probe;
      if (TRY(counts(probe))) return fail(Code::kInvalid, "a repetition has nothing to repeat");
      ++at_;
      return one_of({{c, c}});
    }
    default:
      return one_of({{c, c}});
  }
}

Result<Node> Parser::group(int depth) {
  const bool fold = fold_, newline = newline_;
  if (take(U"?P<") || (take(U"?<"))) {
    while (more() && text_[at_] != '>') ++at_;
    if (!take('>')) return fail(Code::kInvalid, "the name of a group does not end");
  } else if (take('?')) {
    while (more() && (text_[at_] == 'i' || text_[at_] == 's')) {
      (text_[at_++] == 'i' ? fold_ : newline_) = true;
    }
    if (take(')')) return Node{};  // (?i): from here on
    if (!take(':')) return fail(Code::kInvalid, "this kind of group is not supported");
  }
  Node node = TRY(choice(depth + 1));
  if (!take(')')) return fail(Code::kInvalid, "a '(' without its ')'");
  fold_ = fold;
  newline_ = newline;
  return node;
}

Result<char32_t> Parser::escaped_char(char32_t letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case 'a':
      return '\a';
    default:
      break;
  }
  if (letter == 'x') {
    const bool braces = take('{');
    std::string digits;
    while (more() && text_[at_] < 128 && std::isxdigit(static_cast<int>(text_[at_])) != 0 &&
           digits.size() < (braces ? 6 : 2)) {
      digits += static_cast<char>(text_[at_++]);
    }
    if (digits.empty() || (braces && !take('}'))) return fail(Code::kInvalid, "\\x needs digits");
    return static_cast<char32_t>(std::stoul(digits, nullptr, 16));
  }
  const bool word = letter < 128 && std::isalnum(static_cast<int>(letter)) != 0;
  if (word) return fail(Code::kInvalid, "\\{} is not supported", static_cast<char>(letter));
  return letter;
}

Result<Node> Parser::escape() {
  if (!more()) return fail(Code::kInvalid, "a backslash at the end");
  const char32_t letter = text_[at_++];
  if (letter == 'b') return Node{Node::Kind::kWordEdge, {}, {}, 0, 0};
  if (letter == 'B') return Node{Node::Kind::kNoWordEdge, {}, {}, 0, 0};
  if (letter == 'A') return Node{Node::Kind::kBegin, {}, {}, 0, 0};
  if (letter == 'z') return Node{Node::Kind::kEnd, {}, {}, 0, 0};
  const Ranges known = perl_class(letter);
  if (!known.empty()) return one_of(known);
  const char32_t c = TRY(escaped_char(letter));
  return one_of({{c, c}});
}

// One class or one character, as a range of one.
Result<Ranges> Parser::bracket_item() {
  if (take(U"[:")) {
    const size_t end = text_.find(U":]", at_);
    if (end == std::u32string::npos) return fail(Code::kInvalid, "a '[:' without its ':]'");
    const bool negated = take('^');
    Ranges ranges = posix_class(std::u32string_view(text_).substr(at_, end - at_));
    if (ranges.empty()) return fail(Code::kInvalid, "an unknown class in '[: :]'");
    at_ = end + 2;
    return negated ? without(ranges) : ranges;
  }
  char32_t c = text_[at_++];
  if (c == '\\') {
    if (!more()) return fail(Code::kInvalid, "a backslash at the end");
    const char32_t letter = text_[at_++];
    Ranges known = perl_class(letter);
    if (!known.empty()) return known;
    c = TRY(escaped_char(letter));
  }
  return Ranges{{c, c}};
}

Result<Node> Parser::bracket() {
  const bool negated = take('^');
  Ranges ranges;
  bool first = true;
  while (more() && (first || text_[at_] != ']')) {
    first = false;
    Ranges item = TRY(bracket_item());
    const bool single = item.size() == 1 && item[0].first == item[0].second;
    if (single && at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
      ++at_;
      const Ranges last = TRY(bracket_item());
      if (last.size() != 1 || last[0].second < item[0].first) {
        return fail(Code::kInvalid, "a range in brackets runs backwards");
      }
      item[0].second = last[0].second;
    }
    ranges.insert(ranges.end(), item.begin(), item.end());
  }
  if (!take(']')) return fail(Code::kInvalid, "a '[' without its ']'");
  Node node = one_of(std::move(ranges));
  if (negated) node.ranges = without(node.ranges);
  return node;
}

}  // namespace

std::u32string code_points(std::string_view text) {
  std::u32string result;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80    ? 1
                          : lead >= 0xF0 ? 4
                          : lead >= 0xE0 ? 3
                          : lead >= 0xC0 ? 2
                                         : 0;
    if (length == 0 || i + length > text.size()) {
      result += char32_t{0xFFFD};
      ++i;
      continue;
    }
    char32_t value = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (size_t k = 1; k < length; ++k) {
      value = (value << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    }
    result += value;
    i += length;
  }
  return result;
}

Result<PatternNode> parse_pattern(std::string_view text) { return Parser(text).parse(); }

}  // namespace breakwater::apiserver
