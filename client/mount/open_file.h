// A file that a program reads through a mount. Where it is read from front to back, whole blocks are asked
// for, and the next ones before the program wants them: the kernel asks for little at a time, and each
// question costs the daemon more than such a piece does. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "daemon_link.h"
#include "mount/content_cache.h"
#include "mount/node_table.h"
#include "mount/reading_order.h"
#include "mount/view.h"

namespace garner::client::mount {

class OpenFile {
 public:
  // Blocks of kBlock bytes, of all files that are open: seven of what the kernel asks for at once, and with
  // all that a message adds less than the MiB from which on the daemon's memory for a block, twice for each
  // answer, is fetched from the kernel and cleared.
  static constexpr std::size_t kBlock = 7 * (128u << 10);
  static constexpr std::size_t kBlocks = 73;
  // How many are asked for ahead of the one that is read.
  static constexpr std::uint64_t kAhead = 8;

  // All but the node outlive it.
  OpenFile(DaemonLink& link, View& view, ContentCache& blocks, std::shared_ptr<const Node> node)
      : link_(link), view_(view), blocks_(blocks), node_(std::move(node)) {}

  // What was asked for, within what is kept of it.
  struct Piece {
    ContentCache::Content content;
    std::size_t begin = 0;
    std::size_t length = 0;  // fewer bytes than asked for only at the file's end
    bool is_in_order = false;
  };
  // Errors: as View::read().
  Piece read(Operation& operation, std::uint64_t offset, std::size_t length);
  // For who has got a piece that is in order: fetches what comes next, if nobody does so yet. Nobody waits
  // for it, so it ends when the file is closed, and throws nothing.
  void read_ahead(std::uint64_t offset) noexcept;
  // Nobody reads it any more.
  void close() { closed_.request_stop(); }

 private:
  ContentCache::Content block(Operation& operation, std::uint64_t number);
  std::uint64_t size() const { return static_cast<std::uint64_t>(node_->entry.status.st_size); }

  DaemonLink& link_;
  View& view_;
  ContentCache& blocks_;
  const std::shared_ptr<const Node> node_;
  ReadingOrder order_;
  std::stop_source closed_;
};

}  // namespace garner::client::mount
