// Names of own packs from before they are first given to the destination until they are live, and which of
// them somebody has condemned meanwhile.
//
// A commit looks whether its packs exist, after a record was read since which it reads every one. That is not
// enough where a name may be given to an object twice, and it may: a put whose answer is lost is asked for
// again, by the same call (S3Destination::ask, SftpDestination::store). Had the first one stored the pack, it
// stood there as an orphan; a remover may have condemned, deleted and dropped it by the time the second one
// arrives, and that one finds the name free and makes the pack anew. If the records that say so were read
// before the commit began (a read that missed a blob refreshes, another run's commit does, a new process
// opens the repository), nothing would tell: the pack exists, and a state forgets a dropped name that no
// segment names. The snapshot would rest on a pack that is dead to whoever reads the log from its start, and
// that a remover who is slow to delete deletes.
//
// The times of the protocol make that rare, and do not rule it out. A call asks again for two minutes
// (S3Options::patience), by a clock that stands still while the machine sleeps, and each time may take as
// long as the line does; an orphan is condemned when it is older than the remover's grace period, by the
// destination's clock against the remover's. A week lies between them in most cases: not for a laptop that
// was shut in mid-upload, a prune with --grace 0, or clocks that disagree. So nothing rests on time. Nobody
// can have condemned a name before it was first put, for it is drawn for that; every record that is read from
// then on is noted here; and the commit reads those that are left. So the commit knows of every record that
// may have condemned its packs, and gives up those that one did.
//
// Any thread.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "garner/v1/store.pb.h"
#include "store/object_name.h"

namespace garner::store {

class AwaitedNames {
 public:
  // Before the name is first given to an object, or with note() of every record since.
  void add(const ObjectName& name);
  // A record that was read, or made here.
  void note(const v1::RecordBody& body);
  bool was_condemned(const ObjectName& name) const;
  // Those that are no longer waited for. Names of packs that were never committed stay, a few bytes each.
  void remove_if(const std::function<bool(const ObjectName&)>& is_live);

 private:
  mutable std::mutex mutex_;
  std::map<ObjectName, bool> condemned_;  // by name, all that are awaited
};

}  // namespace garner::store
