#include "apiserver/pattern.h"

#include <optional>

#include "apiserver/pattern_parser.h"

namespace breakwater::apiserver {
namespace {

using Step = Pattern::Step;

constexpr size_t kMostSteps = 20000;

// Writes the steps of a node so that they go on with the step after them.
class Writer {
 public:
  bool write(const PatternNode& node);
  std::vector<Step> finish() {
    steps_.push_back({Step::Op::kMatch, {}, 0, 0});
    return std::move(steps_);
  }

 private:
  bool write_choice(const PatternNode& node);
  bool write_repeat(const PatternNode& node);
  size_t add(Step::Op op) {
    steps_.push_back({op, {}, steps_.size() + 1, 0});
    return steps_.size() - 1;
  }
  std::vector<Step> steps_;
};

bool Writer::write(const PatternNode& node) {
  if (steps_.size() > kMostSteps) return false;
  switch (node.kind) {
    case PatternNode::Kind::kEmpty:
      return true;
    case PatternNode::Kind::kOneOf:
      steps_[add(Step::Op::kOneOf)].ranges = node.ranges;
      return true;
    case PatternNode::Kind::kBegin:
      add(Step::Op::kBegin);
      return true;
    case PatternNode::Kind::kEnd:
      add(Step::Op::kEnd);
      return true;
    case PatternNode::Kind::kWordEdge:
      add(Step::Op::kWordEdge);
      return true;
    case PatternNode::Kind::kNoWordEdge:
      add(Step::Op::kNoWordEdge);
      return true;
    case PatternNode::Kind::kSequence:
      for (const PatternNode& child : node.children) {
        if (!write(child)) return false;
      }
      return true;
    case PatternNode::Kind::kChoice:
      return write_choice(node);
    case PatternNode::Kind::kRepeat:
      return write_repeat(node);
  }
  return false;
}

bool Writer::write_choice(const PatternNode& node) {
  std::vector<size_t> ends;
  for (size_t i = 0; i < node.children.size(); ++i) {
    const bool last = i + 1 == node.children.size();
    const size_t split = last ? 0 : add(Step::Op::kSplit);
    if (!write(node.children[i])) return false;
    if (last) break;
    ends.push_back(add(Step::Op::kSplit));  // a jump: both ways lead to the end
    steps_[split].other = steps_.size();
  }
  for (const size_t end : ends) steps_[end].next = steps_[end].other = steps_.size();
  return true;
}

bool Writer::write_repeat(const PatternNode& node) {
  const PatternNode& child = node.children.front();
  for (int i = 0; i < node.least; ++i) {
    if (!write(child)) return false;
  }
  if (node.most < 0) {
    const size_t split = add(Step::Op::kSplit);
    if (!write(child)) return false;
    const size_t back = add(Step::Op::kSplit);
    steps_[back].next = steps_[back].other = split;
    steps_[split].other = steps_.size();
    return true;
  }
  std::vector<size_t> splits;
  for (int i = node.least; i < node.most; ++i) {
    splits.push_back(add(Step::Op::kSplit));
    if (!write(child)) return false;
  }
  for (const size_t split : splits) steps_[split].other = steps_.size();
  return true;
}

bool is_word(std::optional<char32_t> c) {
  return c && ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || *c == '_' ||
               (*c >= 'a' && *c <= 'z'));
}

bool one_of(const Pattern::Ranges& ranges, char32_t c) {
  for (const auto& [first, last] : ranges) {
    if (c >= first && c <= last) return true;
  }
  return false;
}

}  // namespace

// A place between two characters.
struct Pattern::Spot {
  bool begin = false, end = false, word_edge = false;
};

Result<Pattern> Pattern::parse(std::string_view text) {
  const PatternNode root = TRY(parse_pattern(text));
  Writer writer;
  if (!writer.write(root)) return fail(Code::kInvalid, "the expression is too large");
  return Pattern(writer.finish());
}

// Adds `step` and all that can be reached from it without taking a character.
void Pattern::follow(size_t step, const Spot& spot, std::vector<size_t>& set,
                     std::vector<bool>& in) const {
  std::vector<size_t> open = {step};
  while (!open.empty()) {
    const size_t at = open.back();
    open.pop_back();
    if (in[at]) continue;
    in[at] = true;
    const Step& s = steps_[at];
    switch (s.op) {
      case Step::Op::kOneOf:
      case Step::Op::kMatch:
        set.push_back(at);
        break;
      case Step::Op::kSplit:
        open.push_back(s.next);
        open.push_back(s.other);
        break;
      case Step::Op::kBegin:
        if (spot.begin) open.push_back(s.next);
        break;
      case Step::Op::kEnd:
        if (spot.end) open.push_back(s.next);
        break;
      case Step::Op::kWordEdge:
        if (spot.word_edge) open.push_back(s.next);
        break;
      case Step::Op::kNoWordEdge:
        if (!spot.word_edge) open.push_back(s.next);
        break;
    }
  }
}

bool Pattern::search(std::string_view text) const {
  const std::u32string chars = code_points(text);
  std::vector<size_t> now, next;
  std::vector<bool> in_now(steps_.size()), in_next(steps_.size());
  const auto spot_at = [&chars](size_t i) {
    std::optional<char32_t> before, after;
    if (i > 0) before = chars[i - 1];
    if (i < chars.size()) after = chars[i];
    return Spot{i == 0, i == chars.size(), is_word(before) != is_word(after)};
  };
  for (size_t i = 0;; ++i) {
    follow(0, spot_at(i), now, in_now);  // a match may begin anywhere
    for (const size_t at : now) {
      if (steps_[at].op == Step::Op::kMatch) return true;
    }
    if (i == chars.size()) return false;
    const Spot after = spot_at(i + 1);
    for (const size_t at : now) {
      if (one_of(steps_[at].ranges, chars[i])) follow(steps_[at].next, after, next, in_next);
    }
    now.swap(next);
    in_now.swap(in_next);
    next.clear();
    in_next.assign(steps_.size(), false);
  }
}

}  // namespace breakwater::apiserver
