#include "command_line.h"

#include <CLI/CLI.hpp>

#include "version.h"

namespace garner::daemon {

namespace {

// Every option in the usage line, as the client has it.
class Usage final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: garnerd [--foreground] [--state-dir DIR] [--socket PATH] [--config FILE]\n";
  }
};

}  // namespace

std::optional<CommandLine> parse_command_line(int argc, const char* const* argv, int& exit_code) {
  CommandLine line;
  CLI::App app(
      "garnerd: the backup daemon. It owns backup sets, destinations and runs; `garner` talks to it over its "
      "socket.\n"
      "Without --foreground it goes to the background, and returns when the socket takes connections.",
      "garnerd");
  app.formatter(std::make_shared<Usage>());
  app.set_version_flag("--version", std::string("garnerd ") + kVersion);
  app.add_flag("--foreground", line.foreground, "Stay in the foreground");
  app.add_option("--state-dir", line.state_folder,
                 "Where keys, catalog and caches are kept (also GARNER_STATE_DIR)")
      ->type_name("DIR");
  app.add_option("--socket", line.socket, "The socket to listen on (also GARNER_SOCKET)")->type_name("PATH");
  app.add_option("--config", line.settings_file, "A TOML file of the daemon's settings")->type_name("FILE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    exit_code = code == 0 ? 0 : 2;
    return std::nullopt;
  }
  return line;
}

}  // namespace garner::daemon
