#include "destination/slow_folder.h"

#include <fcntl.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <latch>
#include <memory>
#include <stop_token>
#include <string>

#include "base/file.h"
#include "base/stop_scope.h"
#include "support/destination_contract.h"
#include "support/error_kind.h"
#include "support/eventually.h"
#include "support/temporary_folder.h"

using namespace garner;
using namespace garner::destination;
using garner::testing::error_in;
using garner::testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

class SlowPlace final : public garner::testing::DestinationPlace {
 public:
  explicit SlowPlace(bool slow) : slow_(slow) {}
  std::unique_ptr<Destination> open() override {
    return std::make_unique<SlowFolder>(open_local(folder_.path()), std::make_shared<BoundedCalls>(),
                                        [slow = slow_](const std::string&) { return slow; });
  }

 private:
  TemporaryFolder folder_;
  const bool slow_;
};

// A folder whose file system answers nothing, from its first question on, until it is told to go on.
struct Hanging {
  explicit Hanging(const std::string& root) {
    const auto question = [until = until, asked = asked](const std::string&) {
      ++*asked;
      until->wait();
      return true;
    };
    place = std::make_unique<SlowFolder>(open_local(root), calls, question);
  }

  void go_on() {
    until->count_down();
    REQUIRE(garner::testing::eventually([&] { return calls->left_behind() == 0; }));
  }

  std::shared_ptr<std::latch> until = std::make_shared<std::latch>(1);
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<BoundedCalls> calls = std::make_shared<BoundedCalls>(std::chrono::milliseconds(300));
  std::unique_ptr<SlowFolder> place;
};

}  // namespace

TEST_CASE("a folder that may hang keeps the contract of destinations") {
  garner::testing::check_destination_contract([] { return std::make_unique<SlowPlace>(true); });
}

TEST_CASE("a folder that may not hang keeps the contract of destinations, asked whether it may") {
  garner::testing::check_destination_contract([] { return std::make_unique<SlowPlace>(false); });
}

TEST_CASE("a folder of a local file system does not hang, and of one that is not there it is not known") {
  const TemporaryFolder folder;
  CHECK(lies_where_it_may_hang(folder.path()) == false);
  CHECK(lies_where_it_may_hang(folder.path("missing")) == std::nullopt);
  SlowFolder place(open_local(folder.path()), std::make_shared<BoundedCalls>());
  CHECK(place.staging_folder() == folder.path(".staging"));
}

TEST_CASE("what is mounted where nothing was may hang") {
  const TemporaryFolder folder;
  const auto there = std::make_shared<std::optional<bool>>();
  SlowFolder place(open_local(folder.path()), std::make_shared<BoundedCalls>(),
                   [there](const std::string&) { return *there; });
  CHECK(place.size("log/1") == std::nullopt);
  *there = true;
  CHECK(place.staging_folder() == std::nullopt);
}

TEST_CASE("a folder whose file system does not answer is away until it does") {
  const TemporaryFolder folder;
  open_local(folder.path())->put("log/1", as_bytes("one"));
  Hanging hanging(folder.path());
  SlowFolder& place = *hanging.place;
  CHECK(error_in([&] { place.get_all("log/1", 100); }) == ErrorKind::kDestinationAway);
  REQUIRE(hanging.calls->left_behind() > 0);
  const auto all_asked = [&] {
    return static_cast<std::size_t>(*hanging.asked) == hanging.calls->left_behind();
  };
  REQUIRE(garner::testing::eventually(all_asked));
  const int asked = *hanging.asked;
  // Nobody else is kept by it, nor asks it, while it hangs.
  SlowFolder other(open_local(folder.path()), hanging.calls,
                   [asked = hanging.asked](const std::string&) { return ++*asked > 0; });
  CHECK(error_in([&] { other.get_all("log/1", 100); }) == ErrorKind::kDestinationAway);
  CHECK(error_in([&] { place.put("log/2", as_bytes("two")); }) == ErrorKind::kDestinationAway);
  CHECK(error_in([&] { place.list(""); }) == ErrorKind::kDestinationAway);
  CHECK(error_in([&] { place.staging_folder(); }) == ErrorKind::kDestinationAway);
  CHECK(*hanging.asked == asked);
  CHECK_FALSE(fs::exists(folder.path("log/2")));

  hanging.go_on();
  CHECK(as_text(place.get_all("log/1", 100)) == "one");
  CHECK(*hanging.asked > asked);
  CHECK(as_text(other.get_all("log/1", 100)) == "one");
  CHECK(place.staging_folder() == std::nullopt);
  place.put("log/2", as_bytes("two"));
  CHECK(place.list("log/").size() == 2);
}

TEST_CASE("a call that does not get on is not waited for for ever, though the file system answers others") {
  const TemporaryFolder folder;
  const auto until = std::make_shared<std::latch>(1);
  const auto asked = std::make_shared<std::atomic<int>>(0);
  const auto calls = std::make_shared<BoundedCalls>(std::chrono::milliseconds(50));
  SlowFolder place(open_local(folder.path()), calls, [until, asked](const std::string&) {
    if ((*asked)++ == 0) until->wait();
    return true;
  });
  CHECK(error_in([&] { place.size("log/1"); }) == ErrorKind::kDestinationAway);
  CHECK(*asked > 1);
  until->count_down();
  REQUIRE(garner::testing::eventually([&] { return calls->left_behind() == 0; }));
  CHECK(place.size("log/1") == std::nullopt);
}

TEST_CASE("what lists or reads tells that it gets on") {
  const TemporaryFolder folder;
  const std::shared_ptr<LocalDestination> place = open_local(folder.path());
  place->put("log/1", as_bytes("one"));
  BoundedCalls calls(std::chrono::milliseconds(50));
  const auto gets_on = [&](const std::function<void()>& work) {
    const auto until = std::make_shared<std::latch>(1);
    int limits = 0;
    bool told = false;
    const auto listen = [&](bool has_got_on) {
      told = told || has_got_on;
      if (told || ++limits == 1000) until->count_down();
      return !until->try_wait();
    };
    const auto call = [work, until] {
      work();
      until->wait();
    };
    calls.run("/mnt/a", call, listen);
    REQUIRE(garner::testing::eventually([&] { return calls.left_behind() == 0; }));
    return told;
  };
  CHECK(gets_on([place] { place->list(""); }));
  CHECK(gets_on([place] { place->get("log/1", 0, 3); }));
}

TEST_CASE("a call to a folder that may hang is not cut off when its run is stopped") {
  const TemporaryFolder folder;
  Hanging hanging(folder.path());
  std::stop_source stop;
  stop.request_stop();
  const StopScope scope(stop.get_token());
  hanging.until->count_down();
  hanging.place->put("log/1", as_bytes("one"));
  CHECK(hanging.calls->left_behind() == 0);
  CHECK(hanging.place->size("log/1") == 3);
}

TEST_CASE("what a folder that may hang is given is gone from where it was made only when it is there") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path("place"));
  const std::string made = folder.path("made");
  const Fd file = open_file(made, O_WRONLY | O_CREAT);
  write_at(file.get(), as_bytes("content"), 0, made);
  Hanging hanging(folder.path("place"));
  CHECK(error_in([&] { hanging.place->put_file("packs/00/a", made); }) == ErrorKind::kDestinationAway);
  CHECK(fs::exists(made));
  hanging.go_on();
  hanging.place->put_file("packs/00/a", made);
  CHECK_FALSE(fs::exists(made));
  CHECK(as_text(hanging.place->get("packs/00/a", 0, 7)) == "content");
}
