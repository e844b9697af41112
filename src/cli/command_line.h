// The command line: commands, their options, and help that teaches. Hides the parsing library.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace breakwater::cli {

// One command; the program itself is the root one. References given to options live until run()
// ends.
class Command {
 public:
  Command(std::string name, std::string summary);
  ~Command();

  // A command below this one. `details` follows the options in --help: what it does and examples.
  // The reference lives as long as this command.
  Command& add(std::string name, std::string summary, std::string details = "");

  // `names` as in "-r,--repo", or "path" for a positional argument. The value before run() is the
  // default; `environment` names a variable that gives it when the option is absent.
  void option(const std::string& names, std::string& value, const std::string& help,
              const std::string& environment = "");
  void option(const std::string& names, int64_t& value, const std::string& help);
  // May be repeated; without dashes it takes all that is left of the line.
  void option(const std::string& names, std::vector<std::string>& values, const std::string& help);
  void flag(const std::string& names, bool& value, const std::string& help);
  // The option just added must be given.
  void required();
  // What the command does; its result is the exit code.
  void action(std::function<int()> run);

  // Parses and runs the command asked for. 0 after --help, 1 for a usage error (told on stderr).
  int run(int argc, char** argv);

 private:
  struct Impl;
  explicit Command(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace breakwater::cli
