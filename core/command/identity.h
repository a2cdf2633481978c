// Who a command runs as: the user who configured it, with the groups and the environment that are his.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace garner::command {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  bool is_other = false;  // than this process: its user and groups must be changed
  std::string name;
  std::string home;
  std::string shell;
};

// Of a user whose commands this process may run: its own, and, as root, that of anybody who is in the user
// database. Error(kPermissionDenied) and Error(kNotFound) otherwise. Any thread.
Identity identity_of(uid_t user);

// "NAME=VALUE": PATH, HOME, USER, LOGNAME and SHELL of the user, and the LANG of this process. Nothing else
// is handed on.
std::vector<std::string> environment_of(const Identity& identity);

}  // namespace garner::command
