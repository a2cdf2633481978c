#include "destination/s3/open_s3.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "destination/s3/credentials.h"

namespace garner::destination {

namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLargestCertificates = 4u << 20;
constexpr const char* kYes = "yes";

// What goes into a header, or into what is signed.
void check_name(const std::string& option, const std::string& value) {
  const bool fits = value.size() <= kLongestName && std::all_of(value.begin(), value.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             c == '-' || c == '_';
                    });
  if (!fits)
    refuse_option("--" + option + " is a name of letters, digits, '-' and '_', not '" + printable(value) +
                  "'");
}

void check_storage_class(const std::string& value) {
  check_name("storage-class", value);
  // Pruning and checking read packs at any time, and so do backups.
  if (value == "GLACIER" || value == "DEEP_ARCHIVE") {
    refuse_option(
        "what is in the storage class " + value +
        " can be read hours after it was asked for: choose one that is read at once, GLACIER_IR for "
        "instance");
  }
}

std::string read_certificates(const std::string& path) {
  if (path.empty()) return {};
  try {
    const Bytes content = read_file(path, kLargestCertificates);
    return std::string(as_text(content));
  } catch (const Error& error) {
    throw Error(ErrorKind::kDestinationAway, std::string("the certificates of --ca-file: ") + error.what());
  }
}

}  // namespace

void check_s3_option(const std::string& name, const std::string& value) {
  if (name == "region" || name == "storage-class" || name == "addressing" || name == "access-keys" ||
      name == "ca-file" || name == "single-writer") {
    if (value.empty()) return;
  } else {
    refuse_option("an S3 store has no --" + printable(name));
  }
  if (name == "region") check_name(name, value);
  if (name == "storage-class") check_storage_class(value);
  if (name == "addressing" && value != "path" && value != "virtual-host")
    refuse_option("--addressing is path or virtual-host, not '" + printable(value) + "'");
  if (name == "access-keys") check_credentials_source(value);
  if (name == "ca-file" && (!value.starts_with('/') || value.find('\0') != std::string::npos))
    refuse_option("--ca-file is an absolute path, not '" + printable(value) + "'");
  if (name == "single-writer" && value != kYes) refuse_option("single-writer is yes, or not there");
}

std::shared_ptr<S3Destination> open_s3(const std::string& url, const PlaceOptions& options,
                                       const PlaceContext& context) {
  for (const auto& [name, value] : options) check_s3_option(name, value);
  S3Options s3;
  s3.address = parse_s3_url(url);
  s3.address.virtual_host = option_of(options, "addressing", "path") == "virtual-host";
  s3.region = option_of(options, "region", region_of(s3.address));
  s3.storage_class = option_of(options, "storage-class", "");
  s3.http.ca_certificates = read_certificates(option_of(options, "ca-file", ""));
  const auto source = std::make_shared<CredentialSource>(option_of(options, "access-keys", "environment"));
  s3.credentials = [source] { return source->get(); };
  if (option_of(options, "single-writer", "") == kYes) s3.single_writer = context.writer;
  if (context.limits) {
    s3.http.before_sending = [limits = context.limits](std::uint64_t bytes) { limits->pay_upload(bytes); };
    s3.http.after_receiving = [limits = context.limits](std::uint64_t bytes) { limits->pay_download(bytes); };
    s3.http.receive_limit = [limits = context.limits] { return limits->download.rate(); };
  }
  s3.counts = context.counts;
  return std::make_shared<S3Destination>(std::move(s3));
}

}  // namespace garner::destination
