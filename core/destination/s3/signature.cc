#include "destination/s3/signature.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/error.h"
#include "destination/s3/digest.h"

namespace garner::destination {

namespace {

constexpr const char* kAlgorithm = "AWS4-HMAC-SHA256";

const std::string& value_of(const HttpHeaders& headers, const std::string& name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  if (found == headers.end()) throw Error(ErrorKind::kInternal, "a request without " + name);
  return found->second;
}

}  // namespace

std::string signing_time(TimePoint time) {
  const auto seconds = static_cast<std::time_t>(time.seconds);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return {text.data(), length};
}

std::string signature(const std::string& method, const std::string& path, const std::string& query,
                      HttpHeaders headers, const std::string& region, const S3Credentials& credentials) {
  std::sort(headers.begin(), headers.end());
  std::string lines;
  std::string names;
  for (const auto& [name, value] : headers) {
    lines += name + ':' + value + '\n';
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string request = method + '\n' + path + '\n' + query + '\n' + lines + '\n' + names + '\n' +
                              value_of(headers, "x-amz-content-sha256");
  const std::string& time = value_of(headers, "x-amz-date");
  const std::string day = time.substr(0, 8);
  const std::string scope = day + '/' + region + "/s3/aws4_request";
  const std::string text =
      std::string(kAlgorithm) + '\n' + time + '\n' + scope + '\n' + sha256_hex(as_bytes(request));

  Bytes key = hmac_sha256(as_bytes("AWS4" + credentials.secret_key), as_bytes(day));
  for (const std::string& part : {region, std::string("s3"), std::string("aws4_request"), text})
    key = hmac_sha256(key, as_bytes(part));
  return std::string(kAlgorithm) + " Credential=" + credentials.access_key + '/' + scope +
         ", SignedHeaders=" + names + ", Signature=" + to_hex(key);
}

}  // namespace garner::destination
