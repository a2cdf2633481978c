#include "destination/sftp/sftp.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <thread>

#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "base/uuid.h"
#include "destination/key.h"
#include "destination/sftp/listing.h"

namespace garner::destination {

namespace {

constexpr std::uint64_t kLittleRoom = 64u << 10;  // bytes, below which a place is full for whatever is done
constexpr std::uint64_t kComparedAtOnce = 4u << 20;
constexpr int kMostRaces = 10;
constexpr std::size_t kEnoughNames = 1000;

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::uint64_t>::max() : result;
}

ErrorKind failure_of(RequestKind kind) {
  return writes(kind) ? ErrorKind::kWriteFailed : ErrorKind::kReadFailed;
}

// Servers that say more than version 3 has a word for say it in words.
bool speaks_of_room(const std::string& answer) {
  std::string lower = answer;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower.find("no space") != std::string::npos || lower.find("quota") != std::string::npos;
}

}  // namespace

SftpDestination::SftpDestination(SftpOptions options)
    : options_(std::move(options)),
      pool_(options_.address, options_.ssh, {options_.patience, options_.short_patience}),
      folder_(options_.address.path) {}

std::string SftpDestination::describe() const { return options_.address.url(); }

std::string SftpDestination::about(const std::string& key) const {
  const std::string url = describe();
  return url.ends_with('/') ? url + key : url + "/" + key;
}

// ---- Failures ----

template <typename Operation>
auto SftpDestination::attempt(RequestKind kind, const std::string& doing, const Operation& operation,
                              std::uint64_t needed, std::uint64_t requests) {
  std::optional<decltype(operation(std::declval<SftpClient&>()))> result;
  pool_.use(doing, [&](SftpClient& client) {
    const std::shared_ptr<void> counting(nullptr, [&](void*) { count(kind, requests, client); });
    try {
      folder_.check_once(client);
      result.emplace(operation(client));
    } catch (const SftpRefusal& refusal) {
      throw meaning(client, refusal, failure_of(kind), doing, needed);
    }
  });
  return std::move(*result);
}

void SftpDestination::count(RequestKind kind, std::uint64_t requests, SftpClient& client) {
  const SftpMoved moved = client.take_moved();
  if (options_.counts) options_.counts->add(kind, moved.sent, moved.received, requests);
}

// Version 3 has few words: most errors are a "failure".
Error SftpDestination::meaning(SftpClient& client, const SftpRefusal& refusal, ErrorKind failure,
                               const std::string& doing, std::uint64_t needed) {
  const std::string says = doing + ": " + refusal.what();
  switch (refusal.status()) {
    case SftpStatus::kNoSuchFile:
      folder_.check(client);  // what is missing may be all of it
      return Error(ErrorKind::kNotFound, says);
    case SftpStatus::kNoConnection:
    case SftpStatus::kConnectionLost:
      return Error(ErrorKind::kDestinationAway, says);
    case SftpStatus::kNoSpace:
    case SftpStatus::kQuotaExceeded:
      return Error(ErrorKind::kDestinationFull, says);
    case SftpStatus::kPermissionDenied:
      return Error(failure, says + " (this account may not do it there)");
    default:
      break;
  }
  if (failure != ErrorKind::kWriteFailed) return Error(failure, says);
  if (speaks_of_room(refusal.answer())) return Error(ErrorKind::kDestinationFull, says);
  if (is_full(client, needed)) return Error(ErrorKind::kDestinationFull, says + " (its file system is full)");
  // As at a local destination whose disk gives EIO. A quota that the file system's numbers do not show looks
  // the same, and both are waited for.
  if (dynamic_cast<const SftpContentRefusal*>(&refusal) != nullptr) {
    return Error(ErrorKind::kDestinationAway,
                 says + " (it does not say why: its disk fails, or a quota is used up)");
  }
  return Error(failure, says);
}

bool SftpDestination::is_full(SftpClient& client, std::uint64_t needed) {
  if (!client.has(kSpaceExtension)) return false;
  try {
    const SftpSpace space = client.space(folder_.root());
    if (space.files > 0 && space.available_files == 0) return true;
    return space.blocks > 0 && product(space.available_blocks, space.unit) < std::max(needed, kLittleRoom);
  } catch (const SftpRefusal&) {
    return false;
  }
}

// ---- Writing ----

// Writes the content to a file in staging, durably, and returns its path.
std::string SftpDestination::stage(SftpClient& client, const Content& content,
                                   std::vector<std::string>& staged) {
  staged.push_back(folder_.new_staged_path(client));
  const std::string& path = staged.back();
  SftpFile file = client.open(path, kSftpWrite | kSftpCreate | kSftpExclusive, "creating");
  folder_.remove_leftovers(client, file);
  file.write(content.length, content.source);
  if (client.has(kSyncExtension)) file.sync();
  file.close();
  return path;
}

// False when the key exists. `asked` becomes true as soon as the server may have given the name.
bool SftpDestination::give_name(SftpClient& client, const std::string& staged, const std::string& key,
                                bool& asked) {
  const std::string path = folder_.path_of(key);
  const bool links = client.has(kHardLinkExtension);
  for (bool again = false;; again = true) {
    folder_.make_folders_of(client, key);
    try {
      asked = true;
      if (links) {
        client.hard_link(staged, path);
      } else {
        client.rename(staged, path);
      }
      return true;
    } catch (const SftpRefusal& refusal) {
      if (client.lstat(path)) return false;
      if (links && (refusal.status() == SftpStatus::kPermissionDenied ||
                    refusal.status() == SftpStatus::kUnsupported)) {
        throw Error(
            ErrorKind::kUnavailable,
            about(key) + " cannot get its name: " + refusal.what() +
                ". The file system there has no hard links, as exFAT has none, or this account may not make "
                "them: a repository cannot be kept there");
      }
      // One of its folders was removed since it became known, or what had the name was.
      if (again) throw;
      if (refusal.status() == SftpStatus::kNoSuchFile) folder_.check(client);
      folder_.forget_folders();
    }
  }
}

bool SftpDestination::is_same(SftpClient& client, const std::string& key, const Content& content) {
  SftpAttributes attributes;
  const std::unique_ptr<SftpFile> file = client.open_object(folder_.path_of(key), attributes);
  if (!file || attributes.size != content.length) return false;
  for (std::uint64_t offset = 0; offset < content.length;) {
    const std::uint64_t length = std::min(kComparedAtOnce, content.length - offset);
    const Bytes there = file->read(offset, length);
    if (there.size() != length) return false;
    for (std::uint64_t at = 0; at < length;) {
      const ByteView ours = content.source(offset + at, std::min<std::uint64_t>(kSftpPiece, length - at));
      if (!std::ranges::equal(ours, ByteView(there).subspan(at, ours.size()))) return false;
      at += ours.size();
    }
    offset += length;
  }
  return true;
}

bool SftpDestination::store(const std::string& key, const Content& content, Name name, bool look_first) {
  bool asked = false;               // by an attempt whose answer may have been lost
  std::vector<std::string> staged;  // by all attempts
  return attempt(
      RequestKind::kPut, "writing " + about(key),
      [&](SftpClient& client) {
        const bool may_be_ours = asked;
        const auto remove_staged = [&] {
          try {
            client.remove(staged);
          } catch (const SftpRefusal&) {
            // The next writer removes it, a day from now.
          }
        };
        // What exists may be another writer's that has not made its name durable yet, or was killed before it
        // could: who is told of it must be able to rely on it.
        const auto what_exists = [&] {
          folder_.sync_name(client, key);
          remove_staged();
          return may_be_ours && is_same(client, key, content);
        };
        if ((look_first || may_be_ours) && client.lstat(folder_.path_of(key))) return what_exists();
        try {
          const std::string path = stage(client, content, staged);
          if (!give_name(client, path, key, asked)) return what_exists();
        } catch (const SshFailure&) {
          throw;  // the next attempt removes what this one leaves
        } catch (...) {
          remove_staged();
          throw;
        }
        try {
          folder_.sync_name(client, key);
        } catch (const SftpRefusal&) {
          // It is in doubt for good: a later sync may succeed, and tells nothing of this one.
          if (name == Name::kOwn) staged.push_back(folder_.path_of(key));
          remove_staged();
          throw;
        }
        remove_staged();
        return true;
      },
      content.length);
}

void SftpDestination::put(const std::string& key, ByteView data) {
  check_key(key);
  if (!store(key, of(data), Name::kOwn))
    throw Error(ErrorKind::kAlreadyExists, about(key) + " already exists");
}

bool SftpDestination::put_exclusive(const std::string& key, ByteView data) {
  check_key(key);
  return store(key, of(data), Name::kShared);
}

SftpDestination::Content SftpDestination::of(ByteView data) {
  return {data.size(),
          [data](std::uint64_t offset, std::size_t length) { return data.subspan(offset, length); }};
}

void SftpDestination::put_file(const std::string& key, const std::string& path) {
  check_key(key);
  // The file is durable where it is: a run that is to stop has no need to begin.
  if (StopScope::current().stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
  const Fd file = open_file(path, O_RDONLY);
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) {
    throw system_error(errno, "looking at " + printable(path), ErrorKind::kReadFailed);
  }
  Bytes piece;
  const auto source = [&](std::uint64_t offset, std::size_t length) -> ByteView {
    piece.resize(length);
    if (read_at(file.get(), piece, offset, path) != length) {
      throw Error(ErrorKind::kReadFailed, printable(path) + " became shorter while it was sent");
    }
    return piece;
  };
  if (!store(key, {static_cast<std::uint64_t>(facts.st_size), source}, Name::kOwn)) {
    throw Error(ErrorKind::kAlreadyExists, about(key) + " already exists");
  }
  remove_file(path);
}

void SftpDestination::remove(const std::string& key) { remove_all({key}); }

// Every folder is synced once, after all that went from it; also when an object was missing, for whoever
// removed it may have been killed before that.
void SftpDestination::remove_all(const std::vector<std::string>& keys) {
  std::vector<std::string> paths;
  for (const std::string& key : keys) {
    check_key(key);
    paths.push_back(folder_.path_of(key));
  }
  if (keys.empty()) return;
  attempt(
      RequestKind::kDelete, keys.size() == 1 ? "deleting " + about(keys[0]) : "deleting at " + describe(),
      [&](SftpClient& client) {
        client.remove(paths);
        folder_.sync_removals(client, keys);
        return true;
      },
      /*needed=*/0, keys.size());
}

// ---- Reading ----

std::uint64_t SftpDestination::size_of(const SftpAttributes& attributes, const std::string& key) const {
  if (attributes.size) return *attributes.size;
  throw Error(ErrorKind::kReadFailed, "reading " + about(key) + ": the server does not tell its size");
}

// `length_for`: how much of an object of that size is wanted; throws where it is too short, or too long.
Bytes SftpDestination::read(const std::string& key,
                            const std::function<std::uint64_t(std::uint64_t size)>& length_for,
                            std::uint64_t offset) {
  return attempt(RequestKind::kGet, "reading " + about(key), [&](SftpClient& client) {
    SftpAttributes attributes;
    const std::unique_ptr<SftpFile> file = client.open_object(folder_.path_of(key), attributes);
    if (!file) throw Error(ErrorKind::kDamaged, about(key) + " is not a file");
    const std::uint64_t length = length_for(size_of(attributes, key));
    Bytes data = file->read(offset, length);
    if (data.size() < length)
      throw Error(ErrorKind::kDamaged, about(key) + " became shorter while it was read");
    return data;
  });
}

Bytes SftpDestination::get(const std::string& key, std::uint64_t offset, std::uint64_t length) {
  check_key(key);
  const auto wanted = [&](std::uint64_t size) {
    if (offset > size || length > size - offset) {
      throw Error(ErrorKind::kDamaged, about(key) + " has " + std::to_string(size) + " bytes, too few for " +
                                           std::to_string(length) + " at " + std::to_string(offset));
    }
    return length;
  };
  return read(key, wanted, offset);
}

Bytes SftpDestination::get_all(const std::string& key, std::uint64_t limit) {
  check_key(key);
  const auto wanted = [&](std::uint64_t size) {
    if (size > limit) {
      throw Error(ErrorKind::kDamaged, about(key) + " has " + std::to_string(size) +
                                           " bytes, more than the " + std::to_string(limit) + " it may have");
    }
    return size;
  };
  return read(key, wanted, 0);
}

std::optional<std::uint64_t> SftpDestination::size(const std::string& key) {
  check_key(key);
  return attempt(RequestKind::kHead, "looking for " + about(key),
                 [&](SftpClient& client) -> std::optional<std::uint64_t> {
                   const std::optional<SftpAttributes> attributes = client.lstat(folder_.path_of(key));
                   if (!attributes) folder_.check(client);
                   if (!attributes || !attributes->is_file()) return std::nullopt;
                   return size_of(*attributes, key);
                 });
}

void SftpDestination::make_durable(const std::string& key) {
  check_key(key);
  attempt(RequestKind::kHead, "making durable " + about(key), [&](SftpClient& client) {
    folder_.sync_name(client, key);
    return true;
  });
}

std::vector<ObjectInfo> SftpDestination::list(const std::string& prefix, const std::string& start_after) {
  check_prefix(prefix);
  return attempt(RequestKind::kList, "listing " + about(prefix), [&](SftpClient& client) {
    std::vector<ObjectInfo> objects = list_remote_folder(client, folder_.root(), prefix, start_after);
    folder_.check(client);  // folders that vanished because the root did were passed over
    return objects;
  });
}

std::vector<std::string> SftpDestination::first_components() {
  return attempt(RequestKind::kList, "listing " + describe(), [&](SftpClient& client) {
    return names_in_remote_folder(client, folder_.root(), kEnoughNames);
  });
}

// Without reading all that a repository has.
bool SftpDestination::is_empty() {
  const std::vector<std::string> names = first_components();
  // So many are not what an unmounted disk leaves.
  if (names.size() >= kEnoughNames) return false;
  return std::none_of(names.begin(), names.end(), [&](const std::string& name) {
    return is_key_component(name) && (size(name) || !list(name + "/").empty());
  });
}

std::optional<Space> SftpDestination::space() {
  return attempt(
      RequestKind::kHead, "asking for the space of " + describe(),
      [&](SftpClient& client) -> std::optional<Space> {
        if (!client.has(kSpaceExtension)) return std::nullopt;
        const SftpSpace space = client.space(folder_.root());
        if (space.blocks == 0) return std::nullopt;
        return Space{product(space.available_blocks, space.unit), product(space.blocks, space.unit)};
      });
}

// ---- When it is added ----

void SftpDestination::create_folder() {
  const std::string doing = "creating the folder of " + describe();
  pool_.use(doing, [&](SftpClient& client) {
    try {
      folder_.create(client);
    } catch (const SftpRefusal& refusal) {
      const ErrorKind kind = is_full(client, 0) ? ErrorKind::kDestinationFull : ErrorKind::kWriteFailed;
      throw Error(kind, doing + ": " + refusal.what());
    }
  });
}

bool SftpDestination::is_durable() {
  return attempt(RequestKind::kHead, "asking " + describe() + " what it can do",
                 [](SftpClient& client) { return client.has(kSyncExtension); });
}

void SftpDestination::remove_empty_folders(const std::string& folder) {
  check_key(folder);
  attempt(RequestKind::kDelete, "deleting " + about(folder), [&](SftpClient& client) {
    try {
      for (std::string name = folder;; name.resize(name.rfind('/'))) {
        client.remove_folder(folder_.path_of(name));
        if (name.find('/') == std::string::npos) break;
      }
    } catch (const SftpRefusal&) {
      // It is not empty, or not there.
    }
    return true;
  });
}

void SftpDestination::check_conditions() {
  const std::string key = "probe-" + Uuid::random().text();
  const auto content = [](std::string_view text) {
    return Content{text.size(), [text](std::uint64_t offset, std::size_t length) {
                     return as_bytes(text).subspan(offset, length);
                   }};
  };
  bool kept = false;
  try {
    kept = store(key, content("one"), Name::kShared) &&
           !store(key, content("two"), Name::kShared, /*look_first=*/false) &&
           as_text(get_all(key, 3)) == "one";
    const bool links = attempt(RequestKind::kHead, "asking " + describe() + " what it can do",
                               [](SftpClient& client) { return client.has(kHardLinkExtension); });
    for (int race = 0; kept && !links && race < kMostRaces; ++race) {
      remove(key);
      kept = one_wins(key);
    }
  } catch (const Error&) {
    try {
      remove(key);
    } catch (const Error&) {
      // What is away, or may not be written, cannot be cleaned up.
    }
    throw;
  }
  remove(key);
  if (kept) return;
  throw Error(ErrorKind::kUnavailable,
              "the server of " + describe() +
                  " replaces what has a name already, or lets two create the same one, so two machines could "
                  "overwrite each other there: a server with OpenSSH's extension hardlink is needed");
}

// Whether exactly one of several who create the key at once is told that it has.
bool SftpDestination::one_wins(const std::string& key) {
  std::atomic<unsigned> winners = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  {
    std::vector<std::jthread> writers;
    for (unsigned number = 0; number < std::max(2u, options_.ssh.connections); ++number) {
      writers.emplace_back(in_log_context([&, number, stop = StopScope::current()] {
        const StopScope scope(stop);
        const Bytes data(1, static_cast<std::uint8_t>(number));
        const auto source = [&](std::uint64_t offset, std::size_t length) {
          return ByteView(data).subspan(offset, length);
        };
        try {
          if (store(key, {data.size(), source}, Name::kShared, /*look_first=*/false)) ++winners;
        } catch (const Error&) {
          const std::lock_guard lock(mutex);
          failure = std::current_exception();
        }
      }));
    }
  }
  if (failure) std::rethrow_exception(failure);
  return winners == 1;
}

}  // namespace garner::destination
