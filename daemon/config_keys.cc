#include "config_keys.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/error.h"
#include "config_key_rows.h"
#include "schedule/schedule.h"

namespace garner::daemon {

std::string duration_text(std::uint64_t seconds) {
  struct Unit {
    std::uint64_t seconds;
    char name;
  };
  static constexpr std::array kUnits{Unit{604800, 'w'}, Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'},
                                     Unit{1, 's'}};
  std::string text;
  for (const Unit& unit : kUnits) {
    if (seconds >= unit.seconds) text += std::to_string(seconds / unit.seconds) + unit.name;
    seconds %= unit.seconds;
  }
  return text.empty() ? "0" : text;
}

std::uint64_t parse_seconds(const std::string& text) {
  if (text == "0") return 0;
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::seconds>(schedule::parse_duration(text)).count());
}

namespace {

const char* expected(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::kFlag:
      return "true or false is expected here";
    case ConfigKind::kAmount:
      return "a whole number or a text is expected here";
    case ConfigKind::kCounts:
      return "a whole number is expected here, or a list of texts: \"N\", \"DEST=N\"";
    case ConfigKind::kTexts:
      return "a text or a list of texts is expected here: \"…\" or [\"…\", \"…\"]";
    case ConfigKind::kText:
      break;
  }
  return "a text is expected here: \"…\"";
}

// The value as keys of the kind take it; nothing when it is of another.
std::optional<ConfigValue> as_kind(ConfigKind kind, const ConfigValue& value) {
  const auto* const text = std::get_if<std::string>(&value);
  const auto* const number = std::get_if<std::int64_t>(&value);
  const auto* const texts = std::get_if<Texts>(&value);
  switch (kind) {
    case ConfigKind::kFlag:
      return std::holds_alternative<bool>(value) ? std::optional(value) : std::nullopt;
    case ConfigKind::kText:
      return text != nullptr ? std::optional(value) : std::nullopt;
    case ConfigKind::kAmount:
      if (number != nullptr) return ConfigValue(std::to_string(*number));
      return text != nullptr ? std::optional(value) : std::nullopt;
    case ConfigKind::kCounts:
      if (number != nullptr) return ConfigValue(Texts{std::to_string(*number)});
      [[fallthrough]];
    case ConfigKind::kTexts:
      if (text != nullptr) return ConfigValue(Texts{*text});
      return texts != nullptr ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

// Whether each text may be; those that may not are told at their places.
bool check_texts(const std::function<void(const std::string&)>& check, const PlacedValue& placed,
                 const ConfigValue& value, std::vector<Problem>& problems) {
  Texts texts;
  if (const auto* const one = std::get_if<std::string>(&value)) texts = {*one};
  if (const auto* const several = std::get_if<Texts>(&value)) texts = *several;
  bool good = true;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    try {
      check(texts[i]);
    } catch (const Error& error) {
      problems.push_back({i < placed.elements.size() ? placed.elements[i] : placed.place, error.what()});
      good = false;
    }
  }
  return good;
}

template <typename Request>
void take(const ConfigKey<Request>& key, const PlacedValue& placed, Request& request,
          std::vector<Problem>& problems) {
  const std::optional<ConfigValue> value = as_kind(key.kind, placed.value);
  if (!value.has_value()) return problems.push_back({placed.place, expected(key.kind)});
  if (key.check && !check_texts(key.check, placed, *value, problems)) return;
  try {
    key.put(request, *value);
  } catch (const Error& error) {
    problems.push_back({placed.place, error.what()});
  }
}

}  // namespace

template <typename Request>
Request request_of(const std::vector<ConfigKey<Request>>& keys, const ConfigSection& section,
                   std::vector<Problem>& problems) {
  Request request;
  for (const PlacedValue& placed : section.values) {
    const auto key = std::find_if(keys.begin(), keys.end(),
                                  [&](const ConfigKey<Request>& one) { return placed.key == one.name; });
    if (key != keys.end()) {
      take(*key, placed, request, problems);
      continue;
    }
    std::string all;
    for (const ConfigKey<Request>& one : keys) all += (all.empty() ? "" : ", ") + std::string(one.name);
    problems.push_back({placed.key_place, "there is no key '" + printable(placed.key) + "' of a " +
                                              section.kind + "; there are " + all});
  }
  for (const ConfigKey<Request>& key : keys) {
    const bool given =
        std::any_of(section.values.begin(), section.values.end(), [&](const PlacedValue& placed) {
          const auto* const texts = std::get_if<Texts>(&placed.value);
          return placed.key == key.name && !(texts != nullptr && texts->empty());
        });
    if (key.required && !given) {
      problems.push_back({section.place, "the " + section.kind + " '" + printable(section.name) +
                                             "' has no " + std::string(key.name)});
    }
  }
  return request;
}

template v1::AddDestinationRequest request_of(const std::vector<ConfigKey<v1::AddDestinationRequest>>& keys,
                                              const ConfigSection& section, std::vector<Problem>& problems);
template v1::AddSetRequest request_of(const std::vector<ConfigKey<v1::AddSetRequest>>& keys,
                                      const ConfigSection& section, std::vector<Problem>& problems);
template v1::AddNotificationRequest request_of(const std::vector<ConfigKey<v1::AddNotificationRequest>>& keys,
                                               const ConfigSection& section, std::vector<Problem>& problems);

}  // namespace garner::daemon
