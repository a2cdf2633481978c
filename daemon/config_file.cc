#include "config_file.h"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/bytes.h"

namespace garner::daemon {

namespace {

Place place_of(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

class ConfigReader {
 public:
  ConfigReader(const std::vector<std::string>& kinds, std::vector<Problem>& problems)
      : kinds_(kinds), problems_(problems) {}

  std::vector<ConfigSection> read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const std::string kind(key.str());
      const toml::table* const names = node.as_table();
      if (std::find(kinds_.begin(), kinds_.end(), kind) == kinds_.end()) {
        add(key.source(), "there is no section '" + printable(kind) + "'; there are " + all_kinds());
      } else if (names == nullptr) {
        add(node.source(), "sections are written [" + kind + ".NAME]");
      } else {
        for (const auto& [name, section] : *names) read_section(kind, name, section);
      }
    }
    std::sort(sections_.begin(), sections_.end(),
              [](const ConfigSection& a, const ConfigSection& b) { return a.place < b.place; });
    return std::move(sections_);
  }

 private:
  void add(const toml::source_region& where, const std::string& message) {
    problems_.push_back({place_of(where), message});
  }

  std::string all_kinds() const {
    std::string all;
    for (const std::string& kind : kinds_) all += (all.empty() ? "[" : ", [") + kind + ".NAME]";
    return all;
  }

  void read_section(const std::string& kind, const toml::key& name, const toml::node& node) {
    const toml::table* const table = node.as_table();
    if (table == nullptr) return add(name.source(), "sections are written [" + kind + ".NAME]");
    ConfigSection section{kind, std::string(name.str()), place_of(name.source()), {}};
    for (const auto& [key, value] : *table) read_value(key, value, section);
    std::sort(section.values.begin(), section.values.end(),
              [](const PlacedValue& a, const PlacedValue& b) { return a.key_place < b.key_place; });
    sections_.push_back(std::move(section));
  }

  void read_value(const toml::key& key, const toml::node& node, ConfigSection& section) {
    PlacedValue value{std::string(key.str()), place_of(key.source()), {}, place_of(node.source()), {}};
    if (const auto* const flag = node.as_boolean()) {
      value.value = flag->get();
    } else if (const auto* const number = node.as_integer()) {
      value.value = number->get();
    } else if (const auto* const text = node.as_string()) {
      value.value = text->get();
    } else if (const auto* const list = node.as_array()) {
      std::vector<std::string> texts;
      for (const toml::node& element : *list) {
        const auto* const one = element.as_string();
        if (one == nullptr) return add(element.source(), "a text is expected here: \"…\"");
        texts.push_back(one->get());
        value.elements.push_back(place_of(element.source()));
      }
      value.value = std::move(texts);
    } else {
      return add(node.is_table() ? key.source() : node.source(),
                 "the value of '" + printable(value.key) +
                     "' is to be a text, a whole number, true or false, or a list of texts");
    }
    section.values.push_back(std::move(value));
  }

  const std::vector<std::string>& kinds_;
  std::vector<Problem>& problems_;
  std::vector<ConfigSection> sections_;
};

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04X", byte);
      result += escape.data();
    } else {
      result += c;
    }
  }
  return result + '"';
}

bool is_bare(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

Place ConfigSection::place_of(const std::string& key) const {
  for (const PlacedValue& value : values) {
    if (value.key == key) return value.place;
  }
  return place;
}

std::vector<ConfigSection> read_config(std::string_view text, const std::vector<std::string>& kinds,
                                       std::vector<Problem>& problems) {
  try {
    const toml::table root = toml::parse(text);
    return ConfigReader(kinds, problems).read(root);
  } catch (const toml::parse_error& error) {
    problems.push_back({place_of(error.source()), std::string(error.description())});
    return {};
  }
}

std::string to_toml(const ConfigValue& value) {
  if (const auto* const flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* const number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* const text = std::get_if<std::string>(&value)) return quoted(*text);
  const auto& texts = std::get<std::vector<std::string>>(value);
  if (texts.size() == 1) return quoted(texts.front());
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + quoted(text);
  return "[" + list + "]";
}

std::string to_toml(const std::string& kind, const std::string& name, const ConfigValues& values,
                    const std::string& comment) {
  std::string text = "[" + kind + "." + (is_bare(name) ? name : quoted(name)) + "]\n" + comment;
  for (const auto& [key, value] : values) text += key + " = " + to_toml(value) + '\n';
  return text;
}

}  // namespace garner::daemon
