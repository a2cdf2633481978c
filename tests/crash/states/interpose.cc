// The functions of the C library that change files, for the whole program: see recorder.h.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>

#include "disk_calls.h"

namespace {

using garner::crash::on_attributes;
using garner::crash::on_link;
using garner::crash::on_make_node;
using garner::crash::on_open;
using garner::crash::on_read;
using garner::crash::on_rename;
using garner::crash::on_resize;
using garner::crash::on_sync;
using garner::crash::on_sync_all;
using garner::crash::on_unlink;
using garner::crash::on_write;

using Syscall = long (*)(long, ...);

// The C library's own, which sets errno.
template <typename... Arguments>
long system_call(long number, Arguments... arguments) {
  static const auto real = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  return real(number, arguments...);
}

long open_at(int folder, const char* path, int flags, mode_t mode) {
  return on_open(folder, path, static_cast<unsigned>(flags),
                 [&] { return system_call(SYS_openat, folder, path, flags, mode); });
}

long rename_at(int old_folder, const char* old_path, int folder, const char* path, unsigned flags) {
  return on_rename(old_folder, old_path, folder, path,
                   [&] { return system_call(SYS_renameat2, old_folder, old_path, folder, path, flags); });
}

long write_at(int fd, const void* data, std::size_t size, off_t offset) {
  return on_write(fd, data, offset, [&] { return system_call(SYS_pwrite64, fd, data, size, offset); });
}

long unlink_at(int folder, const char* path, int flags) {
  return on_unlink(folder, path, [&] { return system_call(SYS_unlinkat, folder, path, flags); });
}

long link_at(int old_folder, const char* old_path, int folder, const char* path, int flags) {
  return on_link(old_folder, old_path, folder, path,
                 [&] { return system_call(SYS_linkat, old_folder, old_path, folder, path, flags); });
}

long make_folder(int folder, const char* path, mode_t mode) {
  return on_make_node(folder, path, nullptr, [&] { return system_call(SYS_mkdirat, folder, path, mode); });
}

long change_mode(int folder, const char* path, mode_t mode) {
  return on_attributes(folder, path, 0, [&] { return system_call(SYS_fchmodat, folder, path, mode); });
}

long resize(int fd, off_t size) {
  return on_resize(fd, [&] { return system_call(SYS_ftruncate, fd, size); });
}

long allocate(int fd, int mode, off_t offset, off_t length) {
  return on_resize(fd, [&] { return system_call(SYS_fallocate, fd, mode, offset, length); });
}

mode_t mode_after(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_after(flags, arguments);
  va_end(arguments);
  return static_cast<int>(open_at(AT_FDCWD, path, flags, mode));
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_after(flags, arguments);
  va_end(arguments);
  return static_cast<int>(open_at(AT_FDCWD, path, flags, mode));
}
int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_after(flags, arguments);
  va_end(arguments);
  return static_cast<int>(open_at(folder, path, flags, mode));
}
int openat64(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_after(flags, arguments);
  va_end(arguments);
  return static_cast<int>(open_at(folder, path, flags, mode));
}

ssize_t pread(int fd, void* data, std::size_t size, off_t offset) {
  return on_read(fd, [&] { return system_call(SYS_pread64, fd, data, size, offset); });
}
ssize_t pread64(int fd, void* data, std::size_t size, off_t offset) {
  return on_read(fd, [&] { return system_call(SYS_pread64, fd, data, size, offset); });
}
ssize_t write(int fd, const void* data, std::size_t size) {
  return on_write(fd, data, std::nullopt, [&] { return system_call(SYS_write, fd, data, size); });
}
ssize_t pwrite(int fd, const void* data, std::size_t size, off_t offset) {
  return write_at(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off_t offset) {
  return write_at(fd, data, size, offset);
}

int ftruncate(int fd, off_t size) noexcept { return static_cast<int>(resize(fd, size)); }
int ftruncate64(int fd, off_t size) noexcept { return static_cast<int>(resize(fd, size)); }
int fallocate(int fd, int mode, off_t offset, off_t length) {
  return static_cast<int>(allocate(fd, mode, offset, length));
}
int fallocate64(int fd, int mode, off_t offset, off_t length) {
  return static_cast<int>(allocate(fd, mode, offset, length));
}

int fsync(int fd) {
  return static_cast<int>(on_sync(fd, false, [&] { return system_call(SYS_fsync, fd); }));
}
int fdatasync(int fd) {
  return static_cast<int>(on_sync(fd, true, [&] { return system_call(SYS_fdatasync, fd); }));
}
int syncfs(int fd) noexcept {
  return static_cast<int>(on_sync_all(fd, [&] { return system_call(SYS_syncfs, fd); }));
}

int link(const char* old_path, const char* path) noexcept {
  return static_cast<int>(link_at(AT_FDCWD, old_path, AT_FDCWD, path, 0));
}
int linkat(int old_folder, const char* old_path, int folder, const char* path, int flags) noexcept {
  return static_cast<int>(link_at(old_folder, old_path, folder, path, flags));
}
int unlink(const char* path) noexcept { return static_cast<int>(unlink_at(AT_FDCWD, path, 0)); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return static_cast<int>(unlink_at(folder, path, flags));
}
int rmdir(const char* path) noexcept { return static_cast<int>(unlink_at(AT_FDCWD, path, AT_REMOVEDIR)); }
int rename(const char* old_path, const char* path) noexcept {
  return static_cast<int>(rename_at(AT_FDCWD, old_path, AT_FDCWD, path, 0));
}
int renameat(int old_folder, const char* old_path, int folder, const char* path) noexcept {
  return static_cast<int>(rename_at(old_folder, old_path, folder, path, 0));
}
int renameat2(int old_folder, const char* old_path, int folder, const char* path, unsigned flags) noexcept {
  return static_cast<int>(rename_at(old_folder, old_path, folder, path, flags));
}

int mkdir(const char* path, mode_t mode) noexcept {
  return static_cast<int>(make_folder(AT_FDCWD, path, mode));
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return static_cast<int>(make_folder(folder, path, mode));
}
int symlink(const char* target, const char* path) noexcept {
  return static_cast<int>(on_make_node(AT_FDCWD, path, target,
                                       [&] { return system_call(SYS_symlinkat, target, AT_FDCWD, path); }));
}
int symlinkat(const char* target, int folder, const char* path) noexcept {
  return static_cast<int>(
      on_make_node(folder, path, target, [&] { return system_call(SYS_symlinkat, target, folder, path); }));
}

int chmod(const char* path, mode_t mode) noexcept {
  return static_cast<int>(change_mode(AT_FDCWD, path, mode));
}
int fchmodat(int folder, const char* path, mode_t mode, int) noexcept {
  return static_cast<int>(change_mode(folder, path, mode));
}
int fchmod(int fd, mode_t mode) noexcept {
  return static_cast<int>(
      on_attributes(fd, "", AT_EMPTY_PATH, [&] { return system_call(SYS_fchmod, fd, mode); }));
}
int futimens(int fd, const timespec* times) noexcept {
  return static_cast<int>(on_attributes(fd, "", AT_EMPTY_PATH,
                                        [&] { return system_call(SYS_utimensat, fd, nullptr, times, 0); }));
}
int utimensat(int folder, const char* path, const timespec* times, int flags) noexcept {
  return static_cast<int>(on_attributes(
      folder, path, flags, [&] { return system_call(SYS_utimensat, folder, path, times, flags); }));
}

// For calls that the C library has no function for, or not everywhere.
long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const auto make = [&] { return system_call(number, a[0], a[1], a[2], a[3], a[4], a[5]); };
  const auto text = [](long address) { return reinterpret_cast<const char*>(address); };
  switch (number) {
    case SYS_openat2:
      return on_open(static_cast<int>(a[0]), text(a[1]), reinterpret_cast<const open_how*>(a[2])->flags,
                     make);
    case SYS_renameat2:
      return on_rename(static_cast<int>(a[0]), text(a[1]), static_cast<int>(a[2]), text(a[3]), make);
    default:
      return make();
  }
}

}  // extern "C"
