// What the tables of the configuration's keys are written with.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config_keys.h"
#include "refuse.h"

namespace garner::daemon {

using Texts = std::vector<std::string>;

inline const std::string& text_of(const ConfigValue& value) { return std::get<std::string>(value); }
inline const Texts& texts_of(const ConfigValue& value) { return std::get<Texts>(value); }

inline std::optional<ConfigValue> unless_empty(std::string text) {
  if (text.empty()) return std::nullopt;
  return text;
}
inline std::optional<ConfigValue> unless_empty(Texts texts) {
  if (texts.empty()) return std::nullopt;
  return texts;
}

template <typename Repeated>
Texts list_of(const Repeated& texts) {
  return {texts.begin(), texts.end()};
}

template <typename Request>
ConfigKey<Request> flag(const char* name, bool (Request::*get)() const, void (Request::*set)(bool)) {
  return {name, ConfigKind::kFlag,
          [get](const Request& request) {
            return (request.*get)() ? std::optional<ConfigValue>(true) : std::nullopt;
          },
          [set](Request& request, const ConfigValue& value) { (request.*set)(std::get<bool>(value)); }};
}

}  // namespace garner::daemon
