#include "destination/sftp/listing.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "destination/key.h"
#include "destination/sftp/sftp_file.h"

namespace garner::destination {

namespace {

constexpr std::size_t kFoldersAtOnce = 16;
constexpr unsigned kReadsAtOnce = 4;  // of one folder
// More than a repository of 300 TB has: a hostile server does not fill the memory.
constexpr std::uint64_t kMostNames = 10'000'000;

// A folder that is being read.
struct Folder {
  std::string prefix;  // of the keys in it: empty, or ending with a slash
  std::string handle;
  unsigned under_way = 0;  // requests
  bool ended = false;
};

class RemoteListing {
 public:
  RemoteListing(SftpClient& client, const std::string& root, const std::string& start_after)
      : client_(client), root_(root), start_after_(start_after) {}

  std::vector<ObjectInfo> run(const std::string& prefix) {
    // A server follows links, and the root may be one; what is below it may not.
    if (!prefix.empty()) {
      const std::optional<SftpAttributes> attributes = client_.lstat(path_of(prefix));
      if (!attributes || !attributes->is_folder()) return {};
    }
    enter(prefix);
    while (!waiting_.empty() || !requests_.empty()) {
      while (!waiting_.empty() && open_ < kFoldersAtOnce) {
        open(waiting_.front());
        waiting_.pop_front();
      }
      take(client_.next_answer());
    }
    std::sort(found_.begin(), found_.end(),
              [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
    return std::move(found_);
  }

 private:
  using Shared = std::shared_ptr<Folder>;

  // Whether a key that begins with `prefix` can be above start_after.
  bool can_hold_more(const std::string& prefix) const {
    return prefix > start_after_ || start_after_.starts_with(prefix);
  }

  void enter(const std::string& prefix) {
    if (can_hold_more(prefix)) waiting_.push_back(prefix);
  }

  std::string path_of(const std::string& prefix) const {
    if (prefix.empty()) return root_;
    return path_in(root_, std::string_view(prefix).substr(0, prefix.size() - 1));
  }

  void send(SftpRequest& request, const Shared& folder) {
    requests_[client_.send(request)] = folder;
    ++folder->under_way;
  }

  void open(const std::string& prefix) {
    const auto folder = std::make_shared<Folder>();
    folder->prefix = prefix;
    SftpRequest opening = client_.request(SftpType::kOpenFolder);
    opening.text(path_of(folder->prefix));
    send(opening, folder);
    ++open_;
  }

  void read_more(const Shared& folder) {
    while (!folder->ended && folder->under_way < kReadsAtOnce) {
      SftpRequest reading = client_.request(SftpType::kReadFolder);
      reading.text(folder->handle);
      send(reading, folder);
    }
    if (folder->under_way > 0) return;
    --open_;
    if (folder->handle.empty()) return;
    SftpRequest closing = client_.request(SftpType::kClose);
    closing.text(folder->handle);
    client_.forget(client_.send(closing));
  }

  void take(const SftpAnswer& answer) {
    const auto at = requests_.find(answer.id);
    if (at == requests_.end()) throw SshFailure("the SFTP server answers what was not asked", false);
    const Shared folder = at->second;
    requests_.erase(at);
    --folder->under_way;
    const std::string doing = "listing " + printable(path_of(folder->prefix));
    try {
      if (folder->handle.empty()) {
        folder->handle = SftpClient::parsed(answer, doing, parse_handle);
      } else {
        // They may hold no name.
        keep_bounded(++answers_);
        for (SftpName& name : SftpClient::parsed(answer, doing, parse_names)) add(*folder, name);
      }
    } catch (const SftpRefusal& refusal) {
      // The end of the folder; or it has vanished since, or there was none.
      if (refusal.status() != SftpStatus::kEnd && refusal.status() != SftpStatus::kNoSuchFile) throw;
      folder->ended = true;
    }
    read_more(folder);
  }

  static void keep_bounded(std::uint64_t number) {
    if (number > kMostNames) throw SshFailure("the SFTP server lists without end", false);
  }

  void add(const Folder& folder, SftpName& name) {
    keep_bounded(++seen_);
    if (!is_key_component(name.name)) return;
    std::string key = folder.prefix + name.name;
    if (key.size() > kMaximumKeyLength) return;
    if (!name.attributes.mode || !name.attributes.size) {
      const std::optional<SftpAttributes> attributes =
          client_.lstat(path_in(path_of(folder.prefix), name.name));
      if (!attributes) return;
      name.attributes = *attributes;
    }
    if (name.attributes.is_folder()) {
      enter(key + "/");
      return;
    }
    if (!name.attributes.is_file() || key <= start_after_) return;
    ObjectInfo object{std::move(key), name.attributes.size.value_or(0)};
    if (name.attributes.modified) object.modified = TimePoint{*name.attributes.modified, 0};
    found_.push_back(std::move(object));
  }

  SftpClient& client_;
  const std::string& root_;
  const std::string& start_after_;
  std::deque<std::string> waiting_;  // prefixes
  std::map<std::uint32_t, Shared> requests_;
  std::size_t open_ = 0;
  std::uint64_t answers_ = 0;  // with names
  std::uint64_t seen_ = 0;     // names
  std::vector<ObjectInfo> found_;
};

}  // namespace

std::vector<ObjectInfo> list_remote_folder(SftpClient& client, const std::string& root,
                                           const std::string& prefix, const std::string& start_after) {
  return RemoteListing(client, root, start_after).run(prefix);
}

std::vector<std::string> names_in_remote_folder(SftpClient& client, const std::string& path,
                                                std::size_t enough) {
  const std::string doing = "listing " + printable(path);
  SftpRequest opening = client.request(SftpType::kOpenFolder);
  opening.text(path);
  const std::string handle = SftpClient::parsed(client.answer(client.send(opening)), doing, parse_handle);
  const SftpFile closed_in_the_end(client, handle, path);
  std::vector<std::string> names;
  try {
    // An answer may hold no name.
    for (std::size_t answers = 0; answers < enough && names.size() < enough; ++answers) {
      SftpRequest reading = client.request(SftpType::kReadFolder);
      reading.text(handle);
      for (SftpName& found : SftpClient::parsed(client.answer(client.send(reading)), doing, parse_names)) {
        if (found.name != "." && found.name != "..") names.push_back(std::move(found.name));
      }
    }
  } catch (const SftpRefusal& refusal) {
    if (refusal.status() != SftpStatus::kEnd) throw;
  }
  return names;
}

}  // namespace garner::destination
