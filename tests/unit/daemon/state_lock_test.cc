#include "state_lock.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.h"
#include "listener.h"
#include "support/temporary_folder.h"

namespace garner::daemon {
namespace {

bool connects(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

TEST_CASE("a state folder has one daemon, and the second is told which") {
  const testing::TemporaryFolder folder;
  {
    const StateLock first(folder.path());
    try {
      const StateLock second(folder.path());
      FAIL("locked twice");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kConflict);
      CHECK(std::string(error.what()).find(std::to_string(getpid())) != std::string::npos);
    }
  }
  CHECK_NOTHROW(StateLock(folder.path()));
}

TEST_CASE("a socket is for its user, takes connections, and is gone afterwards") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path("run/garnerd.sock");
  {
    const ListeningSocket socket = ListeningSocket::make(path);
    CHECK(connects(path));
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0007) == 0);
  }
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a stale socket is replaced, one that answers is not") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path("garnerd.sock");
  {
    // What a daemon that was killed leaves: a bound name that nobody listens at.
    const std::string old = folder.path("old.sock");
    ListeningSocket killed = ListeningSocket::make(old);
    REQUIRE(link(old.c_str(), path.c_str()) == 0);
  }
  CHECK_FALSE(connects(path));
  const ListeningSocket socket = ListeningSocket::make(path);
  CHECK(connects(path));
  try {
    ListeningSocket::make(path);
    FAIL("taken from whoever listens");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kConflict);
  }
  CHECK(connects(path));
}

TEST_CASE("a file that is no socket is left alone") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path("garnerd.sock");
  replace_file_durably(path, as_bytes("precious"));
  CHECK_THROWS_AS(ListeningSocket::make(path), Error);
  CHECK(as_text(read_file(path, 100)) == "precious");
}

}  // namespace
}  // namespace garner::daemon
