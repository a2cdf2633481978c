#include "histories.h"

#include <chrono>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "copy_request.h"
#include "support/eventually.h"
#include "two_disks.h"

namespace garner::daemon {
namespace {

using catalog::RunKind;

// With its histories, which are opened anew by reopen().
struct NotedMachine : WorkingMachine {
  NotedMachine() { reopen(); }

  void reopen(const Histories::Ends& busy = {}) {
    histories.reset();
    histories = std::make_unique<Histories>(here.destinations, history_folder(), busy);
  }
  std::string history_folder() const { return folder.path("state/history"); }
  // The files, without what belongs to them.
  std::vector<std::string> files() const {
    std::vector<std::string> files;
    for (const std::string& name : list_names(history_folder())) {
      if (name.ends_with(".sqlite")) files.push_back(history_folder() + "/" + name);
    }
    return files;
  }
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = folder.path("source/" + name);
    std::ofstream(path) << content;
    return path;
  }
  void list() { all = snapshot_history(here.destinations, {}); }
  std::vector<HistoryRow> rows() {
    list();
    return histories->rows(all, going_on);
  }
  HistoryRow row() {
    std::vector<HistoryRow> found = rows();
    REQUIRE(found.size() == 1);
    return std::move(found.front());
  }
  void forget(const std::string& snapshot) {
    StoredRequest request;
    request.destinations = {"a"};
    request.forget.add_names(snapshot);
    execute(RunKind::kForget, request);
  }
  // In how many of the row's snapshots the file is.
  std::uint64_t count(const HistoryRow& row, const std::string& name) const {
    const auto source = row.history->item(0, folder.path("source"));
    REQUIRE(source);
    const auto item = row.history->item(source->number, name);
    if (!item) return 0;
    std::uint64_t count = 0;
    for (const catalog::ItemVersion& version : row.history->versions(item->number))
      count += row.count(version.span);
    return count;
  }

  std::unique_ptr<Histories> histories;
  SnapshotHistory all;
  const std::atomic<bool> going_on = false;
};

TEST_CASE("a history has what is listed: what comes is read in, what is forgotten goes") {
  NotedMachine machine;
  CHECK(machine.rows().empty());
  const std::string first = machine.back_up("a");
  machine.write("more", "more");
  const std::string second = machine.back_up("a");
  HistoryRow row = machine.row();
  REQUIRE(row.places.size() == 2);
  CHECK(row.places[0].copy->id == first);
  CHECK(row.at(row.places[1].number).copy->id == second);
  CHECK(row.set.ends_with("/home"));
  CHECK(row.gaps.empty());
  CHECK(machine.count(row, "file") == 2);
  CHECK(machine.count(row, "more") == 1);

  std::filesystem::remove(machine.folder.path("source/more"));
  machine.back_up("a");
  machine.forget(second);
  row = machine.row();
  CHECK(row.places.size() == 2);
  CHECK(row.history->snapshots().size() == 2);
  CHECK(machine.count(row, "file") == 2);
  CHECK(machine.count(row, "more") == 0);
}

TEST_CASE("only what is wanted is read in for who asks, and counted, in whatever order it was read in") {
  NotedMachine machine;
  const std::string first = machine.back_up("a");
  machine.write("more", "more");
  machine.back_up("a");
  machine.list();
  machine.all.snapshots.front().wanted = false;
  HistoryRow row = machine.histories->rows(machine.all, machine.going_on).front();
  CHECK(row.places.size() == 1);
  CHECK(row.history->snapshots().size() == 1);
  row = machine.row();
  REQUIRE(row.places.size() == 2);
  CHECK(row.places[0].copy->id == first);
  CHECK(row.places[0].number > row.places[1].number);
  CHECK(row.numbers == std::vector<std::int64_t>{row.places[1].number, row.places[0].number});
  const auto reach = row.reach({row.numbers.front(), row.numbers.back()});
  REQUIRE(reach);
  CHECK((reach->first == 0 && reach->last == 1 && reach->count == 2));
  CHECK_FALSE(row.reach({row.numbers.back() + 1, row.numbers.back() + 9}));
  CHECK(machine.count(row, "more") == 1);
}

TEST_CASE("a file that was removed, or is another one's, is made anew") {
  NotedMachine machine;
  machine.back_up("a");
  CHECK(machine.count(machine.row(), "file") == 1);
  const auto files = machine.files();
  REQUIRE(files.size() == 1);
  // While it is open.
  std::filesystem::remove(files.front());
  CHECK(machine.count(machine.row(), "file") == 1);
  CHECK(machine.files() == files);
  machine.histories.reset();
  std::ofstream(files.front()) << "no database, and long enough that it could have a header of one: "
                               << std::string(4096, 'x');
  machine.reopen();
  CHECK(machine.count(machine.row(), "file") == 1);
  CHECK(machine.files() == files);
}

TEST_CASE("a history that turns out to be damaged is let go, and who asks again gets an answer") {
  NotedMachine machine;
  machine.back_up("a");
  const HistoryRow row = machine.row();
  CHECK(kind_of([&] {
          machine.histories->read(row, [](catalog::History&) { throw Error(ErrorKind::kDamaged, "torn"); });
        }) == ErrorKind::kConflict);
  CHECK(machine.files().empty());
  const HistoryRow again = machine.row();
  CHECK(again.history != row.history);
  CHECK(machine.histories->read(again, [&](catalog::History&) { return machine.count(again, "file"); }) == 1);
}

TEST_CASE("a run's snapshot is in one row, also where other keys have it by another id") {
  NotedMachine machine;
  machine.here.add("own", machine.folder.path("own"), with_password("its own"));
  v1::StartCopyRequest copy;
  copy.set_snapshot(machine.back_up("a"));
  copy.set_destination("own");
  machine.execute(RunKind::kCopy, copy_request(machine.here.destinations, copy));
  REQUIRE(machine.snapshots("own") == 1);
  CHECK(machine.row().places.size() == 1);
  machine.back_up("own");
  std::size_t places = 0;
  for (const HistoryRow& row : machine.rows()) places += row.places.size();
  CHECK(places == 2);
}

TEST_CASE("what cannot be read for its destination is away is a gap, and read in later") {
  NotedMachine machine;
  const std::string only = machine.back_up("a");
  machine.list();
  machine.take_away("a");
  const HistoryRow away = machine.histories->rows(machine.all, machine.going_on).front();
  REQUIRE(away.places.size() == 1);
  REQUIRE(away.gaps.size() == 1);
  CHECK(away.gaps[0].path == "/");
  CHECK(away.at(away.gaps[0].number).copy->id == only);
  CHECK(away.history->snapshots().empty());
  machine.bring_back("a");
  const HistoryRow whole = machine.row();
  CHECK(whole.gaps.empty());
  CHECK(machine.count(whole, "file") == 1);
}

TEST_CASE("another destination is asked where the nearest is away") {
  NotedMachine machine;
  v1::StartCopyRequest copy;
  copy.set_snapshot(machine.back_up("a"));
  copy.set_destination("b");
  machine.execute(RunKind::kCopy, copy_request(machine.here.destinations, copy));
  machine.list();
  machine.take_away("a");
  const HistoryRow row = machine.histories->rows(machine.all, machine.going_on).front();
  CHECK(row.gaps.empty());
  CHECK(machine.count(row, "file") == 1);
}

TEST_CASE("the file of a set that has no snapshot any more is removed, once all destinations can be asked") {
  NotedMachine machine;
  machine.back_up("a");
  machine.row();
  REQUIRE(machine.files().size() == 1);
  machine.take_away("a");
  CHECK(machine.rows().empty());
  CHECK(machine.files().size() == 1);
  machine.bring_back("a");
  machine.here.sets.remove("home");
  machine.here.destinations.close("a");
  machine.here.catalog.configuration().remove_destination("a");
  CHECK(machine.rows().empty());
  CHECK(machine.files().empty());
}

TEST_CASE("an older listing forgets nothing that came after it") {
  NotedMachine machine;
  machine.back_up("a");
  machine.list();
  const SnapshotHistory older = machine.all;
  machine.back_up("a");
  const HistoryRow newest = machine.row();
  machine.histories->rows(older, machine.going_on);
  CHECK(newest.history->snapshots().size() == 2);
}

TEST_CASE("whoever goes away ends the reading, and the next one goes on") {
  NotedMachine machine;
  machine.back_up("a");
  machine.list();
  CHECK(kind_of([&] { machine.histories->rows(machine.all, [] { return true; }); }) == ErrorKind::kCancelled);
  int asked = 0;
  // At the first read.
  CHECK(kind_of([&] { machine.histories->rows(machine.all, [&] { return ++asked > 1; }); }) ==
        ErrorKind::kCancelled);
  CHECK(machine.count(machine.row(), "file") == 1);
}

TEST_CASE("the background reads in what is new, when nothing else is to be done") {
  std::atomic<bool> busy = true;
  std::atomic<int> asked = 0;
  NotedMachine machine;
  machine.reopen([&] {
    ++asked;
    return busy.load();
  });
  machine.back_up("a");
  machine.histories->update_soon();
  CHECK(garner::testing::eventually([&] { return asked > 0; }));
  CHECK(machine.files().empty());
  busy = false;
  machine.list();
  CHECK(garner::testing::eventually([&] {
    // Gives up where there is something to be read.
    int looks = 0;
    try {
      return machine.histories->rows(machine.all, [&] { return looks++ > 0; }).size() == 1;
    } catch (const Error&) {
      return false;
    }
  }));
  // It ends at once, also when there is something to do.
  busy = true;
  machine.histories->update_soon();
  machine.histories->stop();
}

}  // namespace
}  // namespace garner::daemon
