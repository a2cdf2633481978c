// Answers of S3 servers in XML. What is cut off is never taken for the whole.
#include "destination/s3/xml.h"
#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  using namespace destination;
  parse_error(bytes);
  parse_delete_errors(bytes);
  is_completion(bytes);
  if (const auto id = parse_upload_id(bytes)) require(!id->empty(), "an upload has an id");
  if (const auto uploads = parse_begun_uploads(bytes))
    require(uploads->next_id.empty() || !uploads->next_key.empty(), "a list goes on behind a key");
  if (const auto parts = parse_parts(bytes)) {
    for (const S3Part& part : parts->parts) require(!part.etag.empty(), "a part has an ETag");
    complete_upload(parts->parts);
  }
  if (const auto listing = parse_listing(bytes)) {
    std::vector<std::string> keys;
    for (const ObjectInfo& object : listing->objects) keys.push_back(object.key);
    delete_objects(keys);
  }
}
