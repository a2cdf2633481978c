// Change detection: may the content that an earlier snapshot recorded be taken for what the file holds now?
#pragma once

#include "base/clock.h"
#include "garner/v1/store.pb.h"
#include "source/metadata.h"

namespace garner::source {

// True if type, size, mtime, ctime and inode are the same, and neither time is so close to
// `earlier_scan_start` (when the scan began that made `earlier`), or after it, that the file could have
// changed again afterwards without its times telling (git's documentation calls this the racy problem): a
// time must be older by 20 ms, by 2 s when it has no fraction of a second, and by a minute when a server may
// have given it, whose clock is taken to be right within that. Nodes that are stale or inconsistent never
// are. It relies on content having been read after SourceFile::write_out().
bool is_unchanged(const FileStatus& now, const v1::Node& earlier, TimePoint earlier_scan_start);

}  // namespace garner::source
