// The digests that S3's requests carry. Pure functions; any thread.
#pragma once

#include <string>

#include "base/bytes.h"
#include "destination/s3/http_client.h"

namespace garner::destination {

// Lower-case hexadecimal.
std::string sha256_hex(ByteView data);
// Of a part of a file. Error(kReadFailed).
std::string sha256_hex(const FilePart& part, const std::string& path);
Bytes hmac_sha256(ByteView key, ByteView data);
// Base64.
std::string md5_base64(ByteView data);

}  // namespace garner::destination
