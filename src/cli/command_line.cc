#include "cli/command_line.h"

#include <CLI/CLI.hpp>

namespace breakwater::cli {

struct Command::Impl {
  CLI::App* app = nullptr;  // owned by `root`, or by the App above it
  std::unique_ptr<CLI::App> root;
  CLI::Option* last = nullptr;
  std::vector<std::unique_ptr<Command>> commands;
  std::function<int()> action;
};

namespace {

void prepare(CLI::App& app) {
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(34);
}

}  // namespace

Command::Command(std::string name, std::string summary) : impl_(std::make_unique<Impl>()) {
  impl_->root = std::make_unique<CLI::App>(std::move(summary), std::move(name));
  impl_->app = impl_->root.get();
  prepare(*impl_->app);
}

Command::Command(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Command::~Command() = default;

Command& Command::add(std::string name, std::string summary, std::string details) {
  auto child = std::make_unique<Impl>();
  child->app = impl_->app->add_subcommand(std::move(name), std::move(summary));
  child->app->footer(std::move(details));
  prepare(*child->app);
  impl_->commands.push_back(std::unique_ptr<Command>(new Command(std::move(child))));
  return *impl_->commands.back();
}

void Command::option(const std::string& names, std::string& value, const std::string& help,
                     const std::string& environment) {
  impl_->last = impl_->app->add_option(names, value, help);
  if (!value.empty()) impl_->last->capture_default_str();
  if (!environment.empty()) impl_->last->envname(environment);
}

void Command::option(const std::string& names, int64_t& value, const std::string& help) {
  impl_->last = impl_->app->add_option(names, value, help)->capture_default_str();
}

void Command::option(const std::string& names, std::vector<std::string>& values,
                     const std::string& help) {
  impl_->last = impl_->app->add_option(names, values, help);
  if (names.starts_with('-')) impl_->last->allow_extra_args(false);  // else all that is left
}

void Command::flag(const std::string& names, bool& value, const std::string& help) {
  impl_->last = impl_->app->add_flag(names, value, help);
}

void Command::required() { impl_->last->required(); }

void Command::action(std::function<int()> run) { impl_->action = std::move(run); }

int Command::run(int argc, char** argv) {
  try {
    impl_->app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return impl_->app->exit(error) == 0 ? 0 : 1;
  }
  const Command* chosen = this;
  for (bool deeper = true; deeper;) {
    deeper = false;
    for (const auto& command : chosen->impl_->commands) {
      if (!command->impl_->app->parsed()) continue;
      chosen = command.get();
      deeper = true;
      break;
    }
  }
  if (chosen->impl_->action) return chosen->impl_->action();
  std::fputs(chosen->impl_->app->help().c_str(), stdout);
  return chosen == this ? 0 : 1;
}

}  // namespace breakwater::cli
