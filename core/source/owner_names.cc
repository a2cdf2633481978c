#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "source/metadata.h"

namespace garner::source {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Long enough that a run asks once for each owner, short enough that a daemon that runs for months learns of
// changes.
constexpr std::chrono::minutes kLifetime{1};
constexpr std::size_t kMaximumBuffer = 1u << 20;

// `look_up(id, record, buffer, size, found)` is getpwuid_r or getgrgid_r. Empty for an owner without a name,
// and for a name that could not stand in a text field of a snapshot.
template <typename Record, typename LookUp, typename Name>
std::string name_of(std::uint32_t id, LookUp look_up, Name name) {
  std::vector<char> buffer(1024);
  while (true) {
    Record record;
    Record* found = nullptr;
    const int error_number = look_up(id, &record, buffer.data(), buffer.size(), &found);
    if (error_number == EINTR) continue;
    if (error_number == ERANGE && buffer.size() < kMaximumBuffer) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (error_number != 0 || found == nullptr) return {};
    const std::string result = name(*found);
    return printable(result) == result ? result : std::string();
  }
}

// Thread-safe. Names are looked up without the mutex: a name service on the network may take its time.
class NameCache {
 public:
  template <typename LookUp>
  std::string get(std::uint32_t id, LookUp look_up) {
    {
      std::lock_guard lock(mutex_);
      const SteadyTime now = std::chrono::steady_clock::now();
      if (now - since_ > kLifetime) {
        names_.clear();
        since_ = now;
      }
      if (const auto found = names_.find(id); found != names_.end()) return found->second;
    }
    std::string name = look_up(id);
    std::lock_guard lock(mutex_);
    return names_.insert_or_assign(id, std::move(name)).first->second;
  }

 private:
  std::mutex mutex_;
  SteadyTime since_;
  std::unordered_map<std::uint32_t, std::string> names_;
};

}  // namespace

std::string user_name(std::uint32_t uid) {
  static NameCache cache;
  return cache.get(uid, [](std::uint32_t id) {
    return name_of<passwd>(id, getpwuid_r, [](const passwd& p) { return p.pw_name; });
  });
}

std::string group_name(std::uint32_t gid) {
  static NameCache cache;
  return cache.get(gid, [](std::uint32_t id) {
    return name_of<group>(id, getgrgid_r, [](const group& g) { return g.gr_name; });
  });
}

}  // namespace garner::source
