#include "config_text.h"

#include "text.h"

namespace garner::client {
namespace {

struct Sign {
  const char* text;
  Style style;
};

Sign sign_of(v1::ChangeKind kind) {
  switch (kind) {
    case v1::CHANGE_KIND_ADD:
      return {"+", Style::kGood};
    case v1::CHANGE_KIND_REMOVE:
      return {"-", Style::kBad};
    default:
      return {"~", Style::kWarning};
  }
}

}  // namespace

std::string changes_text(const google::protobuf::RepeatedPtrField<v1::ConfigurationChange>& changes,
                         const Terminal& terminal) {
  std::string text;
  for (const v1::ConfigurationChange& change : changes) {
    const Sign sign = sign_of(change.kind());
    text += terminal.styled(
                std::string(sign.text) + ' ' + printable(change.section()) + ' ' + printable(change.name()),
                sign.style) +
            '\n';
    for (const v1::KeyChange& key : change.keys()) {
      const Sign key_sign = sign_of(key.kind());
      const std::string value = key.kind() == v1::CHANGE_KIND_REMOVE ? key.before() : key.after();
      std::string line = std::string(key_sign.text) + ' ' + printable(key.key()) + " = " + printable(value);
      if (key.kind() == v1::CHANGE_KIND_CHANGE) line += "  (was " + printable(key.before()) + ')';
      text += "    " + terminal.styled(line, key_sign.style) + '\n';
    }
  }
  return text;
}

std::string problems_text(const std::string& file,
                          const google::protobuf::RepeatedPtrField<v1::ConfigurationProblem>& problems) {
  const std::string name = file == "-" ? "standard input" : printable(file);
  std::string text;
  for (const v1::ConfigurationProblem& problem : problems) {
    text += name + ": ";
    if (problem.line() > 0) {
      text.resize(text.size() - 1);
      text += std::to_string(problem.line()) + ':' + std::to_string(problem.column()) + ": ";
    }
    text += printable(problem.message()) + '\n';
  }
  return text;
}

}  // namespace garner::client
