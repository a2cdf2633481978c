// Servers that end, hang and come back, and answers that are lost.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "server.h"
#include "slow_link.h"
#include "support/error_kind.h"
#include "support/eventually.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::kind_text;
using garner::testing::TemporaryFolder;
using testing::Server;
using testing::SlowLink;
using testing::some_bytes;
namespace fs = std::filesystem;

// How much is written of what is staged.
std::uint64_t staged_bytes(const Server& server, const std::string& name) {
  const std::string staging = server.path(name) + "/.staging";
  std::uint64_t bytes = 0;
  for (const std::string& file : list_names(staging)) {
    std::error_code gone;
    const std::uintmax_t size = fs::file_size(staging + "/" + file, gone);
    if (!gone) bytes += size;
  }
  return bytes;
}

// A large file, on its way to `destination`, which the server is interrupted in.
class Upload {
 public:
  Upload(Destination& destination, const Server& server) : data_(some_bytes(96u << 20)) {
    replace_file_durably(file_, data_);
    thread_ = std::thread([this, &destination] {
      result_ = kind_text([&] { destination.put_file("packs/00/large", file_); });
      done_ = true;
    });
    under_way_ =
        garner::testing::eventually([&] { return staged_bytes(server, "root") > (2u << 20); }) && !done_;
  }
  ~Upload() {
    if (thread_.joinable()) thread_.join();
  }

  bool under_way() const { return under_way_; }
  const Bytes& data() const { return data_; }
  bool file_is_there() const { return access(file_.c_str(), F_OK) == 0; }
  std::string result() {
    thread_.join();
    return result_;
  }

 private:
  const TemporaryFolder folder_;
  const std::string file_ = folder_.path("pack");
  const Bytes data_;
  std::string result_;
  std::atomic<bool> done_ = false;
  bool under_way_ = false;
  std::thread thread_;
};

TEST_CASE("a server that is killed in mid-upload and comes back gets the whole object") {
  Server server;
  SftpDestination destination(server.options("root", std::chrono::seconds(30)));
  destination.create_folder();
  destination.put("log/1", as_bytes("one"));
  Upload upload(destination, server);
  REQUIRE(upload.under_way());
  SECTION("killed") {
    server.kill();
    // What is half there is no object.
    CHECK(list_names(server.path("root/packs")).empty());
    CHECK(staged_bytes(server, "root") > 0);
    server.start();
  }
  SECTION("connections ended") { server.cut(); }
  CHECK(upload.result() == "no error");
  CHECK_FALSE(upload.file_is_there());
  CHECK(destination.get_all("packs/00/large", upload.data().size()) == upload.data());
  CHECK(destination.list("").size() == 2);
  // What the first attempt has left was removed by the second.
  CHECK(staged_bytes(server, "root") == 0);
}

TEST_CASE("a server that is killed and does not come back is away, and all is well when it does") {
  Server server;
  SftpDestination destination(server.options("root", std::chrono::seconds(2)));
  destination.create_folder();
  destination.put("log/1", as_bytes("one"));
  {
    Upload upload(destination, server);
    REQUIRE(upload.under_way());
    server.kill();
    CHECK(upload.result() == "destination away");
    CHECK(upload.file_is_there());
  }
  CHECK(kind_text([&] { destination.list(""); }) == "destination away");
  CHECK(kind_text([&] { destination.remove("log/1"); }) == "destination away");
  server.start();
  CHECK(destination.list("").size() == 1);
  CHECK(as_text(destination.get_all("log/1", 10)) == "one");
}

TEST_CASE("a server that hangs is away in bounded time, and all is well when it goes on") {
  Server server;
  SftpOptions options = server.options("root", std::chrono::seconds(3));
  options.ssh.connect_timeout = std::chrono::seconds(1);
  options.ssh.stall_timeout = std::chrono::seconds(1);
  SftpDestination destination(options);
  destination.create_folder();
  destination.put("log/1", as_bytes("one"));
  server.hang();
  for (const auto& operation : std::vector<std::function<void()>>{
           [&] { destination.put("log/2", as_bytes("two")); },
           [&] { destination.get_all("log/1", 10); },
           [&] { destination.list("log/"); },
       }) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(kind_text(operation) == "destination away");
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(15));
  }
  server.go_on();
  CHECK(as_text(destination.get_all("log/1", 10)) == "one");
  // The one whose answer nobody waited for may have been stored, and is whole then.
  if (destination.put_exclusive("log/2", as_bytes("again"))) {
    CHECK(as_text(destination.get_all("log/2", 10)) == "again");
  } else {
    CHECK(as_text(destination.get_all("log/2", 10)) == "two");
  }
}

TEST_CASE("whoever is told to stop waits for no server") {
  Server server;
  SftpOptions options = server.options("root", std::chrono::seconds(60));
  options.ssh.stall_timeout = std::chrono::seconds(60);
  SftpDestination destination(options);
  destination.create_folder();
  SECTION("that hangs") { server.hang(); }
  SECTION("that is gone") { server.kill(); }
  std::stop_source stop;
  std::string result;
  std::thread caller([&] {
    const StopScope scope(stop.get_token());
    result = kind_text([&] { destination.list(""); });
  });
  const auto start = std::chrono::steady_clock::now();
  stop.request_stop();
  caller.join();
  CHECK(result == "cancelled");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("a pack is not sent any more by whoever is told to stop, and stays") {
  const Server server;
  const auto destination = server.destination("root");
  const TemporaryFolder folder;
  replace_file_durably(folder.path("pack"), as_bytes("a pack"));
  std::stop_source stop;
  stop.request_stop();
  const StopScope scope(stop.get_token());
  CHECK(kind_text([&] { destination->put_file("packs/00/a", folder.path("pack")); }) == "cancelled");
  CHECK(access(folder.path("pack").c_str(), F_OK) == 0);
  // A record is let through.
  CHECK(destination->put_exclusive("log/1", as_bytes("one")));
}

TEST_CASE("whoever is no run is told sooner that a server is away") {
  Server server;
  SftpOptions options = server.options("root");
  options.patience = std::chrono::seconds(120);
  options.short_patience = std::chrono::seconds(1);
  SftpDestination destination(options);
  destination.create_folder();
  server.kill();
  const auto start = std::chrono::steady_clock::now();
  CHECK(kind_text([&] { destination.list(""); }) == "destination away");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("an answer that was lost: what is there is recognised as one's own, and only that") {
  const Server server;
  server.destination("root");
  const TemporaryFolder folder;
  // A host key that is known without a port is known at each.
  std::ofstream(folder.path("known_hosts"))
      << "127.0.0.1 " << as_text(read_file(server.file("host_key.pub"), 10'000));
  SlowLink link(server.port(), std::chrono::milliseconds(200));
  SftpOptions options = server.options("root", std::chrono::seconds(60));
  options.ssh.known_hosts = folder.path("known_hosts");
  options.address.port = link.port();
  SftpDestination destination(options);
  const std::string object = server.path("root/log/2");
  std::string result;
  std::thread writer([&] { result = kind_text([&] { destination.put("log/2", as_bytes("mine")); }); });
  // It has its name, and the answer is still on its way.
  const bool named = garner::testing::eventually([&] { return access(object.c_str(), F_OK) == 0; });
  SECTION("one's own") {
    link.cut();
    writer.join();
    CHECK(result == "no error");
    CHECK(as_text(destination.get_all("log/2", 10)) == "mine");
  }
  SECTION("somebody else's, who came in between") {
    fs::remove(object);
    std::ofstream(object) << "theirs";
    link.cut();
    writer.join();
    CHECK(result == "already exists");
    CHECK(as_text(destination.get_all("log/2", 10)) == "theirs");
  }
  CHECK(named);
  CHECK(list_names(server.path("root/.staging")).empty());
}

}  // namespace
}  // namespace garner::destination
