// The daemon's settings file (TOML). It holds nothing about sets, destinations or keys: these live in the
// catalog.
//
//   log_level = "info"          # debug, info, warning, error
//   log_target = "file"         # console, file, journald
//   settling_delay = "1m"       # after a start or a sleep scheduled runs wait for this long
//
//   [limits]
//   threads = 0                 # of a run; 0: one for each core
//   memory = "128 MiB"          # of a run: what is read, compressed and stored
//   spool = "1 GiB"             # of packs that wait to be sent; reading waits for them beyond that
//   source_timeout = "1m"       # a network file system that takes longer to answer is left out of a run
//   destination_timeout = "1m"  # a destination on a network file system that takes longer to answer is away
//   metadata_cache = "2 GiB"    # of each destination on a server; 0: none is kept
//
//   [metrics]
//   listen = "127.0.0.1:9877"   # serve GET /metrics there; an address of this machine only
//
// Earlier versions had the first two limits at the top, as threads and memory_budget: they are still taken
// there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace garner::daemon {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogTarget { kConsole, kFile, kJournald };

struct Settings {
  LogLevel log_level = LogLevel::kInfo;
  std::optional<LogTarget> log_target;  // unset: chosen by how the daemon was started
  unsigned threads = 0;
  std::size_t memory_budget = 128u << 20;  // bytes
  // Bytes. Unset: 1 GiB, or a tenth of what is free where the state folder is, if that is less.
  std::optional<std::uint64_t> spool_limit;
  std::chrono::seconds settling_delay{60};
  std::chrono::seconds source_timeout{60};
  std::chrono::seconds destination_timeout{60};
  std::uint64_t metadata_cache = 2ull << 30;  // bytes
  std::optional<std::string> metrics_listen;  // as parse_loopback_address() takes it; unset: not served
};

// How many threads a run may have when each takes so many bytes of the memory that is left beside `taken`: at
// least one.
unsigned threads_for(const Settings& settings, std::size_t bytes_each, std::size_t taken = 0);

// `name`: of the file, for messages. Error(kInvalidInput) with line and column for what is not TOML, an
// unknown key, or a value out of bounds.
Settings parse_settings(std::string_view text, const std::string& name);
Settings read_settings(const std::string& path);

}  // namespace garner::daemon
