// URLs of SFTP servers. What is taken leads to itself again.
#include "destination/sftp/address.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  const std::string url(as_text(bytes));
  destination::SftpAddress address;
  if (!accepts([&] { address = destination::parse_sftp_url(url); })) return;
  require(!address.host.empty() && !address.path.empty() && address.port != 0, "an address is whole");
  require(address.path.find('\0') == std::string::npos, "a path is one of a file system");
  require(printable(address.url()) == address.url(), "what is shown is printable");
  const destination::SftpAddress again = destination::parse_sftp_url(address.url());
  require(again.user == address.user && again.host == address.host && again.port == address.port &&
              again.path == address.path,
          "an address comes back from its URL");
}
