// Files with secrets: who may read them, and what is taken from them.
#include "secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "failure.h"
#include "new_file.h"
#include "support/temporary_folder.h"

using namespace garner::client;

namespace {

std::string write_file(const garner::testing::TemporaryFolder& folder, const std::string& content,
                       mode_t mode = 0600) {
  const std::string path = folder.path() + "/secret";
  unlink(path.c_str());
  NewFile(path).write_durably(content);
  REQUIRE(chmod(path.c_str(), mode) == 0);
  return path;
}

}  // namespace

TEST_CASE("a password loses one line end and nothing else") {
  const garner::testing::TemporaryFolder folder;
  const auto password = [&](const std::string& content) {
    return read_secret({write_file(folder, content), {}, {}}).value().password();
  };
  CHECK(password("secret") == "secret");
  CHECK(password("secret\n") == "secret");
  CHECK(password("secret\n\n") == "secret\n");
  CHECK(password(" s \r\n") == " s \r");
  std::string longest(4096, 'x');
  longest.back() = '\n';
  CHECK(password(longest) == std::string(4095, 'x'));
}

TEST_CASE("a key file is taken as it is, a recovery key without the blanks around it") {
  const garner::testing::TemporaryFolder folder;
  std::string key(32, '\xff');
  key.back() = '\n';
  CHECK(read_secret({{}, write_file(folder, key), {}}).value().key_file() == key);
  CHECK(read_secret({{}, {}, write_file(folder, "\n ABCD-EFGH \n")}).value().recovery_key() == "ABCD-EFGH");
}

TEST_CASE("nothing given is nothing read") { CHECK_FALSE(read_secret({}).has_value()); }

TEST_CASE("a file that others may use is refused, whatever they may do") {
  const garner::testing::TemporaryFolder folder;
  for (const mode_t mode : {0640, 0620, 0610, 0604, 0602, 0601, 0777}) {
    CHECK_THROWS_AS(read_secret({write_file(folder, "secret", mode), {}, {}}), Failure);
  }
  CHECK_NOTHROW(read_secret({write_file(folder, "secret", 0400), {}, {}}));
}

TEST_CASE("a new file is the owner's only, never overwrites, and is gone unless it was written") {
  const garner::testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/new";
  { const NewFile unwritten(path); }
  CHECK(access(path.c_str(), F_OK) != 0);

  NewFile(path).write_durably("content");
  struct stat facts {};
  REQUIRE(stat(path.c_str(), &facts) == 0);
  CHECK((facts.st_mode & 07777) == 0600);
  CHECK(facts.st_size == 7);
  CHECK_THROWS_AS(NewFile(path), Failure);
  CHECK(access(path.c_str(), F_OK) == 0);

  const std::string link = folder.path() + "/link";
  REQUIRE(symlink("/nowhere/x", link.c_str()) == 0);
  CHECK_THROWS_AS(NewFile(link), Failure);
  CHECK_THROWS_AS(NewFile(folder.path() + "/missing/x"), Failure);
}
