#include "destination/s3/address.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace garner::destination {

namespace {

constexpr std::string_view kS3Scheme = "s3:";
constexpr std::size_t kLongestPrefix = 256;

[[noreturn]] void refuse_s3_url(const std::string& why) {
  throw Error(ErrorKind::kInvalidInput, why + ": s3:https://HOST/BUCKET/PREFIX is expected");
}

// As S3's rules for names of buckets have it.
bool is_bucket(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  for (const char c : name) {
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.') return false;
  }
  return name.front() != '-' && name.front() != '.' && name.back() != '-' && name.back() != '.';
}

// A name or an address, which in brackets may hold colons, and a port.
bool is_host(std::string_view host) {
  if (host.size() > 260) return false;
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : std::string_view::npos;
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
      return false;
    host = host.substr(0, colon);
  }
  if (bracket != std::string_view::npos) {
    return host.size() > 2 && bracket == host.size() - 1 &&
           host.substr(1, bracket - 1).find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
  }
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  return !host.empty() && std::all_of(host.begin(), host.end(), fits);
}

std::string checked_prefix(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  if (text.empty()) return {};
  std::string prefix;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    if (part.empty() || part == "." || part == "..")
      refuse_s3_url("a prefix consists of names with a '/' between them");
    prefix.append(part).append("/");
    at = end + 1;
  }
  if (prefix.size() > kLongestPrefix)
    refuse_s3_url("the prefix is longer than " + std::to_string(kLongestPrefix) + " bytes");
  if (!is_utf8(prefix) || printable(prefix) != prefix)
    refuse_s3_url("the prefix holds what is not printable UTF-8");
  if (prefix.find_first_of("?#") != std::string::npos) refuse_s3_url("a URL's '?' and '#' are not used");
  return prefix;
}

}  // namespace

std::string percent_encoded(const std::string& text, bool path) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (path && c == '/');
    if (plain) {
      result += c;
      continue;
    }
    std::array<char, 4> escape{};
    std::snprintf(escape.data(), escape.size(), "%%%02X", static_cast<unsigned char>(c));
    result += escape.data();
  }
  return result;
}

std::string S3Address::path(const std::string& key) const {
  std::string path = virtual_host ? "" : "/" + bucket;
  if (virtual_host || !key.empty()) path += '/';
  return path + percent_encoded(key, /*path=*/true);
}

std::string S3Address::text() const {
  std::string text = std::string(kS3Scheme) + scheme + "://" + host + "/" + bucket;
  if (!prefix.empty()) text += "/" + prefix.substr(0, prefix.size() - 1);
  return text;
}

bool is_s3_url(const std::string& url) { return url.starts_with(kS3Scheme); }

S3Address parse_s3_url(const std::string& url) {
  std::string_view rest = url;
  if (!rest.starts_with(kS3Scheme)) refuse_s3_url("'" + printable(url) + "' is no S3 URL");
  rest.remove_prefix(kS3Scheme.size());
  S3Address address;
  for (const char* const scheme : {"https", "http"}) {
    const std::string start = std::string(scheme) + "://";
    if (!rest.starts_with(start)) continue;
    address.scheme = scheme;
    rest.remove_prefix(start.size());
    break;
  }
  const std::size_t slash = rest.find('/');
  const std::string_view host = rest.substr(0, slash);
  address.host = lower_case(host);
  // Nothing of the URL is shown until it is known to hold no secret, which may hold a slash.
  if ((address.scheme.empty() || !is_host(address.host)) && rest.find('@') != std::string_view::npos)
    refuse_s3_url("keys do not stand in the URL: give them in a file, by --access-keys");
  if (address.scheme.empty())
    refuse_s3_url("the server of '" + printable(url) + "' is not given as https://HOST");
  if (!is_host(address.host)) refuse_s3_url("'" + printable(address.host) + "' is no server's name");
  const std::string own_port = address.scheme == "https" ? ":443" : ":80";
  if (address.host.ends_with(own_port)) address.host.erase(address.host.size() - own_port.size());
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  address.bucket = rest.substr(0, rest.find('/'));
  if (!is_bucket(address.bucket)) refuse_s3_url("'" + printable(address.bucket) + "' is no bucket's name");
  rest.remove_prefix(std::min(rest.size(), address.bucket.size() + 1));
  address.prefix = checked_prefix(rest);
  return address;
}

std::string region_of(const S3Address& address) {
  const std::string host = address.host.substr(0, address.host.find(':'));
  if (host.ends_with(".r2.cloudflarestorage.com")) return "auto";
  // s3.REGION.DOMAIN, as Amazon, Backblaze and others name their servers.
  for (const std::string_view domain :
       {".amazonaws.com", ".amazonaws.com.cn", ".backblazeb2.com", ".wasabisys.com", ".scw.cloud"}) {
    if (!host.ends_with(domain)) continue;
    std::string_view rest(host);
    rest.remove_suffix(domain.size());
    for (const std::string_view start : {"s3.dualstack.", "s3-fips.dualstack.", "s3-fips.", "s3.", "s3-"}) {
      if (rest.starts_with(start)) return std::string(rest.substr(start.size()));
    }
  }
  return "us-east-1";
}

}  // namespace garner::destination
