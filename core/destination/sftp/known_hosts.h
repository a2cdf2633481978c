// The keys by which servers are known: files of ssh's format known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE
// FORMAT"), with hashed names, patterns, ports and revoked keys. Lines of certificate authorities are passed
// over, and so is what is no line of the format, as ssh does. A value; no files are read here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace garner::destination {

// A key as SSH sends it: its type and numbers. What ssh shows of it: "SHA256:…".
std::string fingerprint(ByteView key);
// The type that such a key says it has ("ssh-ed25519"); empty: it is malformed.
std::string key_type(ByteView key);

class KnownHosts {
 public:
  enum class Verdict {
    kKnown,
    kUnknown,    // there is no key for this host
    kOtherType,  // there are keys for it, of other types only
    kChanged,    // there is another one of this type
    kRevoked,    // the key is marked as one that must not be trusted any more
  };
  struct Answer {
    Verdict verdict = Verdict::kUnknown;
    std::string place;  // "FILE, line N" of the line that decided; empty: none did
  };

  // `source`: the file's name, for messages. Lines of files that are added later count after earlier ones.
  void add(std::string_view text, const std::string& source);

  // `host`: as it stands in an address.
  Answer check(const std::string& host, std::uint16_t port, ByteView key) const;
  // The types of the keys for this host, without revoked ones, in their order.
  std::vector<std::string> types(const std::string& host, std::uint16_t port) const;

  // The name by which a host is looked up and written down: "HOST", or "[HOST]:PORT".
  static std::string name_of(const std::string& host, std::uint16_t port);

 private:
  struct Line {
    std::string hosts;  // patterns with commas between them, or "|1|SALT|HASH"
    Bytes key;
    bool revoked = false;
    std::string place;
  };

  std::vector<Line> lines_;
};

}  // namespace garner::destination
