#include "destination/sftp/remote_folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"
#include "destination/sftp/listing.h"
#include "destination/staging.h"

namespace garner::destination {

namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

RemoteFolder::RemoteFolder(std::string root) : root_(std::move(root)), staging_(path_in(root_, ".staging")) {}

std::string RemoteFolder::path_of(const std::string& key) const { return path_in(root_, key); }

void RemoteFolder::create(SftpClient& client) {
  for (std::size_t at = 0; at < root_.size();) {
    const std::size_t slash = std::min(root_.find('/', at + 1), root_.size());
    const std::string path = root_.substr(0, slash);
    at = slash;
    if (client.stat(path)) continue;
    client.make_folder(path);
    try {
      sync_folder(client, parent_of(path));
    } catch (const SftpRefusal&) {
      // What is above the root may be another's, and says nothing of the root.
    }
  }
  {
    const std::lock_guard lock(mutex_);
    can_sync_folders_.reset();
  }
  check(client);
}

void RemoteFolder::check(SftpClient& client) {
  const std::optional<SftpAttributes> attributes = client.stat(root_);
  missing_ = !attributes;
  if (!attributes) {
    throw Error(
        ErrorKind::kDestinationAway,
        "the folder " + printable(root_) + " is not there on the server: is the disk that holds it mounted?");
  }
  // A server that tells no types is believed.
  if (attributes->mode && !attributes->is_folder()) {
    throw Error(ErrorKind::kDestinationAway, printable(root_) + " is not a folder on the server");
  }
  // Seen before it is looked for: another thread may make it just after it was found missing.
  const bool seen = staging_seen_;
  if (client.lstat(staging_)) {
    staging_seen_ = true;
  } else if (seen) {
    throw Error(ErrorKind::kDestinationAway,
                "the folder " + printable(staging_) +
                    " is gone on the server: was the disk that holds it unmounted?");
  }
  checked_ = true;
}

// ---- Staging ----

std::string RemoteFolder::new_staged_path(SftpClient& client) {
  if (!staging_seen_) {
    check(client);
    if (!staging_seen_) {
      try {
        client.make_folder(staging_);
      } catch (const SftpRefusal&) {
        if (!client.lstat(staging_)) throw;  // another writer has made it
      }
      sync_folder(client, root_);
      staging_seen_ = true;
    }
  }
  return staging_ + "/" + std::string(kTemporaryPrefix) + Uuid::random().text();
}

void RemoteFolder::remove_leftovers(SftpClient& client, SftpFile& fresh) {
  if (cleaned_.exchange(true)) return;
  try {
    const std::optional<std::uint32_t> now = fresh.attributes().modified;
    if (!now) return;
    std::vector<std::string> old;
    for (const ObjectInfo& file : list_remote_folder(client, staging_, "", "")) {
      if (!file.key.starts_with(kTemporaryPrefix) || file.key.find('/') != std::string::npos) continue;
      if (!file.modified || file.modified->seconds > std::int64_t{*now} - kLeftoverAge) continue;
      old.push_back(staging_ + "/" + file.key);
    }
    client.remove(old);
  } catch (const SftpRefusal&) {
    // What cannot be removed stays; it does no harm but to space.
  }
}

// ---- Folders and durability ----

// A folder that is there already may be another writer's that has not made it durable yet, so the one above
// it is fsynced all the same.
void RemoteFolder::make_folders_of(SftpClient& client, const std::string& key) {
  for (std::size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
    const std::string folder = key.substr(0, slash);
    {
      const std::lock_guard lock(mutex_);
      if (known_folders_.contains(folder)) continue;
    }
    const std::string path = path_of(folder);
    try {
      client.make_folder(path);
    } catch (const SftpRefusal&) {
      // Version 3 has no word for what exists.
      const std::optional<SftpAttributes> attributes = client.lstat(path);
      if (!attributes || (attributes->mode && !attributes->is_folder())) throw;
    }
    sync_folder(client, parent_of(path));
    const std::lock_guard lock(mutex_);
    known_folders_.insert(folder);
  }
}

void RemoteFolder::forget_folders() {
  const std::lock_guard lock(mutex_);
  known_folders_.clear();
}

// OpenSSH opens a folder like a file, and fsyncs what it has opened. The first folder tells whether this
// server can, so that later failures are told from what it never does.
bool RemoteFolder::sync_folder(SftpClient& client, const std::string& path) {
  if (!client.has(kSyncExtension)) return false;
  std::optional<bool> can;
  {
    const std::lock_guard lock(mutex_);
    can = can_sync_folders_;
  }
  if (can == false) return false;
  try {
    SftpFile folder = client.open(path, kSftpRead, "opening");
    folder.sync();
    can = true;
  } catch (const SftpContentRefusal& refusal) {
    // What OpenSSH makes of EINVAL and ENOSYS. Anything else may be a disk that fails.
    const bool never =
        refusal.status() == SftpStatus::kBadMessage || refusal.status() == SftpStatus::kUnsupported;
    if (can || !never) throw;
    can = false;
  } catch (const SftpRefusal& refusal) {
    if (can || refusal.status() == SftpStatus::kNoSuchFile) throw;
    can = false;
  }
  const std::lock_guard lock(mutex_);
  can_sync_folders_ = can;
  return *can;
}

void RemoteFolder::sync_name(SftpClient& client, const std::string& key) {
  if (!client.has(kSyncExtension) || sync_folder(client, parent_of(path_of(key)))) return;
  // The next best: a journal that makes the file durable has its new name before that.
  SftpFile object = client.open(path_of(key), kSftpRead, "opening");
  object.sync();
}

void RemoteFolder::sync_removals(SftpClient& client, const std::vector<std::string>& keys) {
  std::set<std::string> folders;
  for (const std::string& key : keys) folders.insert(parent_of(path_of(key)));
  for (const std::string& folder : folders) {
    try {
      sync_folder(client, folder);
    } catch (const SftpRefusal& refusal) {
      if (refusal.status() != SftpStatus::kNoSuchFile) throw;
      check(client);  // what is missing may be all of it
    }
  }
}

}  // namespace garner::destination
