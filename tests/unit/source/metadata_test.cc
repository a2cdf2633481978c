#include "source/metadata.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "odd_answers.h"
#include "real_files.h"
#include "snapshot/node.h"
#include "support/failing_syscalls.h"
#include "support/temporary_folder.h"

namespace garner::source {
namespace {

using testing::is_root;
using testing::must;
using testing::open_folder;
using testing::skip;
using testing::TemporaryFolder;
using testing::write_file;

void fail_on_warning(const std::string& warning) { FAIL(warning); }

v1::Node capture_path(const TemporaryFolder& folder, const std::string& name,
                      const std::function<void(const std::string&)>& warn = fail_on_warning) {
  const Fd fd = open_folder(folder.path());
  return capture(fd.get(), name, read_status(fd.get(), name), -1, warn);
}

std::map<std::string, std::string> xattrs_of(const v1::Node& node) {
  std::map<std::string, std::string> result;
  for (const v1::Xattr& xattr : node.xattrs()) result[xattr.name()] = xattr.value();
  return result;
}

// False where the file system does not keep such attributes.
bool set_xattr(const std::string& path, const std::string& name, const std::string& value) {
  if (lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) == 0) return true;
  if (errno == ENOTSUP) return false;
  throw std::system_error(errno, std::generic_category(), "setting " + name);
}

// An access control list as the kernel keeps it: the version, then tag, permissions and id for each entry.
std::string sample_acl() {
  ByteWriter writer;
  writer.u32(2);
  const auto entry = [&](std::uint16_t tag, std::uint16_t permissions, std::uint32_t id) {
    writer.u16(tag);
    writer.u16(permissions);
    writer.u32(id);
  };
  entry(0x01, 6, 0xffffffff);  // owner
  entry(0x02, 4, 1234);        // a user by id
  entry(0x04, 4, 0xffffffff);  // group
  entry(0x10, 4, 0xffffffff);  // mask
  entry(0x20, 0, 0xffffffff);  // others
  return std::string(as_text(writer.data()));
}

// cap_net_bind_service in the permitted set, revision 2.
std::string sample_capability() {
  ByteWriter writer;
  writer.u32(0x02000001);
  writer.u32(1u << 10);
  writer.u32(0);
  writer.u32(0);
  writer.u32(0);
  return std::string(as_text(writer.data()));
}

void make_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  const Fd fd(must(socket(AF_UNIX, SOCK_STREAM, 0), "socket"));
  must(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
}

TEST_CASE("every type of file is captured, and the node is valid") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "content");
  must(chmod(folder.path("file").c_str(), 06751), "chmod");
  must(mkdir(folder.path("folder").c_str(), 0700), "mkdir");
  must(chmod(folder.path("folder").c_str(), 01777), "chmod");
  must(symlink("tar\nget", folder.path("link").c_str()), "symlink");
  must(mkfifo(folder.path("fifo").c_str(), 0600), "mkfifo");
  make_socket(folder.path("socket"));
  struct stat expected {};

  for (const auto& [name, type] : std::map<std::string, v1::NodeType>{{"file", v1::NODE_TYPE_FILE},
                                                                      {"folder", v1::NODE_TYPE_FOLDER},
                                                                      {"link", v1::NODE_TYPE_SYMLINK},
                                                                      {"fifo", v1::NODE_TYPE_FIFO},
                                                                      {"socket", v1::NODE_TYPE_SOCKET}}) {
    INFO(name);
    v1::Node node = capture_path(folder, name);
    must(lstat(folder.path(name).c_str(), &expected), "lstat");
    REQUIRE(node.name() == name);
    REQUIRE(node.type() == type);
    REQUIRE(node.mode() == (expected.st_mode & 07777));
    REQUIRE(node.uid() == expected.st_uid);
    REQUIRE(node.gid() == expected.st_gid);
    REQUIRE(node.inode() == expected.st_ino);
    REQUIRE(node.mtime().seconds() == expected.st_mtim.tv_sec);
    REQUIRE(node.mtime().nanos() == expected.st_mtim.tv_nsec);
    REQUIRE(node.ctime().seconds() == expected.st_ctim.tv_sec);
    REQUIRE(node.ctime().nanos() == expected.st_ctim.tv_nsec);
    REQUIRE(node.size() == (type == v1::NODE_TYPE_FILE ? 7u : 0u));
    REQUIRE(node.target() == (type == v1::NODE_TYPE_SYMLINK ? "tar\nget" : ""));
    REQUIRE(node.links() == 0);
    // What is left for the caller to fill in.
    if (type == v1::NODE_TYPE_FILE) {
      node.add_content()->set_type(v1::ENTRY_TYPE_HOLE);
      node.mutable_content(0)->set_length(7);
    } else if (type == v1::NODE_TYPE_FOLDER) {
      node.set_tree(std::string(32, 'x'));
      node.mutable_totals();
    }
    REQUIRE_NOTHROW(snapshot::validate(node));
  }
}

TEST_CASE("devices are captured without being opened") {
  if (!is_root()) return skip("needs root");
  const TemporaryFolder folder;
  // No driver has these numbers: opening one fails.
  must(mknod(folder.path("block").c_str(), S_IFBLK | 0640, makedev(259, 1'000'000)), "mknod");
  must(mknod(folder.path("character").c_str(), S_IFCHR | 0640, makedev(4000, 5)), "mknod");
  const v1::Node block = capture_path(folder, "block");
  REQUIRE(block.type() == v1::NODE_TYPE_BLOCK_DEVICE);
  REQUIRE(block.device_major() == 259);
  REQUIRE(block.device_minor() == 1'000'000);
  const v1::Node character = capture_path(folder, "character");
  REQUIRE(character.type() == v1::NODE_TYPE_CHARACTER_DEVICE);
  REQUIRE(character.device_major() == 4000);
  REQUIRE(character.device_minor() == 5);
}

TEST_CASE("the longest link target") {
  const TemporaryFolder folder;
  const std::string target(4095, 't');
  if (symlink(target.c_str(), folder.path("link").c_str()) != 0)
    return skip("the file system takes no such link");
  REQUIRE(capture_path(folder, "link").target() == target);
}

TEST_CASE("times before 1970 and after 2038, to the nanosecond") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "");
  for (const TimePoint time : {TimePoint{-1'000'000'000, 123'456'789}, TimePoint{-1, 999'999'999},
                               TimePoint{4'000'000'000, 1}, TimePoint{0, 0}}) {
    const timespec times[2] = {{0, UTIME_OMIT}, {time.seconds, static_cast<long>(time.nanos)}};
    must(utimensat(AT_FDCWD, folder.path("file").c_str(), times, 0), "utimensat");
    REQUIRE(snapshot::from_proto(capture_path(folder, "file").mtime()) == time);
  }
}

TEST_CASE(
    "times of more nanoseconds than a second has, and attributes that are listed twice, fit into a node") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "x");
  const std::map<std::string, std::string> expected{{"user.a", "1"}, {"user.b", "2"}};
  bool has_xattrs = true;
  for (const auto& [name, value] : expected)
    has_xattrs = has_xattrs && set_xattr(folder.path("file"), name, value);
  OddAnswers odd;
  odd.nanos = GENERATE(1'000'000'000u, 0xffff'ffffu);
  odd.lists_twice = true;
  const Fd content = open_file(folder.path("file"), O_RDONLY);
  for (const int fd : {-1, content.get()}) {
    const v1::Node node =
        capture(AT_FDCWD, folder.path("file"), read_status(content.get(), ""), fd, fail_on_warning);
    for (const v1::Time& time : {node.mtime(), node.ctime()}) CHECK(time.nanos() == 999'999'999);
    if (node.has_birth_time()) CHECK(node.birth_time().nanos() == 999'999'999);
    if (has_xattrs) CHECK(xattrs_of(node) == expected);
    if (has_xattrs) CHECK(node.xattrs_size() == 2);
  }
}

TEST_CASE("a link that is said to lead nowhere, or further than a node may hold, cannot be read") {
  const TemporaryFolder folder;
  must(symlink("target", folder.path("link").c_str()), "symlink");
  OddAnswers odd;
  for (const std::string& target : {std::string(), std::string("a\0b", 3), std::string(5000, 'x')}) {
    odd.target = target;
    try {
      capture_path(folder, "link");
      FAIL("captured");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kReadFailed);
      CHECK_THAT(error.what(), Catch::Contains("link") && Catch::Contains("target"));
    }
  }
  odd.target = std::string(4095, 'x');
  CHECK(capture_path(folder, "link").target().size() == 4095);
}

TEST_CASE("hard links are counted, except of folders") {
  const TemporaryFolder folder;
  write_file(folder.path("a"), "x");
  must(link(folder.path("a").c_str(), folder.path("b").c_str()), "link");
  must(mkdir(folder.path("folder").c_str(), 0755), "mkdir");
  must(mkdir(folder.path("folder/below").c_str(), 0755), "mkdir");
  REQUIRE(capture_path(folder, "a").links() == 2);
  REQUIRE(capture_path(folder, "a").inode() == capture_path(folder, "b").inode());
  REQUIRE(capture_path(folder, "folder").links() == 0);
}

TEST_CASE("the birth time is recorded where the file system has it") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "");
  const FileStatus status = read_status(AT_FDCWD, folder.path("file"));
  const v1::Node node = capture_path(folder, "file");
  REQUIRE(node.has_birth_time() == status.has_birth_time);
  if (status.has_birth_time) REQUIRE(snapshot::from_proto(node.birth_time()) == status.birth_time);
}

TEST_CASE("xattrs of files and folders, opened or not") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "x");
  must(mkdir(folder.path("folder").c_str(), 0755), "mkdir");
  const std::map<std::string, std::string> expected{{"user.empty", ""},
                                                    {"user.binary", std::string("\0\xff\n", 3)},
                                                    {"user.large", std::string(3000, 'x')}};
  for (const char* name : {"file", "folder"}) {
    for (const auto& [xattr, value] : expected) {
      if (!set_xattr(folder.path(name), xattr, value)) return skip("the file system has no xattrs");
    }
    REQUIRE(xattrs_of(capture_path(folder, name)) == expected);
    const Fd content = open_file(folder.path(name), O_RDONLY);
    const Fd parent = open_folder(folder.path());
    const v1::Node opened =
        capture(parent.get(), name, read_status(parent.get(), name), content.get(), fail_on_warning);
    REQUIRE(snapshot::serialize(opened) == snapshot::serialize(capture_path(folder, name)));
  }
}

TEST_CASE("ACLs and capabilities are kept as the kernel has them") {
  if (!is_root()) return skip("needs root");
  const TemporaryFolder folder;
  write_file(folder.path("file"), "x");
  must(mkdir(folder.path("folder").c_str(), 0755), "mkdir");
  if (!set_xattr(folder.path("file"), "system.posix_acl_access", sample_acl())) return skip("no ACLs here");
  set_xattr(folder.path("file"), "security.capability", sample_capability());
  set_xattr(folder.path("folder"), "system.posix_acl_default", sample_acl());
  const auto file = xattrs_of(capture_path(folder, "file"));
  REQUIRE(file.at("system.posix_acl_access") == sample_acl());
  REQUIRE(file.at("security.capability") == sample_capability());
  REQUIRE(xattrs_of(capture_path(folder, "folder")).at("system.posix_acl_default") == sample_acl());
}

TEST_CASE("xattrs of what cannot be opened are its own") {
  if (!is_root()) return skip("needs root");
  const TemporaryFolder folder;
  write_file(folder.path("target"), "x");
  must(symlink("target", folder.path("link").c_str()), "symlink");
  must(symlink("missing", folder.path("dangling").c_str()), "symlink");
  must(mkfifo(folder.path("fifo").c_str(), 0600), "mkfifo");
  must(mknod(folder.path("device").c_str(), S_IFCHR | 0600, makedev(4000, 5)), "mknod");
  make_socket(folder.path("socket"));
  for (const char* name : {"target", "link", "dangling", "fifo", "device", "socket"}) {
    if (!set_xattr(folder.path(name), "trusted.name", name)) return skip("the file system has no xattrs");
  }
  for (const char* name : {"target", "link", "dangling", "fifo", "device", "socket"}) {
    INFO(name);
    REQUIRE(xattrs_of(capture_path(folder, name)) ==
            std::map<std::string, std::string>{{"trusted.name", name}});
  }
}

TEST_CASE("xattrs are in order of their names") {
  const TemporaryFolder folder;
  write_file(folder.path("file"), "");
  for (const char* name : {"user.b", "user.a", "user.c", "user.B"}) {
    if (!set_xattr(folder.path("file"), name, "")) return skip("the file system has no xattrs");
  }
  const v1::Node node = capture_path(folder, "file");
  REQUIRE(node.xattrs(0).name() == "user.B");
  REQUIRE(node.xattrs(3).name() == "user.c");
}

TEST_CASE("xattrs that no node can hold are an error, and up to there all is kept") {
  // Of the file systems that are there everywhere only this one takes so much for one file.
  if (!is_root() || access("/dev/shm", W_OK) != 0) return skip("needs root and /dev/shm");
  const std::string path = "/dev/shm/garner-test-" + std::to_string(getpid());
  write_file(path, "x");
  const Fd fd = open_file(path, O_RDONLY);
  must(unlink(path.c_str()), "unlink");
  const std::string value(65536, 'v');
  const auto captured = [&] {
    return capture(fd.get(), "", read_status(fd.get(), ""), fd.get(), fail_on_warning);
  };
  for (int i = 0; i < 14; ++i) {
    const std::string name = "trusted.large" + std::to_string(i);
    if (fsetxattr(fd.get(), name.c_str(), value.data(), value.size(), 0) != 0) return skip("not enough room");
  }
  REQUIRE(captured().xattrs_size() == 14);
  REQUIRE(captured().ByteSizeLong() <= snapshot::kMaximumNode);
  if (fsetxattr(fd.get(), "trusted.more", value.data(), value.size(), 0) != 0) return skip("not enough room");
  REQUIRE_THROWS_WITH(captured(), Catch::Contains("extended attributes take more than"));
}

// Inode flags set on a file while it lives.
class InodeFlags {
 public:
  InodeFlags(const std::string& path, std::uint32_t flags) : fd_(open_file(path, O_RDONLY)) {
    must(ioctl(fd_.get(), FS_IOC_GETFLAGS, &before_), "getting flags");
    std::uint32_t changed = before_ | flags;
    supported_ = ioctl(fd_.get(), FS_IOC_SETFLAGS, &changed) == 0;
  }
  ~InodeFlags() { ioctl(fd_.get(), FS_IOC_SETFLAGS, &before_); }
  InodeFlags(const InodeFlags&) = delete;
  InodeFlags& operator=(const InodeFlags&) = delete;
  bool supported() const { return supported_; }

 private:
  Fd fd_;
  std::uint32_t before_ = 0;
  bool supported_ = false;
};

TEST_CASE("inode flags that a user can set are kept, and no other") {
  if (!is_root()) return skip("needs root");
  const TemporaryFolder folder;
  write_file(folder.path("file"), "x");
  must(mkdir(folder.path("folder").c_str(), 0755), "mkdir");
  REQUIRE(capture_path(folder, "file").inode_flags() == 0);
  for (const char* name : {"file", "folder"}) {
    for (const std::uint32_t flags : {FS_NODUMP_FL, FS_NOATIME_FL, FS_APPEND_FL, FS_IMMUTABLE_FL,
                                      FS_IMMUTABLE_FL | FS_NODUMP_FL | FS_SYNC_FL}) {
      const InodeFlags set(folder.path(name), flags);
      if (!set.supported()) return skip("the file system has no inode flags");
      REQUIRE(capture_path(folder, name).inode_flags() == flags);
      const Fd fd = open_file(folder.path(name), O_RDONLY);
      REQUIRE(capture(fd.get(), "", read_status(fd.get(), ""), fd.get(), fail_on_warning).inode_flags() ==
              flags);
    }
  }
}

TEST_CASE("the descriptor itself is captured without a name") {
  const TemporaryFolder folder;
  must(mkdir(folder.path("folder").c_str(), 0750), "mkdir");
  const Fd fd = open_folder(folder.path("folder"));
  const FileStatus status = read_status(fd.get(), "");
  for (const int content : {fd.get(), -1}) {
    const v1::Node node = capture(fd.get(), "", status, content, fail_on_warning);
    REQUIRE(node.name().empty());
    REQUIRE(node.type() == v1::NODE_TYPE_FOLDER);
    REQUIRE(node.mode() == 0750);
  }
}

TEST_CASE("what has vanished or was replaced is noticed") {
  const TemporaryFolder folder;
  const Fd fd = open_folder(folder.path());
  const auto kind_of = [&](const FileStatus& status) {
    try {
      capture(fd.get(), "file", status, -1, fail_on_warning);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  write_file(folder.path("file"), "x");
  const FileStatus status = read_status(fd.get(), "file");
  write_file(folder.path("other"), "x");
  must(rename(folder.path("other").c_str(), folder.path("file").c_str()), "rename");
  REQUIRE(kind_of(status) == ErrorKind::kReadFailed);
  must(unlink(folder.path("file").c_str()), "unlink");
  REQUIRE(kind_of(status) == ErrorKind::kNotFound);
  must(mkfifo(folder.path("file").c_str(), 0600), "mkfifo");  // waits for nobody
  REQUIRE(kind_of(status) == ErrorKind::kReadFailed);
  try {
    read_status(fd.get(), "missing");
    FAIL("found");
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kNotFound);
  }
}

TEST_CASE("what may not be read is reported, and the rest is kept") {
  if (!is_root()) return skip("needs root");
  const TemporaryFolder folder;
  must(chmod(folder.path().c_str(), 0755), "chmod");
  write_file(folder.path("file"), "x");
  const bool has_xattrs = set_xattr(folder.path("file"), "user.secret", "x");
  must(chmod(folder.path("file").c_str(), 0600), "chmod");
  REQUIRE(testing::as_nobody([&] {
    std::vector<std::string> warnings;
    const v1::Node node =
        capture_path(folder, "file", [&](const std::string& text) { warnings.push_back(text); });
    return node.mode() == 0600 && node.size() == 1 && node.xattrs_size() == 0 &&
           warnings.size() == (has_xattrs ? 2u : 1u);
  }));
}

TEST_CASE("names are bytes") {
  const TemporaryFolder folder;
  for (const std::string& name :
       {std::string("new\nline"), std::string("\xff\xfe\x80"), std::string(255, 'n')}) {
    write_file(folder.path(name), "x");
    REQUIRE(capture_path(folder, name).name() == name);
  }
}

TEST_CASE("owners have names") {
  REQUIRE(user_name(0) == "root");
  REQUIRE(group_name(0) == "root");
  REQUIRE(user_name(0) == "root");  // as kept
  REQUIRE(user_name(3'999'999'999).empty());
  REQUIRE(group_name(3'999'999'999).empty());
}

// What becomes of an entry of a folder when `call` fails so.
std::string kind_when_failing(long call, int error_number, const std::function<void(int folder_fd)>& ask) {
  const TemporaryFolder folder;
  must(symlink("nowhere", folder.path("link").c_str()), "symlink");
  const std::string seen = testing::with_failing_calls({{call, error_number}}, [&]() -> std::string {
    const Fd fd = open_folder(folder.path());
    try {
      ask(fd.get());
    } catch (const Error& error) {
      return std::string(to_string(error.kind()));
    }
    return "nothing failed";
  });
  if (seen == "unsupported") skip("system calls cannot be made to fail here");
  return seen;
}

TEST_CASE("a link whose attributes are not found has vanished: /proc is there") {
  const std::string seen = kind_when_failing(SYS_listxattr, ENOENT, [](int folder_fd) {
    capture(folder_fd, "link", read_status(folder_fd, "link"), -1, fail_on_warning);
  });
  if (seen != "unsupported") CHECK(seen == "not found");
}

TEST_CASE("a source whose file system is full while it is read could not be read, and fills no destination") {
  const std::string seen =
      kind_when_failing(SYS_getdents64, EDQUOT, [](int folder_fd) { list_folder(folder_fd, "folder"); });
  if (seen != "unsupported") CHECK(seen == "read failed");
}

}  // namespace
}  // namespace garner::source
