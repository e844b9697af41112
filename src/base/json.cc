#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <type_traits>
#include <unordered_map>

#include "base/check.h"

namespace breakwater {

namespace {

// What absent things read as. Never destroyed, so that reads stay valid until the very end.
struct Absent {
  Json json;
  std::string text;
  Json::Array items;
  Json::Members members;
};

const Absent& absent() {
  static const Absent* const kAbsent = new Absent;
  return *kAbsent;
}

std::optional<int64_t> exact_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The node behind `node`, ready to be changed: the node itself if nobody else refers to it, else a
// copy. Every node was created non-const.
template <class T>
T& own(std::shared_ptr<const T>& node) {
  if (node.use_count() == 1) {
    // use_count() is a relaxed load. Dropping a second reference orders what follows after the
    // last reads of owners that let go on other threads.
    std::shared_ptr<const T>(node).reset();
  } else {
    node = std::make_shared<T>(*node);
  }
  return const_cast<T&>(*node);
}

bool equal_members(const Json::Members& a, const Json::Members& b) {
  if (a.size() != b.size()) return false;
  size_t i = 0;
  while (i < a.size() && a[i].first == b[i].first) {
    if (!(a[i].second == b[i].second)) return false;
    ++i;
  }
  if (i == a.size()) return true;
  std::unordered_map<std::string_view, const Json*> rest;
  for (size_t j = i; j < b.size(); ++j) rest.emplace(b[j].first, &b[j].second);
  return std::all_of(a.begin() + static_cast<ptrdiff_t>(i), a.end(), [&](const auto& member) {
    const auto found = rest.find(member.first);
    return found != rest.end() && member.second == *found->second;
  });
}

}  // namespace

Json::Json(uint64_t value) {
  if (value <= static_cast<uint64_t>(INT64_MAX)) {
    value_ = static_cast<int64_t>(value);
  } else {
    *this = number(std::to_string(value));
  }
}

Json::Json(double value) {
  if (!std::isfinite(value)) return;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  if (const auto integer = exact_integer({text, static_cast<size_t>(end - text)})) {
    value_ = *integer;
  } else {
    *this = number(std::string(text, end));
  }
}

Json::Json(const char* value) : Json(std::string(value)) {}
Json::Json(std::string_view value) : Json(std::string(value)) {}
Json::Json(std::string value)
    : value_(std::shared_ptr<const std::string>(std::make_shared<std::string>(std::move(value)))) {}
Json::Json(Array items)
    : value_(std::shared_ptr<const Array>(std::make_shared<Array>(std::move(items)))) {}
Json::Json(Members members)
    : value_(std::shared_ptr<const Members>(std::make_shared<Members>(std::move(members)))) {}

Json Json::object(std::initializer_list<Member> members) { return Json(Members(members)); }
Json Json::array(std::initializer_list<Json> items) { return Json(Array(items)); }

Json Json::number(std::string text) {
  Json json;
  json.value_ =
      std::shared_ptr<const NumberText>(std::make_shared<NumberText>(NumberText{std::move(text)}));
  return json;
}

bool Json::as_bool(bool otherwise) const {
  const bool* value = std::get_if<bool>(&value_);
  return value ? *value : otherwise;
}

int64_t Json::as_int(int64_t otherwise) const {
  const int64_t* value = std::get_if<int64_t>(&value_);
  return value ? *value : otherwise;
}

double Json::as_double(double otherwise) const {
  if (is_int()) return static_cast<double>(as_int());
  if (kind() != Kind::kNumber) return otherwise;
  const std::string& text = as_string();
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() ? value : otherwise;
}

const std::string& Json::as_string() const {
  if (const auto* text = std::get_if<std::shared_ptr<const std::string>>(&value_)) return **text;
  if (const auto* number = std::get_if<std::shared_ptr<const NumberText>>(&value_)) {
    return (*number)->text;
  }
  return absent().text;
}

std::string Json::as_string_or(std::string_view otherwise) const {
  return is_string() ? as_string() : std::string(otherwise);
}

const Json::Array& Json::items() const {
  const auto* items = std::get_if<std::shared_ptr<const Array>>(&value_);
  return items ? **items : absent().items;
}

const Json::Members& Json::members() const {
  const auto* members = std::get_if<std::shared_ptr<const Members>>(&value_);
  return members ? **members : absent().members;
}

size_t Json::size() const { return is_array() ? items().size() : members().size(); }

const Json* Json::find(std::string_view name) const {
  for (const Member& member : members()) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

const Json& Json::operator[](std::string_view name) const {
  const Json* found = find(name);
  return found ? *found : absent().json;
}

const Json& Json::operator[](size_t index) const {
  const Array& all = items();
  return index < all.size() ? all[index] : absent().json;
}

const Json& Json::at(Path path) const {
  const Json* place = this;
  for (const std::string_view name : path) place = &(*place)[name];
  return *place;
}

const Json& Json::at(std::span<const std::string> path) const {
  const Json* place = this;
  for (const std::string& name : path) place = &(*place)[name];
  return *place;
}

Json::Members& Json::own_members() {
  if (!is_object()) *this = Json(Members{});
  return own(std::get<std::shared_ptr<const Members>>(value_));
}

void Json::set_at(const std::string_view* first, const std::string_view* last, Json value) {
  if (first == last) {
    *this = std::move(value);
    return;
  }
  Members& all = own_members();
  auto member = std::find_if(all.begin(), all.end(),
                             [&](const Member& candidate) { return candidate.first == *first; });
  if (member == all.end()) member = all.emplace(all.end(), *first, Json());
  member->second.set_at(first + 1, last, std::move(value));
}

void Json::erase_at(const std::string_view* first, const std::string_view* last) {
  if (first == last) {
    *this = Json();
    return;
  }
  const Json* place = this;  // an absent member must not cost a copy of the path to it
  for (const auto* name = first; name != last; ++name) {
    place = place->find(*name);
    if (!place) return;
  }
  Members& all = own_members();
  const auto member = std::find_if(
      all.begin(), all.end(), [&](const Member& candidate) { return candidate.first == *first; });
  if (first + 1 == last) {
    all.erase(member);
  } else {
    member->second.erase_at(first + 1, last);
  }
}

void Json::set(Path path, Json value) { set_at(path.begin(), path.end(), std::move(value)); }

void Json::set(std::span<const std::string> path, Json value) {
  const std::vector<std::string_view> names(path.begin(), path.end());
  set_at(names.data(), names.data() + names.size(), std::move(value));
}

void Json::erase(Path path) { erase_at(path.begin(), path.end()); }

void Json::erase(std::span<const std::string> path) {
  const std::vector<std::string_view> names(path.begin(), path.end());
  erase_at(names.data(), names.data() + names.size());
}

void Json::push_back(Json item) {
  if (!is_array()) *this = Json(Array{});
  own(std::get<std::shared_ptr<const Array>>(value_)).push_back(std::move(item));
}

void Json::set_item(size_t index, Json item) {
  CHECK(index < items().size());
  own(std::get<std::shared_ptr<const Array>>(value_))[index] = std::move(item);
}

bool operator==(const Json& a, const Json& b) {
  if (a.value_.index() != b.value_.index()) return false;
  return std::visit(
      [&](const auto& left) {
        using T = std::decay_t<decltype(left)>;
        const T& right = std::get<T>(b.value_);
        if constexpr (std::is_same_v<T, std::shared_ptr<const Json::Members>>) {
          return left == right || equal_members(*left, *right);
        } else if constexpr (std::is_same_v<T, std::shared_ptr<const Json::NumberText>>) {
          return left == right || left->text == right->text;
        } else if constexpr (std::is_same_v<T, std::shared_ptr<const std::string>> ||
                             std::is_same_v<T, std::shared_ptr<const Json::Array>>) {
          return left == right || *left == *right;
        } else {
          return left == right;
        }
      },
      a.value_);
}

}  // namespace breakwater
