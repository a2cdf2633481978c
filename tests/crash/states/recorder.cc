#include "recorder.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "base/file.h"
#include "disk_calls.h"

namespace garner::crash {

namespace {

using Key = std::pair<dev_t, ino_t>;

struct Place {
  Node folder = kNoNode;  // kNoNode: not below the folder that is recorded
  std::string name;
};

struct Recording {
  std::mutex mutex;
  bool noting = false;   // operations go to the trace
  bool failing = false;  // operations are counted, and fail
  std::map<Key, Node> nodes;
  Trace trace;
  Fault fault;
  FaultCount count;
};

std::atomic<bool> active = false;

Recording& recording() {
  static Recording* const the_one = new Recording;  // as long as anything calls the C library
  return *the_one;
}

std::optional<struct stat> look(int folder, const char* path, int flags) {
  struct stat status {};
  if (fstatat(folder, path, &status, flags) != 0) return std::nullopt;
  return status;
}

Node node_of(const std::optional<struct stat>& status) {
  if (!status) return kNoNode;
  const auto found = recording().nodes.find({status->st_dev, status->st_ino});
  return found == recording().nodes.end() ? kNoNode : found->second;
}

Node node_of(int fd) { return node_of(look(fd, "", AT_EMPTY_PATH)); }

Place place_of(int folder, const char* path) {
  std::string whole = path;
  while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  const std::size_t slash = whole.rfind('/');
  const std::string above = slash == std::string::npos ? "." : slash == 0 ? "/" : whole.substr(0, slash);
  const Node node = node_of(look(folder, above.c_str(), 0));
  return {node, slash == std::string::npos ? whole : whole.substr(slash + 1)};
}

Node add_node(const struct stat& status, const Place& place) {
  Trace& trace = recording().trace;
  const auto node = static_cast<Node>(trace.paths.size());
  const std::string& above = trace.paths[place.folder];
  trace.paths.push_back(above.empty() ? place.name : above + "/" + place.name);
  recording().nodes[{status.st_dev, status.st_ino}] = node;
  return node;
}

void forget_if_gone(const std::optional<struct stat>& before) {
  if (before && (before->st_nlink <= 1 || S_ISDIR(before->st_mode))) {
    recording().nodes.erase({before->st_dev, before->st_ino});
  }
}

void note(Operation operation) {
  if (recording().noting) recording().trace.operations.push_back(std::move(operation));
}

// Whether this operation, on something that is recorded, is to fail; errno is set then. `fills`: it can fail
// for want of space.
bool fails(const char* what, Node node, bool fills, bool reads = false) {
  Recording& now = recording();
  if (!now.failing || (reads && !now.fault.reads)) return false;
  const std::uint64_t number = ++now.count.operations;
  if (now.fault.at == 0 || number < now.fault.at) return false;
  if (number > now.fault.at && (!now.fault.stays || (now.fault.error_number == ENOSPC && !fills)))
    return false;
  // What cannot fail for want of space does not: the next that can does.
  if (now.fault.error_number == ENOSPC && !fills) {
    ++now.fault.at;
    return false;
  }
  if (now.count.failed++ == 0) {
    now.count.first_failed = std::string(what) + " " + now.trace.paths[node] + " (operation " +
                             std::to_string(number) + "): " + std::strerror(now.fault.error_number);
  }
  errno = now.fault.error_number;
  return true;
}

// Takes the lock for the scope when anything is recorded at all.
class Scope {
 public:
  Scope() : lock_(recording().mutex, std::defer_lock) {
    if (active.load(std::memory_order_relaxed)) lock_.lock();
  }
  bool on() const { return lock_.owns_lock() && active; }
  void leave() { lock_.unlock(); }
  void enter() { lock_.lock(); }

 private:
  std::unique_lock<std::mutex> lock_;
};

void begin(const std::string& folder) {
  Recording& now = recording();
  std::vector<Found> found;
  now.trace = {};
  now.nodes.clear();
  now.trace.base = read_image(folder, found);
  for (const Found& each : found) {
    now.nodes[{each.device, each.inode}] = each.node;
    now.trace.paths.push_back(each.path);
  }
}

}  // namespace

void begin_recording(const std::string& folder) {
  begin(folder);
  const std::lock_guard lock(recording().mutex);
  recording().noting = true;
  active = true;
}

void mark(const std::string& promise) {
  const std::lock_guard lock(recording().mutex);
  note({.kind = OperationKind::kMark, .name = promise});
}

std::size_t recorded_operations() {
  const std::lock_guard lock(recording().mutex);
  return recording().trace.operations.size();
}

void inject(const Fault& fault) {
  const std::lock_guard lock(recording().mutex);
  recording().failing = true;
  recording().fault = fault;
  recording().count = {};
}

Trace end_recording() {
  const std::lock_guard lock(recording().mutex);
  active = false;
  recording().noting = false;
  recording().nodes.clear();
  return std::exchange(recording().trace, {});
}

void begin_faults(const std::string& folder, const Fault& fault) {
  begin(folder);
  inject(fault);
  active = true;
}

FaultCount end_faults() {
  const std::lock_guard lock(recording().mutex);
  recording().failing = false;
  if (!recording().noting) {
    active = false;
    recording().nodes.clear();
    recording().trace = {};
  }
  return std::exchange(recording().count, {});
}

// ---- Calls ----

long on_open(int folder, const char* path, unsigned long long flags, const Make& make) {
  Scope scope;
  if (!scope.on()) return make();
  if ((flags & (O_CREAT | O_TRUNC)) == 0) {
    const Node node = recording().failing && recording().fault.reads && (flags & O_PATH) == 0
                          ? node_of(look(folder, path, 0))
                          : kNoNode;
    return node != kNoNode && fails("opening", node, false, true) ? -1 : make();
  }
  const Place place = place_of(folder, path);
  if (place.folder == kNoNode) return make();
  const auto before = look(folder, path, AT_SYMLINK_NOFOLLOW);
  if (fails("creating a file in", place.folder, !before)) return -1;
  const long fd = make();
  if (fd < 0) return fd;
  const auto status = look(static_cast<int>(fd), "", AT_EMPTY_PATH);
  if (!before) {
    note({.kind = OperationKind::kCreate,
          .node = add_node(*status, place),
          .folder = place.folder,
          .name = place.name,
          .mode = status->st_mode});
  } else if ((flags & O_TRUNC) != 0 && before->st_size != 0) {
    note({.kind = OperationKind::kResize, .node = node_of(status), .offset = 0});
  }
  return fd;
}

long on_read(int fd, const Make& make) {
  Scope scope;
  if (!scope.on() || !recording().failing || !recording().fault.reads) return make();
  const Node node = node_of(fd);
  return node != kNoNode && fails("reading", node, false, true) ? -1 : make();
}

long on_write(int fd, const void* data, std::optional<off_t> offset, const Make& make) {
  Scope scope;
  const Node node = scope.on() ? node_of(fd) : kNoNode;
  if (node == kNoNode) return make();
  if (fails("writing", node, true)) return -1;
  if (!offset) {
    const bool appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
    offset = appends ? look(fd, "", AT_EMPTY_PATH)->st_size : lseek(fd, 0, SEEK_CUR);
  }
  const long written = make();
  if (written <= 0) return written;
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  if (recording().noting) {
    note({.kind = OperationKind::kWrite,
          .node = node,
          .offset = static_cast<std::uint64_t>(*offset),
          .data = Bytes(bytes, bytes + written)});
  }
  return written;
}

long on_resize(int fd, const Make& make) {
  Scope scope;
  const Node node = scope.on() ? node_of(fd) : kNoNode;
  if (node == kNoNode) return make();
  if (fails("resizing", node, true)) return -1;
  const long result = make();
  if (result == 0) {
    note({.kind = OperationKind::kResize,
          .node = node,
          .offset = static_cast<std::uint64_t>(look(fd, "", AT_EMPTY_PATH)->st_size)});
  }
  return result;
}

long on_sync(int fd, bool data_only, const Make& make) {
  Scope scope;
  const auto status = scope.on() ? look(fd, "", AT_EMPTY_PATH) : std::nullopt;
  const Node node = node_of(status);
  if (node == kNoNode) return make();
  const std::size_t covers = recording().trace.operations.size();
  if (fails("making durable", node, true)) {
    if (!S_ISDIR(status->st_mode)) note({.kind = OperationKind::kSyncFailed, .node = node, .covers = covers});
    return -1;
  }
  // Others may write meanwhile, as they could while a disk works.
  scope.leave();
  sched_yield();
  scope.enter();
  if (scope.on()) {
    note({.kind = S_ISDIR(status->st_mode) ? OperationKind::kSyncFolder : OperationKind::kSyncFile,
          .node = node,
          .covers = covers,
          .data_only = data_only});
  }
  return 0;
}

long on_sync_all(int fd, const Make& make) {
  Scope scope;
  const Node node = scope.on() ? node_of(fd) : kNoNode;
  if (node == kNoNode) return make();
  if (fails("making durable all of", node, true)) return -1;
  const std::size_t covers = recording().trace.operations.size();
  scope.leave();
  sched_yield();
  scope.enter();
  if (scope.on()) note({.kind = OperationKind::kSyncAll, .node = node, .covers = covers});
  return 0;
}

long on_make_node(int folder, const char* path, const char* target, const Make& make) {
  Scope scope;
  const Place place = scope.on() ? place_of(folder, path) : Place{};
  if (place.folder == kNoNode) return make();
  if (fails("creating something in", place.folder, true)) return -1;
  const long result = make();
  if (result != 0) return result;
  const auto status = look(folder, path, AT_SYMLINK_NOFOLLOW);
  Operation created{.kind = OperationKind::kCreate,
                    .node = add_node(*status, place),
                    .folder = place.folder,
                    .name = place.name,
                    .mode = status->st_mode};
  if (target != nullptr) created.data.assign(target, target + std::strlen(target));
  note(std::move(created));
  return result;
}

long on_link(int old_folder, const char* old_path, int folder, const char* path, const Make& make) {
  Scope scope;
  const Place place = scope.on() ? place_of(folder, path) : Place{};
  if (place.folder == kNoNode) return make();
  const Node node = node_of(look(old_folder, old_path, AT_SYMLINK_NOFOLLOW));
  if (fails("linking into", place.folder, true)) return -1;
  const long result = make();
  if (result == 0) {
    note({.kind = OperationKind::kLink, .node = node, .folder = place.folder, .name = place.name});
  }
  return result;
}

long on_unlink(int folder, const char* path, const Make& make) {
  Scope scope;
  const Place place = scope.on() ? place_of(folder, path) : Place{};
  if (place.folder == kNoNode) return make();
  const auto before = look(folder, path, AT_SYMLINK_NOFOLLOW);
  // A name that is not there is asked to go for safety's sake again and again: nothing is done.
  if (!before) return make();
  if (fails("removing something from", place.folder, false)) return -1;
  const Node node = node_of(before);
  const long result = make();
  if (result != 0) return result;
  forget_if_gone(before);
  note({.kind = OperationKind::kUnlink, .node = node, .folder = place.folder, .name = place.name});
  return result;
}

long on_rename(int old_folder, const char* old_path, int folder, const char* path, const Make& make) {
  Scope scope;
  const Place place = scope.on() ? place_of(folder, path) : Place{};
  if (place.folder == kNoNode) return make();
  const Place from = place_of(old_folder, old_path);
  const Node node = node_of(look(old_folder, old_path, AT_SYMLINK_NOFOLLOW));
  const auto replaced = look(folder, path, AT_SYMLINK_NOFOLLOW);
  if (fails("renaming into", place.folder, true)) return -1;
  const long result = make();
  if (result != 0) return result;
  forget_if_gone(replaced);
  note({.kind = OperationKind::kRename,
        .node = node,
        .folder = place.folder,
        .name = place.name,
        .old_folder = from.folder,
        .old_name = from.name});
  return result;
}

long on_attributes(int folder, const char* path, int flags, const Make& make) {
  Scope scope;
  if (!scope.on()) return make();
  const char* const itself = path == nullptr ? "" : path;
  if (path == nullptr) flags |= AT_EMPTY_PATH;
  const Node node = node_of(look(folder, itself, flags));
  if (node == kNoNode) return make();
  if (fails("changing attributes of", node, false)) return -1;
  const long result = make();
  if (result != 0) return result;
  const auto status = look(folder, itself, flags);
  note({.kind = OperationKind::kAttributes,
        .node = node,
        .mode = status->st_mode,
        .modified = status->st_mtim});
  return result;
}

}  // namespace garner::crash
