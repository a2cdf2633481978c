#include "destination/throttled.h"

#include <sys/stat.h>

#include <utility>

#include "base/file.h"
#include "base/stop_scope.h"

namespace garner::destination {

namespace {

void pay(RateLimiter& limiter, std::uint64_t bytes) {
  const std::stop_token stop = StopScope::current();
  if (stop.stop_possible()) {
    limiter.pay(bytes, stop);
  } else {
    limiter.owe(bytes);
  }
}

}  // namespace

void Limits::pay_upload(std::uint64_t bytes) { pay(upload, bytes); }
void Limits::pay_download(std::uint64_t bytes) { pay(download, bytes); }

ThrottledDestination::ThrottledDestination(std::shared_ptr<Destination> inner, std::shared_ptr<Limits> limits)
    : inner_(std::move(inner)), limits_(std::move(limits)) {}

void ThrottledDestination::put(const std::string& key, ByteView data) {
  limits_->pay_upload(data.size());
  inner_->put(key, data);
}

bool ThrottledDestination::put_exclusive(const std::string& key, ByteView data) {
  limits_->pay_upload(data.size());
  return inner_->put_exclusive(key, data);
}

void ThrottledDestination::put_file(const std::string& key, const std::string& path) {
  const std::optional<std::string> staging = inner_->staging_folder();
  struct stat status {};
  if ((!staging || parent_path(path) != *staging) && stat(path.c_str(), &status) == 0) {
    limits_->pay_upload(static_cast<std::uint64_t>(status.st_size));
  }
  inner_->put_file(key, path);
}

std::optional<std::string> ThrottledDestination::staging_folder() { return inner_->staging_folder(); }

void ThrottledDestination::staged(std::uint64_t bytes) {
  inner_->staged(bytes);
  if (inner_->staging_folder()) limits_->pay_upload(bytes);
}

Bytes ThrottledDestination::get(const std::string& key, std::uint64_t offset, std::uint64_t length) {
  limits_->pay_download(length);
  return inner_->get(key, offset, length);
}

void ThrottledDestination::get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) {
  limits_->pay_download(memory.size());
  inner_->get_into(key, offset, memory);
}

// How long it is shows when it was read: the next one waits for it.
Bytes ThrottledDestination::get_all(const std::string& key, std::uint64_t limit) {
  Bytes data = inner_->get_all(key, limit);
  limits_->pay_download(data.size());
  return data;
}

}  // namespace garner::destination
