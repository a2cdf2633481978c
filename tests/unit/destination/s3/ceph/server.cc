#include "server.h"

#include <fstream>

#include "base/error.h"
#include "base/uuid.h"
#include "destination/s3/digest.h"

namespace garner::destination::testing {

const Server& server() {
  static const Server one = [] {
    Server server;
    std::ifstream file(GARNER_CEPH);
    if (!(file >> server.endpoint >> server.region >> server.credentials.access_key >>
          server.credentials.secret_key))
      throw Error(ErrorKind::kUnavailable, "no S3 server was started: run these tests by ctest");
    return server;
  }();
  return one;
}

std::string make_bucket() {
  const Server& one = server();
  const S3Address address = parse_s3_url("s3:" + one.endpoint + "/garner-" + Uuid::random().text());
  HttpHeaders headers{{"host", address.server()},
                      {"x-amz-date", signing_time(system_clock().now())},
                      {"x-amz-content-sha256", sha256_hex(ByteView{})}};
  headers.emplace_back("authorization",
                       signature("PUT", address.path(""), "", headers, one.region, one.credentials));
  HttpClient client({});
  HttpMoved moved;
  const HttpAnswer answer =
      client.perform({"PUT", one.endpoint + address.path(""), std::move(headers)}, moved);
  if (answer.status != 200)
    throw Error(ErrorKind::kUnavailable, "no bucket could be made: " + std::string(as_text(answer.body)));
  return address.bucket;
}

S3Options options_for(const std::string& bucket, const std::string& prefix) {
  S3Options options;
  options.address =
      parse_s3_url("s3:" + server().endpoint + "/" + bucket + (prefix.empty() ? "" : "/" + prefix));
  options.region = server().region;
  options.credentials = [] { return server().credentials; };
  options.patience = options.short_patience = std::chrono::seconds(5);
  return options;
}

}  // namespace garner::destination::testing
