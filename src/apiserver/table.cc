#include "apiserver/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apiserver/json_path.h"

namespace breakwater::apiserver {

namespace {

// "3m12s", or "3m" when there is no rest.
std::string two_units(int64_t large, char large_unit, int64_t small, char small_unit) {
  if (small == 0) return fmt::format("{}{}", large, large_unit);
  return fmt::format("{}{}{}{}", large, large_unit, small, small_unit);
}

Json cell_value(const std::string& type, const Json& value, Time now) {
  if (value.is_null()) return {};
  if (type == "date") return value.is_string() ? age_of(value, now) : Json();
  if (type == "string") return value.is_string() ? value : Json(to_json(value));
  if (type == "integer" || type == "number") return value.is_number() ? value : Json();
  if (type == "boolean") return value.is_bool() ? value : Json();
  return value;
}

TableColumn printer_column(const PrinterColumn& column) {
  TableColumn result{column.name, column.type, "", column.description, column.priority, {}};
  auto parsed = JsonPath::parse(column.json_path);
  if (!parsed) {
    result.cell = [](const kube::Object&, Time) { return Json(); };
    return result;
  }
  const auto path = std::make_shared<const JsonPath>(std::move(*parsed));
  result.cell = [path, type = column.type](const kube::Object& object, Time now) {
    const std::vector<Json> found = path->find(object.json());
    return found.empty() ? Json() : cell_value(type, found.front(), now);
  };
  return result;
}

Json definition(const TableColumn& column) {
  return Json::object({{"name", column.name},
                       {"type", column.type},
                       {"format", column.format},
                       {"description", column.description},
                       {"priority", column.priority}});
}

}  // namespace

std::string human_duration(Duration duration) {
  const int64_t seconds = std::chrono::floor<std::chrono::seconds>(duration).count();
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return fmt::format("{}s", seconds);
  const int64_t minutes = seconds / 60;
  if (minutes < 10) return two_units(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return fmt::format("{}m", minutes);
  const int64_t hours = minutes / 60;
  if (hours < 8) return two_units(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return fmt::format("{}h", hours);
  const int64_t days = hours / 24;
  if (days < 8) return two_units(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return fmt::format("{}d", days);
  if (days < 8 * 365) return two_units(days / 365, 'y', days % 365, 'd');
  return fmt::format("{}y", days / 365);
}

Json age_of(const Json& timestamp, Time now) {
  if (!timestamp.is_string() || timestamp.as_string().empty()) return {};
  const auto time = parse_rfc3339(timestamp.as_string());
  if (!time) return "<invalid>";
  return human_duration(now - *time);
}

TableColumn name_column() {
  return {"Name", "string",
          "name", "The object's name.",
          0,      [](const kube::Object& object, Time) { return Json(object.name()); }};
}

TableColumn age_column() {
  return {"Age",
          "string",
          "",
          "How long ago the object was created.",
          0,
          [](const kube::Object& object, Time now) {
            return age_of(object.metadata()["creationTimestamp"], now);
          }};
}

std::vector<TableColumn> table_columns(const ServedKind& kind) {
  if (kind.builtin) {
    std::vector<TableColumn> columns = builtin_columns(kind.group, kind.kind);
    if (!columns.empty()) return columns;
  }
  std::vector<TableColumn> columns{name_column()};
  for (const PrinterColumn& column : kind.columns) columns.push_back(printer_column(column));
  if (kind.columns.empty()) columns.push_back(age_column());
  return columns;
}

Json partial_metadata(const kube::Object& object, std::string_view version) {
  return Json::object({{"kind", "PartialObjectMetadata"},
                       {"apiVersion", "meta.k8s.io/" + std::string(version)},
                       {"metadata", object.metadata()}});
}

Json make_table(const std::vector<TableColumn>& columns, std::span<const kube::Object> objects,
                std::string_view version, RowObject row_object, Time now) {
  Json::Array definitions;
  for (const TableColumn& column : columns) definitions.push_back(definition(column));
  Json::Array rows;
  for (const kube::Object& object : objects) {
    Json::Array cells;
    for (const TableColumn& column : columns) cells.push_back(column.cell(object, now));
    Json row = Json::object({{"cells", Json(std::move(cells))}});
    if (row_object == RowObject::kMetadata) row.set("object", partial_metadata(object, version));
    if (row_object == RowObject::kFull) row.set("object", object.json());
    rows.push_back(std::move(row));
  }
  return Json::object({{"kind", "Table"},
                       {"apiVersion", "meta.k8s.io/" + std::string(version)},
                       {"metadata", Json::object()},
                       {"columnDefinitions", Json(std::move(definitions))},
                       {"rows", Json(std::move(rows))}});
}

}  // namespace breakwater::apiserver
