#include "conditions.h"

#include <unistd.h>

#include <fstream>

#include "two_disks.h"

namespace garner::daemon {
namespace {

using namespace std::chrono_literals;

struct Supplies {
  void add(const std::string& name, const std::vector<std::pair<std::string, std::string>>& files) const {
    std::filesystem::create_directories(folder.path(name));
    for (const auto& [file, content] : files)
      std::ofstream(folder.path(name + "/" + file)) << content << '\n';
  }
  testing::TemporaryFolder folder;
};

TEST_CASE("a machine is on mains power unless its supplies say that it is not") {
  Supplies supplies;
  CHECK(on_ac_power(supplies.folder.path("missing")));
  CHECK(on_ac_power(supplies.folder.path()));
  supplies.add("hidpp_battery_0", {{"type", "Battery"}, {"scope", "Device"}, {"status", "Discharging"}});
  CHECK(on_ac_power(supplies.folder.path()));
  supplies.add("BAT0", {{"type", "Battery"}, {"status", "Discharging"}});
  CHECK_FALSE(on_ac_power(supplies.folder.path()));
  supplies.add("AC", {{"type", "Mains"}, {"online", "0"}});
  CHECK_FALSE(on_ac_power(supplies.folder.path()));
  supplies.add("AC", {{"online", "1"}});
  CHECK(on_ac_power(supplies.folder.path()));
}

TEST_CASE("a command says yes by ending with 0, in an environment of its own") {
  std::string reason;
  setenv("GARNER_TEST_SECRET", "1", 1);
  const uid_t me = geteuid();
  CHECK(says_yes("true", me, 10s, reason));
  CHECK(says_yes("test -z \"$GARNER_TEST_SECRET\" && test \"$PWD\" = / && test $(env | wc -l) -le 7", me, 10s,
                 reason));
  CHECK_FALSE(says_yes("exit 3", me, 10s, reason));
  CHECK(reason == "its command does not say yes");
  CHECK_FALSE(says_yes("kill -9 $$", me, 10s, reason));
}

TEST_CASE("a command that does not end says no") {
  std::string reason;
  CHECK_FALSE(says_yes("sleep 1000", geteuid(), 300ms, reason));
  CHECK(reason == "its command did not end in time");
}

TEST_CASE("a command runs as the user who configured it") {
  std::string reason;
  if (geteuid() == 0) {
    CHECK(says_yes("test $(id -u) = 65534", 65534, 10s, reason));
    CHECK(says_yes("test $(id -u) = 0", 0, 10s, reason));
    CHECK_FALSE(says_yes("true", 4'000'000, 10s, reason));
  } else {
    CHECK_FALSE(says_yes("true", 0, 10s, reason));
  }
}

TEST_CASE("what is no condition is refused") {
  for (const char* good : {"on-ac-power", "destination", "command:true"})
    CHECK_NOTHROW(check_condition(good));
  for (const char* bad : {"", "command:", "on-ac", "Command:true", "destination:disk"})
    CHECK(kind_of([&] { check_condition(bad); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a destination that is there is plugged in, one that is away is not") {
  testing::TemporaryFolder folder;
  Installation here(folder.path("state"));
  here.add("disk", folder.path("disk"));
  Conditions conditions(here.destinations);
  CHECK_FALSE(conditions.unmet({{"destination", 0}}, {"disk"}).has_value());
  std::filesystem::rename(folder.path("disk"), folder.path("elsewhere"));
  here.catalog.schedules().save_file_system("disk", "no-such-file-system");
  CHECK(conditions.unmet({{"destination", 0}}, {"disk"}) == "destination disk to be plugged in");
  CHECK(conditions.unmet({{"command:false", geteuid()}}, {"disk"}).has_value());
  CHECK_FALSE(conditions.unmet({{"command:true", geteuid()}}, {"disk"}).has_value());
}

TEST_CASE("one of several destinations is enough for a run to begin") {
  TwoDisks disks;
  Installation& here = disks.here;
  Conditions conditions(here.destinations);
  const auto unmet = [&] { return conditions.unmet({{"destination", 0}}, {"a", "b"}); };
  CHECK_FALSE(unmet().has_value());
  disks.take_away("a");
  CHECK_FALSE(unmet().has_value());
  disks.take_away("b");
  // That their disks are plugged in and not mounted is no news of this machine.
  for (const char* name : {"a", "b"}) here.catalog.schedules().save_file_system(name, "no-such-file-system");
  CHECK(unmet() == "destination a or b to be plugged in");
  disks.bring_back("b");
  CHECK_FALSE(unmet().has_value());
}

}  // namespace
}  // namespace garner::daemon
