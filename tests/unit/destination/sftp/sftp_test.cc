#include "destination/sftp/sftp.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "server.h"
#include "support/destination_contract.h"
#include "support/error_kind.h"
#include "support/failing_syscalls.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::FailingCall;
using garner::testing::kind_text;
using garner::testing::TemporaryFolder;
using garner::testing::with_failing_calls;
using testing::Server;
using testing::some_bytes;
namespace fs = std::filesystem;

// A new root of one server.
class SftpPlace final : public garner::testing::DestinationPlace {
 public:
  explicit SftpPlace(const Server& server) : server_(server) {
    static std::atomic<int> number = 0;
    name_ = "place" + std::to_string(number++);
    server_.destination(name_);
  }
  std::unique_ptr<Destination> open() override {
    return std::make_unique<SftpDestination>(server_.options(name_, std::chrono::seconds(60)));
  }

 private:
  const Server& server_;
  std::string name_;
};

template <typename Operation>
Error failure_of(const Operation& operation) {
  try {
    operation();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::kInternal, "no error");
}

std::size_t staged_files(const Server& server, const std::string& name) {
  return list_names(server.path(name) + "/.staging").size();
}

TEST_CASE("an SFTP server keeps the contract of destinations") {
  const Server server;
  garner::testing::check_destination_contract([&] { return std::make_unique<SftpPlace>(server); });
}

TEST_CASE("a server without hard links or fsync of SFTP's keeps the contract, by renaming") {
  const Server server({"without=hardlink,fsync,statvfs"});
  garner::testing::check_destination_contract([&] { return std::make_unique<SftpPlace>(server); });
}

TEST_CASE("a server is asked whether it creates names exclusively, and whether it makes them durable") {
  SECTION("as OpenSSH does") {
    const Server server;
    const auto destination = server.destination("root");
    CHECK_NOTHROW(destination->check_conditions());
    CHECK(destination->list("").empty());
    CHECK(destination->is_durable());
    CHECK(destination->space());
    CHECK(staged_files(server, "root") == 0);
  }
  SECTION("by renaming") {
    const Server server({"without=hardlink,fsync,statvfs"});
    const auto destination = server.destination("root");
    CHECK_NOTHROW(destination->check_conditions());
    CHECK(destination->list("").empty());
    CHECK_FALSE(destination->is_durable());
    CHECK_FALSE(destination->space());
    CHECK(staged_files(server, "root") == 0);
  }
}

TEST_CASE("a file system without hard links is refused") {
  // The server is started where the calls fail, so they fail for it.
  std::vector<FailingCall> calls{{SYS_linkat, EPERM}};
#ifdef SYS_link
  calls.push_back({SYS_link, EPERM});
#endif
  Server server;
  server.kill();
  const std::string seen = with_failing_calls(calls, [&] {
    server.start();
    return "started";
  });
  if (seen == "unsupported") {
    WARN("not tested: system calls cannot be made to fail here");
    return;
  }
  const auto destination = server.destination("root");
  const Error error = failure_of([&] { destination->check_conditions(); });
  CHECK(error.kind() == ErrorKind::kUnavailable);
  CHECK_THAT(error.what(), Catch::Matchers::Contains("has no hard links"));
  CHECK(kind_text([&] { destination->put("log/1", as_bytes("one")); }) == "unavailable");
  CHECK(destination->list("").empty());
  CHECK(staged_files(server, "root") == 0);
}

TEST_CASE("what cannot be made durable is not told to be stored, nor is what exists") {
  Server server;
  server.destination("root")->put("log/1", as_bytes("one"));
  server.kill();
  const std::string seen = with_failing_calls({{SYS_fsync, EIO}}, [&] {
    server.start();
    return "started";
  });
  if (seen == "unsupported") {
    WARN("not tested: system calls cannot be made to fail here");
    return;
  }
  SftpDestination destination(server.options("root"));
  CHECK(kind_text([&] { destination.put_exclusive("log/2", as_bytes("two")); }) == "destination away");
  CHECK(kind_text([&] { destination.put_exclusive("log/1", as_bytes("two")); }) == "destination away");
  CHECK(kind_text([&] { destination.remove("log/1"); }) == "destination away");
  CHECK(staged_files(server, "root") == 0);
  CHECK(destination.list("log/", "log/1").empty());
}

TEST_CASE("a full file system: told as full, nothing is lost, and it goes on when there is room") {
  const Server server;
  fs::create_directory(server.path("root"));
  if (mount("tmpfs", server.path("root").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") != 0) {
    WARN("not tested: a tmpfs can be mounted by root only");
    return;
  }
  struct Unmount {
    const std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } const unmount{server.path("root")};

  SftpDestination destination(server.options("root"));
  const Bytes data = some_bytes(200'000);
  int stored = 0;
  std::string failure = "no error";
  while (failure == "no error" && stored < 100) {
    failure = kind_text([&] { destination.put("packs/00/" + std::to_string(stored), data); });
    if (failure == "no error") ++stored;
  }
  CHECK(failure == "destination full");
  CHECK(stored >= 3);
  CHECK(staged_files(server, "root") == 0);
  CHECK(destination.list("").size() == static_cast<std::size_t>(stored));
  REQUIRE(destination.space());
  CHECK(destination.space()->free < data.size());
  CHECK(destination.space()->total == 1u << 20);

  const TemporaryFolder elsewhere;
  const std::string file = elsewhere.path("pack");
  replace_file_durably(file, data);
  CHECK(kind_text([&] { destination.put_file("packs/00/file", file); }) == "destination full");
  CHECK(fs::exists(file));
  destination.remove("packs/00/0");
  destination.put_file("packs/00/file", file);
  CHECK(destination.get_all("packs/00/file", data.size()) == data);

  SECTION("a disk that is unmounted while it is used is away, and nothing is written to its mount point") {
    REQUIRE(umount2(server.path("root").c_str(), MNT_DETACH) == 0);
    CHECK(kind_text([&] { destination.put("packs/00/late", {}); }) == "destination away");
    CHECK(kind_text([&] { destination.list("packs/"); }) == "destination away");
    CHECK(kind_text([&] { destination.size("packs/00/file"); }) == "destination away");
    CHECK(kind_text([&] { destination.get_all("packs/00/file", 1u << 20); }) == "destination away");
    CHECK(kind_text([&] { destination.remove("packs/00/file"); }) == "destination away");
    CHECK(fs::is_empty(server.path("root")));
  }
}

TEST_CASE("a root that is missing is away, and is not made") {
  const Server server;
  SftpDestination destination(server.options("not/there"));
  const Error error = failure_of([&] { destination.put("log/1", {}); });
  CHECK(error.kind() == ErrorKind::kDestinationAway);
  CHECK_THAT(error.what(), Catch::Matchers::Contains("is not there on the server"));
  CHECK(kind_text([&] { destination.list(""); }) == "destination away");
  CHECK(kind_text([&] { destination.size("log/1"); }) == "destination away");
  CHECK(kind_text([&] { destination.space(); }) == "destination away");
  CHECK(fs::is_empty(server.folder()));
  destination.create_folder();
  CHECK((fs::status(server.path("not/there")).permissions() & fs::perms::all) == fs::perms::owner_all);
  CHECK(destination.list("").empty());
  CHECK(fs::is_empty(server.path("not/there")));
  CHECK_NOTHROW(destination.create_folder());
  destination.put("log/1", {});
  CHECK(destination.size("log/1") == 0);
}

TEST_CASE("a half-written temporary file is no object, and goes when it is a day old") {
  const Server server;
  const auto first = server.destination("root");
  first->put("log/1", as_bytes("one"));
  const std::string staging = server.path("root/.staging/");
  const auto leave = [&](const std::string& name, std::chrono::hours age) {
    std::ofstream(staging + name) << "half of";
    fs::last_write_time(staging + name, fs::file_time_type::clock::now() - age);
  };
  leave("put-old", std::chrono::hours(25));
  leave("put-young", std::chrono::hours(23));
  leave("0123-a-pack", std::chrono::hours(25));

  SftpDestination second(server.options("root"));
  CHECK(second.list("").size() == 1);
  CHECK(fs::exists(staging + "put-old"));  // reading removes nothing
  second.put("log/2", {});
  CHECK_FALSE(fs::exists(staging + "put-old"));
  CHECK(fs::exists(staging + "put-young"));
  CHECK(fs::exists(staging + "0123-a-pack"));
  CHECK(second.list("").size() == 2);
}

TEST_CASE("what is no object is neither listed nor read, and keeps nobody waiting") {
  const Server server;
  const auto destination = server.destination("root");
  destination->put("packs/00/a", as_bytes("a"));
  const std::string root = server.path("root/");
  fs::create_directories(root + "lost+found");
  fs::create_directories(root + "packs/00/folder");
  std::ofstream(root + "packs/.DS_Store");
  std::ofstream(root + "packs/Thumbs.db");
  fs::create_symlink("a", root + "packs/00/link");
  fs::create_directory_symlink("00", root + "packs/11");
  REQUIRE(mkfifo((root + "packs/00/fifo").c_str(), 0600) == 0);

  const std::vector<ObjectInfo> objects = destination->list("");
  REQUIRE(objects.size() == 1);
  CHECK(objects[0].key == "packs/00/a");
  CHECK(objects[0].modified.has_value());
  CHECK(destination->list("packs/11/").empty());
  for (const char* key : {"packs/00/fifo", "packs/00/folder", "packs/00", "packs/00/link"}) {
    CAPTURE(key);
    CHECK(kind_text([&] { destination->get(key, 0, 0); }) == "damaged");
    CHECK(kind_text([&] { destination->get_all(key, 100); }) == "damaged");
    CHECK_FALSE(destination->size(key));
  }
  CHECK_FALSE(destination->size("packs/00/a/b"));
  CHECK(kind_text([&] { destination->get_all("packs/00/a/b", 100); }) == "not found");
  CHECK(as_text(destination->get_all("packs/00/a", 100)) == "a");
  // What waits for a writer to the fifo at the server is let go.
  const Fd writer = open_file(root + "packs/00/fifo", O_RDWR | O_NONBLOCK);
}

TEST_CASE("a path may begin at the folder that a login leads to, which may be a link's target") {
  const TemporaryFolder home;
  fs::create_directories(home.path("real/backup"));
  fs::create_directory_symlink("real", home.path("link"));
  const Server server({"Subsystem sftp=internal-sftp -d " + home.path()});
  SftpOptions options = server.options("unused");
  for (const char* path : {".", "link/backup", "new/folder"}) {
    CAPTURE(path);
    options.address.path = path;
    SftpDestination destination(options);
    destination.create_folder();
    destination.put("log/1", as_bytes("one"));
    CHECK(as_text(destination.get_all("log/1", 10)) == "one");
    CHECK(destination.list("").size() == 1);
    CHECK(fs::exists(home.path(path) + "/log/1"));
    destination.remove("log/1");
  }
}

TEST_CASE("folders of thousands of objects, and many folders, are listed and removed") {
  const Server server;
  const auto destination = server.destination("root");
  destination->put("log/1", {});
  std::vector<std::string> expected;
  for (int i = 0; i < 5000; ++i) expected.push_back("index/" + std::to_string(100'000 + i));
  expected.emplace_back("log/1");
  for (int folder = 100; folder < 300; ++folder) {
    for (const char* name : {"a", "b"}) expected.push_back("packs/" + std::to_string(folder) + "/" + name);
  }
  for (const std::string& key : expected) {
    const fs::path path = server.path("root/" + key);
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
  }
  const std::vector<ObjectInfo> found = destination->list("");
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found[i].key == expected[i]);
  CHECK(destination->list("index/", "index/104989").size() == 10);
  CHECK(destination->list("packs/", "packs/298").size() == 4);
  expected.emplace_back("packs/00/none");
  destination->remove_all(expected);
  CHECK(destination->list("").empty());
}

TEST_CASE("runs make no more connections than are allowed, and they are kept") {
  const Server server;
  SftpOptions options = server.options("root");
  options.ssh.connections = 2;
  SftpDestination destination(options);
  destination.create_folder();
  destination.put("packs/00/a", some_bytes(300'000));
  const std::stop_source run;
  std::vector<std::thread> readers;
  std::atomic<int> right = 0;
  for (int number = 0; number < 12; ++number) {
    readers.emplace_back([&] {
      const StopScope scope(run.get_token());
      for (int i = 0; i < 5; ++i) {
        if (destination.get_all("packs/00/a", 1u << 20) == some_bytes(300'000)) ++right;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(right == 60);
  CHECK(server.sessions() == 2);
}

TEST_CASE("whoever is no run does not wait behind one that a limit holds back") {
  const Server server;
  std::promise<void> held;
  std::promise<void> let_go;
  SftpOptions options = server.options("root");
  options.ssh.connections = 1;
  options.ssh.before_sending = [&, goes_on = let_go.get_future().share()](std::uint64_t) {
    held.set_value();
    goes_on.wait();
  };
  SftpDestination destination(options);
  destination.create_folder();
  const std::stop_source run;
  std::thread writer([&] {
    const StopScope scope(run.get_token());
    destination.put("log/1", as_bytes("one"));
  });
  held.get_future().wait();
  CHECK(destination.list("").empty());
  let_go.set_value();
  writer.join();
  CHECK(destination.list("").size() == 1);
}

TEST_CASE("what is done is counted by kind, and what goes by is told piece by piece") {
  const Server server;
  SftpOptions options = server.options("root");
  options.counts = std::make_shared<RequestCounts>();
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> received = 0;
  options.ssh.before_sending = [&](std::uint64_t bytes) { sent += bytes; };
  options.ssh.before_receiving = [&](std::uint64_t bytes) { received += bytes; };
  SftpDestination destination(options);
  destination.create_folder();
  const Bytes data = some_bytes(100'000);
  destination.put("packs/00/a", data);
  CHECK_FALSE(destination.put_exclusive("packs/00/a", data));
  destination.get("packs/00/a", 5, 1000);
  destination.size("packs/00/a");
  destination.list("");
  destination.remove_all({"packs/00/a", "packs/00/b", "packs/00/c"});
  const RequestSums sums = options.counts->total();
  CHECK(sums.puts == 2);
  CHECK(sums.gets == 1);
  CHECK(sums.heads == 1);
  CHECK(sums.lists == 1);
  CHECK(sums.deletes == 3);
  CHECK(sums.sent_bytes == data.size());
  CHECK(sums.received_bytes == 1000);
  CHECK(sent == data.size());
  CHECK(received == 1000);
}

TEST_CASE("what lies in the root is told, and whether it is a repository's") {
  const Server server;
  SftpDestination destination(server.options("root"));
  CHECK(kind_text([&] { destination.first_components(); }) == "destination away");
  CHECK(destination.is_missing());
  destination.create_folder();
  CHECK_FALSE(destination.is_missing());
  CHECK(destination.first_components().empty());
  CHECK(destination.is_empty());
  fs::create_directories(server.path("root/lost+found"));
  fs::create_directories(server.path("root/keys"));
  std::ofstream(server.path("root/Photo.jpg"));
  std::vector<std::string> names = destination.first_components();
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"Photo.jpg", "keys", "lost+found"});
  CHECK(destination.is_empty());
  std::ofstream(server.path("root/keys/1"));
  CHECK_FALSE(destination.is_empty());
  destination.remove("keys/1");
  CHECK(destination.is_empty());
  destination.put("garner.repo", {});
  CHECK_FALSE(destination.is_empty());
  for (int i = 0; i < 3000; ++i) std::ofstream(server.path("root/Photo" + std::to_string(i)));
  CHECK(destination.first_components().size() >= 1000);
}

TEST_CASE("keys of a session that are made anew in mid-transfer disturb nothing") {
  const testing::ForgetfulLibrary forgetful;
  const Server server({"RekeyLimit=1M"});
  const auto destination = server.destination("root");
  const Bytes data = some_bytes((24u << 20) + 11);
  destination->put("packs/00/a", data);
  CHECK(destination->get_all("packs/00/a", data.size()) == data);
}

}  // namespace
}  // namespace garner::destination
