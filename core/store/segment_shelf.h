// Copies of a repository's index segments at the destination of another repository (index_source.h), where
// they cost less to read: below indexes/<uuid of the repository they are of>/, beside everything that is that
// destination's own. They are the same objects, sealed for their repository: whoever holds the place learns
// their padded sizes, and needs no key.
//
// Segments are immutable, and each has its hash in its name. So what is on the shelf is never wrong, only
// incomplete: what is missing there, or does not verify, is read at the repository's own destination, which
// always has it, and put here. What is to be put waits in a folder of this machine until send(); should that
// be lost, the segment is put here when somebody misses it.
//
// Nothing here fails for what is wrong with the place, or because a run is to stop, and a repository does not
// wait for a place that is away: it is waited for as for somebody who looks at it, ten seconds at a server,
// and then not asked again for some minutes. (A network file system that hangs holds up whoever reads from
// it.) Thread-safe; nothing is waited for with a lock held that another call wants.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/uuid.h"
#include "destination/destination.h"
#include "store/object_name.h"

namespace garner::store {

// For how long a place that was away is done without.
inline constexpr std::chrono::minutes kShelfIsAwayFor{5};

class SegmentShelf {
 public:
  // The place of a repository, by its uuid; null where this machine has none.
  using FindPlace = std::function<std::shared_ptr<destination::Destination>(const Uuid& repository)>;

  // `owner`: whose segments these are. `folder`: for what waits, made when it is needed. The clock outlives
  // it.
  SegmentShelf(FindPlace find, const Uuid& owner, std::string folder, const Clock& clock);

  // At whose destination it is; nil: nowhere, and nothing else here does anything.
  void stand_at(const Uuid& repository);
  bool stands() const;

  // The object; nothing where it is not there or the place is away.
  std::optional<Bytes> get(const ObjectName& name);
  // What does not verify.
  void remove(const ObjectName& name);
  // To be put by send(), of an object that is durable at the repository's own destination. The place is not
  // asked. Nothing where this machine has none.
  void keep(const ObjectName& name, ByteView object);
  // Forgets what waits of others.
  void keep_only(const std::function<bool(const ObjectName&)>& is_listed);
  // Puts what waits, as much as goes in some seconds; nothing while somebody else does. Not to be called with
  // a lock held that others wait for.
  void send();

  // What follows is for whoever wants to wait for the place, with a StopScope that says for how long, and
  // asks it also when it was away a moment ago. False where it could not be done.
  bool put(const ObjectName& name, ByteView object);
  // Which of its segments are there, after taking away those that nobody lists and that are older than a day:
  // the record that lists a younger one may not have been read here. Nothing where the place is away.
  std::optional<std::set<ObjectName>> tidy(const std::function<bool(const ObjectName&)>& is_listed,
                                           TimePoint now);

 private:
  enum class Wait { kShort, kAsCaller };
  std::string key_of(const ObjectName& name) const;
  std::string path_of(const ObjectName& name) const { return folder_ + "/" + name.hex(); }
  std::shared_ptr<destination::Destination> reach(Wait wait);
  template <typename Work>
  bool attempt(const char* doing, Wait wait, const Work& work);
  bool has_place() const;
  std::set<ObjectName> waiting() const;

  const FindPlace find_;
  const Uuid owner_;
  const std::string folder_;
  const Clock& clock_;
  std::mutex sending_;        // held by send()
  mutable std::mutex mutex_;  // of what follows; nothing is waited for under it
  Uuid repository_;
  std::shared_ptr<destination::Destination> known_;  // a server that was found to be the right one
  std::optional<std::chrono::steady_clock::time_point> away_since_;
};

}  // namespace garner::store
