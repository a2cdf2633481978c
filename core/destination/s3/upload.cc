#include "destination/s3/upload.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "destination/s3/digest.h"
#include "destination/s3/s3.h"

namespace garner::destination {

namespace {

constexpr unsigned kSenders = 4;
constexpr std::size_t kLongestNote = 4096;
constexpr std::uint64_t kPartSize = S3Destination::kPartSize;
// An upload that is older has nobody any more. Should it have somebody after all, that one begins anew.
constexpr std::int64_t kAbandonedUploadAge = 7 * 24 * 3600;  // seconds

// Third line of a note whose upload the server was about to be asked to complete.
constexpr std::string_view kCompleted = "completed";

std::string note_of(const std::string& path) { return path + ".upload"; }

}  // namespace

S3Upload::S3Upload(S3Destination& destination, const std::string& key, const std::string& path, int fd,
                   std::uint64_t length)
    : destination_(destination), key_(key), note_(note_of(path)), fd_(fd), length_(length) {}

void S3Upload::forget(const std::string& path) { remove_file(note_of(path)); }

bool S3Upload::run() {
  std::string upload = remembered().upload;
  std::vector<S3Part> parts;
  if (!upload.empty()) {
    // A completion whose answer was lost has left the object, and it is this file's: its name is drawn for
    // it.
    if (const auto there = destination_.size(key_)) return *there == length_;
    try {
      parts = parts_there(upload);
    } catch (const Error& error) {
      // The server has given it up.
      if (error.kind() != ErrorKind::kNotFound) throw;
      upload.clear();
    }
  }
  const bool anew = upload.empty();
  if (anew) upload = begin();
  // Where nothing was remembered an object that is there is somebody else's. It is looked for while parts are
  // sent, for it costs no time then, and is hardly ever there.
  bool is_taken = false;
  send_missing(upload, parts, [&] { is_taken = anew && destination_.size(key_).has_value(); });
  if (is_taken) {
    give_up(upload);
    remove_file(note_);
    return false;
  }
  remember(upload, /*is_completed=*/true);
  return complete(upload, parts, destination_.options_.single_writer.empty());
}

// An object is seen under its key from the completion of its upload on. The note says, before anything is
// asked for, that a completion is: without that line this machine has completed nothing under this key, and
// nobody else can, for an object's name is drawn by whoever puts it. That the server has the upload open says
// the same once more, in case the note is older than what happened (a state folder that was put back).
bool S3Upload::can_go_on() {
  const Note note = remembered();
  if (note.upload.empty() || note.is_completed) return false;
  try {
    parts_there(note.upload);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
    return false;
  }
}

S3Upload::Note S3Upload::remembered() const {
  try {
    // First the key: a file of that name may have been of another pack.
    const Bytes bytes = read_file(note_, kLongestNote);
    const std::string_view text = as_text(bytes);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || text.substr(0, end) != key_) return {};
    const std::string_view rest = text.substr(end + 1);
    const std::size_t id_end = std::min(rest.find('\n'), rest.size());
    return {std::string(rest.substr(0, id_end)), id_end < rest.size()};
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kInvalidInput) return {};
    throw;
  }
}

void S3Upload::remember(const std::string& upload, bool is_completed) {
  std::string note = key_ + "\n" + upload;
  if (is_completed) note.append("\n").append(kCompleted);
  replace_file_durably(note_, as_bytes(note));
}

std::string S3Upload::begin() {
  give_up_old_ones();
  S3Destination::Request request = destination_.put_request(key_);
  request.method = "POST";
  request.query = "uploads=";
  std::optional<std::string> id;
  destination_.ask(std::move(request), "beginning to write " + destination_.about(key_), {},
                   [&](const HttpAnswer& answer) {
                     id = parse_upload_id(answer.body);
                     if (!id || id->find('\n') != std::string::npos ||
                         key_.size() + id->size() + kCompleted.size() + 2 > kLongestNote)
                       throw HttpFailure("the answer names no upload", true);
                   });
  remember(*id, /*is_completed=*/false);
  return *id;
}

std::vector<S3Part> S3Upload::parts_there(const std::string& upload) {
  std::vector<S3Part> all;
  unsigned marker = 0;
  do {
    S3Destination::Request request{RequestKind::kList, "GET", destination_.full(key_)};
    if (marker > 0) request.query = "part-number-marker=" + std::to_string(marker) + "&";
    request.query += "uploadId=" + percent_encoded(upload, false);
    std::optional<S3Parts> page;
    destination_.ask(std::move(request), "asking for the parts of " + destination_.about(key_), {},
                     [&](const HttpAnswer& answer) {
                       page = parse_parts(answer.body);
                       if (!page || (page->next != 0 && page->next <= marker))
                         throw HttpFailure("the answer is no list of parts", true);
                     });
    for (const S3Part& part : page->parts) {
      if (part.number >= 1 && part.number <= count() && part.size == length_of(part.number))
        all.push_back(part);
    }
    marker = page->next;
  } while (marker != 0);
  return all;
}

void S3Upload::send_missing(const std::string& upload, std::vector<S3Part>& parts,
                            const std::function<void()>& meanwhile) {
  std::map<unsigned, S3Part> all;
  for (const S3Part& part : parts) all[part.number] = part;
  std::vector<unsigned> missing;
  for (unsigned number = 1; number <= count(); ++number) {
    if (!all.contains(number)) missing.push_back(number);
  }
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failure;
  const auto work = [&, stop = StopScope::current()] {
    const StopScope scope(stop);
    for (std::size_t at = next++; at < missing.size(); at = next++) {
      try {
        S3Part part = send(upload, missing[at]);
        const std::lock_guard lock(mutex);
        all[part.number] = std::move(part);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = missing.size();
      }
    }
  };
  {
    std::vector<std::jthread> senders;
    for (std::size_t i = 0; i < std::min<std::size_t>(kSenders, missing.size()); ++i)
      senders.emplace_back(in_log_context(work));
    try {
      if (meanwhile) meanwhile();
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = missing.size();
    }
  }
  if (failure) std::rethrow_exception(failure);
  parts.clear();
  for (auto& [number, part] : all) parts.push_back(std::move(part));
}

S3Part S3Upload::send(const std::string& upload, unsigned number) {
  const FilePart file{fd_, (number - 1) * kPartSize, length_of(number)};
  S3Destination::Request request{
      RequestKind::kPart, "PUT", destination_.full(key_),
      "partNumber=" + std::to_string(number) + "&uploadId=" + percent_encoded(upload, false)};
  request.file = file;
  request.hash = sha256_hex(file, destination_.about(key_));
  request.asks_first = false;  // the upload was begun, so parts are wanted
  std::string etag;
  destination_.ask(std::move(request),
                   "writing part " + std::to_string(number) + " of " + destination_.about(key_), {},
                   [&](const HttpAnswer& answer) {
                     etag = answer.header("etag");
                     if (etag.empty()) throw HttpFailure("the answer names no ETag", true);
                   });
  return {number, etag, file.length};
}

bool S3Upload::complete(const std::string& upload, const std::vector<S3Part>& parts, bool with_condition) {
  const std::string body = complete_upload(parts);
  S3Destination::Request request{RequestKind::kPut, "POST", destination_.full(key_),
                                 "uploadId=" + percent_encoded(upload, false)};
  request.headers.emplace_back("content-type", "application/xml");
  if (with_condition) request.headers.emplace_back("if-none-match", "*");
  request.body = as_bytes(body);
  const std::string doing = "completing " + destination_.about(key_);
  const auto answered =
      destination_.ask(std::move(request), doing, {404, 409, 412, 501}, [](const HttpAnswer& answer) {
        // Amazon answers 200 before it is done, and tells a failure in the body.
        if (is_completion(answer.body)) return;
        const S3Error error = parse_error(answer.body);
        throw HttpFailure(error.code.empty() ? "the answer tells of no completion"
                                             : printable(error.code + ": " + error.message),
                          true);
      });
  const long status = answered.answer.status;
  // A store may know the condition of a whole object only. This one's name was free when the upload began.
  if (status == 501 && with_condition) return complete(upload, parts, /*with_condition=*/false);
  const std::optional<std::uint64_t> there = destination_.size(key_);
  const bool is_good = status >= 200 && status < 300;
  // 404: an earlier attempt, whose answer was lost, has ended the upload. It may have got 412 for that, too.
  if (there == length_ && (is_good || status == 404 || (status == 412 && answered.repeated))) return true;
  if (there && !is_good) {
    give_up(upload);
    remove_file(note_);  // which would say that the object is this file's
    return false;
  }
  // Nothing, or something else, came of it: the next attempt begins anew.
  if (!is_good) give_up(upload);
  remove_file(note_);
  throw Error(
      ErrorKind::kDestinationAway,
      doing + ": the server answers " + std::to_string(status) + ", and " +
          (there ? "the object has " + std::to_string(*there) + " bytes instead of " + std::to_string(length_)
                 : "there is no such object"));
}

void S3Upload::end(const std::string& upload) {
  destination_.ask(
      {RequestKind::kDelete, "DELETE", destination_.full(key_), "uploadId=" + percent_encoded(upload, false)},
      "giving up an upload of " + destination_.about(key_), {404});
}

// Its parts cost money until then.
void S3Upload::give_up(const std::string& upload) {
  try {
    end(upload);
  } catch (const Error& error) {
    spdlog::warn("{}", error.what());
  }
}

// Those that runs have left which were given up. Once a process, and it does not matter if it cannot be done.
void S3Upload::give_up_old_ones() {
  if (destination_.uploads_looked_at_.exchange(true)) return;
  try {
    give_up_all(destination_, destination_.full("packs/"), kAbandonedUploadAge);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    spdlog::info("{}", error.what());
  }
}

void S3Upload::give_up_all(S3Destination& destination, const std::string& prefix, std::int64_t age) {
  const std::int64_t now = destination.options_.clock->now().seconds;
  S3BegunUploads page;
  do {
    S3Destination::Request request{RequestKind::kList, "GET"};
    if (!page.next_key.empty()) request.query = "key-marker=" + percent_encoded(page.next_key, false) + "&";
    request.query += "prefix=" + percent_encoded(prefix, false);
    if (!page.next_id.empty()) request.query += "&upload-id-marker=" + percent_encoded(page.next_id, false);
    request.query += "&uploads=";
    const std::string before = page.next_key + page.next_id;
    destination.ask(std::move(request), "looking for uploads at " + destination.describe(), {},
                    [&](const HttpAnswer& answer) {
                      const auto found = parse_begun_uploads(answer.body);
                      if (!found) throw HttpFailure("the answer is no list of uploads", false);
                      page = *found;
                    });
    for (const S3BegunUpload& begun : page.uploads) {
      if (!begun.key.starts_with(prefix)) continue;
      if (age > 0 && (!begun.begun || begun.begun->seconds > now - age)) continue;
      destination.ask(
          {RequestKind::kDelete, "DELETE", begun.key, "uploadId=" + percent_encoded(begun.id, false)},
          "giving up an old upload at " + destination.describe(), {404});
    }
    if (page.next_key + page.next_id == before) break;
  } while (!page.next_key.empty());
}

// ---- Trying ----

std::string S3Upload::try_all() {
  const auto is_there = [&](const std::string& upload) {
    const std::vector<S3Part> parts = parts_there(upload);
    return parts.size() == 1 && parts[0].number == 1;
  };
  // As one that goes through.
  std::string upload = begin();
  std::vector<S3Part> parts;
  send_missing(upload, parts);
  if (!is_there(upload)) throw Error(ErrorKind::kDamaged, "a part that was sent is not in the list of parts");
  if (!complete(upload, parts, destination_.options_.single_writer.empty()))
    throw Error(ErrorKind::kDamaged, "an object is there that nobody has written");
  // And one that is given up.
  upload = begin();
  parts.clear();
  send_missing(upload, parts);
  std::string refused;
  try {
    end(upload);
    bool ended = false;
    try {
      ended = !is_there(upload);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound) throw;
      ended = true;
    }
    if (!ended) throw Error(ErrorKind::kDamaged, "an upload that was given up goes on");
    give_up_all(destination_, destination_.full(key_), 0);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kWriteFailed && error.kind() != ErrorKind::kReadFailed) throw;
    refused = error.what();
  }
  return refused;
}

unsigned S3Upload::count() const { return static_cast<unsigned>((length_ + kPartSize - 1) / kPartSize); }
std::uint64_t S3Upload::length_of(unsigned number) const {
  return std::min(kPartSize, length_ - (number - 1) * kPartSize);
}

}  // namespace garner::destination
