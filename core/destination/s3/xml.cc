#include "destination/s3/xml.h"

#include <algorithm>
#include <ctime>
#include <pugixml.hpp>

#include "base/error.h"
#include "base/number.h"

namespace garner::destination {

namespace {

constexpr std::size_t kLongestText = 300;

// No entities but the five, and no document types: nothing expands.
bool load(pugi::xml_document& document, ByteView body) {
  return static_cast<bool>(
      document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8));
}

template <typename Number>
std::optional<Number> number_of(const pugi::xml_node& node) {
  return parse_number<Number>(node.child_value());
}

// "2009-10-12T17:50:30.000Z": to the second, for stores differ in how much they tell behind it.
std::optional<TimePoint> time_of(const std::string& text) {
  constexpr std::size_t kToTheSecond = 19;
  if (text.size() <= kToTheSecond || text.back() != 'Z') return std::nullopt;
  std::tm time{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (end != text.c_str() + kToTheSecond) return std::nullopt;
  return TimePoint{timegm(&time), 0};
}

// An ETag is the MD5 of an object that was stored as one piece: 32 digits in quotation marks. That of one
// that came in parts has a '-' and their number behind.
std::optional<Md5> md5_of(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  Md5 sum{};
  if (etag.size() != 2 * sum.size()) return std::nullopt;
  try {
    std::ranges::copy(from_hex(etag), sum.begin());
  } catch (const Error&) {
    return std::nullopt;
  }
  return sum;
}

// What people are to read.
std::string short_text(const pugi::xml_node& node, const char* name) {
  return std::string(node.child_value(name)).substr(0, kLongestText);
}

S3Error error_of(const pugi::xml_node& node) {
  return {short_text(node, "Code"), short_text(node, "Message"), short_text(node, "Region")};
}

// Whether there is more than this; nothing where the answer does not say. What is cut off is not to be taken
// for the whole.
std::optional<bool> is_truncated(const pugi::xml_node& result) {
  const std::string_view text = result.child_value("IsTruncated");
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

pugi::xml_node begin(pugi::xml_document& document, const char* name) {
  pugi::xml_node root = document.append_child(name);
  root.append_attribute("xmlns").set_value("http://s3.amazonaws.com/doc/2006-03-01/");
  return root;
}

std::string saved(const pugi::xml_document& document) {
  std::ostringstream stream;
  document.save(stream, "", pugi::format_raw);
  return stream.str();
}

}  // namespace

S3Error parse_error(ByteView body) {
  pugi::xml_document document;
  if (!load(document, body)) return {};
  return error_of(document.child("Error"));
}

std::optional<S3Listing> parse_listing(ByteView body) {
  pugi::xml_document document;
  if (!load(document, body)) return std::nullopt;
  const pugi::xml_node result = document.child("ListBucketResult");
  const std::optional<bool> more = is_truncated(result);
  if (!more) return std::nullopt;
  S3Listing listing;
  for (const pugi::xml_node& object : result.children("Contents")) {
    const auto size = number_of<std::uint64_t>(object.child("Size"));
    if (!size) return std::nullopt;
    listing.objects.push_back({object.child_value("Key"), *size, time_of(object.child_value("LastModified")),
                               md5_of(object.child_value("ETag"))});
  }
  for (const pugi::xml_node& folder : result.children("CommonPrefixes"))
    listing.folders.emplace_back(folder.child_value("Prefix"));
  if (!*more) return listing;
  listing.next = result.child_value("NextContinuationToken");
  if (listing.next.empty()) return std::nullopt;
  return listing;
}

std::optional<S3Parts> parse_parts(ByteView body) {
  pugi::xml_document document;
  if (!load(document, body)) return std::nullopt;
  const pugi::xml_node result = document.child("ListPartsResult");
  const std::optional<bool> more = is_truncated(result);
  if (!more) return std::nullopt;
  S3Parts parts;
  for (const pugi::xml_node& part : result.children("Part")) {
    const auto number = number_of<unsigned>(part.child("PartNumber"));
    const auto size = number_of<std::uint64_t>(part.child("Size"));
    const std::string etag = part.child_value("ETag");
    if (!number || !size || etag.empty()) return std::nullopt;
    parts.parts.push_back({*number, etag, *size});
  }
  if (!*more) return parts;
  const auto next = number_of<unsigned>(result.child("NextPartNumberMarker"));
  if (!next || *next == 0) return std::nullopt;
  parts.next = *next;
  return parts;
}

std::optional<S3BegunUploads> parse_begun_uploads(ByteView body) {
  pugi::xml_document document;
  if (!load(document, body)) return std::nullopt;
  const pugi::xml_node result = document.child("ListMultipartUploadsResult");
  const std::optional<bool> more = is_truncated(result);
  if (!more) return std::nullopt;
  S3BegunUploads uploads;
  for (const pugi::xml_node& upload : result.children("Upload"))
    uploads.uploads.push_back({upload.child_value("Key"), upload.child_value("UploadId"),
                               time_of(upload.child_value("Initiated"))});
  if (!*more) return uploads;
  uploads.next_key = result.child_value("NextKeyMarker");
  uploads.next_id = result.child_value("NextUploadIdMarker");
  if (uploads.next_key.empty()) return std::nullopt;
  return uploads;
}

std::optional<std::string> parse_upload_id(ByteView body) {
  pugi::xml_document document;
  if (!load(document, body)) return std::nullopt;
  const std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) return std::nullopt;
  return id;
}

bool is_completion(ByteView body) {
  pugi::xml_document document;
  return load(document, body) && document.child("CompleteMultipartUploadResult");
}

std::optional<std::vector<std::pair<std::string, S3Error>>> parse_delete_errors(ByteView body) {
  pugi::xml_document document;
  if (!load(document, body)) return std::nullopt;
  const pugi::xml_node result = document.child("DeleteResult");
  if (!result) return std::nullopt;
  std::vector<std::pair<std::string, S3Error>> errors;
  for (const pugi::xml_node& error : result.children("Error"))
    errors.emplace_back(error.child_value("Key"), error_of(error));
  return errors;
}

std::string complete_upload(const std::vector<S3Part>& parts) {
  pugi::xml_document document;
  pugi::xml_node root = begin(document, "CompleteMultipartUpload");
  for (const S3Part& part : parts) {
    pugi::xml_node node = root.append_child("Part");
    node.append_child("PartNumber").text().set(part.number);
    node.append_child("ETag").text().set(part.etag.c_str());
  }
  return saved(document);
}

std::string delete_objects(const std::vector<std::string>& keys) {
  pugi::xml_document document;
  pugi::xml_node root = begin(document, "Delete");
  root.append_child("Quiet").text().set(true);
  for (const std::string& key : keys) root.append_child("Object").append_child("Key").text().set(key.c_str());
  return saved(document);
}

}  // namespace garner::destination
