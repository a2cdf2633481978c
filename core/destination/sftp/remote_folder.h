// The root folder at an SFTP server, and `.staging` in it, where objects are written before they get their
// names: what is asked and done there beside objects themselves. The counterpart of Staging, and of
// sync_folder().
//
// Any thread, each with a client of its own. Failures are those of SftpClient, and Error(kDestinationAway)
// where it is said.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "destination/sftp/client.h"
#include "destination/sftp/sftp_file.h"

namespace garner::destination {

class RemoteFolder {
 public:
  explicit RemoteFolder(std::string root);

  const std::string& root() const { return root_; }
  std::string path_of(const std::string& key) const;

  // Makes the root and what is missing above it, durably where it can be. For `destination add` only.
  void create(SftpClient& client);
  // Whether the root was missing when it was looked at last.
  bool is_missing() const { return missing_; }
  // Error(kDestinationAway) if the root is missing, or `.staging` was seen before and is gone: an unmounted
  // disk leaves an empty mount point.
  void check(SftpClient& client);
  // The same, until it was well once.
  void check_once(SftpClient& client) {
    if (!checked_) check(client);
  }

  // The path of a new file in `.staging`, which is made if it is missing and was not seen before.
  std::string new_staged_path(SftpClient& client);
  // Once: removes what crashed writers left behind. `fresh`: a file just made, whose time tells the server's.
  void remove_leftovers(SftpClient& client, SftpFile& fresh);

  // The folders of `key` below the root, which itself is never made here.
  void make_folders_of(SftpClient& client, const std::string& key);
  void forget_folders();

  // Makes durable that `key` has its name, as far as the server can: see SftpDestination.
  void sync_name(SftpClient& client, const std::string& key);
  // The same for names that are gone from the folders of `keys`, one of which may be gone as well.
  void sync_removals(SftpClient& client, const std::vector<std::string>& keys);

 private:
  // False: the server does not do it.
  bool sync_folder(SftpClient& client, const std::string& path);

  const std::string root_;
  const std::string staging_;
  std::atomic<bool> checked_ = false;
  std::atomic<bool> missing_ = false;
  std::atomic<bool> staging_seen_ = false;
  std::atomic<bool> cleaned_ = false;
  std::mutex mutex_;
  std::optional<bool> can_sync_folders_;
  std::set<std::string> known_folders_;  // relative; each is there, and durable if it can be
};

}  // namespace garner::destination
