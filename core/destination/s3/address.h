// The URL of a destination in an S3 store: `s3:https://HOST[:PORT]/BUCKET[/PREFIX]`, with http for a server
// that has no TLS. Pure functions and a value.
#pragma once

#include <string>

namespace garner::destination {

struct S3Address {
  std::string scheme;  // "https", "http"
  std::string host;    // in lower case, with its port unless that is the scheme's own
  std::string bucket;
  std::string prefix;         // of every key: empty, or components that end in '/'
  bool virtual_host = false;  // https://BUCKET.HOST/KEY instead of https://HOST/BUCKET/KEY

  // What requests are sent to, as they name it.
  std::string server() const { return virtual_host ? bucket + "." + host : host; }
  // `key`: as it stands in the bucket; empty: the bucket itself. Percent-encoded.
  std::string path(const std::string& key) const;
  // The URL again, in one spelling of those that mean the same.
  std::string text() const;
};

bool is_s3_url(const std::string& url);
// Error(kInvalidInput), saying what is expected.
S3Address parse_s3_url(const std::string& url);

// The region that the server's name tells, or what stores take that have none.
std::string region_of(const S3Address& address);

// As a path or a query has it: everything but letters, digits, `-._~`, and in a path '/', as %XX.
std::string percent_encoded(const std::string& text, bool path);

}  // namespace garner::destination
