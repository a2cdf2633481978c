#include "config_difference.h"

#include "config_file.h"

namespace garner::daemon {

namespace {

const ConfigValue* value_in(const std::optional<ConfigValues>& values, const std::string& key) {
  if (!values) return nullptr;
  for (const auto& [name, value] : *values) {
    if (name == key) return &value;
  }
  return nullptr;
}

}  // namespace

v1::ConfigurationChange difference(const std::string& section, const std::string& name,
                                   const std::optional<ConfigValues>& before,
                                   const std::optional<ConfigValues>& after) {
  v1::ConfigurationChange change;
  change.set_kind(!before ? v1::CHANGE_KIND_ADD : !after ? v1::CHANGE_KIND_REMOVE : v1::CHANGE_KIND_CHANGE);
  change.set_section(section);
  change.set_name(name);
  const auto add = [&](const std::string& key) {
    const ConfigValue* const old_value = value_in(before, key);
    const ConfigValue* const new_value = value_in(after, key);
    if (old_value != nullptr && new_value != nullptr && *old_value == *new_value) return;
    v1::KeyChange& one = *change.add_keys();
    one.set_kind(old_value == nullptr   ? v1::CHANGE_KIND_ADD
                 : new_value == nullptr ? v1::CHANGE_KIND_REMOVE
                                        : v1::CHANGE_KIND_CHANGE);
    one.set_key(key);
    if (old_value != nullptr) one.set_before(to_toml(*old_value));
    if (new_value != nullptr) one.set_after(to_toml(*new_value));
  };
  if (before) {
    for (const auto& [key, value] : *before) add(key);
  }
  if (after) {
    for (const auto& [key, value] : *after) {
      if (value_in(before, key) == nullptr) add(key);
    }
  }
  return change;
}

}  // namespace garner::daemon
