#include "destination/slow_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stop_token>
#include <utility>

#include "base/file.h"
#include "base/mounts.h"
#include "base/stop_scope.h"
#include "base/uuid.h"

namespace garner::destination {

std::optional<bool> lies_where_it_may_hang(const std::string& folder) {
  const Fd fd(open(folder.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return true;
  }
  if (!may_hang(fd.get())) return false;
  // Some programs tell from memory how much room there is; of a name that nobody has heard of yet they have
  // to ask.
  struct stat status {};
  fstatat(fd.get(), Uuid::random().text().c_str(), &status, AT_SYMLINK_NOFOLLOW);
  return true;
}

SlowFolder::SlowFolder(std::shared_ptr<LocalDestination> folder, std::shared_ptr<BoundedCalls> calls,
                       std::function<std::optional<bool>(const std::string&)> may_hang)
    : folder_(std::move(folder)), calls_(std::move(calls)), may_hang_(std::move(may_hang)) {}

// ---- Asking ----

template <typename Work>
auto SlowFolder::watched(const Work& work) {
  try {
    return work(is_slow());
  } catch (const Error& error) {
    // When it is there again it may be another file system.
    if (error.kind() == ErrorKind::kDestinationAway) {
      const std::lock_guard lock(mutex_);
      slow_.reset();
    }
    throw;
  }
}

template <typename Work>
auto SlowFolder::ask(Work work, Longest longest) {
  return watched([&](bool slow) {
    if (!slow) return work(*folder_);
    return in_time([folder = folder_, work = std::move(work)] { return work(*folder); }, longest);
  });
}

template <typename Work>
auto SlowFolder::give(ByteView data, Work work) {
  return watched([&](bool slow) {
    if (!slow) return work(*folder_, data);
    return in_time([folder = folder_, work = std::move(work),
                    own = Bytes(data.begin(), data.end())] { return work(*folder, own); },
                   Longest::kMuch);
  });
}

template <typename Work>
std::invoke_result_t<Work&> SlowFolder::in_time(Work work, Longest longest) {
  using Answer = CallAnswer<std::invoke_result_t<Work&>>;
  const auto answer = std::make_shared<Answer>();
  call(Answer::call(answer, std::move(work)), longest);
  return answer->take();
}

void SlowFolder::call(std::function<void()> work, Longest longest) {
  const StopScope whole{std::stop_token()};
  const std::string& root = folder_->root();
  const auto question = [root, may_hang = may_hang_] { return may_hang(root); };
  int limits = 0;
  const auto answers = [&](bool has_got_on) {
    limits = has_got_on ? 0 : limits + 1;
    if (limits >= static_cast<int>(longest)) return false;
    using Answer = CallAnswer<std::optional<bool>>;
    return calls_->run(root, Answer::call(std::make_shared<Answer>(), question)) ==
           BoundedCalls::Outcome::kDone;
  };
  switch (calls_->run(root, std::move(work), answers)) {
    case BoundedCalls::Outcome::kDone:
      return;
    case BoundedCalls::Outcome::kLate:
    case BoundedCalls::Outcome::kHangs:
      throw Error(ErrorKind::kDestinationAway, describe() + ": its file system does not answer in time");
    case BoundedCalls::Outcome::kRefused:
      throw Error(ErrorKind::kDestinationAway,
                  describe() + ": it is not looked at, for no thread can be had for it (" +
                      std::to_string(calls_->left_behind()) + " wait for file systems that do not answer)");
  }
}

bool SlowFolder::is_slow() {
  {
    const std::lock_guard lock(mutex_);
    if (slow_) return *slow_;
  }
  const std::optional<bool> slow =
      in_time([root = folder_->root(), may_hang = may_hang_] { return may_hang(root); });
  const std::lock_guard lock(mutex_);
  slow_ = slow;  // if nothing is there, something may be mounted there later
  return slow.value_or(false);
}

// ---- What is asked ----

void SlowFolder::put(const std::string& key, ByteView data) {
  give(data, [key](LocalDestination& folder, ByteView own) {
    folder.put(key, own);
    return true;
  });
}

bool SlowFolder::put_exclusive(const std::string& key, ByteView data) {
  return give(data, [key](LocalDestination& folder, ByteView own) { return folder.put_exclusive(key, own); });
}

// The file is opened here, and removed here: whoever is left behind touches no path that may be another
// file's by then.
void SlowFolder::put_file(const std::string& key, const std::string& path) {
  const bool is_copied = watched([&](bool slow) {
    if (!slow) {
      folder_->put_file(key, path);
      return false;
    }
    const auto file = std::make_shared<Fd>(open_file(path, O_RDONLY | O_NOFOLLOW));
    return in_time(
        [folder = folder_, key, file, path] {
          folder->put_copy(key, file->get(), path);
          return true;
        },
        Longest::kMuch);
  });
  if (is_copied) remove_file(path);
}

std::optional<std::string> SlowFolder::staging_folder() {
  return watched([&](bool slow) { return slow ? std::nullopt : folder_->staging_folder(); });
}

Bytes SlowFolder::get(const std::string& key, std::uint64_t offset, std::uint64_t length) {
  return ask([=](LocalDestination& folder) { return folder.get(key, offset, length); });
}

void SlowFolder::get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) {
  watched([&](bool slow) {
    if (!slow) return folder_->get_into(key, offset, memory);
    const Bytes bytes = in_time(
        [folder = folder_, key, offset, length = memory.size()] { return folder->get(key, offset, length); });
    std::copy(bytes.begin(), bytes.end(), memory.begin());
  });
}

Bytes SlowFolder::get_all(const std::string& key, std::uint64_t limit) {
  return ask([=](LocalDestination& folder) { return folder.get_all(key, limit); });
}

std::optional<std::uint64_t> SlowFolder::size(const std::string& key) {
  return ask([key](LocalDestination& folder) { return folder.size(key); });
}

std::vector<ObjectInfo> SlowFolder::list(const std::string& prefix, const std::string& start_after) {
  return ask([=](LocalDestination& folder) { return folder.list(prefix, start_after); });
}

void SlowFolder::make_durable(const std::string& key) {
  ask([key](LocalDestination& folder) {
    folder.make_durable(key);
    return true;
  });
}

void SlowFolder::remove(const std::string& key) {
  ask([key](LocalDestination& folder) {
    folder.remove(key);
    return true;
  });
}

// One by one where it may hang, so that no more is removed late than what the call was at.
void SlowFolder::remove_all(const std::vector<std::string>& keys) {
  const bool is_removed = watched([&](bool slow) {
    if (!slow) folder_->remove_all(keys);
    return !slow;
  });
  if (is_removed) return;
  for (const std::string& key : keys) remove(key);
}

std::optional<Space> SlowFolder::space() {
  return ask([](LocalDestination& folder) { return folder.space(); });
}

}  // namespace garner::destination
