// Parsers of blob/: S3's answers, credentials files, repository URLs.
#include "blob/s3_location.h"
#include "blob/s3_xml.h"
#include "tests/fuzz/fuzz.h"

namespace breakwater::fuzz {
namespace {

std::string print_xml(const blob::XmlElement& element) {
  std::string text = "<" + element.name + ">" + blob::xml_escape(element.text);
  for (const blob::XmlElement& child : element.children) text += print_xml(child);
  return text + "</" + element.name + ">";
}

bool is_same_xml(const blob::XmlElement& a, const blob::XmlElement& b) {
  if (a.name != b.name || a.text != b.text || a.children.size() != b.children.size()) return false;
  for (size_t i = 0; i < a.children.size(); ++i) {
    if (!is_same_xml(a.children[i], b.children[i])) return false;
  }
  return true;
}

}  // namespace

void fuzz_s3_xml(std::string_view input) {
  const auto document = blob::parse_xml(input);
  if (!document) return;
  const auto again = blob::parse_xml(print_xml(*document));
  CHECK(again && is_same_xml(*document, *again));
}

void fuzz_aws_credentials(std::string_view input) {
  const auto keys = blob::parse_credentials(input, "default");
  if (!keys) return;
  CHECK(!keys->access_key_id.empty() && !keys->secret_access_key.empty());
}

void fuzz_s3_url(std::string_view input) {
  auto location = blob::location_of_restic_url(input, "");
  if (!location) return;
  CHECK(!location->bucket.empty() && location->bucket.find('/') == std::string::npos);
  location->credentials = "[default]\naws_access_key_id=a\naws_secret_access_key=b\n";
  const auto settings = blob::s3_settings_of(*location);
  CHECK(settings);
  SystemRandom random;
  static_cast<void>(blob::open_store(*location, random));
}

}  // namespace breakwater::fuzz
