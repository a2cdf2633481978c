#include "command/identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/error.h"

namespace garner::command {

namespace {

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kMostRecordBytes = 1u << 20;
constexpr int kMostGroups = 65536;

// False where the user database does not know the user.
bool look_up(Identity& identity) {
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  while (getpwuid_r(identity.user, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kMostRecordBytes) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return false;
  identity.group = entry.pw_gid;
  identity.name = entry.pw_name;
  if (entry.pw_dir != nullptr && *entry.pw_dir == '/') identity.home = entry.pw_dir;
  if (entry.pw_shell != nullptr && *entry.pw_shell == '/') identity.shell = entry.pw_shell;
  int count = 64;
  identity.groups.resize(static_cast<std::size_t>(count));
  while (getgrouplist(entry.pw_name, entry.pw_gid, identity.groups.data(), &count) < 0 &&
         count <= kMostGroups) {
    count = std::max(count, static_cast<int>(identity.groups.size()) * 2);
    identity.groups.resize(static_cast<std::size_t>(count));
  }
  identity.groups.resize(static_cast<std::size_t>(std::clamp(count, 0, kMostGroups)));
  return true;
}

}  // namespace

Identity identity_of(uid_t user) {
  Identity identity;
  identity.user = user;
  identity.is_other = user != geteuid();
  identity.name = std::to_string(user);
  identity.home = "/";
  identity.shell = "/bin/sh";
  if (identity.is_other && geteuid() != 0) {
    throw Error(ErrorKind::kPermissionDenied,
                "a command cannot be run as user " + identity.name + " by a daemon that is not root's");
  }
  const bool known = look_up(identity);
  if (!known && identity.is_other) {
    throw Error(ErrorKind::kNotFound,
                "a command cannot be run as user " + identity.name + ": there is no such user");
  }
  if (!identity.is_other) identity.group = getegid();
  return identity;
}

std::vector<std::string> environment_of(const Identity& identity) {
  const char* language = std::getenv("LANG");
  return {std::string("PATH=") + kPath,
          "HOME=" + identity.home,
          "USER=" + identity.name,
          "LOGNAME=" + identity.name,
          "SHELL=" + identity.shell,
          std::string("LANG=") + (language != nullptr && *language != '\0' ? language : "C.UTF-8")};
}

}  // namespace garner::command
