#include "destination/s3/s3.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file.h"
#include "base/stop_scope.h"
#include "base/uuid.h"
#include "destination/key.h"
#include "destination/retry.h"
#include "destination/s3/answer_fields.h"
#include "destination/s3/claims.h"
#include "destination/s3/digest.h"
#include "destination/s3/upload.h"

namespace garner::destination {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMostDeleted = 1000;  // in one request
// Whoever asks for more than this is asked again no sooner than that, but not waited for.
constexpr std::chrono::seconds kLongestAsked{120};
constexpr std::chrono::seconds kLongestObeyed{3600};
constexpr std::uint64_t kCompared = 4u << 20;  // bytes at a time
constexpr const char* kProbes = "probe/";

bool is_good(long status) { return status >= 200 && status < 300; }

// That an object exists is 412; older versions of MinIO say 304.
bool says_exists(long status) { return status == 412 || status == 304; }

// Whatever else lies there is not garner's.
bool is_probe(const std::string& key) {
  try {
    Uuid::parse(std::string_view(key).substr(std::string_view(kProbes).size()));
    return true;
  } catch (const Error&) {
    return false;
  }
}

// A server in between that answers for the store stores nothing.
void check_stored(const HttpAnswer& answer) {
  if (answer.header("etag").empty())
    throw HttpFailure("the answer names no ETag, so it is no S3 store's: is the address right?", true);
}

}  // namespace

S3Destination::S3Destination(S3Options options) : options_(std::move(options)), client_(options_.http) {}

// ---- Asking ----

Refused S3Destination::refused(const Request& request) const {
  return {options_.address, options_.region, writes(request.kind), options_.clock->now(),
          request.method != "HEAD"};
}

HttpAnswer S3Destination::ask_once(const Request& request) {
  const S3Address& address = options_.address;
  const S3Credentials credentials = options_.credentials();
  HttpHeaders headers = request.headers;
  headers.emplace_back("host", address.server());
  headers.emplace_back("x-amz-date", signing_time(options_.clock->now()));
  headers.emplace_back("x-amz-content-sha256",
                       request.hash.empty() ? sha256_hex(request.body) : request.hash);
  if (!credentials.session_token.empty())
    headers.emplace_back("x-amz-security-token", credentials.session_token);
  const std::string path = address.path(request.key);
  headers.emplace_back("authorization",
                       signature(request.method, path, request.query, headers, options_.region, credentials));
  std::string url = address.scheme + "://" + address.server() + path;
  if (!request.query.empty()) url += '?' + request.query;
  const HttpRequest sent{request.method, std::move(url),       std::move(headers), request.body,
                         request.file,   request.answer_limit, request.asks_first};
  HttpMoved moved;
  const auto count = [&] {
    if (options_.counts && moved.requests > 0)
      options_.counts->add(request.kind, moved.sent, moved.received, moved.requests);
  };
  try {
    HttpAnswer answer = client_.perform(sent, moved);
    count();
    return answer;
  } catch (...) {
    count();
    throw;
  }
}

// Whoever asks to be left alone is, by all requests.
void S3Destination::obey(const HttpAnswer& answer) {
  const auto asked = retry_after(answer.header("retry-after"), options_.clock->now());
  if (!asked) return;
  const auto until = steady_clock::now() + std::min(*asked, kLongestObeyed);
  const steady_clock::rep wanted = until.time_since_epoch().count();
  steady_clock::rep known = not_before_;
  while (known < wanted && !not_before_.compare_exchange_weak(known, wanted)) {
  }
}

void S3Destination::wait_until_asked(const std::string& doing) const {
  const steady_clock::time_point until{steady_clock::duration(not_before_.load())};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
  if (left <= std::chrono::milliseconds(0)) return;
  const bool may_wait =
      StopScope::current().stop_possible() ? left <= kLongestAsked : left <= options_.short_patience;
  if (!may_wait) {
    throw Error(ErrorKind::kDestinationAway,
                doing + ": the server asks to be left alone for " +
                    std::to_string(std::chrono::ceil<std::chrono::seconds>(left).count()) + " seconds more");
  }
  if (!wait_unless_stopped(left)) throw Error(ErrorKind::kCancelled, "the run was stopped");
}

S3Destination::Answered S3Destination::ask(Request request, const std::string& doing,
                                           std::initializer_list<long> expected, const Check& check) {
  const std::stop_token stop = StopScope::current();
  const auto patience = stop.stop_possible() ? options_.patience : options_.short_patience;
  // Counts from the first failure, for what is large takes its time; for people, from the beginning.
  std::optional<steady_clock::time_point> give_up;
  if (!stop.stop_possible()) give_up = steady_clock::now() + patience;
  Backoff backoff;
  for (bool repeated = false;; repeated = true) {
    // What is large can wait for another day: it is in a file. A record is let through.
    if (request.file && stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
    wait_until_asked(doing);
    std::optional<Error> trouble;
    try {
      HttpAnswer answer = ask_once(request);
      const bool is_expected = std::find(expected.begin(), expected.end(), answer.status) != expected.end();
      if (is_good(answer.status) || is_expected) {
        if (check && !is_expected) check(answer);
        const bool may_be_done = repeated || answer.resent;
        return {std::move(answer), may_be_done};
      }
      trouble = refusal(answer, doing, refused(request));
      obey(answer);
      if (!may_pass(answer)) throw *trouble;
    } catch (const HttpFailure& failure) {
      trouble = Error(ErrorKind::kDestinationAway, doing + ": " + failure.what());
      if (!failure.again()) throw *trouble;
    }
    const auto now = steady_clock::now();
    if (!give_up) give_up = now + patience;
    const std::chrono::milliseconds wait = backoff.next();
    if (now + wait > *give_up) throw *trouble;
    // Places that are away are looked at every few seconds, for people and for runs that wait.
    const bool is_news = !repeated && stop.stop_possible();
    spdlog::log(is_news ? spdlog::level::info : spdlog::level::debug, "{}; it is tried again",
                trouble->what());
    if (!wait_unless_stopped(wait)) throw Error(ErrorKind::kCancelled, "the run was stopped");
  }
}

// ---- Storing ----

S3Destination::Request S3Destination::put_request(const std::string& key) const {
  Request request{RequestKind::kPut, "PUT", full(key)};
  request.headers.emplace_back("content-type", "application/octet-stream");
  // A trial's are not below the root.
  const bool is_pack = key.starts_with("packs/") || key.find("/packs/") != std::string::npos;
  if (!options_.storage_class.empty() && is_pack)
    request.headers.emplace_back("x-amz-storage-class", options_.storage_class);
  return request;
}

S3Destination::Stored S3Destination::store(const std::string& key, ByteView data,
                                           const std::optional<FilePart>& file) {
  Request request = put_request(key);
  request.body = data;
  request.file = file;
  request.hash = file ? sha256_hex(*file, about(key)) : sha256_hex(data);
  if (!options_.single_writer.empty()) return store_alone(key, std::move(request));
  request.headers.emplace_back("if-none-match", "*");
  const Answered answered = ask(std::move(request), "writing " + about(key), {412, 304}, check_stored);
  if (!says_exists(answered.answer.status)) return Stored::kNow;
  // An answer may have been lost: what is there is then what an earlier attempt of this call has written.
  return answered.repeated && is_ours(key, data, file) ? Stored::kNow : Stored::kExists;
}

// Nobody else writes, and this process writes one at a time.
S3Destination::Stored S3Destination::store_alone(const std::string& key, Request request) {
  const std::lock_guard lock(single_);
  if (size(key)) return Stored::kExists;
  ask(std::move(request), "writing " + about(key), {}, check_stored);
  return Stored::kNow;
}

bool S3Destination::is_ours(const std::string& key, ByteView data, const std::optional<FilePart>& file) {
  const std::uint64_t length = file ? file->length : data.size();
  if (size(key) != length) return false;
  for (std::uint64_t at = 0; at < length; at += kCompared) {
    const std::uint64_t step = std::min(kCompared, length - at);
    const std::string there = sha256_hex(get(key, at, step));
    const std::string here = file ? sha256_hex(FilePart{file->fd, file->offset + at, step}, about(key))
                                  : sha256_hex(data.subspan(at, step));
    if (there != here) return false;
  }
  return true;
}

void S3Destination::put(const std::string& key, ByteView data) {
  check_key(key);
  if (store(key, data, std::nullopt) == Stored::kExists)
    throw Error(ErrorKind::kAlreadyExists, about(key) + " exists already");
}

bool S3Destination::put_exclusive(const std::string& key, ByteView data) {
  check_key(key);
  if (!options_.single_writer.empty()) check_claim(*this, options_.single_writer);
  return store(key, data, std::nullopt) == Stored::kNow;
}

void S3Destination::put_file(const std::string& key, const std::string& path) {
  check_key(key);
  // The file is durable where it is: a run that is to stop has no need to begin.
  if (StopScope::current().stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
  const Fd fd = open_file(path, O_RDONLY);
  struct stat facts {};
  if (fstat(fd.get(), &facts) != 0)
    throw system_error(errno, "looking at " + printable(path), ErrorKind::kReadFailed);
  const auto length = static_cast<std::uint64_t>(facts.st_size);
  bool stored = false;
  if (length > kLargestPut) {
    S3Upload upload(*this, key, path, fd.get(), length);
    stored = upload.run();
  } else {
    stored = store(key, {}, FilePart{fd.get(), 0, length}) == Stored::kNow;
  }
  if (!stored) throw Error(ErrorKind::kAlreadyExists, about(key) + " exists already");
  // The file first: a note of an upload says that the object is this file's.
  remove_file(path);
  S3Upload::forget(path);
}

bool S3Destination::can_go_on(const std::string& key, const std::string& path) {
  check_key(key);
  return S3Upload(*this, key, path, /*fd=*/-1, /*length=*/0).can_go_on();
}

// ---- Removing ----

void S3Destination::remove(const std::string& key) {
  check_key(key);
  try {
    ask({RequestKind::kDelete, "DELETE", full(key)}, "deleting " + about(key));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;  // some stores tell that it was not there
  }
}

void S3Destination::remove_all(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) check_key(key);
  for (std::size_t at = 0; at < keys.size(); at += kMostDeleted) {
    const std::vector<std::string> some(
        keys.begin() + static_cast<std::ptrdiff_t>(at),
        keys.begin() + static_cast<std::ptrdiff_t>(std::min(keys.size(), at + kMostDeleted)));
    std::vector<std::string> names;
    for (const std::string& key : some) names.push_back(full(key));
    const std::string body = delete_objects(names);
    Request request{RequestKind::kDelete, "POST", "", "delete="};
    request.headers.emplace_back("content-md5", md5_base64(as_bytes(body)));
    request.headers.emplace_back("content-type", "application/xml");
    request.body = as_bytes(body);
    const Answered answered =
        ask(std::move(request), "deleting objects of " + describe(), {501}, [](const HttpAnswer& answer) {
          if (!parse_delete_errors(answer.body)) throw HttpFailure("the answer tells of no deletion", true);
        });
    if (answered.answer.status == 501) {
      remove_one_by_one(some);
      continue;
    }
    // Each by itself is tried again, and tells what is wrong.
    std::vector<std::string> left;
    const auto errors = parse_delete_errors(answered.answer.body);
    for (const auto& [name, error] : *errors) {
      if (error.code == "NoSuchKey") continue;
      if (std::find(names.begin(), names.end(), name) == names.end())
        throw Error(ErrorKind::kWriteFailed, "deleting objects of " + describe() + ": the server answers " +
                                                 printable(error.code + ": " + error.message));
      left.push_back(name.substr(options_.address.prefix.size()));
    }
    remove_one_by_one(left);
  }
}

void S3Destination::remove_one_by_one(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) remove(key);
}

// ---- Conditions ----

bool S3Destination::keeps_conditions() {
  for (const ObjectInfo& left : list(kProbes)) {
    if (is_probe(left.key)) remove_probe(left.key);  // of somebody who was cut off here
  }
  const std::string key = kProbes + Uuid::random().text();
  const auto create = [&](const std::string& content) {
    Request request = put_request(key);
    request.headers.emplace_back("if-none-match", "*");
    request.body = as_bytes(content);
    return ask(std::move(request), "trying whether " + describe() + " can be written to",
               {412, 304, 400, 501}, check_stored);
  };
  // Some do not know the header and say so, others do as if it was not there.
  const Answered first = create("first");
  const bool is_there = is_good(first.answer.status) || (says_exists(first.answer.status) && first.repeated);
  if (!is_there) return false;
  const bool kept = says_exists(create("second").answer.status);
  remove_probe(key);
  return kept;
}

// Whoever may add and not delete leaves it: nobody reads it.
void S3Destination::remove_probe(const std::string& key) {
  try {
    remove(key);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kWriteFailed) throw;
    spdlog::info("{}", error.what());
  }
}

}  // namespace garner::destination
