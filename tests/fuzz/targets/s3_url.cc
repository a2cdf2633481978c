// URLs of S3 stores: what is taken has one spelling, and goes into a request as it is.
#include "destination/s3/address.h"
#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  const std::string url(as_text(bytes));
  destination::S3Address address;
  if (!accepts([&] { address = destination::parse_s3_url(url); })) return;
  const std::string text = address.text();
  require(destination::parse_s3_url(text).text() == text, "a spelling stays as it is");
  require(address.host.find_first_of("@/?# \r\n") == std::string::npos, "a server's name is a name");
  for (const char c : address.path(address.prefix + "log/1"))
    require(c > ' ' && c < '\x7f', "a path is what a request can have");
  destination::region_of(address);
}
