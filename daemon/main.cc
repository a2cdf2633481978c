// garnerd: reads its options, takes its state folder and socket, goes to the background if it is to, and
// serves.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>

#include "application.h"
#include "background.h"
#include "base/file.h"
#include "command_line.h"
#include "crypto/secret.h"
#include "logging.h"
#include "places.h"
#include "process_setup.h"
#include "state_lock.h"

namespace garner::daemon {
namespace {

void run(const CommandLine& line, const Places& places, const Settings& settings,
         std::optional<Background>& background) {
  set_up_process();
  std::optional<ListeningSocket> passed = ListeningSocket::from_systemd();
  make_folders_durably(places.state_folder, 0700);
  const StateLock lock(places.state_folder);
  const std::shared_ptr<LogRing> log = start_logging(
      settings, settings.log_target.value_or(default_log_target(line.foreground)), places.state_folder);
  crypto::initialize_crypto();
  Application application(places.state_folder, lock, settings, log);
  ListeningSocket socket = passed ? *std::move(passed) : ListeningSocket::make(places.socket);
  application.serve(std::move(socket), [&] {
    if (background) background->ready();
  });
}

int main_in_daemon(int argc, const char* const* argv) {
  int exit_code = 0;
  const std::optional<CommandLine> line = parse_command_line(argc, argv, exit_code);
  if (!line) return exit_code;
  std::optional<Background> background;
  try {
    const Places places = find_places(line->state_folder, line->socket, process_environment(), geteuid());
    const Settings settings = line->settings_file ? read_settings(*line->settings_file) : Settings{};
    if (!line->foreground) background.emplace(Background::enter());
    run(*line, places, settings, background);
    return 0;
  } catch (const std::exception& error) {
    if (background) {
      background->failed(error.what());
    } else {
      std::fprintf(stderr, "garnerd: %s\n", error.what());
    }
    return 1;
  }
}

}  // namespace
}  // namespace garner::daemon

int main(int argc, char** argv) { return garner::daemon::main_in_daemon(argc, argv); }
