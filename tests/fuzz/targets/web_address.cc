// Addresses of web and mail servers. What is shown of one holds no secret.
#include "fuzz/fuzz.h"
#include "web_transfer.h"

void garner::fuzz::try_one(ByteView bytes) {
  const std::string url(as_text(bytes));
  accepts([&] {
    const auto address = daemon::parse_web_address(url, {"http", "https"}, "a web server");
    require(address.scheme == "http" || address.scheme == "https", "only what was asked for is accepted");
    require(!address.host.empty(), "an address has a host");
    require(address.shown.find_first_of("@?#") == std::string::npos,
            "neither a password nor a query is shown");
  });
  accepts([&] { daemon::smtp_tls(url, false, false); });
}
