#include "destination/slow_folder.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <utility>

#include "base/file.h"
#include "base/mounts.h"
#include "base/stop_scope.h"

namespace garner::destination {

namespace {

// Where the file system answers, and one call to it does not return.
constexpr std::chrono::hours kLongest{1};

}  // namespace

bool lies_where_it_may_hang(const std::string& folder) {
  const Fd fd(open(folder.c_str(), O_PATH | O_CLOEXEC));
  return fd.get() >= 0 && may_hang(fd.get());
}

SlowFolder::SlowFolder(std::shared_ptr<LocalDestination> folder, std::shared_ptr<BoundedCalls> calls,
                       std::function<bool(const std::string&)> may_hang)
    : folder_(std::move(folder)), calls_(std::move(calls)), may_hang_(std::move(may_hang)) {}

// ---- Asking ----

template <typename Work>
auto SlowFolder::watched(const Work& work) {
  try {
    return work(slow_file_system());
  } catch (const Error& error) {
    // When it is there again it may be another file system.
    if (error.kind() == ErrorKind::kDestinationAway) {
      const std::lock_guard lock(mutex_);
      known_.reset();
    }
    throw;
  }
}

template <typename Work>
auto SlowFolder::ask(Work work) {
  return watched([&](const std::optional<std::string>& slow) {
    if (!slow) return work(*folder_);
    return in_time(*slow, [folder = folder_, work = std::move(work)] { return work(*folder); });
  });
}

template <typename Work>
auto SlowFolder::give(ByteView data, Work work) {
  return watched([&](const std::optional<std::string>& slow) {
    if (!slow) return work(*folder_, data);
    return in_time(*slow, [folder = folder_, work = std::move(work), own = Bytes(data.begin(), data.end())] {
      return work(*folder, own);
    });
  });
}

template <typename Work>
std::invoke_result_t<Work&> SlowFolder::in_time(const std::string& file_system, Work work) {
  using Answer = CallAnswer<std::invoke_result_t<Work&>>;
  const auto answer = std::make_shared<Answer>();
  call(file_system, Answer::call(answer, std::move(work)));
  return answer->take();
}

void SlowFolder::call(const std::string& file_system, std::function<void()> work) {
  const StopScope whole{std::stop_token()};
  const auto last = std::chrono::steady_clock::now() + kLongest;
  const auto answers = [&] {
    // No kernel answers this from what it remembers.
    const auto question = [root = folder_->root(), may_hang = may_hang_] { may_hang(root); };
    return std::chrono::steady_clock::now() < last &&
           calls_->run(file_system, question) == BoundedCalls::Outcome::kDone;
  };
  switch (calls_->run(file_system, std::move(work), answers)) {
    case BoundedCalls::Outcome::kDone:
      return;
    case BoundedCalls::Outcome::kLate:
    case BoundedCalls::Outcome::kHangs:
      throw Error(ErrorKind::kDestinationAway, describe() + ": its file system does not answer");
    case BoundedCalls::Outcome::kRefused:
      throw Error(ErrorKind::kDestinationAway,
                  describe() + ": it is not looked at, for no thread can be had for it (" +
                      std::to_string(calls_->left_behind()) + " wait for file systems that do not answer)");
  }
}

std::optional<std::string> SlowFolder::slow_file_system() {
  {
    const std::lock_guard lock(mutex_);
    if (known_) return known_->slow;
  }
  const std::string name = mounted_device(folder_->root()) + " " + folder_->root();
  const bool slow = in_time(name, [root = folder_->root(), may_hang = may_hang_] { return may_hang(root); });
  const std::lock_guard lock(mutex_);
  known_ = Known{slow ? std::optional(name) : std::nullopt};
  return known_->slow;
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
  const bool is_copied = watched([&](const std::optional<std::string>& slow) {
    if (!slow) {
      folder_->put_file(key, path);
      return false;
    }
    const auto file = std::make_shared<Fd>(open_file(path, O_RDONLY | O_NOFOLLOW));
    return in_time(*slow, [folder = folder_, key, file, path] {
      folder->put_copy(key, file->get(), path);
      return true;
    });
  });
  if (is_copied) remove_file(path);
}

std::optional<std::string> SlowFolder::staging_folder() {
  return watched([&](const std::optional<std::string>& slow) {
    return slow ? std::nullopt : folder_->staging_folder();
  });
}

Bytes SlowFolder::get(const std::string& key, std::uint64_t offset, std::uint64_t length) {
  return ask([=](LocalDestination& folder) { return folder.get(key, offset, length); });
}

void SlowFolder::get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) {
  watched([&](const std::optional<std::string>& slow) {
    if (!slow) return folder_->get_into(key, offset, memory);
    const Bytes bytes = in_time(*slow, [folder = folder_, key, offset, length = memory.size()] {
      return folder->get(key, offset, length);
    });
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

void SlowFolder::remove_all(const std::vector<std::string>& keys) {
  ask([keys](LocalDestination& folder) {
    folder.remove_all(keys);
    return true;
  });
}

std::optional<Space> SlowFolder::space() {
  return ask([](LocalDestination& folder) { return folder.space(); });
}

}  // namespace garner::destination
