// The kernel's questions about a mount (libfuse's low-level interface), answered by a View. Answers come on
// the threads of libfuse's loop; nothing here holds a lock while it asks the daemon, but one of an open
// folder.
#pragma once

#include "daemon_link.h"
#include "mount/content_cache.h"
#include "mount/node_table.h"
#include "mount/open_file.h"
#include "mount/view.h"

struct fuse_lowlevel_ops;

namespace garner::client::mount {

class FileSystem {
 public:
  // `for_others`: users other than the one who mounts may look into it, and the kernel is to judge what they
  // may.
  FileSystem(DaemonLink& link, View& view, bool for_others)
      : link_(link), view_(view), for_others_(for_others), nodes_(view.top()) {}

  // Of which the user data is a FileSystem.
  static const fuse_lowlevel_ops& operations();

 private:
  struct Calls;

  DaemonLink& link_;
  View& view_;
  const bool for_others_;
  NodeTable nodes_;
  ContentCache blocks_{OpenFile::kBlocks};
};

}  // namespace garner::client::mount
