// What an S3 server says in XML, as far as garner asks for it. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "destination/destination.h"

namespace garner::destination {

// The <Error> of an answer; empty fields where it has none. The beginning of each, where it is long.
struct S3Error {
  std::string code;
  std::string message;
  std::string region;  // where the bucket is, for a request that went elsewhere
};
S3Error parse_error(ByteView body);

// The functions below give nothing for what is no such answer, or not all of it.

struct S3Listing {
  std::vector<ObjectInfo> objects;   // keys as the server has them
  std::vector<std::string> folders;  // of a listing by folders: prefixes, with the slash
  std::string next;                  // continuation token; empty: that was all
};
std::optional<S3Listing> parse_listing(ByteView body);

struct S3Part {
  unsigned number = 0;
  std::string etag;
  std::uint64_t size = 0;
};
struct S3Parts {
  std::vector<S3Part> parts;
  unsigned next = 0;  // part-number-marker; 0: that was all
};
std::optional<S3Parts> parse_parts(ByteView body);

// An upload that was begun and neither completed nor given up.
struct S3BegunUpload {
  std::string key;  // as the server has it
  std::string id;
  std::optional<TimePoint> begun;
};
struct S3BegunUploads {
  std::vector<S3BegunUpload> uploads;
  std::string next_key;  // key-marker and upload-id-marker; both empty: that was all
  std::string next_id;
};
std::optional<S3BegunUploads> parse_begun_uploads(ByteView body);

std::optional<std::string> parse_upload_id(ByteView body);
// Whether it says that the object is there.
bool is_completion(ByteView body);
// Keys that could not be deleted, with the reason.
std::optional<std::vector<std::pair<std::string, S3Error>>> parse_delete_errors(ByteView body);

// Bodies of requests.
std::string complete_upload(const std::vector<S3Part>& parts);
std::string delete_objects(const std::vector<std::string>& keys);

}  // namespace garner::destination
