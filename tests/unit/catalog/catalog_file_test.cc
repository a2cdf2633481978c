#include <dirent.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "catalog/schema.h"
#include "support.h"
#include "support/failing_syscalls.h"

namespace garner::catalog {
namespace {

namespace fs = std::filesystem;

// A catalog with a destination, a set and a run in it; returns the run's number.
std::int64_t fill(StateFolder& state) {
  Catalog catalog = state.open();
  catalog.configuration().add_destination(facts_of("disk"));
  catalog.configuration().add_set(set_of("home", "disk"));
  return catalog.runs().add(backup_of("home"));
}

// What must hold after any catalog that could not be used: a new one with the destinations, above any run
// number.
void require_rebuilt(StateFolder& state, const std::string& reason, std::int64_t last_run,
                     bool kept_aside = true) {
  Catalog catalog = state.open();
  REQUIRE(catalog.rebuilt().has_value());
  CHECK(catalog.rebuilt()->reason == reason);
  if (kept_aside) {
    CHECK(fs::exists(catalog.rebuilt()->kept_aside));
    CHECK(catalog.rebuilt()->kept_aside.starts_with(state.file() + "." + reason + "-2027"));
  }
  REQUIRE(catalog.configuration().destinations().size() == 1);
  CHECK(catalog.configuration().destinations().front().name == "disk");
  CHECK(catalog.configuration().destinations_to_search() == std::vector<std::string>{"disk"});
  CHECK(catalog.configuration().sets().empty());
  CHECK(catalog.runs().add(backup_of("home")) > last_run);
}

void overwrite(const std::string& path, ByteView content) {
  fs::remove(path + "-wal");
  fs::remove(path + "-shm");
  replace_file_durably(path, content);
}

TEST_CASE("a catalog keeps what was written, and says nothing of a rebuild") {
  StateFolder state;
  const std::int64_t run = fill(state);
  CHECK(run == 1);
  Catalog catalog = state.open();
  CHECK_FALSE(catalog.rebuilt().has_value());
  CHECK(catalog.configuration().sets().size() == 1);
  CHECK(catalog.runs().find(run).has_value());
  CHECK(catalog.configuration().destinations_to_search().empty());
}

TEST_CASE("the files may be read by their owner alone") {
  StateFolder state;
  fill(state);
  const Catalog catalog = state.open();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string path = state.file() + suffix;
    if (fs::exists(path)) CHECK((fs::status(path).permissions() & fs::perms(077)) == fs::perms::none);
  }
}

TEST_CASE("a log that a process has left is on the disk before anything rests on it") {
  StateFolder state;
  fill(state);
  const pid_t child = fork();
  if (child == 0) {
    Catalog catalog = state.open();
    catalog.runs().add(backup_of("home"));
    _exit(0);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(fs::file_size(state.file() + "-wal") > 0);
  const Bytes before = read_file(state.file(), 1u << 20);

  const std::string seen = testing::with_failing_calls({{SYS_fdatasync, EIO}}, [&] {
    try {
      state.open();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  });
  if (seen == "unsupported") return;
  CHECK_THAT(seen, Catch::Contains("-wal"));
  CHECK(read_file(state.file(), 1u << 20) == before);
  Catalog catalog = state.open();
  CHECK_FALSE(catalog.rebuilt().has_value());
  CHECK(catalog.runs().find(2).has_value());
}

TEST_CASE("a catalog that is gone is made anew") {
  StateFolder state;
  const std::int64_t run = fill(state);
  fs::remove(state.file());
  require_rebuilt(state, "missing", run, false);
}

TEST_CASE("garbage is kept aside") {
  StateFolder state;
  const std::int64_t run = fill(state);
  overwrite(state.file(), as_bytes("this is not a database, whatever its name says, and it is long enough"));
  require_rebuilt(state, "damaged", run);
}

TEST_CASE("an emptied catalog is kept aside") {
  StateFolder state;
  const std::int64_t run = fill(state);
  overwrite(state.file(), {});
  require_rebuilt(state, "damaged", run);
}

TEST_CASE("a truncated catalog is kept aside, wherever it was cut") {
  StateFolder original;
  fill(original);
  const Bytes whole = read_file(original.file(), 10 << 20);
  for (std::size_t size :
       {std::size_t{1}, std::size_t{99}, std::size_t{4096}, whole.size() / 2, whole.size() - 4096}) {
    StateFolder state;
    const std::int64_t run = fill(state);
    const Bytes content = read_file(state.file(), 10 << 20);
    overwrite(state.file(), ByteView(content).first(size));
    INFO("cut at " << size);
    require_rebuilt(state, "damaged", run);
  }
}

TEST_CASE("a catalog with a page of noise is kept aside") {
  StateFolder state;
  const std::int64_t run = fill(state);
  Bytes content = read_file(state.file(), 10 << 20);
  // The pages in front hold the schema; noise there is found in any case.
  std::fill(content.begin() + 4096, content.begin() + 3 * 4096, std::uint8_t{0xa5});
  overwrite(state.file(), content);
  require_rebuilt(state, "damaged", run);
}

TEST_CASE("a later version's catalog is kept aside as it is") {
  StateFolder state;
  const std::int64_t run = fill(state);
  {
    Database database(state.file());
    database.set_user_version(schema_version() + 1);
  }
  require_rebuilt(state, "newer", run);
}

TEST_CASE("yesterday's copy is known for older") {
  StateFolder state;
  fill(state);
  const Bytes yesterday = read_file(state.file(), 10 << 20);
  std::int64_t run = 0;
  {
    Catalog catalog = state.open();
    run = catalog.runs().add(backup_of("home"));
  }
  overwrite(state.file(), yesterday);
  require_rebuilt(state, "older", run);
  // Put back once more, it is still older than the one made anew.
  overwrite(state.file(), yesterday);
  Catalog catalog = state.open();
  REQUIRE(catalog.rebuilt().has_value());
  CHECK(catalog.rebuilt()->reason == "older");
}

TEST_CASE("another installation's catalog is not taken for this one's") {
  StateFolder other;
  fill(other);
  StateFolder state;
  const std::int64_t run = fill(state);
  overwrite(state.file(), read_file(other.file(), 10 << 20));
  require_rebuilt(state, "older", run);
}

TEST_CASE("a stamp that lags behind, is missing or is damaged says nothing against the catalog") {
  StateFolder state;
  fill(state);
  const std::string stamp = state.folder.path("keys/catalog-stamp");
  const Bytes before = read_file(stamp, 1000);
  {
    Catalog catalog = state.open();
    catalog.runs().add(backup_of("home"));
  }
  SECTION("lags") { replace_file_durably(stamp, before); }
  SECTION("missing") { remove_file(stamp); }
  SECTION("damaged") { replace_file_durably(stamp, ByteView(before).first(before.size() - 1)); }
  Catalog catalog = state.open();
  CHECK_FALSE(catalog.rebuilt().has_value());
  CHECK(state.keys.stamp()->next_run_number == 3);
}

TEST_CASE("two that are kept aside in one second have names of their own") {
  StateFolder state;
  fill(state);
  overwrite(state.file(), as_bytes("first"));
  const std::string first = state.open().rebuilt()->kept_aside;
  overwrite(state.file(), as_bytes("second"));
  const std::string second = state.open().rebuilt()->kept_aside;
  CHECK(first != second);
  CHECK(as_text(read_file(first, 100)) == "first");
  CHECK(as_text(read_file(second, 100)) == "second");
}

TEST_CASE("a change that fails leaves nothing and does not count") {
  StateFolder state;
  fill(state);
  CatalogFile file(state.file(), state.keys, state.clock);
  const std::uint64_t changes = state.keys.stamp()->changes;
  CHECK_THROWS_AS(file.change([](Database& database) {
    database.prepare("DELETE FROM sets").run();
    throw Error(ErrorKind::kCancelled, "no");
  }),
                  Error);
  CHECK(state.keys.stamp()->changes == changes);
  CHECK(Configuration(file, state.keys).sets().size() == 1);
}

}  // namespace
}  // namespace garner::catalog
