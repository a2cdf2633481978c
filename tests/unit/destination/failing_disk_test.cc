// A local destination on disks that are full, die or lack features.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "destination/local.h"
#include "support/error_kind.h"
#include "support/failing_syscalls.h"
#include "support/temporary_folder.h"

using namespace garner;
using namespace garner::destination;
using garner::testing::FailingCall;
using garner::testing::kind_text;
using garner::testing::TemporaryFolder;
using garner::testing::with_failing_calls;
namespace fs = std::filesystem;

namespace {

std::vector<FailingCall> without_links() {
  std::vector<FailingCall> calls{{SYS_linkat, EPERM}};
#ifdef SYS_link
  calls.push_back({SYS_link, EPERM});
#endif
  return calls;
}

bool supported(const std::string& seen) {
  if (seen != "unsupported") return true;
  WARN("not tested: system calls cannot be made to fail here");
  return false;
}

}  // namespace

TEST_CASE("a write that fails leaves no object and no temporary file") {
  struct Failure {
    FailingCall call;
    const char* expected;
  };
  const Failure failures[] = {
      {{SYS_pwrite64, ENOSPC}, "destination full"},  {{SYS_pwrite64, EDQUOT}, "destination full"},
      {{SYS_pwrite64, EIO}, "destination away"},     {{SYS_pwrite64, ENODEV}, "destination away"},
      {{SYS_pwrite64, ESTALE}, "destination away"},  {{SYS_pwrite64, ENOTCONN}, "destination away"},
      {{SYS_pwrite64, EFBIG}, "write failed"},       {{SYS_fdatasync, ENOSPC}, "destination full"},
      {{SYS_fdatasync, EDQUOT}, "destination full"}, {{SYS_fdatasync, EIO}, "destination away"},
      {{SYS_fdatasync, EROFS}, "write failed"},
  };
  for (const Failure& failure : failures) {
    CAPTURE(failure.call.number, failure.call.error_number);
    const TemporaryFolder folder;
    LocalDestination(folder.path()).put("packs/00/a", as_bytes("before"));
    LocalDestination destination(folder.path());
    const std::string seen = with_failing_calls({failure.call}, [&] {
      return kind_text([&] { destination.put("packs/00/b", as_bytes("content")); }) + ", " +
             kind_text([&] { destination.put_exclusive("log/1", as_bytes("content")); });
    });
    if (!supported(seen)) return;
    CHECK(seen == std::string(failure.expected) + ", " + failure.expected);
    CHECK(fs::is_empty(folder.path(".staging")));
    // Nothing got a name before it was durable.
    REQUIRE(destination.list("").size() == 1);
    CHECK(as_text(destination.get_all("packs/00/a", 100)) == "before");
    // And all is well again with the disk.
    CHECK(destination.put_exclusive("log/1", as_bytes("content")));
  }
}

TEST_CASE("who cannot make a name durable is not told that it is stored, nor who finds the name") {
  const TemporaryFolder folder;
  LocalDestination before(folder.path());
  before.put("log/1", as_bytes("one"));
  before.put("packs/00/a", as_bytes("a"));
  const std::string file = before.staging_folder().value() + "/pack";
  replace_file_durably(file, as_bytes("b"));
  const std::string seen = with_failing_calls({{SYS_fsync, EIO}}, [&] {
    LocalDestination destination(folder.path());
    return kind_text([&] { destination.put_exclusive("log/2", as_bytes("two")); }) + ", " +
           kind_text([&] { destination.put_exclusive("log/1", as_bytes("two")); }) + ", " +
           kind_text([&] { destination.make_durable("log/1"); }) + ", " +
           kind_text([&] { destination.remove("log/1"); });
  });
  if (!supported(seen)) return;
  CHECK(seen == "destination away, destination away, destination away, destination away");

  // Of what nobody else names the name is taken back: a later sync may succeed, and tell nothing of this one.
  CHECK(with_failing_calls({{SYS_fsync, EIO}}, [&] {
          return kind_text([&] { before.put("packs/00/b", as_bytes("b")); }) + ", " +
                 kind_text([&] { before.put("packs/01/b", as_bytes("b")); }) + ", " +
                 kind_text([&] { before.put_file("packs/00/c", file); });
        }) == "destination away, destination away, destination away");
  CHECK(before.list("packs/").size() == 1);
  CHECK_FALSE(fs::exists(folder.path("packs/01")));
  before.put_file("packs/00/c", file);
  CHECK(as_text(before.get_all("packs/00/c", 10)) == "b");
}

TEST_CASE("reading tells a dead disk from a bad place on it") {
  const TemporaryFolder folder;
  LocalDestination destination(folder.path());
  destination.put("log/1", as_bytes("one"));
  const auto read_failure = [&](const FailingCall& call) {
    return with_failing_calls({call}, [&] { return kind_text([&] { destination.get_all("log/1", 10); }); });
  };
  if (!supported(read_failure({SYS_pread64, EIO}))) return;
  CHECK(read_failure({SYS_pread64, EIO}) == "read failed");
  CHECK(read_failure({SYS_pread64, ESTALE}) == "destination away");
  const auto list_failure = [&](int error_number) {
    return with_failing_calls({{SYS_getdents64, error_number}},
                              [&] { return kind_text([&] { destination.list(""); }); });
  };
  CHECK(list_failure(EIO) == "read failed");  // and not a shorter list
  CHECK(list_failure(ENOTCONN) == "destination away");
}

TEST_CASE("a file system without hard links publishes by renaming") {
  const TemporaryFolder folder;
  const std::string seen = with_failing_calls(without_links(), [&] {
    LocalDestination destination(folder.path());
    destination.put("packs/00/a", as_bytes("a"));
    std::string result = kind_text([&] { destination.put("packs/00/a", as_bytes("other")); });
    const std::string file = destination.staging_folder().value() + "/pack";
    replace_file_durably(file, as_bytes("b"));
    destination.put_file("packs/00/b", file);
    result += fs::exists(file) ? ", left" : ", gone";
    replace_file_durably(file, as_bytes("other"));
    result += ", " + kind_text([&] { destination.put_file("packs/00/b", file); });
    result += fs::exists(file) ? ", left" : ", gone";
    fs::remove(file);

    // Threads take the filter with them.
    for (int round = 0; round < 20; ++round) {
      std::atomic<int> won = 0;
      std::vector<std::thread> threads;
      for (int number = 0; number < 16; ++number) {
        threads.emplace_back([&, number] {
          const Bytes data(1000, static_cast<std::uint8_t>(number));
          if (destination.put_exclusive("log/" + std::to_string(round), data)) ++won;
        });
      }
      for (std::thread& thread : threads) thread.join();
      if (won != 1) result += ", " + std::to_string(won) + " winners";
    }
    return result;
  });
  if (!supported(seen)) return;
  CHECK(seen == "already exists, gone, already exists, left");
  LocalDestination destination(folder.path());
  CHECK(as_text(destination.get_all("packs/00/a", 10)) == "a");
  CHECK(as_text(destination.get_all("packs/00/b", 10)) == "b");
  CHECK(destination.list("log/").size() == 20);
  CHECK(fs::is_empty(folder.path(".staging")));
}

TEST_CASE("a file system that cannot create a name without replacing is refused") {
  const TemporaryFolder folder;
  std::vector<FailingCall> calls = without_links();
  calls.push_back({SYS_renameat2, EINVAL});
  const std::string seen = with_failing_calls(calls, [&] {
    LocalDestination destination(folder.path());
    return kind_text([&] { destination.put("a", as_bytes("a")); });
  });
  if (!supported(seen)) return;
  CHECK(seen == "unavailable");
  CHECK(LocalDestination(folder.path()).list("").empty());
  CHECK(fs::is_empty(folder.path(".staging")));
}

TEST_CASE("a file of another file system is copied") {
  const TemporaryFolder folder;
  const std::string file = "/dev/shm/garner-test-" + std::to_string(getpid());
  struct stat here {};
  struct stat there {};
  REQUIRE(stat(folder.path().c_str(), &here) == 0);
  if (stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev || access("/dev/shm", W_OK) != 0) {
    WARN("not tested: there is no second file system at /dev/shm");
    return;
  }
  LocalDestination destination(folder.path());
  const std::string content(3'000'001, 'x');
  replace_file_durably(file, as_bytes(content));
  destination.put("taken", {});
  CHECK(kind_text([&] { destination.put_file("taken", file); }) == "already exists");
  CHECK(fs::exists(file));
  destination.put_file("packs/00/a", file);
  CHECK_FALSE(fs::exists(file));
  CHECK(as_text(destination.get_all("packs/00/a", 1u << 30)) == content);
  CHECK(fs::is_empty(folder.path(".staging")));
}

TEST_CASE("a full file system: told as full, nothing is lost, and it goes on when there is room") {
  const TemporaryFolder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") != 0) {
    WARN("not tested: a tmpfs can be mounted by root only");
    return;
  }
  struct Unmount {
    const std::string& path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } const unmount{folder.path()};

  LocalDestination destination(folder.path());
  const Bytes data(200'000, 7);
  int stored = 0;
  std::string failure = "no error";
  while (failure == "no error" && stored < 100) {
    failure = kind_text([&] { destination.put("packs/00/" + std::to_string(stored), data); });
    if (failure == "no error") ++stored;
  }
  CHECK(failure == "destination full");
  CHECK(stored >= 3);
  CHECK(fs::is_empty(folder.path(".staging")));
  CHECK(destination.list("").size() == static_cast<std::size_t>(stored));
  for (int at = 0; at < stored; ++at) {
    CHECK(destination.get_all("packs/00/" + std::to_string(at), data.size()) == data);
  }
  REQUIRE(destination.space());
  CHECK(destination.space()->free < data.size());
  CHECK(destination.space()->total == 1u << 20);

  const TemporaryFolder elsewhere;
  const std::string file = elsewhere.path("pack");
  replace_file_durably(file, data);
  CHECK(kind_text([&] { destination.put_file("packs/00/file", file); }) == "destination full");
  CHECK(fs::exists(file));
  CHECK(fs::is_empty(folder.path(".staging")));

  destination.remove("packs/00/0");
  destination.put_file("packs/00/file", file);
  CHECK(destination.get_all("packs/00/file", data.size()) == data);

  SECTION("a disk that is unmounted while it is used is away, and nothing is written to its mount point") {
    REQUIRE(umount2(folder.path().c_str(), MNT_DETACH) == 0);
    CHECK(kind_text([&] { destination.put("packs/00/late", {}); }) == "destination away");
    CHECK(kind_text([&] { destination.list("packs/"); }) == "destination away");
    CHECK(fs::is_empty(folder.path()));
  }
}
