#include "base/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <rapidcheck.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

namespace garner {
namespace {

using testing::kind_of;
using testing::TemporaryFolder;

void write_file(const std::string& path, std::string_view content) {
  const Fd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  write_at(file.get(), as_bytes(content), 0, path);
}

std::string content_of(const std::string& path) { return std::string(as_text(read_file(path, 1 << 20))); }

std::size_t entries_of(const std::string& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST_CASE("descriptors are closed once, by their last owner") {
  const TemporaryFolder folder;
  Fd first = open_file(folder.path("a"), O_WRONLY | O_CREAT);
  const int number = first.get();
  CHECK((fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
  Fd second(std::move(first));
  CHECK(second.get() == number);
  CHECK_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what a moved-from Fd holds is its contract
  second = Fd();
  CHECK(fcntl(number, F_GETFD) == -1);
}

TEST_CASE("bytes are read where they were written") {
  const TemporaryFolder folder;
  const std::string path = folder.path("a");
  const Fd file = open_file(path, O_RDWR | O_CREAT);
  write_at(file.get(), as_bytes("world"), 6, path);
  write_at(file.get(), as_bytes("hello "), 0, path);
  Bytes read(20);
  CHECK(read_at(file.get(), read, 0, path) == 11);
  CHECK(as_text(ByteView(read).first(11)) == "hello world");
  CHECK(read_at(file.get(), MutableByteView(read).first(2), 6, path) == 2);
  CHECK(as_text(ByteView(read).first(2)) == "wo");
  CHECK(read_at(file.get(), read, 11, path) == 0);
  CHECK(kind_of([&] { read_at(file.get(), read, ~std::uint64_t{0}, path); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("errors name the path and say what kind they are") {
  const TemporaryFolder folder;
  const std::string missing = folder.path("missing");
  CHECK(kind_of([&] { open_file(missing, O_RDONLY); }) == ErrorKind::kNotFound);
  CHECK(kind_of([&] { read_file(missing, 10); }) == ErrorKind::kNotFound);
  CHECK(kind_of([&] { open_file(folder.path(), O_WRONLY); }) == ErrorKind::kWriteFailed);
  CHECK(kind_of([&] { read_file(folder.path(), 10); }) == ErrorKind::kReadFailed);
  write_file(folder.path("there"), "");
  CHECK(kind_of([&] { open_file(folder.path("there"), O_WRONLY | O_CREAT | O_EXCL); }) ==
        ErrorKind::kAlreadyExists);
  try {
    open_file(missing, O_RDONLY);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find(missing) != std::string::npos);
  }
}

TEST_CASE("a full device is told from other failures") {
  const Fd full = open_file("/dev/full", O_WRONLY);
  CHECK(kind_of([&] { write_at(full.get(), as_bytes("x"), 0, "/dev/full"); }) == ErrorKind::kStateFull);
}

TEST_CASE("whole files are read up to a limit, also where their size is not told") {
  const TemporaryFolder folder;
  const std::string path = folder.path("a");
  write_file(path, "12345");
  CHECK(content_of(path) == "12345");
  CHECK(read_file(path, 5).size() == 5);
  CHECK(kind_of([&] { read_file(path, 4); }) == ErrorKind::kInvalidInput);
  write_file(path, "");
  CHECK(read_file(path, 0).empty());
  CHECK_FALSE(read_file("/proc/self/status", 1 << 20).empty());
  CHECK(kind_of([] { read_file("/dev/zero", 200'000); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a replaced file has the new content and mode, and nothing else stays") {
  const TemporaryFolder folder;
  const std::string path = folder.path("config");
  replace_file_durably(path, as_bytes("old"));
  CHECK(content_of(path) == "old");
  replace_file_durably(path, as_bytes("new"), 0666);
  CHECK(content_of(path) == "new");
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0666);
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a replacement that fails leaves what was there and no temporary file") {
  const TemporaryFolder folder;
  make_folders_durably(folder.path("config/inner"));
  CHECK(kind_of([&] { replace_file_durably(folder.path("config"), as_bytes("x")); }) ==
        ErrorKind::kWriteFailed);
  CHECK(entries_of(folder.path()) == 1);
  CHECK(kind_of([&] { replace_file_durably(folder.path("none/config"), as_bytes("x")); }) ==
        ErrorKind::kNotFound);
}

using Publish = bool (*)(const std::string&, const std::string&);

void check_publishing(Publish publish) {
  const TemporaryFolder folder;
  make_folders_durably(folder.path("log"));
  const std::string to = folder.path("log/1");
  write_file(folder.path("a"), "first");
  write_file(folder.path("b"), "second");
  CHECK(publish(folder.path("a"), to));
  CHECK_FALSE(std::filesystem::exists(folder.path("a")));
  CHECK_FALSE(publish(folder.path("b"), to));
  CHECK(content_of(to) == "first");
  CHECK(content_of(folder.path("b")) == "second");
  CHECK(kind_of([&] { publish(folder.path("missing"), folder.path("log/2")); }) == ErrorKind::kNotFound);
  CHECK(kind_of([&] { publish(folder.path("b"), folder.path("none/2")); }) == ErrorKind::kNotFound);
  // A folder or a dangling link is a name that is taken, too.
  CHECK_FALSE(publish(folder.path("b"), folder.path("log")));
  std::filesystem::create_symlink("nowhere", folder.path("log/3"));
  CHECK_FALSE(publish(folder.path("b"), folder.path("log/3")));
  CHECK(std::filesystem::is_symlink(folder.path("log/3")));
}

void check_publishing_race(Publish publish) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 25;
  const TemporaryFolder folder;
  for (int round = 0; round < kRounds; ++round) {
    const std::string to = folder.path("record-" + std::to_string(round));
    std::atomic<int> winners = 0;
    std::atomic<int> winner = -1;
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        const std::string from = to + "-" + std::to_string(i);
        write_file(from, std::to_string(i));
        if (publish(from, to)) {
          ++winners;
          winner = i;
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    REQUIRE(winners == 1);
    REQUIRE(content_of(to) == std::to_string(winner));
  }
}

TEST_CASE("publishing never replaces") {
  check_publishing(publish_file);
  check_publishing_race(publish_file);
}

TEST_CASE("publishing by renaming never replaces") {
  check_publishing(publish_file_by_rename);
  check_publishing_race(publish_file_by_rename);
}

// Linux's client of SMB needs a kernel module and a server; what is asked of it is the type of the mount.
TEST_CASE("a share of SMB is not trusted to rename without replacing") {
  using Types = std::vector<std::uint32_t>;
  for (const std::uint32_t smb : Types{CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, SMB_SUPER_MAGIC})
    CHECK_FALSE(renames_exclusively(smb));
  for (const std::uint32_t other : Types{EXT4_SUPER_MAGIC, EXFAT_SUPER_MAGIC, FUSE_SUPER_MAGIC})
    CHECK(renames_exclusively(other));
}

TEST_CASE("publishing is done with when an earlier try had already linked the file") {
  const TemporaryFolder folder;
  write_file(folder.path("a"), "x");
  std::filesystem::create_hard_link(folder.path("a"), folder.path("b"));
  CHECK(publish_file(folder.path("a"), folder.path("b")));
  CHECK_FALSE(std::filesystem::exists(folder.path("a")));
  CHECK(content_of(folder.path("b")) == "x");
}

TEST_CASE("folders are made with what is missing above them, and may be there") {
  const TemporaryFolder folder;
  make_folders_durably(folder.path("a/b//c/"), 0750);
  make_folders_durably(folder.path("a/b/c"));
  struct stat status {};
  REQUIRE(stat(folder.path("a/b/c").c_str(), &status) == 0);
  CHECK(S_ISDIR(status.st_mode));
  CHECK((status.st_mode & 0027) == (0050 & 0027));
  make_folders_durably("/");
  write_file(folder.path("file"), "");
  CHECK_THROWS_AS(make_folders_durably(folder.path("file")), Error);
  CHECK_THROWS_AS(make_folders_durably(folder.path("file/below")), Error);
}

TEST_CASE("a missing file is removed already") {
  const TemporaryFolder folder;
  write_file(folder.path("a"), "");
  remove_file(folder.path("a"));
  remove_file(folder.path("a"));
  CHECK(entries_of(folder.path()) == 0);
  CHECK(kind_of([&] { remove_file(folder.path()); }) == ErrorKind::kWriteFailed);
}

TEST_CASE("paths are cut at the last slash") {
  CHECK(parent_path("/a/b") == "/a");
  CHECK(parent_path("/a//b") == "/a");
  CHECK(parent_path("/a") == "/");
  CHECK(parent_path("/") == "/");
  CHECK(parent_path("a") == ".");
  CHECK(parent_path("a/b") == "a");
  CHECK(path_in("/a", "b") == "/a/b");
  CHECK(path_in("/", "b/c") == "/b/c");
  CHECK(base_name("/a/b") == "b");
  CHECK(base_name("b") == "b");
  CHECK(base_name("/") == "");
}

TEST_CASE("absolute paths are made normal by their letters") {
  CHECK(normal_path("/") == "/");
  CHECK(normal_path("//a///b/") == "/a/b");
  CHECK(normal_path("/a/./b/.") == "/a/b");
  CHECK(normal_path("/a/x/../b") == "/a/b");
  CHECK(normal_path("/../../a") == "/a");
  CHECK(normal_path("/a/..") == "/");
  CHECK(normal_path("/.../..a/a..") == "/.../..a/a..");
  CHECK(normal_path("/caf\xe9\n") == "/caf\xe9\n");
  CHECK(kind_of([] { normal_path(""); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] { normal_path("a/b"); }) == ErrorKind::kInvalidInput);
  CHECK(kind_of([] { normal_path(std::string_view("/a\0b", 4)); }) == ErrorKind::kInvalidInput);
}

TEST_CASE("a normal path is normal") {
  REQUIRE(rc::check("normal_path", [] {
    const auto components = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("", ".", "..", "a", "..."));
    std::string path;
    for (const std::string& component : components) path.append("/").append(component);
    path.append("/");
    const std::string normal = normal_path(path);
    RC_ASSERT(normal_path(normal) == normal);
    RC_ASSERT(normal == "/" || normal.back() != '/');
    const std::string closed = normal + "/";
    RC_ASSERT(normal == "/" || closed.find("//") == std::string::npos);
    RC_ASSERT(closed.find("/./") == std::string::npos);
    RC_ASSERT(closed.find("/../") == std::string::npos);
  }));
}

}  // namespace
}  // namespace garner
