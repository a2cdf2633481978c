#include "schedule/rate_plan.h"

#include <algorithm>
#include <utility>

#include "base/byte_count.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/token_bucket.h"

namespace garner::schedule {

namespace {

std::optional<std::uint64_t> parse_rate(std::string_view rate, std::string_view whole) {
  if (rate.ends_with("/s")) rate.remove_suffix(2);
  if (rate == "none") return std::nullopt;
  const std::optional<std::uint64_t> bytes = parse_byte_count(rate);
  const std::string quoted = "'" + printable(whole) + "': ";
  if (!bytes) {
    throw Error(ErrorKind::kInvalidInput,
                quoted + "'" + printable(rate) +
                    "' is no rate: write bytes a second like 500K, 2M or 1.5MiB, or none for no limit");
  }
  if (*bytes == 0) return std::nullopt;
  if (*bytes < TokenBucket::kLeastRate) {
    throw Error(ErrorKind::kInvalidInput, quoted +
                                              "a limit of less than 1K a second would let nothing be done; "
                                              "write none for no limit");
  }
  if (*bytes > TokenBucket::kMostRate) {
    throw Error(ErrorKind::kInvalidInput,
                quoted + "a limit is at most 4GiB a second; write none for no limit");
  }
  return bytes;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

RateRule parse_rate_rule(std::string_view text) {
  const std::size_t sign = text.find('=');
  if (sign == std::string_view::npos) return {std::nullopt, parse_rate(trimmed(text), text)};
  return {parse_window(text.substr(0, sign)), parse_rate(trimmed(text.substr(sign + 1)), text)};
}

RatePlan::RatePlan(const std::vector<std::string>& rules, const Zone& zone) {
  bool has_general = false;
  for (const std::string& text : rules) {
    const RateRule rule = parse_rate_rule(text);
    if (rule.window) {
      windows_.push_back({Windows({*rule.window}, zone), rule.bytes_per_second});
      continue;
    }
    if (std::exchange(has_general, true)) {
      throw Error(ErrorKind::kInvalidInput, "'" + printable(text) +
                                                "': there is another rate without a window; "
                                                "write when it holds: 08:00..18:00=" +
                                                printable(text));
    }
    always_ = rule.bytes_per_second;
  }
}

RatePlan::Current RatePlan::at(Instant time) const {
  Current current;
  const auto sooner = [&](const std::optional<Instant>& change) {
    if (change) current.until = std::min(current.until.value_or(*change), *change);
  };
  bool is_open = false;
  for (const Windowed& rule : windows_) {
    if (!rule.window.is_open(time)) {
      sooner(rule.window.next_open(time));
      continue;
    }
    sooner(rule.window.next_close(time));
    const auto& before = current.bytes_per_second;
    const bool lower = !before || (rule.bytes_per_second && *rule.bytes_per_second < *before);
    if (!std::exchange(is_open, true) || lower) current.bytes_per_second = rule.bytes_per_second;
  }
  if (!is_open) current.bytes_per_second = always_;
  return current;
}

}  // namespace garner::schedule
