#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
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
using testing::sample_snapshot;

class SelectHistory {
 public:
  // An id of these bytes, filled up with zeros.
  SelectHistory& add(const std::string& id, const std::string& set, std::int64_t finished,
                     bool recovered = false, const std::string& run = {}) {
    v1::SnapshotEntry entry;
    Bytes bytes = from_hex(id);
    bytes.resize(32);
    entry.set_id(std::string(as_text(bytes)));
    *entry.mutable_snapshot() = sample_snapshot(set, finished);
    entry.mutable_snapshot()->set_run(run.empty() ? entry.id().substr(0, 16) : run);
    entry.set_recovered(recovered);
    entries_.push_back(std::make_unique<v1::SnapshotEntry>(entry));
    return *this;
  }
  std::string select(const std::string& selector) const {
    return to_hex(as_bytes(snapshot::select(pointers(), selector, kOrigin).id())).substr(0, 6);
  }
  // "KIND: message" of the error that it ends with.
  std::string error(const std::string& selector) const {
    try {
      select(selector);
    } catch (const Error& error) {
      return std::string(to_string(error.kind())) + ": " + error.what();
    }
    return "no error";
  }

 private:
  std::vector<const v1::SnapshotEntry*> pointers() const {
    std::vector<const v1::SnapshotEntry*> result;
    for (const auto& entry : entries_) result.push_back(entry.get());
    return result;
  }
  std::vector<std::unique_ptr<v1::SnapshotEntry>> entries_;
};

SelectHistory sample_history() {
  return std::move(SelectHistory()
                       .add("aaaa01", "home", kEvening - 3 * kDay)
                       .add("aaab02", "home", kEvening - 2 * kDay)
                       .add("bbbb03", "etc", kEvening - kDay)
                       .add("cccc04", "home", kEvening)
                       .add("dddd05", "home", kEvening + kDay, /*recovered=*/true));
}

std::string kind(ErrorKind error) { return std::string(to_string(error)) + ": "; }

TEST_CASE("by a prefix of the id") {
  const SelectHistory history = sample_history();
  REQUIRE(history.select("aaaa") == "aaaa01");
  REQUIRE(history.select("AAAB") == "aaab02");
  REQUIRE(history.select("bbbb03" + std::string(58, '0')) == "bbbb03");
  REQUIRE(history.select("dddd") == "dddd05");  // recovered, but named
  REQUIRE_THAT(history.error("aaa"), Catch::StartsWith(kind(ErrorKind::kInvalidInput)));
  REQUIRE_THAT(history.error("aaac"), Catch::StartsWith(kind(ErrorKind::kNotFound)) &&
                                          Catch::Contains("aaab") && Catch::Contains("aaaa"));
  REQUIRE_THAT(history.error("bbbb03" + std::string(59, '0')),
               Catch::StartsWith(kind(ErrorKind::kInvalidInput)));
}

TEST_CASE("a prefix that fits several is refused, and the same snapshot twice is not several") {
  SelectHistory history = sample_history();
  history.add("aaaa99", "home", kEvening);
  REQUIRE_THAT(history.error("aaaa"), Catch::StartsWith(kind(ErrorKind::kInvalidInput)) &&
                                          Catch::Contains("aaaa01") && Catch::Contains("aaaa99"));
  history.add("cccc04", "home", kEvening);
  REQUIRE(history.select("cccc") == "cccc04");
}

TEST_CASE("a set's name of hex digits is told from an id") {
  SelectHistory history = sample_history();
  history.add("ffff06", "face", kEvening);
  REQUIRE_THAT(history.error("face"),
               Catch::StartsWith(kind(ErrorKind::kInvalidInput)) && Catch::Contains("face@latest"));
  // One that is an id's beginning as well is that.
  history.add("ffff07", "aaab", kEvening);
  REQUIRE(history.select("aaab") == "aaab02");
}

TEST_CASE("latest") {
  SelectHistory history = sample_history();
  REQUIRE(history.select("latest") == "cccc04");
  REQUIRE(history.select("home@latest") == "cccc04");
  REQUIRE(history.select("etc@latest") == "bbbb03");
  REQUIRE_THAT(history.error("hone@latest"),
               Catch::StartsWith(kind(ErrorKind::kNotFound)) && Catch::Contains("did you mean home"));
  REQUIRE_THAT(SelectHistory().error("latest"), Catch::StartsWith(kind(ErrorKind::kNotFound)));
  REQUIRE_THAT(SelectHistory().add("aaaa", "home", kEvening, true).error("latest"),
               Catch::Contains("recovered"));
}

TEST_CASE("a run whose snapshot has other names elsewhere counts once, by the first") {
  SelectHistory history;
  history.add("aaaa01", "home", kEvening - kDay, false, "first")
      .add("eeee01", "home", kEvening - kDay, false, "first")
      .add("cccc04", "home", kEvening, false, "second")
      .add("eeee04", "home", kEvening, false, "second");
  REQUIRE(history.select("latest") == "cccc04");
  REQUIRE(history.select("home@latest") == "cccc04");
  REQUIRE(history.select("home~1") == "aaaa01");
  REQUIRE_THAT(history.error("home~2"), Catch::StartsWith(kind(ErrorKind::kNotFound)));
  REQUIRE(history.select("eeee04") == "eeee04");
}

TEST_CASE("so many before the latest") {
  const SelectHistory history = sample_history();
  REQUIRE(history.select("home~0") == "cccc04");
  REQUIRE(history.select("home~1") == "aaab02");
  REQUIRE(history.select("home~2") == "aaaa01");
  REQUIRE_THAT(history.error("home~3"),
               Catch::StartsWith(kind(ErrorKind::kNotFound)) && Catch::Contains("home~2"));
  for (const char* selector : {"home~", "home~x", "home~-1", "home~9999999999", "~1", "a b~1"}) {
    REQUIRE_THAT(history.error(selector), Catch::StartsWith(kind(ErrorKind::kInvalidInput)));
  }
}

TEST_CASE("by time") {
  const SelectHistory history = sample_history();
  REQUIRE(history.select("home@2026-11-22T18:30:00Z") == "cccc04");
  REQUIRE(history.select("home@2026-11-22T18:29:59Z") == "aaab02");
  REQUIRE(history.select("home@2026-11-22 18:30Z") == "cccc04");
  REQUIRE(history.select("home@2026-11-22Z") == "cccc04");  // the whole day
  REQUIRE(history.select("home@2026-11-21Z") == "aaab02");
  REQUIRE(history.select("home@2030-01-01Z") == "cccc04");  // never a recovered one
  REQUIRE(history.select("home@yesterday 12:00") == "cccc04");
  REQUIRE(history.select("home@sunday 18:00") == "aaab02");
  REQUIRE(history.select("home@3 days ago") == "aaab02");
  REQUIRE_THAT(history.error("home@2026-11-18Z"), Catch::StartsWith(kind(ErrorKind::kNotFound)));
  REQUIRE_THAT(history.error("hom@2026-11-22Z"), Catch::Contains("did you mean home"));
  for (const char* selector : {"home@", "home@someday", "home@2026-02-30", "home@2026-11-22T25:00"}) {
    REQUIRE_THAT(history.error(selector), Catch::StartsWith(kind(ErrorKind::kInvalidInput)));
  }
}

TEST_CASE("a clock that was wrong once hides nothing") {
  // Of the future, so that it counts as the oldest.
  SelectHistory history;
  history.add("eeee06", "home", kEvening + 3000 * kDay);
  history.add("aaaa01", "home", kEvening - kDay).add("cccc04", "home", kEvening);
  REQUIRE(history.select("home@latest") == "cccc04");
  REQUIRE(history.select("home~2") == "eeee06");
  REQUIRE(history.select("home@2026-11-22Z") == "cccc04");
  REQUIRE(history.select("home@2036-01-01Z") == "eeee06");
}

TEST_CASE("what chooses nothing says what would") {
  const SelectHistory history = sample_history();
  REQUIRE_THAT(history.error(""), Catch::StartsWith(kind(ErrorKind::kInvalidInput)));
  REQUIRE_THAT(history.error("home"), Catch::Contains("home@latest"));
  REQUIRE_THAT(history.error("what is this"), Catch::Contains("SET@TIME"));
  REQUIRE_THAT(history.error("hone"), Catch::Contains("did you mean home"));
  REQUIRE_THAT(history.error("home@teatime"), Catch::Contains("2 weeks ago"));
}

}  // namespace
}  // namespace garner::snapshot
