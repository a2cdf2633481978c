#include "destination/s3/answer_fields.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/number.h"

namespace garner::destination {

namespace {

constexpr std::size_t kLongestNumber = 6;  // digits

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = parse_number<std::uint64_t>(text.substr(0, dash));
  const auto last = parse_number<std::uint64_t>(text.substr(dash + 1, slash - dash - 1));
  const auto whole = parse_number<std::uint64_t>(text.substr(slash + 1));
  if (!first || !last || !whole || *first > *last || *last >= *whole) return std::nullopt;
  return ContentRange{*first, *last, *whole};
}

std::optional<std::chrono::seconds> retry_after(const std::string& text, TimePoint now) {
  if (text.empty()) return std::nullopt;
  if (text.find_first_not_of("0123456789") == std::string::npos) {
    // A number that is longer means never, as far as anybody here can wait.
    return std::chrono::seconds(text.size() > kLongestNumber ? 1'000'000 : std::stol(text));
  }
  const std::time_t date = curl_getdate(text.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return std::chrono::seconds(std::max<std::int64_t>(0, static_cast<std::int64_t>(date) - now.seconds));
}

}  // namespace garner::destination
