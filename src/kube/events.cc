#include "kube/events.h"

#include "base/hash.h"

namespace breakwater::kube {
namespace {

constexpr Kind kEvent{"", "v1", "Event", "events", true, false};
constexpr size_t kLongestMessage = 1024;  // what the API accepts
constexpr size_t kLongestPrefix = 230;    // leaves room for the digest in a name of 253

// At most `limit` bytes, not cutting a UTF-8 sequence.
std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  return text.substr(0, limit);
}

Json reference_to(const Object& about, const std::string& ns) {
  Json reference = Json::object({{"apiVersion", about.api_version()},
                                 {"kind", about.kind()},
                                 {"name", about.name()},
                                 {"uid", about.uid()},
                                 {"resourceVersion", about.resource_version()}});
  if (!about.ns().empty()) reference.set("namespace", ns);
  return reference;
}

}  // namespace

EventRecorder::EventRecorder(Client& client, const Clock& clock, std::string component, Logger log)
    : client_(client), clock_(clock), component_(std::move(component)), log_(std::move(log)) {}

void EventRecorder::normal(const Object& about, std::string_view reason, std::string_view message) {
  record(about, "Normal", reason, message);
}

void EventRecorder::warning(const Object& about, std::string_view reason,
                            std::string_view message) {
  record(about, "Warning", reason, message);
}

void EventRecorder::record(const Object& about, std::string_view type, std::string_view reason,
                           std::string_view message) {
  const std::string ns = about.ns().empty() ? "default" : about.ns();
  const std::string_view text = cut(message, kLongestMessage);
  const std::string now = format_rfc3339(clock_.now());
  // The name is derived from what is said, so that saying it again finds the same Event.
  const Sha256Digest digest = sha256(
      as_bytes(fmt::format("{}\n{}\n{}\n{}\n{}", about.uid(), component_, type, reason, text)));
  const Key key{ns, fmt::format("{}.{}", cut(about.name(), kLongestPrefix),
                                to_hex(ByteSpan(digest).first(8)))};

  Object event = Object::make(kEvent, key);
  event.set({"involvedObject"}, reference_to(about, ns));
  event.set({"type"}, type);
  event.set({"reason"}, reason);
  event.set({"message"}, text);
  event.set({"source", "component"}, component_);
  event.set({"reportingComponent"}, component_);
  event.set({"firstTimestamp"}, now);
  event.set({"lastTimestamp"}, now);
  event.set({"count"}, 1);
  auto written = client_.create(kEvent, event);
  if (!written && written.error().is(Code::kAlreadyExists)) {
    written = edit(client_, kEvent, key, false, [&](Object& known) -> Result<bool> {
      known.set({"count"}, known["count"].as_int(1) + 1);
      known.set({"lastTimestamp"}, now);
      return true;
    });
  }
  if (!written) {
    log_.warning(
        "event not recorded",
        {{"reason", reason}, {"event", key.to_string()}, {"error", written.error().to_string()}});
  }
}

}  // namespace breakwater::kube
