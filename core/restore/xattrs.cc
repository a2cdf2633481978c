#include "restore/xattrs.h"

#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "restore/target_error.h"

namespace garner::restore {
namespace {

constexpr std::size_t kMaximumXattr = 64u << 10;  // XATTR_SIZE_MAX and XATTR_LIST_MAX of Linux

// The system calls, for an open file and for one opened with O_PATH: /proc then leads to the very inode,
// symbolic links included, which are not followed further.
class Attributes {
 public:
  Attributes(int fd, HandleType type)
      : fd_(fd), path_(type == HandleType::kPath ? "/proc/self/fd/" + std::to_string(fd) : std::string()) {}

  ssize_t list(char* out, std::size_t size) const {
    return path_.empty() ? flistxattr(fd_, out, size) : listxattr(path_.c_str(), out, size);
  }
  ssize_t get(const std::string& name, char* out, std::size_t size) const {
    return path_.empty() ? fgetxattr(fd_, name.c_str(), out, size)
                         : getxattr(path_.c_str(), name.c_str(), out, size);
  }
  bool set(const std::string& name, const std::string& value) const {
    return (path_.empty() ? fsetxattr(fd_, name.c_str(), value.data(), value.size(), 0)
                          : setxattr(path_.c_str(), name.c_str(), value.data(), value.size(), 0)) == 0;
  }
  bool remove(const std::string& name) const {
    return (path_.empty() ? fremovexattr(fd_, name.c_str()) : removexattr(path_.c_str(), name.c_str())) == 0;
  }

 private:
  const int fd_;
  const std::string path_;
};

std::vector<std::string> attribute_names(const Attributes& attributes) {
  const ssize_t expected = attributes.list(nullptr, 0);
  if (expected <= 0) return {};
  std::vector<char> buffer(std::min(static_cast<std::size_t>(expected) + 1024, kMaximumXattr));
  const ssize_t length = attributes.list(buffer.data(), buffer.size());
  std::vector<std::string> names;
  std::string_view rest(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

bool has_value(const Attributes& attributes, const std::string& name, const std::string& value) {
  std::vector<char> buffer(value.size() + 1);
  const ssize_t length = attributes.get(name, buffer.data(), buffer.size());
  return length >= 0 && std::string_view(buffer.data(), static_cast<std::size_t>(length)) == value;
}

// Labels that the system gives to every file by itself (security.selinux and the like) are left where they
// are.
bool is_removable(std::string_view name) {
  return name.starts_with("user.") || name.starts_with("trusted.") || name == "security.capability" ||
         name == "system.posix_acl_access" || name == "system.posix_acl_default";
}

}  // namespace

void apply_xattrs(int fd, HandleType type, const v1::Node& node, const Complain& complain) {
  const Attributes attributes(fd, type);
  const std::vector<std::string> present = attribute_names(attributes);
  for (const std::string& name : present) {
    if (!is_removable(name)) continue;
    const bool wanted = std::any_of(node.xattrs().begin(), node.xattrs().end(),
                                    [&](const v1::Xattr& xattr) { return xattr.name() == name; });
    if (!wanted && !attributes.remove(name)) {
      const int error_number = errno;
      complain("extended attribute " + printable(name) + " could not be removed" + because(error_number));
    }
  }
  for (const v1::Xattr& xattr : node.xattrs()) {
    const bool is_present = std::find(present.begin(), present.end(), xattr.name()) != present.end();
    if (is_present && has_value(attributes, xattr.name(), xattr.value())) continue;
    if (!attributes.set(xattr.name(), xattr.value())) {
      const int error_number = errno;
      complain("extended attribute " + printable(xattr.name()) + " could not be set" + because(error_number));
    }
  }
}

}  // namespace garner::restore
