#include "destination/sftp/known_hosts.h"

#include <openssl/evp.h>

#include <catch2/catch.hpp>

namespace garner::destination {
namespace {

using Verdict = KnownHosts::Verdict;

constexpr const char* kFirst = "AAAAC3NzaC1lZDI1NTE5AAAAIIVRF+CKIaaTl/9Qqb+m1rbaeKzK5E2w49W6ouoF4CUW";
constexpr const char* kSecond = "AAAAC3NzaC1lZDI1NTE5AAAAILxdoHr8ACNmg9jBoXzElDmBN/ehcerg+bXjYp8/tpCU";
constexpr const char* kThird =
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLHhCXCV8iuGG544q142rj3R8GijHm+FJrVQJwte+"
    "i0XpUhxB1kTShPG"
    "YEOAKiIrjGPKQy4TYj5v/0v8xXZOIjM=";
// As ssh-keygen -H makes them of "server.example.org" and "[server.example.org]:2222".
constexpr const char* kHashed = "|1|aEbj8zvDoSfnVWLl8QMc6gwMTRg=|Bkww+h3Cz+j5Ohpb2NzMsLsXW4Y=";
constexpr const char* kHashedPort = "|1|5iHybpLpet3hgVlzlD3vBF5X53Y=|aspWcXIEr6991BtvD0NTr+FGvT8=";

Bytes key(const std::string& base64) {
  Bytes bytes(base64.size() / 4 * 3);
  EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(base64.data()),
                  static_cast<int>(base64.size()));
  bytes.resize(bytes.size() - static_cast<std::size_t>(std::count(base64.begin(), base64.end(), '=')));
  return bytes;
}

std::string line(const std::string& hosts, const char* base64, const std::string& marker = {}) {
  return marker + hosts + " " + key_type(key(base64)) + " " + base64 + " a comment\n";
}

Verdict verdict(const std::string& text, const std::string& host, std::uint16_t port, const char* base64) {
  KnownHosts known;
  known.add(text, "file");
  return known.check(host, port, key(base64)).verdict;
}

TEST_CASE("a key's type and fingerprint are those that ssh-keygen shows") {
  CHECK(key_type(key(kFirst)) == "ssh-ed25519");
  CHECK(fingerprint(key(kFirst)) == "SHA256:wAT5Xd5/wOzZWpXVjYX+tPwQANlZAsLD7PkDS5Hdozk");
  CHECK(key_type({}).empty());
  CHECK(key_type(Bytes{0, 0, 0, 9, 's'}).empty());
  CHECK(key_type(Bytes{0xff, 0xff, 0xff, 0xff, 's'}).empty());
}

TEST_CASE("hosts are known by their lines, in every form that ssh knows") {
  for (const char* hosts :
       {"server.example.org", "other,server.example.org", "SERVER.example.org", "*.example.org",
        "server.exampl?.org", "*", "s*e*r*.org", kHashed, "!other.example.org,*.example.org"}) {
    CAPTURE(hosts);
    CHECK(verdict(line(hosts, kFirst), "server.example.org", 22, kFirst) == Verdict::kKnown);
    CHECK(verdict(line(hosts, kFirst), "server.example.org", 22, kSecond) == Verdict::kChanged);
    CHECK(verdict(line(hosts, kFirst), "server.example.org", 22, kThird) == Verdict::kOtherType);
  }
  for (const char* hosts :
       {"server.example", "example.org", "*.example.com", "!server.example.org,*", "server.example.org.",
        "?server.example.org", kHashedPort, "|1|x|y", "|1|", "[*]:22"}) {
    CAPTURE(hosts);
    CHECK(verdict(line(hosts, kFirst), "server.example.org", 22, kFirst) == Verdict::kUnknown);
  }
}

TEST_CASE("a port that is not the usual one stands with the name") {
  for (const char* hosts : {"[server.example.org]:2222", "[*.example.org]:*", kHashedPort}) {
    CAPTURE(hosts);
    CHECK(verdict(line(hosts, kFirst), "server.example.org", 2222, kFirst) == Verdict::kKnown);
    CHECK(verdict(line(hosts, kFirst), "server.example.org", 2222, kSecond) == Verdict::kChanged);
    CHECK(verdict(line(hosts, kFirst), "server.example.org", 22, kFirst) == Verdict::kUnknown);
  }
  // A key of the host is good at each port, and says nothing of other servers there.
  CHECK(verdict(line("server.example.org", kFirst), "server.example.org", 2222, kFirst) == Verdict::kKnown);
  CHECK(verdict(line("server.example.org", kFirst), "server.example.org", 2222, kSecond) ==
        Verdict::kUnknown);
  CHECK(verdict(line("::1", kFirst), "::1", 22, kFirst) == Verdict::kKnown);
  CHECK(verdict(line("[::1]:2222", kFirst), "::1", 2222, kFirst) == Verdict::kKnown);
}

TEST_CASE("one right key of several is enough, and a revoked one never is") {
  const std::string several = line("host", kSecond) + line("host", kThird) + line("host", kFirst);
  CHECK(verdict(several, "host", 22, kFirst) == Verdict::kKnown);
  CHECK(verdict(several, "host", 22, kThird) == Verdict::kKnown);
  CHECK(verdict(line("host", kFirst) + line("host", kFirst, "@revoked "), "host", 22, kFirst) ==
        Verdict::kRevoked);
  CHECK(verdict(line("*", kFirst, "@revoked ") + line("host", kFirst), "host", 22, kFirst) ==
        Verdict::kRevoked);
  CHECK(verdict(line("host", kFirst) + line("host", kFirst, "@revoked "), "host", 2222, kFirst) ==
        Verdict::kRevoked);
  CHECK(verdict(line("host", kSecond, "@revoked ") + line("host", kFirst), "host", 22, kFirst) ==
        Verdict::kKnown);
  CHECK(verdict(line("host", kSecond, "@revoked "), "host", 22, kFirst) == Verdict::kUnknown);
  // Authorities are not supported: their keys are no hosts'.
  CHECK(verdict(line("*", kFirst, "@cert-authority "), "host", 22, kFirst) == Verdict::kUnknown);

  KnownHosts known;
  known.add("# nothing\n", "first");
  known.add("\n" + line("host", kSecond), "second");
  CHECK(known.check("host", 22, key(kFirst)).place == "second, line 2");
  CHECK(known.check("other", 22, key(kFirst)).place.empty());
}

TEST_CASE("the types of a host's keys are told, in their order") {
  KnownHosts known;
  known.add(line("host", kThird) + line("host", kFirst) + line("host", kSecond) + line("other", kFirst),
            "file");
  CHECK(known.types("host", 22) == std::vector<std::string>{"ecdsa-sha2-nistp256", "ssh-ed25519"});
  CHECK(known.types("host", 2222).size() == 2);
  CHECK(known.types("nobody", 22).empty());
}

TEST_CASE("what is no line of known_hosts is passed over, and takes no time") {
  std::string text = "host\nhost ssh-ed25519\nhost ssh-ed25519 ???\nhost ssh-ed25519 AAAA\nhost ssh-rsa ";
  text += kFirst;
  text += "\nhost ssh-ed25519 " + std::string(kFirst).substr(0, 58) + "\n@other host ssh-ed25519 " + kFirst;
  text += "\n" + std::string(100'000, 'x') + " ssh-ed25519 " + kFirst + "\n\r\n\t\n";
  CHECK(verdict(text, "host", 22, kFirst) == Verdict::kUnknown);
  CHECK(verdict(text + line("host", kFirst), "host", 22, kFirst) == Verdict::kKnown);
  CHECK(verdict("  \thost\t ssh-ed25519   " + std::string(kFirst) + "\r\n", "host", 22, kFirst) ==
        Verdict::kKnown);
  std::string stars;
  for (int i = 0; i < 20'000; ++i) stars += "*a";
  CHECK(verdict(line(stars + "b", kFirst), std::string(250, 'a'), 22, kFirst) == Verdict::kUnknown);
}

}  // namespace
}  // namespace garner::destination
