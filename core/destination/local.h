// A destination that is a folder of this machine or of a mounted file system.
//
// Durability: an object is written to `.staging/`, fsynced, given its name without replacing (link or
// renameat2(RENAME_NOREPLACE)), and the folder that got the name is fsynced, and so is each folder above it
// that this object uses for the first time. A crash leaves files in `.staging/` only: what put() was writing,
// and second names of what was published. Those that are a day old are removed by the next write.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/error.h"
#include "destination/destination.h"
#include "destination/staging.h"

namespace garner::destination {

// `root`: an absolute path. Nothing is created before the first write; create_folder() makes it. Every
// operation on a root that is missing throws Error(kDestinationAway): an unmounted disk is away, not empty.
class LocalDestination final : public Destination {
 public:
  // Error(kInvalidInput) for a path that is not absolute.
  explicit LocalDestination(const std::string& root);

  // Makes the root folder (mode 0700) durably if it is missing. For `destination add` only.
  void create_folder();
  // Removes the folder below the root, and those above it, as far as they are empty.
  void remove_empty_folders(const std::string& folder);
  // As put_file() for a file that is open, of another file system, which stays where it is. `path` is for
  // messages.
  void put_copy(const std::string& key, int file, const std::string& path);
  // As it was given.
  const std::string& root() const { return root_; }

  std::string describe() const override;
  void put(const std::string& key, ByteView data) override;
  bool put_exclusive(const std::string& key, ByteView data) override;
  void put_file(const std::string& key, const std::string& path) override;
  std::optional<std::string> staging_folder() override;
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override;
  void get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) override;
  Bytes get_all(const std::string& key, std::uint64_t limit) override;
  std::optional<std::uint64_t> size(const std::string& key) override;
  std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after = {}) override;
  void make_durable(const std::string& key) override;
  void remove(const std::string& key) override;
  void remove_all(const std::vector<std::string>& keys) override;
  std::optional<Space> space() override;

 private:
  // Runs `operation` and gives its failures the kinds of the interface. `failure`: kReadFailed or
  // kWriteFailed, what an operation of this sort throws when the file system refuses.
  template <typename Operation>
  auto attempt(ErrorKind failure, const Operation& operation) const;
  void check_root() const;
  void check_failure(const Error& error, ErrorKind failure) const;

  std::string path_of(const std::string& key) const { return root_ + "/" + key; }
  bool exists_durably(const std::string& key) const;
  void make_folders_of(const std::string& key);
  bool publish(const std::string& key, const std::function<bool(const std::string&)>& give_name);
  enum class Name { kOwn, kShared };  // nobody else gives it; others may
  bool store(const std::string& key, ByteView data, Name name);
  bool store_copy(const std::string& key, int file, const std::string& path);

  const std::string root_;
  Staging staging_;
  std::mutex mutex_;
  std::set<std::string> known_folders_;  // relative; each is there and durable, as far as this object knows
};

// The destination a URL names: an absolute path. Error(kInvalidInput) for a scheme this version does not
// know.
std::unique_ptr<LocalDestination> open_local(const std::string& url);

}  // namespace garner::destination
