#include "destination/request_counts.h"

#include "base/log_context.h"

namespace garner::destination {

RequestSums& RequestSums::operator+=(const RequestSums& other) {
  puts += other.puts;
  parts += other.parts;
  gets += other.gets;
  heads += other.heads;
  lists += other.lists;
  deletes += other.deletes;
  sent_bytes += other.sent_bytes;
  received_bytes += other.received_bytes;
  return *this;
}

namespace {

std::uint64_t& of_kind(RequestSums& sums, RequestKind kind) {
  switch (kind) {
    case RequestKind::kPut:
      return sums.puts;
    case RequestKind::kPart:
      return sums.parts;
    case RequestKind::kGet:
      return sums.gets;
    case RequestKind::kHead:
      return sums.heads;
    case RequestKind::kList:
      return sums.lists;
    case RequestKind::kDelete:
      break;
  }
  return sums.deletes;
}

}  // namespace

void RequestCounts::add(RequestKind kind, std::uint64_t sent, std::uint64_t received,
                        std::uint64_t requests) {
  if (also_) also_->add(kind, sent, received, requests);
  RequestSums one;
  of_kind(one, kind) = requests;
  one.sent_bytes = sent;
  one.received_bytes = received;
  const std::int64_t run = log_context().run;
  const std::lock_guard lock(mutex_);
  total_ += one;
  if (run != 0) of_runs_[run] += one;
}

RequestSums RequestCounts::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

RequestSums RequestCounts::of_run(std::int64_t run) const {
  const std::lock_guard lock(mutex_);
  const auto found = of_runs_.find(run);
  return found != of_runs_.end() ? found->second : RequestSums{};
}

RequestSums RequestCounts::take(std::int64_t run) {
  const std::lock_guard lock(mutex_);
  const auto found = of_runs_.find(run);
  if (found == of_runs_.end()) return {};
  const RequestSums sums = found->second;
  of_runs_.erase(found);
  return sums;
}

}  // namespace garner::destination
