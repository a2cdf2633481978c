// The configuration as a file, as `config apply` takes it: what is TOML of it, and what is written again.
#include "config_file.h"

#include "fuzz/fuzz.h"

namespace garner::fuzz {
namespace {

const std::vector<std::string> kKinds{"destination", "set"};

std::string written(const std::vector<daemon::ConfigSection>& sections) {
  std::string text;
  for (const daemon::ConfigSection& section : sections) {
    daemon::ConfigValues values;
    for (const daemon::PlacedValue& value : section.values) values.emplace_back(value.key, value.value);
    text += daemon::to_toml(section.kind, section.name, values, "");
  }
  return text;
}

}  // namespace

void try_one(ByteView bytes) {
  std::vector<daemon::Problem> problems;
  const auto sections = daemon::read_config(as_text(bytes), kKinds, problems);
  if (!problems.empty()) return;
  const std::string text = written(sections);
  const auto again = daemon::read_config(text, kKinds, problems);
  require(problems.empty(), "what is written can be read");
  require(written(again) == text, "what is read is what was written");
}

}  // namespace garner::fuzz
