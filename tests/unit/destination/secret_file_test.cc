#include "destination/secret_file.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/error.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::TemporaryFolder;

Error secret_failure(const std::string& source) {
  try {
    read_secret(open_secret(source, 100));
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::kInternal, "no error");
}

TEST_CASE("a secret stands in a file, or is a credential of the unit") {
  for (const char* source : {"/etc/key", "systemd:key", "/systemd:a/b"}) CHECK(is_secret_source(source));
  for (const char* source : {"", "key", "systemd:", "systemd:a/b", "systemd:..", "systemd:.", "Systemd:key"})
    CHECK_FALSE(is_secret_source(source));
  CHECK_FALSE(is_secret_source(std::string("/a\0b", 4)));
}

TEST_CASE("a secret is read from what is a file, of its owner's alone, and not too long") {
  const TemporaryFolder folder;
  const std::string path = folder.path("secret");
  replace_file_durably(path, as_bytes("open sesame"));
  CHECK(read_secret(open_secret(path, 100)) == "open sesame");
  CHECK(secret_failure(folder.path("none")).kind() == ErrorKind::kNotFound);
  CHECK(secret_failure(folder.path()).kind() == ErrorKind::kInvalidInput);
  REQUIRE(mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  CHECK(secret_failure(folder.path("fifo")).kind() == ErrorKind::kInvalidInput);
  replace_file_durably(folder.path("long"), Bytes(101));
  CHECK(secret_failure(folder.path("long")).kind() == ErrorKind::kInvalidInput);
  for (const mode_t mode : {0640u, 0604u, 0620u}) {
    REQUIRE(chmod(path.c_str(), mode) == 0);
    const Error error = secret_failure(path);
    CHECK(error.kind() == ErrorKind::kPermissionDenied);
    CHECK_THAT(error.what(), Catch::Matchers::Contains("chmod 600 " + path));
  }
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK_THAT(secret_failure("systemd:secret").what(), Catch::Matchers::Contains("LoadCredential"));
  setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  CHECK(read_secret(open_secret("systemd:secret", 100)) == "open sesame");
  CHECK(secret_failure("systemd:none").kind() == ErrorKind::kNotFound);
  unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace garner::destination
