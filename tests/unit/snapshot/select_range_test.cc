#include <date/date.h>
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "sample_nodes.h"
#include "sample_times.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

using testing::kDay;
using testing::kEvening;
using testing::kOrigin;

// home: 1 to 4, a day apart, the last in the evening; etc: 5, that evening; 6 was recovered.
struct RangeHistory {
  std::vector<std::unique_ptr<v1::SnapshotEntry>> entries;

  RangeHistory() {
    for (int number = 1; number <= 4; ++number) add(number, "home", kEvening - (4 - number) * kDay, false);
    add(5, "etc", kEvening, false);
    add(6, "home", kEvening, true);
  }
  void add(int number, const std::string& set, std::int64_t finished, bool recovered,
           const std::string& run = {}) {
    auto entry = std::make_unique<v1::SnapshotEntry>();
    entry->set_id(std::string(32, static_cast<char>(number)));
    *entry->mutable_snapshot() = testing::sample_snapshot(set, finished);
    entry->mutable_snapshot()->set_run(run.empty() ? entry->id().substr(0, 16) : run);
    entry->set_recovered(recovered);
    entries.push_back(std::move(entry));
  }
  std::vector<int> select(const std::string& selector, const std::string& set = {}) const {
    std::vector<const v1::SnapshotEntry*> pointers;
    for (const auto& entry : entries) pointers.push_back(entry.get());
    std::vector<int> numbers;
    for (const auto* entry : select_all(pointers, selector, kOrigin, set)) numbers.push_back(entry->id()[0]);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }
  ErrorKind error(const std::string& selector, const std::string& set = {}) const {
    try {
      select(selector, set);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  }
};

using Numbers = std::vector<int>;
using Catch::Contains;

TEST_CASE("a selector may be one snapshot") {
  const RangeHistory history;
  CHECK(history.select("home~1") == Numbers{3});
  CHECK(history.select("~1", "home") == Numbers{3});
  CHECK(history.select("06060606") == Numbers{6});
  CHECK(history.error("~1") == ErrorKind::kInvalidInput);
}

TEST_CASE("with a set given, what is chosen is of that set") {
  const RangeHistory history;
  CHECK(history.select("latest") == Numbers{5});
  CHECK(history.select("latest", "home") == Numbers{4});
  CHECK(history.select("@2026-11-21Z", "home") == Numbers{3});
  CHECK(history.select("@latest", "etc") == Numbers{5});
  CHECK(history.select("04040404", "home") == Numbers{4});
  CHECK(history.error("latest", "mail") == ErrorKind::kNotFound);
  CHECK(history.error("@latest") == ErrorKind::kInvalidInput);
  for (const char* selector : {"05050505", "etc@latest", "etc~0", "etc~0..~1"}) {
    CHECK(history.error(selector, "home") == ErrorKind::kInvalidInput);
    CHECK_THROWS_WITH(history.select(selector, "home"),
                      Contains(selector) && Contains("of the set \"etc\"") && Contains("not of \"home\""));
  }
}

TEST_CASE("all names of a run's snapshot are chosen together, but by an id") {
  RangeHistory history;
  history.add(7, "home", kEvening, false, history.entries[3]->snapshot().run());
  CHECK(history.select("home@latest") == Numbers{4, 7});
  CHECK(history.select("home~1..~1") == Numbers{3});
  CHECK(history.select("home~0..~1") == Numbers{3, 4, 7});
  CHECK(history.select("07070707") == Numbers{7});
}

TEST_CASE("a range of steps has both ends in it") {
  const RangeHistory history;
  CHECK(history.select("home~1..~2") == Numbers{2, 3});
  CHECK(history.select("home~2..~1") == Numbers{2, 3});
  CHECK(history.select("~0..~9", "home") == Numbers{1, 2, 3, 4});
  CHECK(history.select("etc~0..~0") == Numbers{5});
  CHECK(history.error("home~4..~9") == ErrorKind::kNotFound);
  CHECK_THROWS_WITH(history.select("hom~0..~1"), Contains("did you mean home"));
  CHECK(history.error("~0..~1") == ErrorKind::kInvalidInput);
  CHECK(history.error("home~1..2") == ErrorKind::kInvalidInput);
  CHECK(history.error("home~..~2") == ErrorKind::kInvalidInput);
}

TEST_CASE("a range of times has both ends in it, whole days") {
  const RangeHistory history;
  CHECK(history.select("2026-11-20Z..2026-11-21Z") == Numbers{2, 3});
  CHECK(history.select("2026-11-22Z..2026-11-22Z") == Numbers{4, 5});
  CHECK(history.select("2026-11-22Z..2026-11-22Z", "etc") == Numbers{5});
  CHECK(history.select("2026-11-22T18:30Z..2026-11-22T18:30Z", "home") == Numbers{4});
  CHECK(history.error("2026-11-22T18:31Z..2026-11-23Z") == ErrorKind::kNotFound);
  CHECK(history.error("2026-11-22Z..soon") == ErrorKind::kInvalidInput);
  CHECK(history.error("2026-11-22Z..") == ErrorKind::kInvalidInput);
  CHECK(history.error("..") == ErrorKind::kInvalidInput);
  CHECK(history.select("2026-11-21..2026-11-20") == Numbers{2, 3});  // as of steps, in either order
}

TEST_CASE("a range of times in words") {
  const RangeHistory history;
  CHECK(history.select("4 days ago..saturday") == Numbers{2, 3});
  CHECK(history.select("sunday 18:00..now", "etc") == Numbers{5});
  CHECK(history.select("home@2 days ago") == Numbers{4});
  CHECK(history.error("a minute ago..now") == ErrorKind::kNotFound);
}

// ---- Any history ----

std::string at(std::int64_t second) {
  return date::format("%FT%TZ", date::sys_seconds(std::chrono::seconds(second)));
}

// Snapshots of one set, numbered from 1, at times that rise.
struct AnyHistory : RangeHistory {
  AnyHistory() {
    entries.clear();
    std::int64_t second = kEvening;
    for (const auto gap :
         *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(1, 3'000'000))) {
      if (times.size() == 100) break;
      second -= gap;
      times.push_back(second);
    }
    std::reverse(times.begin(), times.end());
    for (std::size_t i = 0; i < times.size(); ++i) add(static_cast<int>(i) + 1, "home", times[i], false);
  }
  std::vector<std::int64_t> times;
};

TEST_CASE("any range of steps chooses as many, and the same whichever end comes first") {
  REQUIRE(rc::check([] {
    const AnyHistory history;
    RC_PRE(!history.times.empty());
    const int count = static_cast<int>(history.times.size());
    const int a = *rc::gen::inRange(0, count);
    const int b = *rc::gen::inRange(0, count);
    const std::string range = "~" + std::to_string(a) + "..~" + std::to_string(b);
    const Numbers chosen = history.select("home" + range);
    Numbers expected;
    for (int number = count - std::max(a, b); number <= count - std::min(a, b); ++number)
      expected.push_back(number);
    RC_ASSERT(chosen == expected);
    RC_ASSERT(history.select(range, "home") == expected);
    RC_ASSERT(history.select("home~" + std::to_string(b) + "..~" + std::to_string(a)) == expected);
    RC_ASSERT(history.select("home~" + std::to_string(a)) == Numbers{count - a});
  }));
}

TEST_CASE("any range of times chooses what was finished in it") {
  REQUIRE(rc::check([] {
    const AnyHistory history;
    const std::int64_t from = kEvening - *rc::gen::inRange<std::int64_t>(0, 300'000'000);
    const std::int64_t to = from + *rc::gen::inRange<std::int64_t>(0, 300'000'000);
    Numbers expected;
    for (std::size_t i = 0; i < history.times.size(); ++i) {
      if (history.times[i] >= from && history.times[i] <= to) expected.push_back(static_cast<int>(i) + 1);
    }
    const std::string range = at(from) + ".." + at(to);
    if (expected.empty()) {
      RC_ASSERT(history.error(range) == ErrorKind::kNotFound);
    } else {
      RC_ASSERT(history.select(range) == expected);
      RC_ASSERT(history.select("home@" + at(to)) == Numbers{expected.back()});
    }
  }));
}

TEST_CASE("whatever is typed chooses something, or the error says what to write") {
  const RangeHistory history;
  REQUIRE(rc::check([&] {
    std::string text;
    for (const auto& piece : *rc::gen::container<std::vector<std::string>>(
             rc::gen::element<std::string>("home", "etc", "hom", "@", "~", "..", "1", "9", "latest",
                                           "2026-11-21", "yesterday", " ", "0202", "f", "\xff")))
      text += piece;
    const auto set = *rc::gen::element<std::string>("", "home");
    try {
      RC_ASSERT(!history.select(text, set).empty());
    } catch (const Error& error) {
      const std::string_view says = error.what();
      if (error.kind() == ErrorKind::kInvalidInput) {
        RC_ASSERT(says.find("write") != says.npos || says.find("several") != says.npos ||
                  says.find("cannot be the name") != says.npos || says.find("how many") != says.npos);
      } else {
        RC_ASSERT(error.kind() == ErrorKind::kNotFound);
      }
    }
  }));
}

}  // namespace
}  // namespace garner::snapshot
