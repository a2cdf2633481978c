#include "destination/s3/refusal.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "destination/s3/xml.h"

namespace garner::destination {

namespace {

constexpr std::int64_t kSmallSkew = 60;  // seconds

// What stores say when they are full, or no more may be kept in them; beside the status 507.
bool means_full(const S3Error& error) {
  static constexpr std::array<std::string_view, 6> kCodes{
      "QuotaExceeded",      "InsufficientCapacity", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded",
      "StorageCapExceeded", "ServiceQuotaExceeded"};
  for (const std::string_view code : kCodes) {
    if (error.code == code) return true;
  }
  // Backblaze's, which comes as AccessDenied.
  return error.message.find("storage cap exceeded") != std::string::npos;
}

// "an hour behind": where the answer tells the server's time.
std::string clock_advice(const HttpAnswer& answer, TimePoint now) {
  const std::time_t server = curl_getdate(answer.header("date").c_str(), nullptr);
  if (server < 0) return "this machine's clock is wrong: set it";
  const std::int64_t ahead = now.seconds - static_cast<std::int64_t>(server);
  if (std::abs(ahead) < kSmallSkew) return "this machine's clock, or the server's, is wrong: set it";
  return "this machine's clock is " + std::to_string((std::abs(ahead) + 30) / 60) + " minutes " +
         (ahead > 0 ? "ahead of" : "behind") + " the server's: set it";
}

std::string region_advice(const std::string& region, const Refused& refused) {
  if (region.empty()) return "the bucket is in another region, or at another address: see --region";
  if (region == refused.region)
    return "the bucket is in region " + printable(region) +
           ", which has a server of its own: use its address";
  return "the bucket is in region " + printable(region) + ": give --region " + printable(region);
}

// For what no request to this place gets past; empty for what concerns the request alone.
std::string advice_for_place(const HttpAnswer& answer, const S3Error& error, const Refused& refused) {
  const std::string& code = error.code;
  if (code == "NoSuchBucket")
    return "make the bucket " + refused.address.bucket + " first, or correct its name: garner makes none";
  if (code == "AllAccessDisabled" || code == "AccountProblem") return "the account is closed or not paid for";
  if (code == "InvalidAccessKeyId" || code == "Unauthorized" || answer.status == 401)
    return "the access key is not known there: see --access-keys";
  if (code == "SignatureDoesNotMatch")
    return "the secret key is wrong, or belongs to another access key: see --access-keys";
  if (code == "ExpiredToken" || code == "TokenRefreshRequired")
    return "the session token has expired: put new keys where --access-keys says";
  if (code == "InvalidToken") return "the session token is wrong: put new keys where --access-keys says";
  if (code == "RequestTimeTooSkewed" || code == "RequestExpired" || code == "ExpiredRequest")
    return clock_advice(answer, refused.now);
  if (code == "AuthorizationHeaderMalformed" || code == "PermanentRedirect" || code == "TemporaryRedirect" ||
      (answer.status >= 300 && answer.status < 400)) {
    const std::string told = answer.header("x-amz-bucket-region");
    return region_advice(told.empty() ? error.region : told, refused);
  }
  return {};
}

std::string advice_for_request(const HttpAnswer& answer, const S3Error& error) {
  if (error.code == "InvalidObjectState")
    return "the object is in an archive: have the store bring it back first";
  if (answer.status == 501) return "this store does not know what it is asked for: see docs/operations.md";
  if (error.code == "InvalidStorageClass") return "the store has no such storage class: see --storage-class";
  if (answer.status == 403)
    return "the keys may not do this: docs/operations.md lists the rights that they need";
  return {};
}

}  // namespace

bool may_pass(const HttpAnswer& answer) {
  switch (answer.status) {
    case 408:
    case 425:
    case 429:
      return true;
    case 400:
    case 409: {
      const std::string code = parse_error(answer.body).code;
      return code == "RequestTimeout" || code == "ConditionalRequestConflict" || code == "OperationAborted" ||
             code == "IncompleteBody" || code == "BadDigest" || code == "XAmzContentSHA256Mismatch";
    }
    case 501:
    case 505:
    case 507:
      return false;
    default:
      return answer.status >= 500;
  }
}

Error refusal(const HttpAnswer& answer, const std::string& doing, const Refused& refused) {
  const S3Error error = parse_error(answer.body);
  const std::string says = doing + ": the server answers " + std::to_string(answer.status) +
                           (error.code.empty() ? "" : " " + printable(error.code)) +
                           (error.message.empty() ? "" : ": " + printable(error.message));
  const auto with = [&](ErrorKind kind, const std::string& advice) {
    return Error(kind, says + (advice.empty() ? "" : " (" + advice + ")"));
  };
  if (error.code == "NoSuchKey" || error.code == "NoSuchUpload") return with(ErrorKind::kNotFound, "");
  if (means_full(error) || answer.status == 507) return with(ErrorKind::kDestinationFull, "");
  const std::string to_do = advice_for_place(answer, error, refused);
  if (!to_do.empty()) return with(ErrorKind::kDestinationAway, to_do);
  if (may_pass(answer)) return with(ErrorKind::kDestinationAway, "");
  // What is no answer of an S3 store is somebody else's: another server has its name, or stands before it.
  if (error.code.empty() && answer.status >= 400 && answer.status < 500 && refused.has_body)
    return with(ErrorKind::kDestinationAway, "this is no answer of an S3 store: is the address right?");
  return with(refused.writes ? ErrorKind::kWriteFailed : ErrorKind::kReadFailed,
              advice_for_request(answer, error));
}

}  // namespace garner::destination
