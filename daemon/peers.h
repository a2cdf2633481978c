// Who is at the other end of each connection.
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace garner::daemon {

struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

// From the descriptor that a connection was handed to gRPC as, to the credentials that the kernel gave when
// it was accepted. gRPC closes descriptors without telling, so entries stay until the number comes again and
// the new connection's take their place. Numbers come again late (see the listener): a call that is still on
// its way when its connection is gone must not be taken for one of the connection that came after. Any
// thread.
class PeerTable {
 public:
  void set(int descriptor, const Peer& peer);
  // `name`: what gRPC calls the peer, "fd:<descriptor>". Nothing for any other.
  std::optional<Peer> find(const std::string& name) const;
  // Ends the connection of that name, which gRPC then closes. False where it has ended.
  bool hang_up(const std::string& name) const;

 private:
  struct Entry {
    Peer peer;
    ino_t socket = 0;  // its inode: by this the descriptor is known for the same
  };

  mutable std::mutex mutex_;
  std::map<int, Entry> entries_;
};

}  // namespace garner::daemon
