// The log's lines in the journal, with fields of their own: GARNER_RUN is the number of the run that a line
// belongs to, GARNER_SET its set (journalctl GARNER_RUN=12).
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>

namespace garner::daemon {

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
};

}  // namespace garner::daemon
