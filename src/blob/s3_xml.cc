#include "blob/s3_xml.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace breakwater::blob {
namespace {

constexpr int kMostLevels = 16;
constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
    {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr std::array<uint32_t, 4> kLead = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLead[static_cast<size_t>(more)] | (point >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) {
    out += static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3f));
  }
}

class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : text_(text) {}

  Result<XmlElement> document() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    TRY(skip_between_elements());
    XmlElement root = TRY(element(1));
    TRY(skip_between_elements());
    if (at_ != text_.size()) return wrong("something follows the root element");
    return root;
  }

 private:
  tl::unexpected<Error> wrong(std::string_view what) const {
    return fail(Code::kInvalid, "no XML: {} at byte {}", what, at_);
  }

  bool at(std::string_view token) const { return text_.substr(at_).starts_with(token); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  Result<std::string_view> until(std::string_view end) {
    const size_t found = text_.find(end, at_);
    if (found == text_.npos) return wrong(fmt::format("no {}", end));
    const std::string_view between = text_.substr(at_, found - at_);
    at_ = found + end.size();
    return between;
  }

  Result<> skip_between_elements() {
    for (;;) {
      skip_blanks();
      if (at("<?")) {
        TRY(until("?>"));
      } else if (at("<!--")) {
        TRY(until("-->"));
      } else {
        return {};
      }
    }
  }

  std::string name() {
    const size_t begin = at_;
    while (at_ < text_.size() && std::string_view(" \t\r\n/>=<\"'").find(text_[at_]) == text_.npos)
      ++at_;
    const std::string_view whole = text_.substr(begin, at_ - begin);
    return std::string(whole.substr(whole.rfind(':') + 1));
  }

  Result<> attributes() {
    for (;;) {
      skip_blanks();
      if (peek() == '>' || peek() == '/') return {};
      if (name().empty()) return wrong("no name of an attribute");
      skip_blanks();
      if (peek() != '=') return wrong("no value of an attribute");
      ++at_;
      skip_blanks();
      const char quote = peek();
      if (quote != '"' && quote != '\'') return wrong("an attribute's value is not quoted");
      ++at_;
      TRY(until(std::string_view(&quote, 1)));
    }
  }

  // After '<'.
  Result<XmlElement> element(int level) {
    if (level > kMostLevels) return wrong("too many levels");
    if (peek() != '<') return wrong("no element");
    ++at_;
    XmlElement result;
    result.name = name();
    if (result.name.empty()) return wrong("no name of an element");
    TRY(attributes());
    if (at("/>")) {
      at_ += 2;
      return result;
    }
    if (peek() != '>') return wrong("an element does not end");
    ++at_;
    TRY(content(result, level));
    return result;
  }

  Result<> content(XmlElement& into, int level) {
    for (;;) {
      if (at_ >= text_.size()) return wrong("the text ends early");
      if (at("</")) {
        at_ += 2;
        if (name() != into.name) return wrong("the end of another element");
        skip_blanks();
        if (peek() != '>') return wrong("an end that does not end");
        ++at_;
        return {};
      }
      if (at("<!--")) {
        TRY(until("-->"));
      } else if (at("<![CDATA[")) {
        at_ += 9;
        into.text += TRY(until("]]>"));
      } else if (at("<?")) {
        TRY(until("?>"));
      } else if (peek() == '<') {
        into.children.push_back(TRY(element(level + 1)));
      } else if (peek() == '&') {
        TRY(entity(into.text));
      } else {
        into.text += text_[at_++];
      }
    }
  }

  Result<> entity(std::string& out) {
    ++at_;
    const std::string_view body = TRY(until(";"));
    for (const auto& [known, c] : kEntities) {
      if (body == known) {
        out += c;
        return {};
      }
    }
    if (!body.starts_with('#')) return wrong("an unknown entity");
    const bool hex = body.starts_with("#x");
    const std::string_view digits = body.substr(hex ? 2 : 1);
    uint32_t point = 0;
    const auto parsed =
        std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() ||
        point > 0x10ffff) {
      return wrong("no number of a character");
    }
    append_utf8(out, point);
    return {};
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

const XmlElement* XmlElement::find(std::string_view child) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const XmlElement& one) { return one.name == child; });
  return found == children.end() ? nullptr : &*found;
}

const std::string& XmlElement::text_of(std::string_view child) const {
  static const auto* const kNothing = new std::string;
  const XmlElement* found = find(child);
  return found == nullptr ? *kNothing : found->text;
}

Result<XmlElement> parse_xml(std::string_view text) { return XmlReader(text).document(); }

std::string xml_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto* const found = std::find_if(kEntities.begin(), kEntities.end(),
                                           [c](const auto& entity) { return entity.second == c; });
    if (found == kEntities.end()) {
      out += c;
    } else {
      out += fmt::format("&{};", found->first);
    }
  }
  return out;
}

}  // namespace breakwater::blob
