#include "settings.h"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/byte_count.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "metrics_server.h"
#include "schedule/schedule.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kLongestFile = 1u << 20;
constexpr std::int64_t kMostThreads = 256;
constexpr std::uint64_t kLeastMemory = 32u << 20;
constexpr std::uint64_t kMostMemory = 16ull << 30;
constexpr std::uint64_t kLeastSpool = 64u << 20;
constexpr std::uint64_t kMostSpool = 1ull << 40;
constexpr std::chrono::hours kLongestDuration{1};

class SettingsReader {
 public:
  explicit SettingsReader(const std::string& name) : name_(name) {}

  [[noreturn]] void fail(const toml::source_region& where, const std::string& what) const {
    throw Error(ErrorKind::kInvalidInput, printable(name_) + ":" + std::to_string(where.begin.line) + ":" +
                                              std::to_string(where.begin.column) + ": " + what);
  }

  template <typename T>
  T choice(const toml::node& node, const std::map<std::string, T>& choices) const {
    const std::optional<std::string> value = node.value<std::string>();
    const auto found = value ? choices.find(*value) : choices.end();
    if (found != choices.end()) return found->second;
    std::string all;
    for (const auto& [text, meaning] : choices) all += (all.empty() ? "\"" : ", \"") + text + "\"";
    fail(node.source(), "must be one of " + all);
  }

  unsigned threads(const toml::node& node) const {
    const auto* value = node.as_integer();
    if (value == nullptr || value->get() < 0 || value->get() > kMostThreads) {
      fail(node.source(), "must be a number from 0 (one for each core) to " + std::to_string(kMostThreads));
    }
    return static_cast<unsigned>(value->get());
  }

  std::chrono::seconds duration(const toml::node& node) const {
    std::optional<schedule::Duration> value;
    try {
      if (const std::optional<std::string> text = node.value<std::string>())
        value = schedule::parse_duration(*text);
    } catch (const Error&) {
    }
    if (!value.has_value() || *value > kLongestDuration)
      fail(node.source(), "must be a duration like \"90s\" or \"2m\", at most an hour");
    return std::chrono::duration_cast<std::chrono::seconds>(*value);
  }

  // The table [metrics].
  std::optional<std::string> metrics(const toml::node& node) const {
    const toml::table* table = node.as_table();
    if (table == nullptr) fail(node.source(), "must be a table: [metrics]");
    std::optional<std::string> listen;
    for (const auto& [key, value] : *table) {
      if (key != "listen")
        fail(key.source(),
             "there is no setting '" + printable(key.str()) + "' in [metrics]; there is listen");
      const std::optional<std::string> text = value.value<std::string>();
      if (!text) fail(value.source(), "must be text like \"127.0.0.1:9877\"");
      try {
        parse_loopback_address(*text);
      } catch (const Error& error) {
        fail(value.source(), error.what());
      }
      listen = text;
    }
    return listen;
  }

  // A number of bytes, or text with a unit.
  std::uint64_t amount(const toml::node& node) const {
    std::optional<std::uint64_t> bytes;
    if (const auto* number = node.as_integer()) {
      if (number->get() >= 0) bytes = static_cast<std::uint64_t>(number->get());
    } else if (const std::optional<std::string> text = node.value<std::string>()) {
      bytes = parse_byte_count(*text);
    }
    if (!bytes) fail(node.source(), "must be an amount like \"128 MiB\" or \"1 GiB\"");
    return *bytes;
  }

  std::size_t memory(const toml::node& node) const {
    const std::uint64_t bytes = amount(node);
    if (bytes < kLeastMemory) {
      fail(node.source(), "is too little: a run takes at least \"" + exact_byte_count(kLeastMemory) + "\"");
    }
    if (bytes > kMostMemory) {
      fail(node.source(), "must be at most \"" + exact_byte_count(kMostMemory) + "\"");
    }
    return bytes;
  }

  std::uint64_t spool(const toml::node& node) const {
    const std::uint64_t bytes = amount(node);
    if (bytes < kLeastSpool || bytes > kMostSpool) {
      fail(node.source(), "must be from \"" + exact_byte_count(kLeastSpool) + "\" to \"" +
                              exact_byte_count(kMostSpool) + "\"");
    }
    return bytes;
  }

  std::chrono::seconds timeout(const toml::node& node) const {
    const std::chrono::seconds time = duration(node);
    if (time < std::chrono::seconds(1)) fail(node.source(), "must be at least a second");
    return time;
  }

  void limits(const toml::node& node, Settings& settings, std::set<std::string>& seen) const {
    const toml::table* table = node.as_table();
    if (table == nullptr) fail(node.source(), "must be a table: [limits], and threads and memory below it");
    for (const auto& [key, value] : *table) {
      if (key == "threads") {
        check_once(key.source(), "threads", seen);
        settings.threads = threads(value);
      } else if (key == "memory") {
        check_once(key.source(), "memory", seen);
        settings.memory_budget = memory(value);
      } else if (key == "spool") {
        settings.spool_limit = spool(value);
      } else if (key == "source_timeout") {
        settings.source_timeout = timeout(value);
      } else if (key == "destination_timeout") {
        settings.destination_timeout = timeout(value);
      } else if (key == "metadata_cache") {
        settings.metadata_cache = amount(value);
      } else {
        fail(key.source(), "there is no limit '" + printable(key.str()) +
                               "'; there are threads, memory, spool, source_timeout, destination_timeout and "
                               "metadata_cache");
      }
    }
  }

  // What may stand in two places stands in one.
  void check_once(const toml::source_region& where, const std::string& what,
                  std::set<std::string>& seen) const {
    if (!seen.insert(what).second) fail(where, what + " is set twice: leave it in [limits]");
  }

 private:
  const std::string& name_;
};

}  // namespace

Settings parse_settings(std::string_view text, const std::string& name) {
  const SettingsReader reader(name);
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    reader.fail(error.source(), std::string(error.description()));
  }
  Settings settings;
  std::set<std::string> seen;
  for (const auto& [key, node] : table) {
    if (key == "log_level") {
      settings.log_level = reader.choice<LogLevel>(node, {{"debug", LogLevel::kDebug},
                                                          {"info", LogLevel::kInfo},
                                                          {"warning", LogLevel::kWarning},
                                                          {"error", LogLevel::kError}});
    } else if (key == "log_target") {
      settings.log_target = reader.choice<LogTarget>(
          node,
          {{"console", LogTarget::kConsole}, {"file", LogTarget::kFile}, {"journald", LogTarget::kJournald}});
    } else if (key == "limits") {
      reader.limits(node, settings, seen);
    } else if (key == "threads") {
      reader.check_once(key.source(), "threads", seen);
      settings.threads = reader.threads(node);
    } else if (key == "memory_budget") {
      reader.check_once(key.source(), "memory", seen);
      settings.memory_budget = reader.memory(node);
    } else if (key == "settling_delay") {
      settings.settling_delay = reader.duration(node);
    } else if (key == "metrics") {
      settings.metrics_listen = reader.metrics(node);
    } else {
      reader.fail(key.source(), "there is no setting '" + printable(key.str()) +
                                    "'; there are log_level, log_target, settling_delay and the tables "
                                    "[limits] and [metrics]");
    }
  }
  return settings;
}

unsigned threads_for(const Settings& settings, std::size_t bytes_each, std::size_t taken) {
  const unsigned wanted =
      settings.threads > 0 ? settings.threads : std::max(1u, std::thread::hardware_concurrency());
  const std::size_t left = settings.memory_budget - std::min(settings.memory_budget, taken);
  return std::clamp<unsigned>(static_cast<unsigned>(left / bytes_each), 1, wanted);
}

Settings read_settings(const std::string& path) {
  const Bytes content = read_file(path, kLongestFile);
  return parse_settings(as_text(content), path);
}

}  // namespace garner::daemon
