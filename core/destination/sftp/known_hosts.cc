#include "destination/sftp/known_hosts.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "destination/sftp/address.h"

namespace garner::destination {

namespace {

constexpr std::size_t kLongestLine = 64u << 10;
constexpr std::size_t kLongestType = 64;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Takes a word off the front; empty at the end.
std::string_view next_word(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  std::size_t end = 0;
  while (end < text.size() && !is_blank(text[end])) ++end;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::string base64(ByteView bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // with the zero that OpenSSL appends
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// Nothing unless `text` is base64 with its padding.
std::optional<Bytes> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > kLongestLine) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  // OpenSSL takes blanks around it, and '=' anywhere.
  if (text.substr(0, text.size() - padding).find_first_of("= \t\r\n") != std::string_view::npos) {
    return std::nullopt;
  }
  Bytes bytes(text.size() / 4 * 3);
  const int length = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

// '*' is any run of characters, '?' any one. In time that is a product of the lengths, whatever the pattern.
bool matches_pattern(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;
  std::size_t from = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_from = 0;
  while (from < name.size()) {
    if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == name[from]) && pattern[at] != '*') {
      ++at;
      ++from;
    } else if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_from = from;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      from = ++star_from;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

// `hashed`: "|1|SALT|HASH", HMAC-SHA1 of the name under the salt.
bool matches_hash(std::string_view hashed, const std::string& name) {
  constexpr std::string_view kStart = "|1|";
  if (!hashed.starts_with(kStart)) return false;
  hashed.remove_prefix(kStart.size());
  const std::size_t bar = hashed.find('|');
  if (bar == std::string_view::npos) return false;
  const std::optional<Bytes> salt = from_base64(hashed.substr(0, bar));
  const std::optional<Bytes> wanted = from_base64(hashed.substr(bar + 1));
  if (!salt || !wanted) return false;
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned length = 0;
  if (HMAC(EVP_sha1(), salt->data(), static_cast<int>(salt->size()),
           reinterpret_cast<const unsigned char*>(name.data()), name.size(), hash.data(),
           &length) == nullptr) {
    throw Error(ErrorKind::kUnavailable,
                "OpenSSL has no HMAC-SHA1, by which names in known_hosts are hashed");
  }
  return std::ranges::equal(*wanted, std::span(hash).first(length));
}

// Whether the patterns of a line, one of which must match and none with a '!' may, are for `name`.
bool matches(const std::string& hosts, const std::string& name) {
  if (hosts.starts_with('|')) return matches_hash(hosts, name);
  bool found = false;
  std::string_view rest = hosts;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view pattern = rest.substr(0, comma);
    rest.remove_prefix(std::min(rest.size(), comma + 1));
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (!matches_pattern(lower_case(pattern), name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

}  // namespace

std::string fingerprint(ByteView key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(key.data(), key.size(), digest.data());
  std::string text = base64(digest);
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

std::string key_type(ByteView key) {
  if (key.size() < 4) return {};
  const std::size_t length = static_cast<std::size_t>(key[0]) << 24 | static_cast<std::size_t>(key[1]) << 16 |
                             static_cast<std::size_t>(key[2]) << 8 | static_cast<std::size_t>(key[3]);
  if (length == 0 || length > kLongestType || length > key.size() - 4) return {};
  return std::string(as_text(key.subspan(4, length)));
}

std::string KnownHosts::name_of(const std::string& host, std::uint16_t port) {
  return port == SftpAddress::kUsualPort ? host : "[" + host + "]:" + std::to_string(port);
}

void KnownHosts::add(std::string_view text, const std::string& source) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (rest.size() > kLongestLine) continue;
    std::string_view hosts = next_word(rest);
    if (hosts.empty() || hosts.starts_with('#')) continue;
    Line line;
    if (hosts.starts_with('@')) {
      if (hosts != "@revoked") continue;
      line.revoked = true;
      hosts = next_word(rest);
    }
    const std::string_view type = next_word(rest);
    std::optional<Bytes> key = from_base64(next_word(rest));
    if (!key || key_type(*key) != type) continue;
    line.hosts = hosts;
    line.key = std::move(*key);
    line.place = printable(source) + ", line " + std::to_string(number);
    lines_.push_back(std::move(line));
  }
}

KnownHosts::Answer KnownHosts::check(const std::string& host, std::uint16_t port, ByteView key) const {
  const std::string name = name_of(host, port);
  const std::string type = key_type(key);
  Answer answer;
  const auto note = [&](Verdict verdict, const Line& line) {
    answer.verdict = verdict;
    answer.place = line.place;
  };
  for (const Line& line : lines_) {
    const bool same = std::ranges::equal(line.key, key);
    // As ssh has it, a key that is known without a port is good for each of the host's; nothing else is said
    // of another port by such a line. A key that was revoked is bad wherever it turns up.
    const bool for_host = port != SftpAddress::kUsualPort && same && matches(line.hosts, host);
    if (!for_host && !matches(line.hosts, name)) continue;
    if (line.revoked) {
      if (!same) continue;
      note(Verdict::kRevoked, line);
      return answer;
    }
    if (same) {
      note(Verdict::kKnown, line);  // and it may still be revoked by a line that follows
    } else if (answer.verdict == Verdict::kKnown || answer.verdict == Verdict::kChanged) {
      continue;
    } else if (key_type(line.key) == type) {
      note(Verdict::kChanged, line);
    } else if (answer.verdict == Verdict::kUnknown) {
      note(Verdict::kOtherType, line);
    }
  }
  return answer;
}

std::vector<std::string> KnownHosts::types(const std::string& host, std::uint16_t port) const {
  const std::string name = name_of(host, port);
  std::vector<std::string> types;
  for (const Line& line : lines_) {
    if (line.revoked || (!matches(line.hosts, name) && !matches(line.hosts, host))) continue;
    std::string type = key_type(line.key);
    if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(std::move(type));
  }
  return types;
}

}  // namespace garner::destination
