// What the keys of the configuration as a file mean: of each kind of section a table, in the order in which
// the keys are written. A key is the long option of the command line without its dashes, and maps to the
// request by which the command line sets it: a further option is a further row here, and nothing else.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config_value.h"
#include "garner/v1/service.pb.h"

namespace garner::daemon {

// kAmount: text, or a whole number, which is the same text. kTexts: one or several. kCounts: a number, or
// texts.
enum class ConfigKind { kText, kFlag, kAmount, kTexts, kCounts };

template <typename Request>
struct ConfigKey {
  const char* name;
  ConfigKind kind;
  // Nothing: as it is without the key.
  std::function<std::optional<ConfigValue>(const Request&)> get;
  // `value` is of the kind. Error(kInvalidInput).
  std::function<void(Request&, const ConfigValue&)> put;
  // Whether a text, or each of several, can be: told at its place. Error(kInvalidInput). May be empty.
  std::function<void(const std::string&)> check = {};
  bool required = false;
};

const std::vector<ConfigKey<v1::AddDestinationRequest>>& destination_keys();
const std::vector<ConfigKey<v1::AddSetRequest>>& set_keys();
const std::vector<ConfigKey<v1::AddNotificationRequest>>& notification_keys();

// In place of a file of a notification: what the daemon has, wherever it came from. No path, for those are
// absolute.
constexpr const char* kKept = "kept";

// Those that are not as without their key.
template <typename Request>
ConfigValues values_of(const std::vector<ConfigKey<Request>>& keys, const Request& request) {
  ConfigValues values;
  for (const ConfigKey<Request>& key : keys) {
    if (std::optional<ConfigValue> value = key.get(request)) values.emplace_back(key.name, *std::move(value));
  }
  return values;
}

// The request that the section describes, as far as it can be read; its name is the caller's to set.
template <typename Request>
Request request_of(const std::vector<ConfigKey<Request>>& keys, const ConfigSection& section,
                   std::vector<Problem>& problems);

// "1w2d3h", and seconds. Error(kInvalidInput).
std::string duration_text(std::uint64_t seconds);
std::uint64_t parse_seconds(const std::string& text);

}  // namespace garner::daemon
