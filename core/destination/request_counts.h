// How many requests a destination took, by kind, and how much they moved: most stores are paid for each. Only
// places that are asked by requests count any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace garner::destination {

// As stores price them: what begins and completes an upload in parts is a kPut, what lists its parts a kList.
// By SFTP whatever is done with an object is one request, however many messages that takes, and so is a
// listing; a question for what is there is a kHead.
enum class RequestKind { kPut, kPart, kGet, kHead, kList, kDelete };

// Whether such a request changes what is there.
inline bool writes(RequestKind kind) {
  return kind == RequestKind::kPut || kind == RequestKind::kPart || kind == RequestKind::kDelete;
}

struct RequestSums {
  std::uint64_t puts = 0;
  std::uint64_t parts = 0;
  std::uint64_t gets = 0;
  std::uint64_t heads = 0;
  std::uint64_t lists = 0;
  std::uint64_t deletes = 0;
  std::uint64_t sent_bytes = 0;  // of bodies, also of requests that failed
  std::uint64_t received_bytes = 0;

  RequestSums& operator+=(const RequestSums& other);
  bool operator==(const RequestSums&) const = default;
};

// Any thread. Shared by all who use one destination.
class RequestCounts {
 public:
  RequestCounts() = default;
  // What is counted here is counted there as well; may be null.
  explicit RequestCounts(std::shared_ptr<RequestCounts> also) : also_(std::move(also)) {}

  // A request of the run that this thread works for (log_context), if of any, or several that moved so much
  // together.
  void add(RequestKind kind, std::uint64_t sent, std::uint64_t received, std::uint64_t requests = 1);
  RequestSums total() const;
  // What that run has made since it was taken last.
  RequestSums of_run(std::int64_t run) const;
  RequestSums take(std::int64_t run);

 private:
  const std::shared_ptr<RequestCounts> also_;
  mutable std::mutex mutex_;
  RequestSums total_;
  std::map<std::int64_t, RequestSums> of_runs_;
};

}  // namespace garner::destination
