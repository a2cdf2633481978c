#include <utility>

#include "metrics_server.h"

#include <boost/asio/ip/address.hpp>

#include "base/bytes.h"
#include "base/error.h"
#include "base/number.h"

namespace garner::daemon {

namespace asio = boost::asio;

asio::ip::tcp::endpoint parse_loopback_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  const auto port = parse_number<std::uint16_t>(
      std::string_view(text).substr(colon == std::string::npos ? text.size() : colon + 1));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (error || !port || *port == 0)
    throw Error(ErrorKind::kInvalidInput,
                "must be an address and a port like \"127.0.0.1:9877\" or \"[::1]:9877\"");
  if (!address.is_loopback()) {
    throw Error(
        ErrorKind::kInvalidInput,
        "must be an address of this machine only, like \"127.0.0.1:9877\": " + printable(host) +
            " can be reached by others, and metrics are served without encryption or password. A proxy in "
            "front can add these");
  }
  return {address, *port};
}

}  // namespace garner::daemon
