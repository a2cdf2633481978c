#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "sample_nodes.h"
#include "snapshot/snapshot.h"

namespace garner::snapshot {
namespace {

// 2026-11-22T18:30:00Z
constexpr std::int64_t kEvening = 1'795'372'200;
constexpr std::int64_t kDay = 86'400;

// home: 1 to 4, a day apart, the last in the evening; etc: 5, that evening; 6 was recovered.
struct History {
  std::vector<std::unique_ptr<v1::SnapshotEntry>> entries;

  History() {
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
    for (const auto* entry : select_all(pointers, selector, set)) numbers.push_back(entry->id()[0]);
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

TEST_CASE("a selector may be one snapshot") {
  const History history;
  CHECK(history.select("home~1") == Numbers{3});
  CHECK(history.select("~1", "home") == Numbers{3});
  CHECK(history.select("06060606") == Numbers{6});
  CHECK(history.error("~1") == ErrorKind::kInvalidInput);
}

TEST_CASE("all names of a run's snapshot are chosen together, but by an id") {
  History history;
  history.add(7, "home", kEvening, false, history.entries[3]->snapshot().run());
  CHECK(history.select("home@latest") == Numbers{4, 7});
  CHECK(history.select("home~1..~1") == Numbers{3});
  CHECK(history.select("home~0..~1") == Numbers{3, 4, 7});
  CHECK(history.select("07070707") == Numbers{7});
}

TEST_CASE("a range of steps has both ends in it") {
  const History history;
  CHECK(history.select("home~1..~2") == Numbers{2, 3});
  CHECK(history.select("home~2..~1") == Numbers{2, 3});
  CHECK(history.select("~0..~9", "home") == Numbers{1, 2, 3, 4});
  CHECK(history.select("etc~0..~0") == Numbers{5});
  CHECK(history.error("home~4..~9") == ErrorKind::kNotFound);
  CHECK(history.error("~0..~1") == ErrorKind::kInvalidInput);
  CHECK(history.error("home~1..2") == ErrorKind::kInvalidInput);
  CHECK(history.error("home~..~2") == ErrorKind::kInvalidInput);
}

TEST_CASE("a range of times has both ends in it, whole days") {
  const History history;
  CHECK(history.select("2026-11-20Z..2026-11-21Z") == Numbers{2, 3});
  CHECK(history.select("2026-11-22Z..2026-11-22Z") == Numbers{4, 5});
  CHECK(history.select("2026-11-22Z..2026-11-22Z", "etc") == Numbers{5});
  CHECK(history.select("2026-11-22T18:30Z..2026-11-22T18:30Z", "home") == Numbers{4});
  CHECK(history.error("2026-11-22T18:31Z..2026-11-23Z") == ErrorKind::kNotFound);
  CHECK(history.error("2026-11-22Z..soon") == ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace garner::snapshot
