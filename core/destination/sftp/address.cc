#include "destination/sftp/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/number.h"

namespace garner::destination {

namespace {

constexpr std::string_view kSftpScheme = "sftp://";
constexpr std::size_t kLongestUser = 255;
constexpr std::size_t kLongestHost = 253;
constexpr std::size_t kLongestPath = 1024;  // a key, as long again, has to fit behind it

[[noreturn]] void refuse_sftp_url(const std::string& why) {
  throw Error(ErrorKind::kInvalidInput, why + ": sftp://USER@HOST/PATH is expected");
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text, const char* what) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      result += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? digit_of(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? digit_of(text[at + 2]) : -1;
    if (high < 0 || low < 0) {
      refuse_sftp_url(std::string(what) +
                      " holds a '%' that two hexadecimal digits do not follow (a '%' itself is %25)");
    }
    result += static_cast<char>(high * 16 + low);
    at += 2;
  }
  if (result.find('\0') != std::string::npos) refuse_sftp_url(std::string(what) + " holds a zero byte");
  return result;
}

std::string encoded(std::string_view text, std::string_view plain) {
  std::string result;
  for (const char c : text) {
    if (is_letter_or_digit(c) || plain.find(c) != std::string_view::npos) {
      result += c;
      continue;
    }
    std::array<char, 4> escape{};
    std::snprintf(escape.data(), escape.size(), "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    result += escape.data();
  }
  return result;
}

// By what may stand in one; whether there is such a host is the resolver's to say.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kLongestHost || host.front() == '-' || host.front() == '.') return false;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}

std::string parse_user(std::string_view text) {
  // A secret would be shown wherever the URL is.
  if (text.find(':') != std::string_view::npos) {
    refuse_sftp_url("a password does not stand in the URL, and is not used: give a key");
  }
  std::string user = decoded(text, "the user's name");
  if (user.empty() || user.size() > kLongestUser || printable(user) != user) {
    refuse_sftp_url("'" + printable(user) + "' is no user's name");
  }
  return user;
}

std::uint16_t parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  if (!port || *port == 0) refuse_sftp_url("what stands behind the server's ':' is no port's number");
  return *port;
}

// `text`: HOST[:PORT].
void parse_server(std::string_view text, SftpAddress& address) {
  std::string_view host;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) refuse_sftp_url("the ']' behind an IPv6 address is missing");
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    in6_addr parsed{};
    // What is behind a zero byte it would not see.
    if (host.find('\0') != std::string_view::npos ||
        inet_pton(AF_INET6, std::string(host).c_str(), &parsed) != 1) {
      refuse_sftp_url("'" + printable(host) + "' is no IPv6 address");
    }
  } else {
    const std::size_t colon = text.find(':');
    host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos) refuse_sftp_url("an IPv6 address stands in brackets");
    if (!is_host_name(host)) refuse_sftp_url("'" + printable(host) + "' is no server's name");
  }
  address.host = lower_case(host);
  if (rest.empty()) return;
  if (rest.front() != ':') refuse_sftp_url("'" + printable(text) + "' is no server's name");
  address.port = parse_port(rest.substr(1));
}

// `text` begins with the slash behind the server.
std::string parse_path(std::string_view text) {
  if (!is_utf8(text) || printable(text) != text) {
    refuse_sftp_url("the path holds what is not printable UTF-8: write it as %XX");
  }
  if (text.find_first_of("?#") != std::string_view::npos)
    refuse_sftp_url("a URL's '?' and '#' are not used: as %3F and %23");
  const bool relative = text == "/~" || text.starts_with("/~/");
  if (relative) text.remove_prefix(2);
  const std::string path = decoded(text, "the path");
  std::string result;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty()) continue;
    if (name == "." || name == "..") refuse_sftp_url("a path consists of names with a '/' between them");
    if (!relative || !result.empty()) result += '/';
    result += name;
  }
  if (result.size() > kLongestPath) {
    refuse_sftp_url("the path is longer than " + std::to_string(kLongestPath) + " bytes");
  }
  if (result.empty()) return relative ? "." : "/";
  return result;
}

}  // namespace

std::string SftpAddress::url() const {
  std::string url(kSftpScheme);
  if (!user.empty()) url += encoded(user, "-._~") + "@";
  url += host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != kUsualPort) url += ":" + std::to_string(port);
  if (path == ".") return url + "/~";
  if (!path.starts_with('/')) url += "/~/";
  // Without the tilde: it would lead to the login's folder.
  return url + encoded(path, "-._/+,=@:");
}

bool is_sftp_url(const std::string& url) { return url.starts_with("sftp:"); }

SftpAddress parse_sftp_url(const std::string& url) {
  std::string_view rest = url;
  // Before it is taken apart it is not shown: somebody may have written a password into it.
  if (!url.starts_with(kSftpScheme)) refuse_sftp_url("an SFTP URL begins with sftp://");
  rest.remove_prefix(kSftpScheme.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) refuse_sftp_url("the URL names no path");
  std::string_view server = rest.substr(0, slash);
  SftpAddress address;
  if (const std::size_t at = server.rfind('@'); at != std::string_view::npos) {
    address.user = parse_user(server.substr(0, at));
    server.remove_prefix(at + 1);
  }
  parse_server(server, address);
  address.path = parse_path(rest.substr(slash));
  return address;
}

}  // namespace garner::destination
