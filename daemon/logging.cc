#include "logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "base/log_context.h"
#include "journal_sink.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kFileSize = 10u << 20;
constexpr std::size_t kFiles = 5;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::sink_ptr make_sink(LogTarget target, const std::string& state_folder) {
  switch (target) {
    case LogTarget::kConsole:
      return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    case LogTarget::kJournald:
      return std::make_shared<JournalSink>();
    case LogTarget::kFile:
      break;
  }
  return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(state_folder + "/garnerd.log", kFileSize,
                                                                kFiles);
}

// The line's text, with the run that it belongs to.
class RunAndText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
    const std::string line =
        with_run(log_context(), std::string_view(message.payload.data(), message.payload.size()));
    to.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<RunAndText>(); }
};

// systemd sets JOURNAL_STREAM to "<device>:<inode>" of the socket to the journal. A child of another unit
// inherits the variable, but not the descriptor.
bool is_connected_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return std::string_view(stream) == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

}  // namespace

LogTarget default_log_target(bool foreground) {
  if (is_connected_to_journal()) return LogTarget::kJournald;
  return foreground && isatty(STDERR_FILENO) == 1 ? LogTarget::kConsole : LogTarget::kFile;
}

std::shared_ptr<LogRing> start_logging(const Settings& settings, LogTarget target,
                                       const std::string& state_folder) {
  const auto ring = std::make_shared<LogRing>();
  const auto sink = make_sink(target, state_folder);
  auto logger = std::make_shared<spdlog::logger>("garnerd", spdlog::sinks_init_list{sink, ring});
  logger->set_level(to_spdlog(settings.log_level));
  // The journal has time and level of its own, and its sink no pattern.
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<RunAndText>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %*");
  logger->set_formatter(std::move(formatter));
  // Lines are few, and the last before a crash is the one that is wanted.
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  return ring;
}

}  // namespace garner::daemon
