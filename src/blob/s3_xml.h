// The little XML that S3 answers with.
//
// Elements with text, no more: attributes, comments and processing instructions are read over,
// prefixes of namespaces are dropped, document types are refused. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace breakwater::blob {

struct XmlElement {
  std::string name;
  std::string text;  // of this element itself, entities resolved
  std::vector<XmlElement> children;

  // The first child of that name, or null.
  const XmlElement* find(std::string_view child) const;
  // The text of the first child of that name, or "".
  const std::string& text_of(std::string_view child) const;
};

// The root element. kInvalid for anything that is no XML document of at most 16 levels.
Result<XmlElement> parse_xml(std::string_view text);

// With &, <, >, " and ' as entities.
std::string xml_escape(std::string_view text);

}  // namespace breakwater::blob
