#include "destination/s3/credentials.h"

#include <sys/stat.h>

#include <cstdlib>

#include "base/file.h"
#include "scripted.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::TemporaryFolder;
using testing::failure_of;
using testing::says;

TEST_CASE("S3: keys are read from a file as other programs write it") {
  const S3Credentials plain = parse_credentials("aws_access_key_id=A\r\naws_secret_access_key = b/c+d=\r\n");
  CHECK(plain.access_key == "A");
  CHECK(plain.secret_key == "b/c+d=");
  CHECK(plain.session_token.empty());
  const S3Credentials several = parse_credentials(
      "# mine\n[other]\naws_access_key_id = X\naws_secret_access_key = x\n\n[default]\n; here\n"
      "aws_access_key_id = A\nregion = eu\naws_secret_access_key = s\naws_session_token = t\n[third]\n"
      "aws_access_key_id = Y");
  CHECK(several.access_key == "A");
  CHECK(several.secret_key == "s");
  CHECK(several.session_token == "t");
}

TEST_CASE("S3: what is no file of keys is refused, and no key is shown") {
  for (const char* text :
       {"", "[default]", "aws_access_key_id = A", "aws_secret_access_key = s",
        "[other]\naws_access_key_id = A\naws_secret_access_key = SECRET",
        "aws_access_key_id = A A\naws_secret_access_key = SECRET",
        "aws_access_key_id = A/B\naws_secret_access_key = SECRET",
        "aws_access_key_id = A\naws_secret_access_key = SE\x01"
        "CRET",
        "aws_access_key_id = A\naws_secret_access_key = SECRET\naws_session_token = \xff"}) {
    CAPTURE(text);
    const Error error = failure_of([&] { parse_credentials(text); });
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    CHECK(std::string(error.what()).find("SECRET") == std::string::npos);
  }
}

TEST_CASE("S3: a file of keys is read again when it has changed, and must be its owner's alone") {
  const TemporaryFolder folder;
  const std::string path = folder.path("keys");
  const auto write = [&](const std::string& access) {
    const std::string text = "aws_access_key_id = " + access + "\naws_secret_access_key = s\n";
    replace_file_durably(path, as_bytes(text));
  };
  write("first");
  CredentialSource source(path);
  CHECK(source.get().access_key == "first");
  write("second");
  CHECK(source.get().access_key == "second");
  REQUIRE(chmod(path.c_str(), 0640) == 0);
  const Error open = failure_of([&] { source.get(); });
  CHECK(open.kind() == ErrorKind::kDestinationAway);
  CHECK_THAT(open.what(), says("chmod 600 " + path));
  remove_file(path);
  const Error gone = failure_of([&] { source.get(); });
  CHECK(gone.kind() == ErrorKind::kDestinationAway);
  CHECK_THAT(gone.what(), says(path));
}

TEST_CASE("S3: keys come from the environment, or from systemd") {
  const TemporaryFolder folder;
  setenv("AWS_ACCESS_KEY_ID", "A", 1);
  unsetenv("AWS_SECRET_ACCESS_KEY");
  CHECK_THAT(failure_of([] { CredentialSource("environment").get(); }).what(), says("AWS_SECRET_ACCESS_KEY"));
  setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
  setenv("AWS_SESSION_TOKEN", "t", 1);
  const S3Credentials keys = CredentialSource("environment").get();
  CHECK(keys.access_key == "A");
  CHECK(keys.session_token == "t");
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}) unsetenv(name);

  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK_THAT(failure_of([] { CredentialSource("systemd:cloud").get(); }).what(), says("LoadCredential"));
  setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  replace_file_durably(folder.path("cloud"), as_bytes("aws_access_key_id = B\naws_secret_access_key = s\n"),
                       0440);
  CHECK(CredentialSource("systemd:cloud").get().access_key == "B");
  unsetenv("CREDENTIALS_DIRECTORY");

  for (const char* source : {"", "keys", "systemd:", "systemd:a/b", "systemd:..", "Environment"}) {
    CAPTURE(source);
    CHECK(failure_of([&] { check_credentials_source(source); }).kind() == ErrorKind::kInvalidInput);
  }
}

}  // namespace
}  // namespace garner::destination
