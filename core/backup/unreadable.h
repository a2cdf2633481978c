// What becomes of a part of the source that cannot be read: it is tried again a few times, at the end of the
// run, and then its last known version is kept, marked stale, and the run ends with errors.
#pragma once

#include <optional>
#include <string>

#include "backup/run_context.h"
#include "base/error.h"
#include "source/slow_file_system.h"

namespace garner::backup {

// What is wrong with an entry of `folder` that failed with `error`: kNotFound if it has vanished. Not found
// is also what a name is whose server does not answer (autofs), or which the file system lists and cannot
// look up or open (CIFS): those are there. A source never vanishes: whoever named it is told.
Error cause_of(Folder& folder, const std::string& name, const Error& error);

// Whether it is of use to try again what has failed after `attempts` before it: permissions do not change in
// seconds, and what hangs would only hang again.
bool is_worth_again(const RunContext& context, const Error& error, unsigned attempts);
// Queues `work` again for later, after `attempts` to do it have failed before this one. False where that is
// not worth it, or where too much waits already. After true the work may be somebody else's.
bool put_off(RunContext& context, const Error& error, unsigned attempts, WorkQueue::Work work);

// Tells that `path` cannot be read; `kept`: the snapshot has what was known of it. What is on a file system
// that has hung is told of once, with that file system's path.
void tell_unreadable(RunContext& context, const std::shared_ptr<source::SlowFileSystem>& slow,
                     const std::string& path, const Error& error, bool kept);
// Of a name that no node may have: NTFS, exFAT and servers have names of up to 765 bytes.
Error no_node_name(const std::string& name);
// Whether all of an earlier node is stored. Only looked at where that is in doubt.
bool is_still_there(RunContext& context, const v1::Node& earlier);
// The same as tell_unreadable(), and returns what the snapshot is to have instead: `earlier`, marked stale.
std::optional<v1::Node> keep_last_known(RunContext& context,
                                        const std::shared_ptr<source::SlowFileSystem>& slow,
                                        const std::string& path, const Error& error,
                                        std::optional<v1::Node> earlier);

}  // namespace garner::backup
