// What runs in a mover pod (mover/worker_pod.h has the contract).
#include <fmt/core.h>

#include <cstdlib>
#include <memory>

#include "base/file.h"
#include "blob/store_factory.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "datapath/worker.h"

namespace breakwater::cli {
namespace {

struct MoverOptions {
  std::string config, result_path;
};

Result<Json> move(const MoverOptions& options, datapath::WorkerConfig::Operation operation) {
  datapath::WorkerConfig config = TRY(while_doing(
      datapath::worker_config_from_json(TRY(parse_json(options.config))), "reading --config"));
  if (config.operation != operation) {
    return fail(Code::kInvalid, "--config.operation is not what the command says");
  }
  const char* password = std::getenv("RESTIC_PASSWORD");
  if (password == nullptr || *password == '\0') {
    return fail(Code::kInvalid, "RESTIC_PASSWORD is not set");
  }
  config.password = password;
  const char* credentials = std::getenv(datapath::kCredentialsVariable);
  if (credentials != nullptr) config.location.credentials = credentials;
  const SystemClock clock;
  SystemRandom random;
  const char* host = std::getenv("HOSTNAME");
  datapath::WorkerEnvironment environment{
      clock,
      random,
      Logger(fd_log_sink(2), clock),
      host == nullptr ? "localhost" : host,
      "root",
      [&random](const blob::StoreLocation& location) { return open_store(location, random); }};
  const auto emit = [](const Json& progress) {
    fmt::print("{}\n", to_json(progress));
    std::fflush(stdout);
  };
  return datapath::run_worker(config, environment, interrupt_token(), emit);
}

int run_mover(const MoverOptions& options, datapath::WorkerConfig::Operation operation) {
  install_interrupt_handler();
  const Result<Json> result = move(options, operation);
  const Json report = result ? *result
                             : Json::object({{"error", result.error().to_string()},
                                             {"code", code_name(result.error().code())}});
  if (!options.result_path.empty()) {
    // The node may have made the file, or it may be a device: written in place, not replaced.
    if (auto* file = std::fopen(options.result_path.c_str(), "w"); file != nullptr) {
      fmt::print(file, "{}\n", to_json(report));
      std::fclose(file);
    }
  }
  return result ? 0 : complain(result.error());
}

void add_operation(Command& parent, const char* name, const char* summary,
                   datapath::WorkerConfig::Operation operation) {
  auto options = std::make_shared<MoverOptions>();
  Command& command = parent.add(name, summary);
  command.option("--config", options->config, "what to move, as one line of JSON");
  command.required();
  command.option("--result-path", options->result_path, "file for the result");
  command.action([options, operation] { return run_mover(*options, operation); });
}

}  // namespace

void add_data_mover_command(Command& program) {
  using Operation = datapath::WorkerConfig::Operation;
  Command& mover =
      program.add("data-mover", "Moves one volume; runs in the pods that the mover creates",
                  "The repository's password comes from RESTIC_PASSWORD, the text of the store's "
                  "credentials file from BREAKWATER_STORE_CREDENTIALS. Progress goes to stdout "
                  "as JSON lines.");
  add_operation(mover, "backup", "volume to repository", Operation::kBackup);
  add_operation(mover, "restore", "repository to volume", Operation::kRestore);
}

}  // namespace breakwater::cli
