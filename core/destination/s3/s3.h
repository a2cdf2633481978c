// A destination in an S3 store: Amazon's, Ceph's gateway, MinIO, and others that speak the same.
//
// An object is there whole and durable when its PUT is answered, and with `If-None-Match: *` exactly one of
// all who create it is: what the log rests on. keeps_conditions() tells whether a store knows that; for
// one that does not there is a mode for a single writer (claims.h).
//
// A file above kLargestPut goes in parts, several at once. The upload's id stands in a file beside it,
// written before the first part is sent: after a crash the same file goes on with the parts that the server
// has. Uploads that nobody has gone on with for a week are given up by the next one that begins.
//
// What may pass by itself is tried again, with a wait that doubles, from a random part of it, and no less
// than the server asks for. What still fails two minutes after it failed first is Error(kDestinationAway),
// and for whoever is no run (StopScope) after ten seconds. So are keys that are refused, for they are
// renewed, and a bucket that is missing. A message says what to put right.
//
// Every body goes out with its SHA-256, signed, so that a server stores what was sent or nothing. What comes
// back is measured against what the answer says it is; its content is sealed.
#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "destination/destination.h"
#include "destination/request_counts.h"
#include "destination/s3/address.h"
#include "destination/s3/http_client.h"
#include "destination/s3/refusal.h"
#include "destination/s3/signature.h"
#include "destination/s3/xml.h"
#include "destination/trial_finding.h"

namespace garner::destination {

struct S3Options {
  S3Address address;
  std::string region = "us-east-1";
  std::string storage_class;                   // of packs; empty: the bucket's own
  std::function<S3Credentials()> credentials;  // asked before each request. Error(kDestinationAway)
  // Of a store without conditions: who writes, in hexadecimal. Empty: the store keeps conditions.
  std::string single_writer;
  HttpOptions http;
  std::shared_ptr<RequestCounts> counts;             // may be null
  std::chrono::milliseconds patience{120'000};       // how long a request is tried again
  std::chrono::milliseconds short_patience{10'000};  // the same for whoever is no run
  const Clock* clock = &system_clock();              // for signatures: outlives the destination
};

class S3Upload;

class S3Destination final : public Destination {
 public:
  // Up to this size one request is enough. S3 takes no parts of less than 5 MiB, and no more than 10,000.
  static constexpr std::uint64_t kLargestPut = 16u << 20;
  static constexpr std::uint64_t kPartSize = 8u << 20;

  explicit S3Destination(S3Options options);

  std::string describe() const override { return options_.address.text(); }
  void put(const std::string& key, ByteView data) override;
  bool put_exclusive(const std::string& key, ByteView data) override;
  void put_file(const std::string& key, const std::string& path) override;
  bool can_go_on(const std::string& key, const std::string& path) override;
  std::optional<std::string> staging_folder() override { return std::nullopt; }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override;
  Bytes get_all(const std::string& key, std::uint64_t limit) override;
  std::uint64_t read_gap() const override { return 256u << 10; }
  std::optional<std::uint64_t> size(const std::string& key) override;
  std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after = {}) override;
  bool is_empty() override;
  void remove(const std::string& key) override;
  void remove_all(const std::vector<std::string>& keys) override;
  std::optional<Space> space() override { return std::nullopt; }

  // Whether of two who create an object the store refuses one, tried with an object of its own (`probe/…`)
  // that is removed again where the keys may delete. Error(kWriteFailed) where they may not write.
  bool keeps_conditions();
  // Whether the store takes a pack that goes in parts, in the storage class of packs: tried with an object
  // below `folder` (a prefix of keys), and `file`, the path of a file that is made and removed.
  TrialFinding try_uploads(const std::string& folder, const std::string& file);
  // Ends uploads of keys that begin so. Error(kWriteFailed), Error(kReadFailed) where the keys may not do
  // that.
  void give_up_uploads(const std::string& prefix);
  // What keys begin with, up to their first slash, also those that no key of ours could be: the first
  // thousand of them.
  std::vector<std::string> first_components();

 private:
  friend class S3Upload;

  struct Request {
    RequestKind kind = RequestKind::kGet;
    std::string method = {};
    std::string key = {};    // as it stands in the bucket; empty: the bucket
    std::string query = {};  // percent-encoded, in the order of the names
    HttpHeaders headers = {};
    ByteView body = {};
    std::optional<FilePart> file = std::nullopt;  // instead of `body`
    std::string hash = {};                        // SHA-256 of either; empty: to be made
    std::uint64_t answer_limit = 1u << 20;
    bool asks_first = true;
  };
  // Throws HttpFailure for an answer that is good by its status and cannot be right.
  using Check = std::function<void(const HttpAnswer&)>;
  struct Answered {
    HttpAnswer answer;
    bool repeated = false;  // an earlier attempt may have done what was asked for
  };
  // With retries. Answers of 2xx, which pass `check`, and those of `expected`; every other is an Error.
  Answered ask(Request request, const std::string& doing, std::initializer_list<long> expected = {},
               const Check& check = {});
  HttpAnswer ask_once(const Request& request);
  void obey(const HttpAnswer& answer);
  void wait_until_asked(const std::string& doing) const;
  Refused refused(const Request& request) const;
  std::string about(const std::string& key) const { return describe() + "/" + key; }
  std::string full(const std::string& key) const { return options_.address.prefix + key; }

  // How an upload was answered.
  enum class Stored { kNow, kExists };
  // A whole object; `file` instead of `data`.
  Stored store(const std::string& key, ByteView data, const std::optional<FilePart>& file);
  Stored store_alone(const std::string& key, Request request);
  Request put_request(const std::string& key) const;
  bool is_ours(const std::string& key, ByteView data, const std::optional<FilePart>& file);
  void remove_one_by_one(const std::vector<std::string>& keys);
  void remove_probe(const std::string& key);
  std::optional<std::uint64_t> size_by_head(const std::string& key);

  S3Listing list_page(const std::string& prefix, const std::string& query);
  void check_next(const S3Listing& page, const std::string& token, const std::string& prefix) const;

  struct Range {
    Bytes bytes;
    std::uint64_t whole = 0;  // bytes of the object
  };
  // What the object has of these bytes.
  Range read(const std::string& key, std::uint64_t offset, std::uint64_t length);

  const S3Options options_;
  std::atomic<std::chrono::steady_clock::rep> not_before_ = 0;  // as the server asked for
  std::atomic<bool> uploads_looked_at_ = false;
  std::mutex single_;  // of a single writer: what is looked for and then written
  // Last: its hooks refer to what is above.
  HttpClient client_;
};

}  // namespace garner::destination
