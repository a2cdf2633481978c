// What a policy keeps: by examples, and by what must hold for every history.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "maintenance/retention.h"

using namespace garner;
using namespace garner::maintenance;

namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;
constexpr TimePoint kNow{2'000'000'000, 0};
constexpr std::int64_t kStart = 1'767'225'600;  // 2026-01-01 00:00:00 UTC, a Thursday

RetentionItem at(std::int64_t seconds, const std::string& group = "set") {
  return {group, {seconds, 0}, false};
}

std::vector<std::size_t> kept(const std::vector<RetentionDecision>& decisions) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (decisions[i].keep()) numbers.push_back(i);
  }
  return numbers;
}

struct History {
  std::vector<RetentionItem> items;
  RetentionPolicy policy;
};

rc::Gen<History> histories() {
  return rc::gen::exec([] {
    History history;
    const auto count = *rc::gen::inRange(0, 60);
    for (int i = 0; i < count; ++i) {
      RetentionItem item;
      item.group = *rc::gen::element<std::string>("a", "b");
      // From a few hours to some years, so that every period is met.
      const std::int64_t span = kDay * *rc::gen::element(1, 40, 900);
      item.time = {kStart + *rc::gen::inRange<std::int64_t>(0, span), 0};
      item.pinned = *rc::gen::weightedElement<bool>({{9, false}, {1, true}});
      history.items.push_back(item);
    }
    const auto rule = [] {
      return *rc::gen::weightedOneOf<std::uint32_t>({{2, rc::gen::just(0u)}, {1, rc::gen::inRange(1u, 9u)}});
    };
    history.policy = {rule(), rule(), rule(), rule(), rule(), rule(), rule(), {}};
    history.policy.within.days = rule();
    RC_PRE(!history.policy.empty());
    return history;
  });
}

const std::string kZone = "Europe/Berlin";

}  // namespace

TEST_CASE("each group counts by its own clocks, and by the common ones where it has none") {
  // 23:30 on 1 January and 00:30 on the 2nd in UTC: one day in Auckland, two in UTC, one in New York.
  const auto history = [](const std::string& group, const std::string& zone) {
    RetentionItem late = at(kStart + 23 * 3600 + 1800, group);
    RetentionItem early = at(kStart + kDay + 1800, group);
    late.zone = early.zone = zone;
    return std::vector<RetentionItem>{late, early, at(kStart - 400 * kDay, group)};
  };
  std::vector<RetentionItem> items;
  for (const auto& [group, zone] : std::vector<std::pair<std::string, std::string>>{
           {"a", "Pacific/Auckland"}, {"b", ""}, {"c", "America/New_York"}}) {
    for (RetentionItem& item : history(group, zone)) {
      if (item.time.seconds < kStart) item.zone = zone;
      items.push_back(item);
    }
  }
  RetentionPolicy policy;
  policy.daily = 2;
  // With one day for the two newest, the oldest is the second that is kept.
  CHECK(kept(apply_retention(items, policy, kNow, "UTC")) == std::vector<std::size_t>{1, 2, 3, 4, 7, 8});
  items[0].zone = items[1].zone = items[2].zone = "Europe/Nowhere";
  CHECK_THROWS_AS(apply_retention(items, policy, kNow, "UTC"), Error);
}

TEST_CASE("last keeps the newest, whatever their order") {
  const std::vector<RetentionItem> items{at(kStart + 5), at(kStart + 9), at(kStart), at(kStart + 7)};
  RetentionPolicy policy;
  policy.last = 2;
  CHECK(kept(apply_retention(items, policy, kNow, "UTC")) == std::vector<std::size_t>{1, 3});
}

TEST_CASE("the newest of each day is kept, and the oldest as long as days are left") {
  std::vector<RetentionItem> items;
  for (int day = 0; day < 3; ++day) {
    items.push_back(at(kStart + day * kDay + kHour));
    items.push_back(at(kStart + day * kDay + 20 * kHour));
  }
  RetentionPolicy policy;
  policy.daily = 3;
  CHECK(kept(apply_retention(items, policy, kNow, "UTC")) == std::vector<std::size_t>{1, 3, 5});
  policy.daily = 4;
  const auto decisions = apply_retention(items, policy, kNow, "UTC");
  CHECK(kept(decisions) == std::vector<std::size_t>{0, 1, 3, 5});
  CHECK(decisions[0].reasons == std::vector<std::string>{"oldest daily snapshot"});
  CHECK(decisions[1].reasons == std::vector<std::string>{"daily snapshot"});
}

TEST_CASE("a day is a day of the time zone") {
  // 23:30 and 00:30 in Berlin, both on one day in UTC.
  const std::vector<RetentionItem> items{at(kStart + 22 * kHour + 1800), at(kStart + 23 * kHour + 1800)};
  RetentionPolicy policy;
  policy.daily = 2;
  CHECK(apply_retention(items, policy, kNow, "Europe/Berlin")[0].reasons ==
        std::vector<std::string>{"daily snapshot"});
  CHECK(apply_retention(items, policy, kNow, "UTC")[0].reasons ==
        std::vector<std::string>{"oldest daily snapshot"});
}

TEST_CASE("weeks begin on Monday, quarters in January, April, July and October") {
  // Sunday the 4th and Monday the 5th of January 2026.
  const std::vector<RetentionItem> weeks{at(kStart), at(kStart + 3 * kDay), at(kStart + 4 * kDay)};
  RetentionPolicy policy;
  policy.weekly = 2;
  CHECK(kept(apply_retention(weeks, policy, kNow, "UTC")) == std::vector<std::size_t>{1, 2});
  // 31 March and 1 April.
  const std::vector<RetentionItem> quarters{at(kStart), at(kStart + 89 * kDay), at(kStart + 90 * kDay)};
  policy = {};
  policy.quarterly = 2;
  CHECK(kept(apply_retention(quarters, policy, kNow, "UTC")) == std::vector<std::size_t>{1, 2});
}

TEST_CASE("within counts back from the newest snapshot, not from now, and a month is a month") {
  RetentionPolicy policy;
  policy.within = parse_span("1m");
  // The newest: 15 March 2026; a month before it is 15 February.
  const std::vector<RetentionItem> items{at(kStart + 44 * kDay), at(kStart + 45 * kDay),
                                         at(kStart + 45 * kDay + 1), at(kStart + 73 * kDay)};
  const auto decisions = apply_retention(items, policy, kNow, "UTC");
  CHECK(kept(decisions) == std::vector<std::size_t>{2, 3});
  CHECK(decisions[2].reasons == std::vector<std::string>{"within 1m"});
}

TEST_CASE("a snapshot of the future makes no other one old") {
  RetentionPolicy policy;
  policy.within = parse_span("2d");
  const std::vector<RetentionItem> items{at(kStart), at(kStart + 5 * kDay), at(kStart + 900 * kDay)};
  CHECK(kept(apply_retention(items, policy, {kStart + 6 * kDay, 0}, "UTC")) ==
        std::vector<std::size_t>{1, 2});
  CHECK(kept(apply_retention(items, policy, {kStart - 1, 0}, "UTC")).size() == 3);
}

TEST_CASE("the hour that comes twice when clocks go back is one") {
  // 25 October 2026: 02:30 in Berlin, an hour later 02:30 again.
  const std::int64_t second = 1'792'891'800;
  const std::vector<RetentionItem> items{at(second - 2 * kHour), at(second - kHour), at(second)};
  RetentionPolicy policy;
  policy.hourly = 2;
  CHECK(kept(apply_retention(items, policy, kNow, "Europe/Berlin")) == std::vector<std::size_t>{0, 2});
  CHECK(kept(apply_retention(items, policy, kNow, "UTC")) == std::vector<std::size_t>{1, 2});
}

TEST_CASE("each set is looked at by itself; a pin keeps") {
  std::vector<RetentionItem> items{at(kStart, "a"), at(kStart + 1, "a"), at(kStart + 2, "b"),
                                   at(kStart + 3, "b")};
  items[0].pinned = true;
  RetentionPolicy policy;
  policy.last = 1;
  const auto decisions = apply_retention(items, policy, kNow, "UTC");
  CHECK(kept(decisions) == std::vector<std::size_t>{0, 1, 3});
  CHECK(decisions[0].reasons == std::vector<std::string>{"pinned"});
}

TEST_CASE("a policy that would forget everything is refused, and so is a zone that there is not") {
  CHECK_THROWS_AS(apply_retention({at(kStart)}, {}, kNow, "UTC"), Error);
  RetentionPolicy policy;
  policy.last = 1;
  CHECK_THROWS_AS(apply_retention({at(kStart)}, policy, kNow, "Europe/Nowhere"), Error);
}

TEST_CASE(
    "a span that is longer than calendars keeps everything, and a time that no calendar has does no harm") {
  RetentionPolicy policy;
  policy.within = parse_span(GENERATE("99999y", "100000m", "40000y3m", "99999d"));
  CHECK(kept(apply_retention({at(kStart), at(kStart - 1000 * kDay)}, policy, kNow, "Europe/Berlin")) ==
        std::vector<std::size_t>{0, 1});
  using Limits = std::numeric_limits<std::int64_t>;
  policy = {};
  policy.yearly = 2;
  const std::vector<RetentionItem> items{at(Limits::min()), at(kStart), at(Limits::max())};
  CHECK(kept(apply_retention(items, policy, kNow, "Europe/Berlin")) == std::vector<std::size_t>{1, 2});
}

TEST_CASE("durations") {
  CHECK(parse_span("1y6m2w3d12h") == CalendarSpan{1, 6, 17, 12});
  CHECK(to_text(parse_span("1y6m2w3d12h")) == "1y6m17d12h");
  for (const char* text :
       {"", "5", "d", "5x", "5d5d", "-5d", "5 d", "1000000d", "5d7", "14286w", "99999d1w"}) {
    CHECK_THROWS_AS(parse_span(text), Error);
  }
}

TEST_CASE("what holds for every history") {
  CHECK(rc::check("every group keeps its newest", [] {
    const History history = *histories();
    const auto decisions = apply_retention(history.items, history.policy, kNow, kZone);
    std::map<std::string, std::size_t> newest;
    for (std::size_t i = 0; i < history.items.size(); ++i) {
      const auto [place, added] = newest.try_emplace(history.items[i].group, i);
      if (!added && history.items[i].time >= history.items[place->second].time) place->second = i;
    }
    for (const auto& [group, number] : newest) RC_ASSERT(decisions[number].keep());
  }));
  CHECK(rc::check("a pin always keeps, and nothing else of a pin changes", [] {
    History history = *histories();
    const auto decisions = apply_retention(history.items, history.policy, kNow, kZone);
    for (RetentionItem& item : history.items) item.pinned = false;
    const auto without = apply_retention(history.items, history.policy, kNow, kZone);
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      auto reasons = decisions[i].reasons;
      if (!reasons.empty() && reasons.front() == "pinned") reasons.erase(reasons.begin());
      RC_ASSERT(reasons == without[i].reasons);
    }
  }));
  CHECK(rc::check("no rule keeps more than its number", [] {
    const History history = *histories();
    const auto decisions = apply_retention(history.items, history.policy, kNow, kZone);
    std::map<std::pair<std::string, std::string>, std::uint32_t> counts;
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      for (std::string reason : decisions[i].reasons) {
        if (reason.starts_with("oldest ")) reason.erase(0, 7);
        ++counts[{history.items[i].group, reason}];
      }
    }
    const std::map<std::string, std::uint32_t> limits{
        {"last snapshot", history.policy.last},       {"hourly snapshot", history.policy.hourly},
        {"daily snapshot", history.policy.daily},     {"weekly snapshot", history.policy.weekly},
        {"monthly snapshot", history.policy.monthly}, {"quarterly snapshot", history.policy.quarterly},
        {"yearly snapshot", history.policy.yearly}};
    for (const auto& [key, count] : counts) {
      const auto limit = limits.find(key.second);
      if (limit != limits.end()) RC_ASSERT(count <= limit->second);
    }
  }));
  CHECK(rc::check("a rule with a larger number keeps at least as much", [] {
    const History history = *histories();
    RetentionPolicy larger = history.policy;
    for (std::uint32_t* rule : {&larger.last, &larger.hourly, &larger.daily, &larger.weekly, &larger.monthly,
                                &larger.quarterly, &larger.yearly, &larger.within.days}) {
      *rule += *rc::gen::inRange(0u, 3u);
    }
    const auto fewer = kept(apply_retention(history.items, history.policy, kNow, kZone));
    const auto more = kept(apply_retention(history.items, larger, kNow, kZone));
    // What was the oldest of its rule may be the newest of a period then: it is kept all the same.
    RC_ASSERT(std::includes(more.begin(), more.end(), fewer.begin(), fewer.end()));
  }));
  CHECK(rc::check("forgetting twice forgets nothing more of the last, hourly and daily", [] {
    const History history = *histories();
    RetentionPolicy policy;
    policy.last = history.policy.last + 1;
    policy.daily = history.policy.daily;
    policy.within = history.policy.within;
    std::vector<RetentionItem> left;
    for (const std::size_t number : kept(apply_retention(history.items, policy, kNow, kZone))) {
      left.push_back(history.items[number]);
    }
    RC_ASSERT(kept(apply_retention(left, policy, kNow, kZone)).size() == left.size());
  }));
  CHECK(rc::check("groups do not know of each other", [] {
    const History history = *histories();
    const auto together = apply_retention(history.items, history.policy, kNow, kZone);
    for (const char* group : {"a", "b"}) {
      std::vector<RetentionItem> own;
      std::vector<std::vector<std::string>> expected;
      for (std::size_t i = 0; i < history.items.size(); ++i) {
        if (history.items[i].group != group) continue;
        own.push_back(history.items[i]);
        expected.push_back(together[i].reasons);
      }
      const auto alone = apply_retention(own, history.policy, kNow, kZone);
      for (std::size_t i = 0; i < own.size(); ++i) RC_ASSERT(alone[i].reasons == expected[i]);
    }
  }));
}
