#include "destination/sftp/address.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace garner::destination {
namespace {

std::string refusal(const std::string& url) {
  try {
    return "taken as " + parse_sftp_url(url).url();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidInput);
    return error.what();
  }
}

TEST_CASE("an SFTP URL is taken apart") {
  const SftpAddress plain = parse_sftp_url("sftp://ann@Server.example.org/srv/backup");
  CHECK(plain.user == "ann");
  CHECK(plain.host == "server.example.org");
  CHECK(plain.port == 22);
  CHECK(plain.path == "/srv/backup");

  const SftpAddress six = parse_sftp_url("sftp://[2001:DB8::1]:2222/backup/");
  CHECK(six.user.empty());
  CHECK(six.host == "2001:db8::1");
  CHECK(six.port == 2222);
  CHECK(six.path == "/backup");

  CHECK(parse_sftp_url("sftp://host/").path == "/");
  CHECK(parse_sftp_url("sftp://host//srv///backup").path == "/srv/backup");
  CHECK(parse_sftp_url("sftp://host/~").path == ".");
  CHECK(parse_sftp_url("sftp://host/~/").path == ".");
  CHECK(parse_sftp_url("sftp://host/~/backup/one").path == "backup/one");
  CHECK(parse_sftp_url("sftp://host/~ann").path == "/~ann");
  CHECK(parse_sftp_url("sftp://a%40b%3a@host/%7e/100%25/%ff").path == "/~/100%/\xff");
  CHECK(parse_sftp_url("sftp://a%40b@host/x").user == "a@b");
  CHECK(parse_sftp_url("sftp://host/a b/ä").path == "/a b/ä");
}

TEST_CASE("an SFTP address has one URL, which leads to it again") {
  const struct {
    const char* url;
    const char* shown;
  } cases[] = {
      {"sftp://ann@HOST:22//srv/backup/", "sftp://ann@host/srv/backup"},
      {"sftp://[::1]:2222/x", "sftp://[::1]:2222/x"},
      {"sftp://host/", "sftp://host/"},
      {"sftp://host/~/", "sftp://host/~"},
      {"sftp://host/~/a b", "sftp://host/~/a%20b"},
      {"sftp://host/%7e/a", "sftp://host/%7E/a"},
      {"sftp://a%40b@host/x%3F%0a", "sftp://a%40b@host/x%3F%0A"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.url);
    const SftpAddress address = parse_sftp_url(one.url);
    CHECK(address.url() == one.shown);
    const SftpAddress again = parse_sftp_url(address.url());
    CHECK(again.user == address.user);
    CHECK(again.host == address.host);
    CHECK(again.port == address.port);
    CHECK(again.path == address.path);
  }
}

TEST_CASE("what is no SFTP URL is refused with what is wrong") {
  const struct {
    const char* url;
    const char* says;
  } cases[] = {
      {"", "begins with sftp://"},
      {"sftp:/host/x", "begins with sftp://"},
      {"sftp:user@host:/a", "begins with sftp://"},
      {"ssh://host/x", "begins with sftp://"},
      {"sftp://host", "names no path"},
      {"sftp://ann@/x", "is no server's name"},
      {"sftp:///x", "is no server's name"},
      {"sftp://-o/x", "is no server's name"},
      {"sftp://ho st/x", "is no server's name"},
      {"sftp://h\nst/x", "h\\x0ast"},
      {"sftp://host:/x", "is no port's number"},
      {"sftp://host:0/x", "is no port's number"},
      {"sftp://host:65536/x", "is no port's number"},
      {"sftp://host:+1/x", "is no port's number"},
      {"sftp://host:22a/x", "is no port's number"},
      {"sftp://::1/x", "stands in brackets"},
      {"sftp://[::1/x", "the ']' behind an IPv6 address is missing"},
      {"sftp://[host]/x", "is no IPv6 address"},
      {"sftp://[::1]a/x", "is no server's name"},
      {"sftp://ann:secret@host/x", "a password does not stand in the URL"},
      {"sftp://@host/x", "is no user's name"},
      {"sftp://a%0ab@host/x", "is no user's name"},
      {"sftp://host/a/../b", "a path consists of names"},
      {"sftp://host/./b", "a path consists of names"},
      {"sftp://host/%2e%2e/b", "a path consists of names"},
      {"sftp://host/~/../b", "a path consists of names"},
      {"sftp://host/a?b", "'?' and '#' are not used"},
      {"sftp://host/a#b", "'?' and '#' are not used"},
      {"sftp://host/a%", "two hexadecimal digits"},
      {"sftp://host/a%2", "two hexadecimal digits"},
      {"sftp://host/a%zz", "two hexadecimal digits"},
      {"sftp://host/a%00", "holds a zero byte"},
      {"sftp://host/a\n", "not printable"},
      {"sftp://host/\xff", "not printable"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.url);
    CHECK_THAT(refusal(one.url), Catch::Matchers::Contains(one.says));
  }
  for (const char* url : {"sftp://ann:secret@host/x", "sftp://ann:secret@host", "sftp:ann:secret@host:/x",
                          "sftp://ann:secret/x@host/y"}) {
    CHECK_THAT(refusal(url), !Catch::Matchers::Contains("secret"));
  }
  CHECK_THAT(refusal("sftp://host/" + std::string(2000, 'x')), Catch::Matchers::Contains("longer than"));
  CHECK_THAT(refusal(std::string("sftp://[::1\0x]/x", 17)), Catch::Matchers::Contains("is no IPv6 address"));
  CHECK_THAT(refusal(std::string("sftp://h\0st/x", 13)), Catch::Matchers::Contains("is no server's name"));
  CHECK(is_sftp_url("sftp://x"));
  CHECK(is_sftp_url("sftp:x"));
  CHECK_FALSE(is_sftp_url("/sftp://x"));
}

}  // namespace
}  // namespace garner::destination
