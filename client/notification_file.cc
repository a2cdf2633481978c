#include "notification_file.h"

#include "failure.h"
#include "secret_file.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kLargestUrl = 4000;
constexpr std::size_t kLargestHeaders = 16u << 10;
constexpr std::size_t kLargestCertificates = 1u << 20;

}  // namespace

std::string read_notification_file(const std::string& name, const std::string& path) {
  const std::string option = "--" + name;
  if (name == "header-file") return read_secret_file(option, path, kLargestHeaders);
  if (name == "password-file") return read_password(option, path);
  if (name == "ca-file") return read_plain_file(option, path, kLargestCertificates);
  std::string url = read_secret_file(option, path, kLargestUrl);
  while (!url.empty() && (url.back() == '\n' || url.back() == '\r' || url.back() == ' ')) url.pop_back();
  // Not shown: it is a secret.
  if (url.empty() || !is_utf8(url)) throw usage_failure(option + ": the file has no URL in it");
  return url;
}

}  // namespace garner::client
