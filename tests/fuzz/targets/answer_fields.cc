// Fields of an HTTP answer's header.
#include "destination/s3/answer_fields.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  const std::string text(as_text(bytes));
  if (const auto range = destination::parse_content_range(text)) {
    require(range->first <= range->last && range->last < range->whole, "a part is within the whole");
    const auto number = [](std::uint64_t value) { return std::to_string(value); };
    const std::string shown =
        "bytes " + number(range->first) + "-" + number(range->last) + "/" + number(range->whole);
    const auto again = destination::parse_content_range(shown);
    require(
        again && again->first == range->first && again->last == range->last && again->whole == range->whole,
        "the numbers are those that are written there");
  }
  for (const std::int64_t now : {std::int64_t{0}, std::int64_t{1'790'000'000}}) {
    const auto pause = destination::retry_after(text, {now, 0});
    require(!pause || pause->count() >= 0, "nobody is asked to have waited already");
  }
}
