#include "mail_message.h"

#include <catch2/catch.hpp>

namespace garner::daemon {
namespace {

Mail sample() {
  return {"a@example.org", "b@example.org", "Hello", "One\nTwo\n", {1'700'000'000, 0}, "<1@host>"};
}

TEST_CASE("a plain mail is plain, with CR LF everywhere") {
  CHECK(to_rfc5322(sample()) ==
        "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: a@example.org\r\nTo: b@example.org\r\nSubject: "
        "Hello\r\n"
        "Message-ID: <1@host>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nOne\r\nTwo\r\n");
}

TEST_CASE("what is not ASCII, and lines that are too long, are encoded") {
  Mail mail = sample();
  mail.body = "Größe: 1 €\n";
  CHECK(to_rfc5322(mail).ends_with("Content-Transfer-Encoding: base64\r\n\r\nR3LDtsOfZTogMSDigqwNCg==\r\n"));
  mail.body = std::string(5000, 'x');
  const std::string text = to_rfc5322(mail);
  CHECK(text.find("base64") != std::string::npos);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    CHECK(end - at <= 998);
    at = end + 2;
  }
}

TEST_CASE("a subject is encoded in words of at most 75 characters, never within one") {
  CHECK(encoded_words("Backup of home failed") == "Backup of home failed");
  CHECK(encoded_words("Größe") == "=?UTF-8?B?R3LDtsOfZQ==?=");
  // A line end would end the field, and what looks like an encoded word would be taken for one.
  CHECK(encoded_words("a\r\nBcc: x@example.org").find('\r') == std::string::npos);
  CHECK(encoded_words("=?UTF-8?B?eA==?=").starts_with("=?UTF-8?B?PT"));
  std::string longer;
  for (int i = 0; i < 40; ++i) longer += "€";
  const std::string encoded = encoded_words(longer);
  std::size_t words = 0;
  for (std::size_t at = 0; at < encoded.size(); ++words) {
    const std::size_t end = std::min(encoded.find("\r\n ", at), encoded.size());
    CHECK(end - at <= 75);
    // 15 characters of 3 bytes each make 60 of base64: a multiple of 3 bytes has no padding.
    CHECK((end == encoded.size() || encoded.substr(end - 3, 3) != "=?="));
    at = end + 3;
  }
  CHECK(words == 3);
}

TEST_CASE("mail addresses") {
  for (const char* good : {"ops@example.org", "root@localhost", "a.b+c@mail-1.example.org"})
    CHECK(is_mail_address(good));
  for (const char* bad : {"", "ops", "@example.org", "ops@", "a b@example.org", "a@b\r\nRCPT TO:<c@d>",
                          "<a@b>", "a@b@c d", "a@-b", "a@.b", "ä@example.org"})
    CHECK_FALSE(is_mail_address(bad));
}

}  // namespace
}  // namespace garner::daemon
