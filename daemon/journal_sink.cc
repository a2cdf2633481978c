#include "journal_sink.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include <string>
#include <vector>

#include "base/log_context.h"

namespace garner::daemon {

namespace {

int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return LOG_CRIT;
    case spdlog::level::err:
      return LOG_ERR;
    case spdlog::level::warn:
      return LOG_WARNING;
    case spdlog::level::info:
      return LOG_INFO;
    default:
      return LOG_DEBUG;
  }
}

}  // namespace

void JournalSink::sink_it_(const spdlog::details::log_msg& message) {
  const LogContext& context = log_context();
  std::vector<std::string> fields{
      "MESSAGE=" + with_run(context, std::string_view(message.payload.data(), message.payload.size())),
      "PRIORITY=" + std::to_string(priority_of(message.level)), "SYSLOG_IDENTIFIER=garnerd"};
  if (context.run != 0) fields.push_back("GARNER_RUN=" + std::to_string(context.run));
  if (context.run != 0 && !context.set.empty()) fields.push_back("GARNER_SET=" + context.set);
  std::vector<iovec> parts;
  for (std::string& field : fields) parts.push_back({field.data(), field.size()});
  // Where there is no journal any more nobody could be told.
  (void)sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace garner::daemon
