// Who may call what. A user's own daemon serves that user and root. A system daemon serves root in
// everything; members of the group `garner` may see status and start, pause and resume existing sets, and
// nothing else: whatever names a path, a destination, a command, a key or configuration amounts to being
// root.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "peers.h"

namespace garner::daemon {

inline constexpr const char* kMemberGroup = "garner";

enum class Authority { kNone, kMember, kFull };

// What a call needs, and how it is served.
struct MethodRule {
  Authority needed = Authority::kFull;
  bool slow = false;     // may wait for a destination or a costly key derivation
  bool changes = false;  // noted in the log with the caller
  bool content = false;  // a mounted snapshot asks so all the time: slow, and keeps nobody else waiting
};

// By the method's name in service.proto. Nothing for an unknown one, which nobody may call.
std::optional<MethodRule> rule_of(std::string_view method);

class AuthorityRules {
 public:
  // `daemon`: whose daemon it is, 0 for the system's. `is_member`: of the group, by uid.
  AuthorityRules(uid_t daemon, std::function<bool(uid_t)> is_member)
      : daemon_(daemon), is_member_(std::move(is_member)) {}

  Authority of(const Peer& peer) const;

 private:
  uid_t daemon_;
  std::function<bool(uid_t)> is_member_;
};

// Whether the user is a member of kMemberGroup, by all the groups that the system's user database gives him
// (a connection's credentials name one group only).
bool is_group_member(uid_t user);
// Nothing when there is no such group.
std::optional<gid_t> member_group();

}  // namespace garner::daemon
