#include "mover/move_state.h"

#include "mover/dialect.h"

namespace breakwater::mover {
namespace {

Time time_of(const Json& value) { return parse_rfc3339(value.as_string()).value_or(Time{}); }

void put(Json& json, std::string_view name, const std::string& value) {
  if (!value.empty()) json.set(name, value);
}

void put(Json& json, std::string_view name, Time value) {
  if (value != Time{}) json.set(name, format_rfc3339_micro(value));
}

}  // namespace

MoveState state_of(const kube::Object& move) {
  const Json json = dialect_of(move).keeps_state_in_status
                        ? move.status()["moverState"]
                        : parse_json(move.annotation(kStateAnnotation)).value_or(Json());
  MoveState state;
  state.pod = json["pod"].as_string();
  state.lost = json["lost"].as_string();
  state.restarts = static_cast<int>(json["restarts"].as_int());
  state.losses = static_cast<int>(json["losses"].as_int());
  state.retry_at = time_of(json["retryAt"]);
  state.done_at = time_of(json["doneAt"]);
  state.cancel_at = time_of(json["cancelAt"]);
  state.spec = json["spec"];
  state.volume = json["volume"].as_string();
  state.reclaim_policy = json["reclaimPolicy"].as_string();
  state.claim = json["claim"].as_string();
  return state;
}

void set_state(kube::Object& move, const MoveState& state) {
  Json json = Json::object();
  put(json, "pod", state.pod);
  put(json, "lost", state.lost);
  if (state.restarts != 0) json.set("restarts", state.restarts);
  if (state.losses != 0) json.set("losses", state.losses);
  put(json, "retryAt", state.retry_at);
  put(json, "doneAt", state.done_at);
  put(json, "cancelAt", state.cancel_at);
  if (!state.spec.is_null()) json.set("spec", state.spec);
  put(json, "volume", state.volume);
  put(json, "reclaimPolicy", state.reclaim_policy);
  put(json, "claim", state.claim);
  if (dialect_of(move).keeps_state_in_status) {
    move.set({"status", "moverState"}, std::move(json));
  } else {
    move.set_annotation(kStateAnnotation, to_json(json));
  }
}

void forget_state(kube::Object& move) {
  if (dialect_of(move).keeps_state_in_status) move.erase({"status", "moverState"});
}

kube::Object as_accepted(kube::Object move) {
  if (!dialect_of(move).keeps_state_in_status) return move;
  Json spec = state_of(move).spec;
  if (!spec.is_null()) move.set({"spec"}, std::move(spec));
  return move;
}

}  // namespace breakwater::mover
