#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>

#include "backup/targets.h"
#include "support/eventually.h"
#include "support/forge_removal.h"
#include "unit/backup/gate.h"
#include "unit/backup/many_backups.h"

namespace garner::backup {
namespace {

TEST_CASE("one read gives three destinations the same snapshot") {
  Sources sources(41);
  ManyBackups backups(3);
  const BackupResult first = backups.run(sources.root());
  backups.check_whole(first, {0, 1, 2}, sources.root());
  // The file with two names is read once.
  CHECK(first.progress.counters.read_bytes <= first.progress.source_bytes);
  for (const TargetProgress& target : first.targets) {
    CHECK(target.counters.new_bytes == first.progress.counters.new_bytes);
    CHECK(target.counters.stored_bytes > first.progress.counters.new_bytes / 2);
  }

  std::vector<std::size_t> packs;
  std::vector<std::size_t> records;
  for (unsigned number = 0; number < 3; ++number) {
    packs.push_back(backups.objects(number, "packs/"));
    records.push_back(backups.objects(number, "log/"));
  }
  const BackupResult second = backups.run(sources.root());
  CHECK(second.progress.counters.read_bytes == 0);
  CHECK(second.progress.counters.new_bytes == 0);
  for (unsigned number = 0; number < 3; ++number) {
    CHECK(backups.objects(number, "packs/") == packs[number]);
    CHECK(backups.objects(number, "log/") == records[number] + 1);
  }
  write_file(sources.root() + "/folder0/file0", "something else");
  const BackupResult third = backups.run(sources.root());
  CHECK(third.progress.counters.read_bytes == 14);
  backups.check_whole(third, {0, 1, 2}, sources.root());
}

TEST_CASE("who notes what was made does so while the checkpoint is there, and again when that was cut off") {
  Sources sources(43);
  ManyBackups backups(2);
  BackupOptions options = backups.options(sources.root());
  std::optional<crypto::BlobId> noted;
  options.when_made = [&](const BackupResult& result) {
    noted = result.snapshot;
    for (const TargetProgress& target : result.targets) CHECK(target.state == TargetState::kDone);
    const auto head = backups.checkpoint.load();
    REQUIRE(head);
    CHECK(head->snapshot);
    throw testing::PowerCut();
  };
  CHECK_THROWS_AS(backups.run(options), testing::PowerCut);
  REQUIRE(noted);
  REQUIRE(backups.checkpoint.load());
  backups.reopen();
  write_file(sources.root() + "/folder0/file0", "what comes after it is of the next backup");
  int told = 0;
  options.when_made = [&](const BackupResult& result) {
    ++told;
    CHECK(result.snapshot == noted);
    CHECK(backups.checkpoint.load());
  };
  const BackupResult result = backups.run(options);
  CHECK(told == 1);
  CHECK(result.snapshot == noted);
  for (const unsigned number : {0u, 1u}) CHECK(backups.at(number).state()->snapshots_size() == 1);
  CHECK_FALSE(backups.checkpoint.load());
  CHECK(list_names(backups.spool()).empty());
}

TEST_CASE("each destination is given what it lacks of a backup") {
  Sources sources(42);
  ManyBackups backups(2);
  // Another set, which says nothing of what is to be read for this one.
  BackupOptions other = backups.options(sources.root() + "/folder0");
  other.set.set_uuid(std::string(as_text(Uuid::random().view())));
  other.host = "elsewhere";
  auto only_second = backups.targets();
  only_second[0].repository = nullptr;
  const BackupResult before =
      run_backup(only_second, backups.checkpoint, other, backups.clock, backups.monitor, {});
  CHECK(before.targets[0].state == TargetState::kBehind);
  CHECK(before.targets[1].state == TargetState::kDone);
  CHECK(backups.objects(0, "packs/") == 0);

  const BackupResult result = backups.run(sources.root());
  backups.check_whole(result, {0, 1}, sources.root());
  CHECK(result.targets[0].counters.new_bytes == result.progress.counters.new_bytes);
  CHECK(result.targets[1].counters.new_bytes + before.progress.counters.new_bytes ==
        result.progress.counters.new_bytes);
  CHECK(result.targets[1].counters.stored_bytes < result.targets[0].counters.stored_bytes);
}

TEST_CASE("a run to several that is cut off at any save goes on, and gives all the same snapshot") {
  const auto seed = GENERATE(43u, 44u, 45u, 46u);
  CAPTURE(seed);
  Sources sources(seed, 8, 12);
  ManyBackups backups(2 + seed % 2);
  BackupOptions options = backups.options(sources.root());
  const TemporaryFolder counter;
  options.read_counter_file = counter.path("read");
  std::mt19937_64 random(seed);
  std::optional<BackupResult> result;
  int cuts = 0;
  for (int attempt = 0; attempt < 100 && !result; ++attempt) {
    const bool last = attempt >= 20;
    (random() % 2 ? backups.checkpoint.cut_before_save : backups.checkpoint.cut_after_save) =
        last ? 0 : 1 + static_cast<int>(random() % 4);
    // Power may also be lost at a commit, of any of them.
    std::atomic<int> commits = last ? 1000 : static_cast<int>(random() % 6);
    for (unsigned number = 0; number < backups.count(); ++number) {
      backups.place(number).before_put_exclusive = [&](const std::string&) {
        if (commits-- == 0) throw testing::PowerCut();
      };
    }
    std::stop_source stop;
    std::jthread stopper([&, wait = random() % 30'000] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));
      if (!last && wait % 3 != 0) stop.request_stop();
    });
    try {
      result = backups.run(options, stop.get_token());
    } catch (const testing::PowerCut&) {
      ++cuts;
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kCancelled);
    }
    for (unsigned number = 0; number < backups.count(); ++number)
      backups.place(number).before_put_exclusive = nullptr;
    backups.checkpoint.cut_before_save = backups.checkpoint.cut_after_save = 0;
    if (random() % 2) backups.reopen();
  }
  REQUIRE(result);
  CAPTURE(cuts);
  int done = 0;
  for (unsigned number = 0; number < backups.count(); ++number) {
    CAPTURE(number);
    // Whoever failed at its commit, as far as the others could see, is given the snapshot later.
    if (result->targets[number].state != TargetState::kDone) continue;
    ++done;
    REQUIRE(backups.lists(number, result->snapshot));
    CHECK(backups.differences(number, result->snapshot, sources.root()).empty());
    CHECK(backups.at(number).state()->snapshots_size() == 1);
  }
  CHECK(done > 0);
  CHECK(list_names(backups.spool()).empty());
}

TEST_CASE("a run that goes on says of differences to each destination what is true there") {
  Sources sources(46, 3, 4);
  ManyBackups backups(2);
  backups.run(sources.root());
  // One log may be told that there are differences. The other knows of none, and this machine may not say so.
  testing::forge_demotion(backups.at(1));
  write_file(sources.root() + "/folder0/file0", "something else");
  const BackupOptions options = backups.options(sources.root());
  backups.checkpoint.cut_after_save = 1;
  CHECK_THROWS_AS(backups.run(options), testing::PowerCut);
  backups.checkpoint.cut_after_save = 0;
  backups.reopen();
  backups.check_whole(backups.run(options), {0, 1}, sources.root());
  CHECK(backups.at(1).state()->must_know_to_read() == 0);
}

TEST_CASE("a destination that fails is left out, and keeps nobody") {
  Sources sources(47);
  ManyBackups backups(3);
  const unsigned failing = GENERATE(0u, 1u, 2u);
  CAPTURE(failing);
  const std::vector<unsigned> others = failing == 0   ? std::vector<unsigned>{1, 2}
                                       : failing == 1 ? std::vector<unsigned>{0, 2}
                                                      : std::vector<unsigned>{0, 1};
  std::optional<BackupResult> result;
  ErrorKind kind = ErrorKind::kDestinationAway;
  SECTION("away at the start") {
    backups.place(failing).is_away = true;
    result = backups.run(sources.root());
  }
  SECTION("away in mid-run") {
    backups.place(failing).before_put_file = [&](const std::string&) {
      backups.place(failing).is_away = true;
    };
    result = backups.run(sources.root());
  }
  SECTION("away at the commit") {
    backups.place(failing).before_put_exclusive = [&](const std::string&) {
      backups.place(failing).is_away = true;
      throw Error(ErrorKind::kReadFailed, "what was done to it failed");
    };
    result = backups.run(sources.root());
  }
  SECTION("full") {
    kind = ErrorKind::kDestinationFull;
    backups.place(failing).before_put_file = [](const std::string&) {
      throw Error(ErrorKind::kDestinationFull, "it is full");
    };
    result = backups.run(sources.root());
  }
  SECTION("refused when it is to commit") {
    kind = ErrorKind::kForked;
    backups.place(failing).before_put_exclusive = [](const std::string&) {
      throw Error(ErrorKind::kForked, "it is another's");
    };
    result = backups.run(sources.root());
  }
  backups.check_whole(*result, others, sources.root());
  CHECK(result->targets[failing].state == TargetState::kFailed);
  CHECK(result->targets[failing].kind == kind);
  CHECK_FALSE(result->targets[failing].error.empty());
  backups.place(failing).is_away = false;
  CHECK_FALSE(backups.lists(failing, result->snapshot));
}

TEST_CASE("a destination that fails early is given nothing more by the run, also when it goes on") {
  Sources sources(48, 8, 12);
  ManyBackups backups(2);
  const BackupOptions options = backups.options(sources.root());
  std::stop_source stop;
  std::atomic<int> given = 0;
  backups.place(1).before_put_file = [](const std::string&) {
    throw Error(ErrorKind::kDestinationFull, "it is full");
  };
  // Goes on when that is recorded.
  backups.place(0).before_put_file = [&](const std::string&) {
    garner::testing::eventually([&] {
      const auto head = backups.checkpoint.load();
      return head && head->target(1)->left;
    });
    stop.request_stop();
  };
  auto run = backups.start(options, stop.get_token());
  REQUIRE(failure_of(run) == ErrorKind::kCancelled);
  const auto head = backups.checkpoint.load();
  REQUIRE(head);
  REQUIRE(head->target(1)->left);
  CHECK(head->target(1)->message == "it is full");
  backups.place(1).before_put_file = [&](const std::string&) { ++given; };
  backups.place(0).before_put_file = nullptr;
  backups.reopen();
  const BackupResult result = backups.run(options);
  backups.check_whole(result, {0}, sources.root());
  CHECK(result.targets[1].state == TargetState::kBehind);
  CHECK(result.targets[1].error == "it is full");
  CHECK(given == 0);
}

namespace {

// In front of another one: a save fails, when the test says so.
class FailingSave final : public CheckpointStore {
 public:
  FailingSave(CheckpointStore& inner, std::function<bool()> is_to_fail)
      : inner_(inner), is_to_fail_(std::move(is_to_fail)) {}
  std::optional<CheckpointHead> load() override { return inner_.load(); }
  void begin(TimePoint scan_start, const std::vector<TargetBegin>& targets) override {
    inner_.begin(scan_start, targets);
  }
  void save(const CheckpointDelta& delta) override {
    if (has_failed) saved_later = true;
    if (!has_failed && is_to_fail_()) {
      has_failed = true;
      throw Error(ErrorKind::kWriteFailed, "the disk of the state folder is full");
    }
    inner_.save(delta);
  }
  void forget() override { inner_.forget(); }
  std::vector<FinishedFile> files_in(std::uint32_t source, const std::string& folder) override {
    return inner_.files_in(source, folder);
  }
  std::vector<FinishedFolder> folders_in(std::uint32_t source, const std::string& folder) override {
    return inner_.folders_in(source, folder);
  }
  std::optional<FileInProgress> in_progress(const Place& place) override { return inner_.in_progress(place); }
  std::optional<FinishedFolder> root(std::uint32_t source) override { return inner_.root(source); }
  std::atomic<bool> has_failed = false;
  std::atomic<bool> saved_later = false;

 private:
  CheckpointStore& inner_;
  const std::function<bool()> is_to_fail_;
};

}  // namespace

TEST_CASE("after a save that failed nothing is recorded that rests on it") {
  Sources sources(61);
  write_file(sources.root() + "/huge", random_text(sources.random(), 32'000'000));
  ManyBackups backups(1);
  Gate failing(false);
  std::atomic<bool> delivers = false;
  std::atomic<bool> has_failed = false;
  backups.place(0).before_put_file = [&](const std::string&) {
    delivers = true;
    failing.pass();
    has_failed = true;
    throw Error(ErrorKind::kDestinationAway, "it is away");
  };
  // The destination fails while it is saved what it has been given since.
  FailingSave checkpoint(backups.checkpoint, [&] {
    if (!delivers) return false;
    failing.open();
    garner::testing::eventually([&] { return has_failed.load(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // so that it is known
    return true;
  });
  CHECK_THROWS_AS(run_backup(backups.targets(), checkpoint, backups.options(sources.root()), backups.clock,
                             backups.monitor, {}),
                  Error);
  CHECK(checkpoint.has_failed);
  CHECK_FALSE(checkpoint.saved_later);
}

TEST_CASE("when the last destination fails the run does, and goes on when one is back") {
  Sources sources(49);
  ManyBackups backups(2);
  BackupOptions options = backups.options(sources.root());
  const TemporaryFolder counter;
  options.read_counter_file = counter.path("read");
  std::atomic<int> packs = 0;
  for (unsigned number = 0; number < 2; ++number) {
    backups.place(number).before_put_file = [&](const std::string&) {
      if (++packs >= 4) backups.place(0).is_away = backups.place(1).is_away = true;
    };
  }
  auto run = backups.start(options);
  CHECK(failure_of(run) == ErrorKind::kDestinationAway);
  REQUIRE(backups.checkpoint.load());
  const std::uint64_t read = backups.checkpoint.load()->counters.read_bytes;
  for (unsigned number = 0; number < 2; ++number) {
    backups.place(number).before_put_file = nullptr;
    backups.place(number).is_away = false;
  }
  const BackupResult result = backups.run(options);
  // Whoever failed first may have left for good.
  std::vector<unsigned> done;
  for (unsigned number = 0; number < 2; ++number) {
    if (result.targets[number].state == TargetState::kDone) done.push_back(number);
  }
  REQUIRE_FALSE(done.empty());
  backups.check_whole(result, done, sources.root());
  CHECK(result.progress.counters.read_bytes <= backups.snapshot_bytes(done.front(), result.snapshot));
  CHECK(result.progress.counters.read_bytes >= read);
}

TEST_CASE("one that is away when a run goes on has left it") {
  Sources sources(50);
  ManyBackups backups(2);
  const BackupOptions options = backups.options(sources.root());
  std::stop_source stop;
  backups.place(0).before_put_file = [&](const std::string&) { stop.request_stop(); };
  auto run = backups.start(options, stop.get_token());
  REQUIRE(failure_of(run) == ErrorKind::kCancelled);
  backups.place(0).before_put_file = nullptr;
  backups.place(1).is_away = true;
  const BackupResult result = backups.run(options);
  backups.place(1).is_away = false;
  backups.check_whole(result, {0}, sources.root());
  CHECK(result.targets[1].state == TargetState::kFailed);
}

TEST_CASE("a run whose destinations are all gone begins anew with another one") {
  Sources sources(51);
  ManyBackups backups(2);
  const BackupOptions options = backups.options(sources.root());
  std::stop_source stop;
  backups.place(1).is_away = true;
  backups.place(0).before_put_file = [&](const std::string&) { stop.request_stop(); };
  auto run = backups.start(options, stop.get_token());
  REQUIRE(failure_of(run) == ErrorKind::kCancelled);
  backups.place(0).is_away = true;
  backups.place(1).is_away = false;
  const BackupResult result = backups.run(options);
  backups.check_whole(result, {1}, sources.root());
  CHECK(result.targets[0].state == TargetState::kFailed);
}

TEST_CASE("what is decided is what all are given, whatever becomes of the source") {
  Sources sources(52);
  ManyBackups backups(2);
  const BackupOptions options = backups.options(sources.root());
  std::stop_source stop;
  Gate gate(false);
  // One has the snapshot before the other is given anything.
  backups.place(1).before_put_file = [&](const std::string&) {
    gate.pass();
    throw Error(ErrorKind::kCancelled, "it was told to stop");
  };
  auto run = backups.start(options, stop.get_token());
  CHECK(garner::testing::eventually([&] { return backups.objects(0, "log/") > 1; }));
  stop.request_stop();
  gate.open();
  REQUIRE(failure_of(run) == ErrorKind::kCancelled);
  backups.at(0).refresh();
  REQUIRE(backups.at(0).state()->snapshots_size() == 1);
  REQUIRE(backups.at(1).state()->snapshots_size() == 0);
  REQUIRE(backups.checkpoint.load()->snapshot);

  write_file(sources.root() + "/large", "gone");
  backups.place(1).before_put_file = nullptr;
  backups.reopen();
  const BackupResult result = backups.run(options);
  CHECK(result.targets[0].state == TargetState::kDone);
  CHECK(result.targets[1].state == TargetState::kDone);
  CHECK(as_text(result.snapshot.view()) == backups.at(0).state()->snapshots(0).id());
  CHECK(backups.lists(1, result.snapshot));
  CHECK(list_names(backups.spool()).empty());
  CHECK_FALSE(backups.checkpoint.load());
}

TEST_CASE("what one destination has lost meanwhile is had from another, and the source is not read again") {
  Sources sources(53, 3, 4);
  ManyBackups backups(2);
  const BackupResult first = backups.run(sources.root());
  write_file(sources.root() + "/folder0/file0", "a little change");
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    testing::forge_removal(backups.at(1), {first.snapshot}, backups.at(1).index().live_packs());
  });
  const BackupResult second = run_backup(backups.targets(), checkpoint, backups.options(sources.root()),
                                         backups.clock, backups.monitor, {});
  CHECK(second.progress.counters.read_bytes == 15);
  backups.check_whole(second, {0, 1}, sources.root());
}

TEST_CASE("who is behind, or rests on something else, is not fed") {
  Sources sources(54, 2, 3);
  ManyBackups backups(3);
  auto targets = backups.targets();
  targets[2].repository = nullptr;
  const auto run = [&] {
    return run_backup(targets, backups.checkpoint, backups.options(sources.root()), backups.clock,
                      backups.monitor, {});
  };
  run();
  // Without a base, and marked as behind.
  targets[2].repository = &backups.at(2);
  targets[1].behind = true;
  const BackupResult second = run();
  backups.check_whole(second, {0}, sources.root());
  CHECK(second.targets[1].state == TargetState::kBehind);
  CHECK(second.targets[1].error.empty());
  CHECK(second.targets[2].state == TargetState::kBehind);
  CHECK(backups.objects(2, "packs/") == 0);
  // Nobody else is there.
  targets[0].repository = targets[2].repository = nullptr;
  const BackupResult third = run();
  backups.check_whole(third, {1}, sources.root());
  CHECK(third.progress.counters.read_bytes == 0);
  // The newest base is what is compared with.
  for (unsigned number = 0; number < 3; ++number) targets[number] = {"", &backups.at(number)};
  const BackupResult fourth = run();
  CHECK(fourth.targets[0].state == TargetState::kBehind);
  CHECK(fourth.targets[1].state == TargetState::kDone);
  CHECK(fourth.targets[2].state == TargetState::kBehind);
}

TEST_CASE("a run to several commits what is delivered while it reads on") {
  Sources sources(55, 8, 12);
  ManyBackups backups(2);
  BackupOptions options = backups.options(sources.root());
  options.pace.commit_blobs = 20;
  std::atomic<int> commits = 0;
  options.during_commit = [&]() -> std::shared_ptr<void> {
    ++commits;
    return nullptr;
  };
  const BackupResult result = backups.run(options);
  CHECK(commits > 2);
  backups.check_whole(result, {0, 1}, sources.root());
}

// ---- Who is slow ----

TEST_CASE("who is too slow is who lacks most, where somebody else keeps up") {
  CHECK_FALSE(who_is_too_slow({}, 100));
  CHECK_FALSE(who_is_too_slow({{0, 100}}, 100));
  CHECK(who_is_too_slow({{0, 100}, {1, 0}}, 100) == 0u);
  CHECK(who_is_too_slow({{0, 3}, {1, 90}, {5, 100}}, 100) == 5u);
  CHECK(who_is_too_slow({{2, 24}, {4, 80}}, 100) == 4u);
  // All are about as slow.
  CHECK_FALSE(who_is_too_slow({{2, 25}, {4, 80}}, 100));
  CHECK_FALSE(who_is_too_slow({{2, 100}, {4, 100}}, 100));
  // What fills the spool is nobody's backlog.
  CHECK_FALSE(who_is_too_slow({{2, 0}, {4, 24}}, 100));
}

std::uint64_t bytes_in(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const std::string& name : list_names(folder)) {
    struct stat status {};
    if (stat((folder + "/" + name).c_str(), &status) == 0)
      bytes += static_cast<std::uint64_t>(status.st_size) / std::max<std::uint64_t>(1, status.st_nlink);
  }
  return bytes;
}

TEST_CASE("a destination that is slow leaves, and the other has the snapshot long before it is heard of") {
  Sources sources(56);
  write_file(sources.root() + "/huge", random_text(sources.random(), 32'000'000));
  // Of two: on a machine that is busy with other things one of the others may well be slow as well.
  ManyBackups backups(2);
  const unsigned slow = GENERATE(0u, 1u);
  CAPTURE(slow);
  const unsigned other = 1 - slow;
  Gate gate(false);
  backups.place(slow).before_put_file = [&](const std::string&) { gate.pass(); };
  BackupOptions options = backups.options(sources.root());
  options.spool_limit = 600'000;
  auto run = backups.start(options);
  std::uint64_t most = 0;
  CHECK(garner::testing::eventually([&] {
    most = std::max(most, bytes_in(backups.spool()));
    return backups.objects(other, "log/") > 1;
  }));
  backups.at(other).refresh();
  CHECK(backups.at(other).state()->snapshots_size() == 1);
  // Its bound, and what a checkpoint leaves unsaved: 4 MiB, for two threads.
  CHECK(most < 16'000'000);
  gate.open();
  const BackupResult result = run.get();
  backups.check_whole(result, {other}, sources.root());
  CHECK(result.targets[slow].state == TargetState::kBehind);
  CHECK_FALSE(result.targets[slow].error.empty());
  CHECK_FALSE(backups.lists(slow, result.snapshot));
  // What it was given is not given again by whoever brings the rest.
  CHECK(backups.at(slow).state()->roots_size() == 1);
  CHECK(backups.at(slow).index().live_packs().size() == backups.objects(slow, "packs/"));
}

TEST_CASE("where all are slow reading waits for them, and nobody leaves") {
  Sources sources(57);
  ManyBackups backups(2);
  Gate gate(false);
  for (unsigned number = 0; number < 2; ++number)
    backups.place(number).before_put_file = [&](const std::string&) { gate.pass(); };
  BackupOptions options = backups.options(sources.root());
  options.spool_limit = 300'000;
  auto run = backups.start(options);
  REQUIRE(gate.wait_for_arrivals(2));
  CHECK(run.wait_for(std::chrono::milliseconds(500)) == std::future_status::timeout);
  gate.open();
  backups.check_whole(run.get(), {0, 1}, sources.root());
}

TEST_CASE("one that is late at the end is waited for") {
  Sources sources(58);
  ManyBackups backups(2);
  Gate gate(false);
  backups.place(1).before_put_file = [&](const std::string&) { gate.pass(); };
  auto run = backups.start(backups.options(sources.root()));
  CHECK(garner::testing::eventually([&] { return backups.objects(0, "log/") > 1; }));
  CHECK(run.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
  gate.open();
  backups.check_whole(run.get(), {0, 1}, sources.root());
}

}  // namespace
}  // namespace garner::backup
