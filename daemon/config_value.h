// Values of the configuration as a file, and where in the file they stand.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace garner::daemon {

// Lines and columns count from 1; 0: no place in the file.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Place&) const = default;
};

struct Problem {
  Place place;
  std::string message;
};

using ConfigValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

struct PlacedValue {
  std::string key;
  Place key_place;
  ConfigValue value;
  Place place;
  std::vector<Place> elements;  // of a list
};

// [kind.name]
struct ConfigSection {
  std::string kind;
  std::string name;
  Place place;
  std::vector<PlacedValue> values;

  // Of the key's value, or of the section where it does not have the key.
  Place place_of(const std::string& key) const;
};

// Keys and values in the order in which they are written.
using ConfigValues = std::vector<std::pair<std::string, ConfigValue>>;

}  // namespace garner::daemon
