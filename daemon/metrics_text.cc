#include "metrics_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace garner::daemon {

namespace {

std::string escaped(std::string_view text, bool quotes) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

void MetricsText::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  heading_ = "# HELP " + name_ + " " + escaped(help, false) + "\n# TYPE " + name_ +
             (type == Type::kCounter ? " counter\n" : " gauge\n");
}

void MetricsText::sample(const Labels& labels, std::uint64_t value) { add(labels, std::to_string(value)); }

void MetricsText::sample(const Labels& labels, double value) {
  if (std::isnan(value)) return add(labels, "NaN");
  if (std::isinf(value)) return add(labels, value > 0 ? "+Inf" : "-Inf");
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  add(labels, std::string(digits.data(), end));
}

void MetricsText::add(const Labels& labels, const std::string& value) {
  text_ += heading_;
  heading_.clear();
  text_ += name_;
  char before = '{';
  for (const auto& [name, text] : labels) {
    text_ += before;
    text_.append(name).append("=\"").append(escaped(text, true)).append("\"");
    before = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_.append(" ").append(value).append("\n");
}

}  // namespace garner::daemon
