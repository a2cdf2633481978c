// A place that holds one repository's objects. Keys are relative paths as destination/key.h says. Objects are
// immutable: they are created whole and durable under a name that did not exist, read, listed and deleted.
//
// Every method may be called from any thread. Errors: kInvalidInput (a malformed key), kNotFound (no such
// object), kAlreadyExists, kDestinationFull, kDestinationAway (the place itself is gone or does not answer),
// kDamaged (an object is shorter than asked for, or is no file), kWriteFailed, kReadFailed. An operation that
// failed with any of the last four or kDestinationFull has changed nothing that list() shows, except that a
// put or remove whose answer was lost may have been done, or be done yet. Where an operation may take long,
// at a server, it ends with kCancelled when its thread is told to stop (StopScope), and has changed as
// little. put_exclusive may also say kConflict: somebody else is the one who writes there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/disk_space.h"
#include "base/error.h"
#include "destination/md5.h"

namespace garner::destination {

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;  // bytes
  // By the destination's own clock; nothing where the place does not tell. For a grace period and the like:
  // nothing that must not go wrong rests on it.
  std::optional<TimePoint> modified = std::nullopt;
  // Of the object's bytes, where the place tells it in its listing. It may be another number: of bytes that
  // the place has encrypted, for instance. So a sum that differs says nothing, and the object is read.
  std::optional<Md5> md5 = std::nullopt;
};

using Space = DiskSpace;

class Destination {
 public:
  virtual ~Destination() = default;

  // For messages: the path or URL, without secrets.
  virtual std::string describe() const = 0;

  // Stores `data` durably under `key`. If the key exists nothing changes and Error(kAlreadyExists) is thrown.
  virtual void put(const std::string& key, ByteView data) = 0;
  // The same, told by the result: false when the key exists. Of all who try, on any machine, exactly one gets
  // true, and nobody ever sees the key with part of its content. A caller that was cut off compares the
  // content: equal bytes mean that it won.
  virtual bool put_exclusive(const std::string& key, ByteView data) = 0;
  // As put, for a local file that is complete and fsynced. On success the file is gone from `path`. At a
  // server both may ask again when an answer is lost: an object that somebody deleted in between is made
  // anew.
  virtual void put_file(const std::string& key, const std::string& path) = 0;
  // Whether put_file() with both was begun and cut off, would go on with what has arrived, and has certainly
  // never stored the object, not even for a moment in which somebody else may have seen it. A caller that
  // gives what it begins again a new name keeps this one.
  virtual bool can_go_on(const std::string& key, const std::string& path) {
    static_cast<void>(key), static_cast<void>(path);
    return false;
  }
  // A folder of this machine in which files for put_file are best made: there put_file costs no copy. Empty
  // where there is none; then the caller has a spool of its own. A crash may leave a file here that is also
  // the published object (a second name, link count 2): a file found here is never written to before put_file
  // was asked again.
  virtual std::optional<std::string> staging_folder() = 0;
  // Told by whoever fills a file in that folder, when so many bytes more have been written to it: whoever
  // counts or limits what goes to the destination learns of them here, and may make the caller wait. Never
  // called with a lock held that others wait for. Nothing where there is no such folder.
  virtual void staged(std::uint64_t bytes) { static_cast<void>(bytes); }

  // Exactly `length` bytes from `offset`; Error(kDamaged) when the object ends before.
  virtual Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) = 0;
  // The same in the caller's memory, all of which is filled; of no use after an error.
  virtual void get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) {
    const Bytes bytes = get(key, offset, memory.size());
    if (bytes.size() != memory.size())
      throw Error(ErrorKind::kInternal, key + ": another length was read than was asked for");
    std::copy(bytes.begin(), bytes.end(), memory.begin());
  }
  // The whole object; Error(kDamaged) when it is longer than `limit`.
  virtual Bytes get_all(const std::string& key, std::uint64_t limit) = 0;
  // Two parts of an object with no more bytes than these between them are better read as one, with what is
  // between. 0: each part by itself, for asking costs nothing here.
  virtual std::uint64_t read_gap() const { return 0; }
  virtual std::optional<std::uint64_t> size(const std::string& key) = 0;

  // Objects whose key starts with `prefix` (whole components, ending in '/', or empty for all) and is above
  // `start_after`, ascending by bytes. Temporary files are not objects.
  virtual std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after = {}) = 0;
  // Whether there is no object at all.
  virtual bool is_empty() { return list("").empty(); }
  // Sees to it that an object which was shown by one of these outlives a crash of this machine: whoever
  // stored it may have been cut off before it was durable. Nothing to do at stores.
  virtual void make_durable(const std::string& key) { static_cast<void>(key); }
  // Deletes durably. A missing object is no error.
  virtual void remove(const std::string& key) = 0;
  // The same for many, in fewer steps where the place allows it. After an error some are gone.
  virtual void remove_all(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) remove(key);
  }

  // Nothing where the place cannot tell.
  virtual std::optional<Space> space() = 0;
};

// Whether each question takes its time, or is paid for: that of a server.
inline bool asking_costs(const Destination& place) { return place.read_gap() > 0; }

}  // namespace garner::destination
