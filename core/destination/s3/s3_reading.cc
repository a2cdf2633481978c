// What an S3 destination reads and lists.
#include <algorithm>

#include "base/error.h"
#include "base/number.h"
#include "destination/key.h"
#include "destination/s3/answer_fields.h"
#include "destination/s3/s3.h"
#include "destination/s3/xml.h"

namespace garner::destination {

namespace {

constexpr std::uint64_t kLongestListing = 8u << 20;  // bytes of a page of a thousand keys
constexpr std::uint64_t kSmallAnswer = 1u << 20;     // room for an error's text
constexpr std::size_t kEnoughComponents = 1000;

// That the body is all that the answer says it is, and what was asked for. A server gives fewer bytes only at
// the object's end; a line that breaks gives fewer anywhere.
void check_given_range(const HttpAnswer& answer, std::uint64_t offset, std::uint64_t length) {
  if (answer.status != 206) {
    if (answer.header("etag").empty() ||
        parse_number<std::uint64_t>(answer.header("content-length")) != answer.body.size())
      throw HttpFailure("the answer is no object", true);
    return;
  }
  const auto range = parse_content_range(answer.header("content-range"));
  if (!range || range->first != offset || range->last - range->first + 1 != answer.body.size())
    throw HttpFailure("the answer is not all of the part that was asked for", true);
  if (answer.body.size() != std::min(length, range->whole - offset))
    throw HttpFailure("the answer is another part than was asked for", true);
}

}  // namespace

S3Destination::Range S3Destination::read(const std::string& key, std::uint64_t offset, std::uint64_t length) {
  Request request{RequestKind::kGet, "GET", full(key)};
  request.headers.emplace_back("range",
                               "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1));
  request.answer_limit = std::max(length, kSmallAnswer);
  HttpAnswer answer = ask(std::move(request), "reading " + about(key), {416}, [&](const HttpAnswer& given) {
                        check_given_range(given, offset, length);
                      }).answer;
  // Nothing is there: the object ends before, or is empty.
  if (answer.status == 416) {
    const std::string range = answer.header("content-range");
    const auto whole = parse_number<std::uint64_t>(
        std::string_view(range).substr(std::min(range.size(), range.find('/') + 1)));
    return {{}, std::min(whole.value_or(0), offset)};
  }
  if (answer.status == 206) {
    const std::uint64_t whole = parse_content_range(answer.header("content-range"))->whole;
    return {std::move(answer.body), whole};
  }
  // All of it: some give that where the part is the whole, or the object is empty.
  const std::uint64_t whole = answer.body.size();
  const std::uint64_t first = std::min(offset, whole);
  const std::uint64_t taken = std::min(length, whole - first);
  answer.body.erase(answer.body.begin() + static_cast<std::ptrdiff_t>(first + taken), answer.body.end());
  answer.body.erase(answer.body.begin(), answer.body.begin() + static_cast<std::ptrdiff_t>(first));
  return {std::move(answer.body), whole};
}

Bytes S3Destination::get(const std::string& key, std::uint64_t offset, std::uint64_t length) {
  check_key(key);
  const auto too_short = [&] {
    return Error(ErrorKind::kDamaged, about(key) + " is shorter than it must be: it ends before byte " +
                                          std::to_string(offset) + " + " + std::to_string(length));
  };
  if (length == 0 || offset + length < offset) {
    const auto found = size(key);
    if (!found) throw Error(ErrorKind::kNotFound, about(key) + " is not there");
    if (length > 0 || offset > *found) throw too_short();
    return {};
  }
  Bytes bytes = read(key, offset, length).bytes;
  if (bytes.size() < length) throw too_short();
  return bytes;
}

Bytes S3Destination::get_all(const std::string& key, std::uint64_t limit) {
  check_key(key);
  Bytes bytes = read(key, 0, limit + 1).bytes;
  if (bytes.size() > limit)
    throw Error(ErrorKind::kDamaged, about(key) + " is longer than " + std::to_string(limit) + " bytes");
  return bytes;
}

// The answer to HEAD has no body that tells a missing bucket from a missing key; that to GET has.
std::optional<std::uint64_t> S3Destination::size(const std::string& key) {
  check_key(key);
  try {
    return read(key, 0, 1).whole;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound) return std::nullopt;
    if (error.kind() == ErrorKind::kReadFailed) return size_by_head(key);
    throw;
  }
}

// Of what may not be read now, an archived object for instance, the size is still known.
std::optional<std::uint64_t> S3Destination::size_by_head(const std::string& key) {
  const HttpAnswer answer = ask({RequestKind::kHead, "HEAD", full(key)}, "asking for " + about(key)).answer;
  const auto length = parse_number<std::uint64_t>(answer.header("content-length"));
  if (!length || answer.header("etag").empty())
    throw Error(ErrorKind::kDestinationAway, "asking for " + about(key) + ": the answer tells of no object");
  return length;
}

// `query`: in the order of the names, as it is sent.
S3Listing S3Destination::list_page(const std::string& prefix, const std::string& query) {
  Request request{RequestKind::kList, "GET"};
  request.query = query;
  request.answer_limit = kLongestListing;
  std::optional<S3Listing> page;
  ask(std::move(request), "listing " + about(prefix), {}, [&](const HttpAnswer& answer) {
    page = parse_listing(answer.body);
    if (!page) throw HttpFailure("the answer is no listing of a bucket: is the address right?", true);
  });
  return *std::move(page);
}

void S3Destination::check_next(const S3Listing& page, const std::string& token,
                               const std::string& prefix) const {
  if (page.next.empty() || page.next != token) return;
  throw Error(ErrorKind::kDestinationAway,
              "listing " + about(prefix) + ": the server gives the same part again and again");
}

std::vector<ObjectInfo> S3Destination::list(const std::string& prefix, const std::string& start_after) {
  check_prefix(prefix);
  const std::string& root = options_.address.prefix;
  std::vector<ObjectInfo> objects;
  std::string token;
  do {
    std::string query;
    if (!token.empty()) query += "continuation-token=" + percent_encoded(token, false) + "&";
    query += "list-type=2&prefix=" + percent_encoded(root + prefix, false);
    if (!start_after.empty()) query += "&start-after=" + percent_encoded(root + start_after, false);
    S3Listing page = list_page(prefix, query);
    check_next(page, token, prefix);
    for (ObjectInfo& object : page.objects) {
      if (!object.key.starts_with(root)) continue;
      object.key.erase(0, root.size());
      if (!is_key(object.key) || !object.key.starts_with(prefix) || object.key <= start_after) continue;
      objects.push_back(std::move(object));
    }
    token = std::move(page.next);
  } while (!token.empty());
  // Some stores sort otherwise.
  std::sort(objects.begin(), objects.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  return objects;
}

bool S3Destination::is_empty() {
  return list_page("", "list-type=2&max-keys=1&prefix=" + percent_encoded(options_.address.prefix, false))
      .objects.empty();
}

std::vector<std::string> S3Destination::first_components() {
  const std::string& root = options_.address.prefix;
  std::vector<std::string> names;
  const auto add = [&](const std::string& key) {
    const std::size_t end = std::min(key.size(), key.find('/', std::min(key.size(), root.size())));
    // A store's console makes an object of a folder's name when somebody makes a folder.
    if (key.size() > root.size()) names.push_back(key.substr(root.size(), end - root.size()));
  };
  std::string token;
  do {
    std::string query = token.empty() ? "" : "continuation-token=" + percent_encoded(token, false) + "&";
    query += "delimiter=%2F&list-type=2&prefix=" + percent_encoded(root, false);
    S3Listing page = list_page("", query);
    for (const ObjectInfo& object : page.objects) add(object.key);
    for (const std::string& folder : page.folders) add(folder);
    check_next(page, token, "");
    token = std::move(page.next);
  } while (!token.empty() && names.size() < kEnoughComponents);
  return names;
}

}  // namespace garner::destination
