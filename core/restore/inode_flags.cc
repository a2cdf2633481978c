#include "restore/inode_flags.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "restore/metadata.h"

namespace garner::restore {
namespace {

struct NamedFlag {
  std::uint32_t flag;
  const char* name;
};

constexpr std::uint32_t kProtecting = FS_IMMUTABLE_FL | FS_APPEND_FL;
// Where and how content is kept. A file system gives some of them to new files by itself, and they mean
// nothing elsewhere: they are added, never taken away.
constexpr std::uint32_t kStorage = FS_COMPR_FL | FS_NOCOW_FL | FS_NOTAIL_FL | FS_JOURNAL_DATA_FL |
                                   FS_TOPDIR_FL | FS_PROJINHERIT_FL | FS_DAX_FL;
// What a user sets, and what is taken away where the node has it not.
constexpr std::uint32_t kUser =
    FS_SECRM_FL | FS_UNRM_FL | FS_SYNC_FL | FS_DIRSYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL;

constexpr std::array<NamedFlag, 15> kNames{{
    {FS_IMMUTABLE_FL, "immutable"},
    {FS_APPEND_FL, "append-only"},
    {FS_NODUMP_FL, "no dump"},
    {FS_NOATIME_FL, "no access time"},
    {FS_SYNC_FL, "synchronous"},
    {FS_DIRSYNC_FL, "synchronous folder"},
    {FS_SECRM_FL, "secure deletion"},
    {FS_UNRM_FL, "undeletable"},
    {FS_COMPR_FL, "compressed"},
    {FS_NOCOW_FL, "no copy on write"},
    {FS_NOTAIL_FL, "no tail merging"},
    {FS_JOURNAL_DATA_FL, "data journalling"},
    {FS_TOPDIR_FL, "top of hierarchy"},
    {FS_PROJINHERIT_FL, "project inheritance"},
    {FS_DAX_FL, "direct access"},
}};

std::string flag_names(std::uint32_t flags) {
  std::string names;
  for (const NamedFlag& named : kNames) {
    if ((flags & named.flag) == 0) continue;
    if (!names.empty()) names += ", ";
    names += named.name;
  }
  return names;
}

std::optional<std::uint32_t> get_flags(int fd) {
  int flags = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return std::nullopt;
  return static_cast<std::uint32_t>(flags);
}

bool put_flags(int fd, std::uint32_t flags) {
  int value = static_cast<int>(flags);
  return ioctl(fd, FS_IOC_SETFLAGS, &value) == 0;
}

// Sets `added` and clears `removed`: at once, or, where the file system takes only some, one by one.
void change_flags(int fd, std::uint32_t added, std::uint32_t removed, const Complain& complain) {
  const std::optional<std::uint32_t> current = get_flags(fd);
  if (!current) {
    if (added != 0 && complain) {
      complain("flags " + flag_names(added) + " could not be set: " + std::generic_category().message(errno));
    }
    return;
  }
  const std::uint32_t wanted = (*current | added) & ~removed;
  if (wanted == *current || put_flags(fd, wanted)) return;
  int error_number = errno;
  std::uint32_t reached = *current;
  std::uint32_t missing = 0;
  for (const NamedFlag& named : kNames) {
    if (((wanted ^ reached) & named.flag) == 0) continue;
    if (put_flags(fd, reached ^ named.flag)) {
      reached ^= named.flag;
    } else {
      error_number = errno;
      missing |= named.flag;
    }
  }
  if (missing != 0 && complain) {
    complain("flags " + flag_names(missing) + " could not be " +
             ((missing & added) != 0 ? "set" : "cleared") + ": " +
             std::generic_category().message(error_number));
  }
}

}  // namespace

std::uint32_t protecting_flags(std::uint32_t flags) { return flags & kProtecting; }

void set_storage_flags(int fd, std::uint32_t flags) {
  const std::uint32_t added = flags & (FS_NOCOW_FL | FS_COMPR_FL);
  if (added != 0) change_flags(fd, added, 0, {});
}

void set_plain_flags(int fd, std::uint32_t flags, const Complain& complain) {
  change_flags(fd, flags & (kStorage | kUser), kUser & ~flags, complain);
}

void set_protecting_flags(int fd, std::uint32_t flags, const Complain& complain) {
  if (protecting_flags(flags) != 0) change_flags(fd, protecting_flags(flags), 0, complain);
}

bool clear_protecting_flags(int fd) {
  const std::optional<std::uint32_t> current = get_flags(fd);
  return !current || (*current & kProtecting) == 0 || put_flags(fd, *current & ~kProtecting);
}

}  // namespace garner::restore
