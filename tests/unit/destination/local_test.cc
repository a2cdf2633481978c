#include "destination/local.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "support/destination_contract.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace garner;
using namespace garner::destination;
using garner::testing::error_in;
using garner::testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

class LocalPlace final : public garner::testing::DestinationPlace {
 public:
  std::unique_ptr<Destination> open() override { return open_local(folder_.path()); }

 private:
  TemporaryFolder folder_;
};

void write_file(const std::string& path, std::string_view content) {
  const Fd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
  write_at(file.get(), as_bytes(content), 0, path);
}

// Every operation of `destination` fails because the place is away.
void check_away(Destination& destination) {
  const TemporaryFolder elsewhere;
  const std::string file = elsewhere.path("file");
  write_file(file, "content");
  const auto away = ErrorKind::kDestinationAway;
  CHECK(error_in([&] { destination.put("log/2", {}); }) == away);
  CHECK(error_in([&] { destination.put_exclusive("log/2", {}); }) == away);
  CHECK(error_in([&] { destination.put_exclusive("log/1", {}); }) == away);
  CHECK(error_in([&] { destination.put_file("log/2", file); }) == away);
  CHECK(error_in([&] { destination.staging_folder(); }) == away);
  CHECK(error_in([&] { destination.get("log/1", 0, 1); }) == away);
  CHECK(error_in([&] { destination.get_all("log/1", 100); }) == away);
  CHECK(error_in([&] { destination.size("log/1"); }) == away);
  CHECK(error_in([&] { destination.list(""); }) == away);
  CHECK(error_in([&] { destination.list("log/"); }) == away);
  CHECK(error_in([&] { destination.remove("log/1"); }) == away);
  CHECK(error_in([&] { destination.space(); }) == away);
  CHECK(fs::exists(file));
}

}  // namespace

TEST_CASE("a local destination keeps the contract of destinations") {
  garner::testing::check_destination_contract([] { return std::make_unique<LocalPlace>(); });
}

TEST_CASE("a root that is missing is away, and is not made") {
  const TemporaryFolder folder;
  const std::string root = folder.path("not/there");
  LocalDestination destination(root);
  check_away(destination);
  CHECK(fs::is_empty(folder.path()));

  destination.create_folder();
  CHECK((fs::status(root).permissions() & fs::perms::all) == fs::perms::owner_all);
  CHECK(fs::is_empty(root));  // reading and looking make nothing
  CHECK(destination.list("").empty());
  CHECK(fs::is_empty(root));
  CHECK_NOTHROW(destination.create_folder());
  destination.put("log/1", {});
  CHECK(destination.size("log/1") == 0);
}

TEST_CASE("a root that is no folder is away") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "");
  LocalDestination destination(folder.path("file"));
  check_away(destination);
  LocalDestination below(folder.path("file/folder"));
  check_away(below);
}

TEST_CASE("a root that vanishes while it is used is away until it is back") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path("root"));
  destination.create_folder();
  destination.put("log/1", as_bytes("one"));
  fs::rename(folder.path("root"), folder.path("elsewhere"));
  check_away(destination);
  CHECK_FALSE(fs::exists(folder.path("root")));

  SECTION("and what is left is an empty mount point") {
    fs::create_directory(folder.path("root"));
    check_away(destination);
    CHECK(fs::is_empty(folder.path("root")));
    fs::remove(folder.path("root"));
  }
  fs::rename(folder.path("elsewhere"), folder.path("root"));
  CHECK(as_text(destination.get_all("log/1", 100)) == "one");
  destination.put("log/2", {});
  CHECK(destination.list("").size() == 2);
}

TEST_CASE("a root that was only read is known by its staging folder as well") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path("root"));
  LocalDestination(folder.path("root")).put("garner.repo", {});
  LocalDestination reader(folder.path("root"));
  REQUIRE(reader.size("garner.repo") == 0);
  fs::rename(folder.path("root"), folder.path("elsewhere"));
  fs::create_directory(folder.path("root"));
  check_away(reader);
}

TEST_CASE("the root may be a link to a folder") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path("folder"));
  fs::create_directory_symlink("folder", folder.path("link"));
  LocalDestination destination(folder.path("link"));
  destination.put("a", {});
  destination.put("log/1", {});
  CHECK(destination.list("").size() == 2);
  CHECK(destination.list("log/").size() == 1);
  fs::remove_all(folder.path("folder"));
  check_away(destination);
}

TEST_CASE("folders that vanished are made again") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path());
  destination.put("packs/00/a", {});
  fs::remove_all(folder.path("packs"));
  destination.put("packs/00/b", {});
  CHECK(destination.size("packs/00/b") == 0);
  const std::string file = destination.staging_folder().value() + "/file";
  write_file(file, "c");
  fs::remove_all(folder.path("packs"));
  destination.put_file("packs/00/c", file);
  CHECK(destination.size("packs/00/c") == 1);
}

TEST_CASE("objects and folders are for their owner alone, and nothing stays in the staging folder") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path());
  destination.put("packs/00/a", as_bytes("content"));
  CHECK_FALSE(destination.put_exclusive("packs/00/a", as_bytes("content")));
  CHECK(fs::status(folder.path("packs/00/a")).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
  for (const char* made : {".staging", "packs", "packs/00"}) {
    CHECK(fs::status(folder.path(made)).permissions() == fs::perms::owner_all);
  }
  CHECK(fs::is_empty(folder.path(".staging")));
  CHECK(fs::hard_link_count(folder.path("packs/00/a")) == 1);
}

TEST_CASE("a file of the same file system is published without being copied") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path());
  const std::string file = destination.staging_folder().value() + "/pack";
  write_file(file, "content");
  struct stat before {};
  struct stat after {};
  REQUIRE(stat(file.c_str(), &before) == 0);
  destination.put_file("packs/00/a", file);
  REQUIRE(stat(folder.path("packs/00/a").c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino);
}

TEST_CASE("a put_file that was cut off between its two names is completed by asking again") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path());
  const std::string file = destination.staging_folder().value() + "/pack";
  write_file(file, "content");
  fs::create_directories(folder.path("packs/00"));
  fs::create_hard_link(file, folder.path("packs/00/a"));
  CHECK_NOTHROW(destination.put_file("packs/00/a", file));
  CHECK_FALSE(fs::exists(file));
  CHECK(as_text(destination.get_all("packs/00/a", 100)) == "content");
}

TEST_CASE("what crashed writers left in the staging folder goes after a day, and nothing else does") {
  const TemporaryFolder folder;
  LocalDestination first(folder.path());
  first.put("a", {});
  const auto make_old = [&](const std::string& name, time_t age) {
    const std::string path = folder.path(".staging/" + name);
    write_file(path, "left behind");
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const timespec times[2] = {{now.tv_sec - age, 0}, {now.tv_sec - age, 0}};
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  };
  make_old("put-old", 25 * 3600);
  make_old("put-young", 23 * 3600);
  make_old("spooled-pack", 90 * 24 * 3600);
  // A crash may bring back the first name of what was published.
  make_old("published-pack", 25 * 3600);
  make_old("just-published-pack", 23 * 3600);
  fs::create_directories(folder.path("packs/00"));
  for (const std::string name : {"published-pack", "just-published-pack"}) {
    fs::create_hard_link(folder.path(".staging/" + name), folder.path("packs/00/" + name));
  }

  LocalDestination second(folder.path());
  CHECK(second.list("").size() == 3);
  CHECK(fs::exists(folder.path(".staging/put-old")));  // reading removes nothing
  second.put("b", {});
  CHECK_FALSE(fs::exists(folder.path(".staging/put-old")));
  CHECK_FALSE(fs::exists(folder.path(".staging/published-pack")));
  CHECK(fs::exists(folder.path("packs/00/published-pack")));
  CHECK(fs::exists(folder.path(".staging/just-published-pack")));
  CHECK(fs::exists(folder.path(".staging/put-young")));
  CHECK(fs::exists(folder.path(".staging/spooled-pack")));
}

TEST_CASE("what is no object is neither listed nor read") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path());
  destination.put("packs/00/a", as_bytes("a"));
  fs::create_directories(folder.path("lost+found"));
  fs::create_directories(folder.path("packs/00/folder"));
  fs::create_directories(folder.path("Upper"));
  write_file(folder.path("Upper/a"), "");
  write_file(folder.path("packs/.DS_Store"), "");
  write_file(folder.path("packs/Thumbs.db"), "");
  fs::create_symlink("a", folder.path("packs/00/link"));
  fs::create_directory_symlink("00", folder.path("packs/11"));
  REQUIRE(mkfifo(folder.path("packs/00/fifo").c_str(), 0600) == 0);

  const std::vector<ObjectInfo> objects = destination.list("");
  REQUIRE(objects.size() == 1);
  CHECK(objects[0].key == "packs/00/a");
  CHECK(destination.list("packs/11/").empty());

  for (const char* key : {"packs/00/fifo", "packs/00/folder", "packs/00"}) {
    CAPTURE(key);
    CHECK(error_in([&] { destination.get(key, 0, 0); }) == ErrorKind::kDamaged);
    CHECK(error_in([&] { destination.get_all(key, 100); }) == ErrorKind::kDamaged);
  }
  for (const char* key : {"packs/00/fifo", "packs/00/folder", "packs/00/link", "packs/00/a/b"}) {
    CAPTURE(key);
    CHECK_FALSE(destination.size(key));
    CHECK(error_in([&] { destination.get_all(key, 100); }).has_value());
  }
}

TEST_CASE("listing reads no folder that start_after excludes") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path());
  for (const char* key : {"log/1", "packs/00/a", "packs/01/a", "packs/01/b", "packs/02/a"})
    destination.put(key, {});
  const Fd watcher(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  REQUIRE(watcher.valid());
  for (const char* excluded : {"log", "packs/00"}) {
    REQUIRE(inotify_add_watch(watcher.get(), folder.path(excluded).c_str(), IN_OPEN) >= 0);
  }
  char events[4096];
  CHECK(destination.list("", "packs/01/a").size() == 2);
  CHECK(destination.list("packs/", "packs/01").size() == 3);
  CHECK(destination.list("packs/00/", "packs/01").empty());
  CHECK(read(watcher.get(), events, sizeof events) < 0);
  CHECK(destination.list("packs/", "log/9").size() == 4);
  CHECK(read(watcher.get(), events, sizeof events) > 0);
}

TEST_CASE("a folder of 100,000 objects is listed") {
  constexpr std::size_t kCount = 100'000;
  const TemporaryFolder folder;
  fs::create_directory(folder.path("log"));
  for (std::size_t at = 0; at < kCount; ++at)
    write_file(folder.path("log/" + std::to_string(1'000'000 + at)), "");
  LocalDestination destination(folder.path());
  const std::vector<ObjectInfo> all = destination.list("log/");
  REQUIRE(all.size() == kCount);
  CHECK(all.front().key == "log/1000000");
  CHECK(all.back().key == "log/1099999");
  CHECK(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key < b.key; }));
  CHECK(destination.list("log/", "log/1099997").size() == 2);
}

TEST_CASE("a destination's URL is an absolute path") {
  CHECK(open_local("/a/b")->describe() == "/a/b");
  CHECK(open_local("/a//c/../b/")->describe() == "/a/b");
  CHECK(open_local("/a:b")->describe() == "/a:b");
  for (const char* url : {"", "a/b", "./a", "s3://bucket/folder", "sftp:user@host:/a", "file:///a"}) {
    CAPTURE(url);
    CHECK(error_in([&] { open_local(url); }) == ErrorKind::kInvalidInput);
  }
}
