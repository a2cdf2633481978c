#include "mount/file_system.h"

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace garner::client::mount {
namespace {

// For how many seconds the kernel need not ask again: of what is in snapshots, which never change, and of
// which snapshots and sets there are.
constexpr double kLasts = 86'400;
constexpr double kPasses = 1;

struct OpenFolder {
  std::mutex mutex;  // of the listing
  Listing listing;
};

OpenFolder& open_folder(const fuse_file_info* info) { return *reinterpret_cast<OpenFolder*>(info->fh); }

// Shared: who reads ahead in it may not be done when it is closed.
using OpenFileHandle = std::shared_ptr<OpenFile>;
OpenFileHandle& open_file(const fuse_file_info* info) { return *reinterpret_cast<OpenFileHandle*>(info->fh); }

// Answers a question for a list of names or a value, which is at first asked for its size alone.
void reply_sized(fuse_req_t request, const std::string& answer, std::size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, answer.size());
  } else if (answer.size() > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, answer.data(), answer.size());
  }
}

}  // namespace

struct FileSystem::Calls {
  using Reply = std::function<void()>;

  static FileSystem& of(fuse_req_t request) { return *static_cast<FileSystem*>(fuse_req_userdata(request)); }

  // `work` finds the answer and returns what gives it. Nothing may be replied before: then the request would
  // be gone. The kernel tells of any signal that who asked has caught; most of them want the answer all the
  // same.
  static void answer(fuse_req_t request, const std::function<Reply(FileSystem&, Operation&)>& work) {
    FileSystem& self = of(request);
    Operation operation(self.link_);
    fuse_req_interrupt_func(
        request, [](fuse_req_t, void* data) { static_cast<Operation*>(data)->interrupt(); }, &operation);
    Reply reply;
    int error = EIO;
    try {
      reply = work(self, operation);
    } catch (const FileError& known) {
      error = known.number;
    } catch (const std::bad_alloc&) {
      error = ENOMEM;
    } catch (const std::exception& other) {
      self.view_.tell(other.what());
    }
    fuse_req_interrupt_func(request, nullptr, nullptr);
    if (reply) {
      reply();
    } else {
      fuse_reply_err(request, error);
    }
  }

  static std::shared_ptr<const Node> node(const FileSystem& self, fuse_ino_t id) {
    std::shared_ptr<const Node> found = self.nodes_.find(id);
    if (!found) throw FileError(ESTALE);
    return found;
  }

  static fuse_entry_param parameters(const Node& folder, const Entry& entry) {
    fuse_entry_param parameters{};
    parameters.attr = entry.status;
    parameters.attr_timeout = parameters.entry_timeout = is_lasting(folder) ? kLasts : kPasses;
    return parameters;
  }

  static void init(void* data, fuse_conn_info* connection) {
    // Those who look into one folder do not wait for each other.
    connection->want |= connection->capable & FUSE_CAP_PARALLEL_DIROPS;
    // Or the kernel would judge by modes alone, in which a group's bits are the mask of a list.
    if (static_cast<FileSystem*>(data)->for_others_ && (connection->capable & FUSE_CAP_POSIX_ACL) != 0)
      connection->want |= FUSE_CAP_POSIX_ACL;
  }

  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* text) {
    answer(request, [&](FileSystem& self, Operation& operation) -> Reply {
      const auto folder = node(self, parent);
      const std::string name = text;
      // Without a node: that there is none, which holds as long.
      std::optional<Entry> entry = self.view_.look_up(operation, folder, name);
      fuse_entry_param found = parameters(*folder, entry.value_or(Entry()));
      if (entry) found.ino = self.nodes_.look_up(folder, name, *std::move(entry))->id;
      return [request, &self, found] {
        // Who asked has gone: the kernel does not count it.
        if (fuse_reply_entry(request, &found) == -ENOENT && found.ino != 0) self.nodes_.forget(found.ino, 1);
      };
    });
  }

  static void forget(fuse_req_t request, fuse_ino_t id, std::uint64_t count) {
    of(request).nodes_.forget(id, count);
    fuse_reply_none(request);
  }

  static void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* all) {
    for (std::size_t i = 0; i < count; ++i) of(request).nodes_.forget(all[i].ino, all[i].nlookup);
    fuse_reply_none(request);
  }

  static void getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
    answer(request, [&](FileSystem& self, Operation&) -> Reply {
      const auto found = node(self, id);
      const double time = found->folder && is_lasting(*found->folder) ? kLasts : kPasses;
      return [request, found, time] { fuse_reply_attr(request, &found->entry.status, time); };
    });
  }

  static void readlink(fuse_req_t request, fuse_ino_t id) {
    answer(request, [&](FileSystem& self, Operation&) -> Reply {
      const auto found = node(self, id);
      return [request, found] { fuse_reply_readlink(request, found->entry.reference.c_str()); };
    });
  }

  static void open(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
    answer(request, [&](FileSystem& self, Operation&) -> Reply {
      auto file = std::make_shared<OpenFile>(self.link_, self.view_, self.blocks_, node(self, id));
      return [request, info, file] {
        auto handle = std::make_unique<OpenFileHandle>(file);
        info->fh = reinterpret_cast<std::uint64_t>(handle.get());
        info->keep_cache = 1;  // it never changes
        // Who asked may be gone: then nobody will close it.
        if (fuse_reply_open(request, info) == 0) (void)handle.release();
      };
    });
  }

  static void release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    const std::unique_ptr<OpenFileHandle> handle(&open_file(info));
    (*handle)->close();
    fuse_reply_err(request, 0);
  }

  static void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t from, fuse_file_info* info) {
    const OpenFileHandle file = open_file(info);
    const auto offset = static_cast<std::uint64_t>(from);
    bool is_in_order = false;
    answer(request, [&](FileSystem&, Operation& operation) -> Reply {
      const OpenFile::Piece piece = file->read(operation, offset, size);
      is_in_order = piece.is_in_order;
      return [request, piece] {
        fuse_reply_buf(request, piece.length > 0 ? piece.content->data() + piece.begin : nullptr,
                       piece.length);
      };
    });
    // The answer is on its way; other threads take what is asked for meanwhile.
    if (is_in_order) file->read_ahead(offset);
  }

  static void opendir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    auto folder = std::make_unique<OpenFolder>();
    info->fh = reinterpret_cast<std::uint64_t>(folder.get());
    // Who asked may be gone: then nobody will close it.
    if (fuse_reply_open(request, info) == 0) (void)folder.release();
  }

  static void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
    const std::unique_ptr<OpenFolder> folder(&open_folder(info));
    fuse_reply_err(request, 0);
  }

  static void readdir(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t offset,
                      fuse_file_info* info) {
    read_folder(request, id, size, offset, info, false);
  }
  static void readdirplus(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t offset,
                          fuse_file_info* info) {
    read_folder(request, id, size, offset, info, true);
  }

  static Listing::Item dots(const Node& folder, off_t offset) {
    return {offset == 0 ? "." : "..", (offset == 1 && folder.folder ? *folder.folder : folder).entry, false};
  }

  // "." and ".." are at the offsets 0 and 1, what is listed comes behind. `looked_up`: with what the kernel
  // would look up otherwise, each counted as a look-up.
  static void read_folder(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t offset,
                          const fuse_file_info* info, bool looked_up) {
    answer(request, [&](FileSystem& self, Operation& operation) -> Reply {
      const auto folder = node(self, id);
      OpenFolder& open = open_folder(info);
      const std::lock_guard lock(open.mutex);
      auto buffer = std::make_shared<std::string>(size, '\0');
      std::size_t used = 0;
      std::vector<std::uint64_t> counted;
      for (;; ++offset) {
        std::optional<Listing::Item> dot;
        const Listing::Item* item = nullptr;
        if (offset <= 1) {
          item = &dot.emplace(dots(*folder, offset));
        } else {
          try {
            item = open.listing.at(static_cast<std::uint64_t>(offset - 2), [&](const std::string& after) {
              return self.view_.list(operation, folder, after);
            });
          } catch (const FileError&) {
            // What comes before it is given; who goes on is told.
            if (used == 0) throw;
            break;
          }
        }
        if (item == nullptr) break;
        char* const place = buffer->data() + used;
        const std::size_t left = size - used;
        const char* const name = item->name.c_str();
        const std::size_t length = looked_up ? fuse_add_direntry_plus(request, nullptr, 0, name, nullptr, 0)
                                             : fuse_add_direntry(request, nullptr, 0, name, nullptr, 0);
        if (length > left) break;
        if (looked_up) {
          fuse_entry_param found = parameters(*folder, item->entry);
          if (item->is_whole) {
            found.ino = self.nodes_.look_up(folder, item->name, item->entry)->id;
            counted.push_back(found.ino);
          }
          fuse_add_direntry_plus(request, place, left, name, &found, offset + 1);
        } else {
          fuse_add_direntry(request, place, left, name, &item->entry.status, offset + 1);
        }
        used += length;
      }
      return [request, &self, buffer, used, counted = std::move(counted)] {
        if (fuse_reply_buf(request, buffer->data(), used) != -ENOENT) return;
        for (const std::uint64_t known : counted) self.nodes_.forget(known, 1);
      };
    });
  }

  static void getxattr(fuse_req_t request, fuse_ino_t id, const char* name, std::size_t size) {
    answer(request, [&](FileSystem& self, Operation& operation) -> Reply {
      for (Xattr& xattr : self.view_.xattrs(operation, node(self, id))) {
        if (xattr.name != name) continue;
        auto value = std::make_shared<const std::string>(std::move(xattr.value));
        return [request, value, size] { reply_sized(request, *value, size); };
      }
      throw FileError(ENODATA);
    });
  }

  static void listxattr(fuse_req_t request, fuse_ino_t id, std::size_t size) {
    answer(request, [&](FileSystem& self, Operation& operation) -> Reply {
      // As everywhere else only root sees those.
      const bool trusted = fuse_req_ctx(request)->uid == 0;
      std::string names;
      for (const Xattr& xattr : self.view_.xattrs(operation, node(self, id))) {
        if (trusted || !xattr.name.starts_with("trusted.")) names.append(xattr.name).push_back('\0');
      }
      auto all = std::make_shared<const std::string>(std::move(names));
      return [request, all, size] { reply_sized(request, *all, size); };
    });
  }
};

const fuse_lowlevel_ops& FileSystem::operations() {
  static const fuse_lowlevel_ops all = [] {
    fuse_lowlevel_ops made{};
    made.init = Calls::init;
    made.lookup = Calls::lookup;
    made.forget = Calls::forget;
    made.forget_multi = Calls::forget_multi;
    made.getattr = Calls::getattr;
    made.readlink = Calls::readlink;
    made.open = Calls::open;
    made.read = Calls::read;
    made.release = Calls::release;
    made.opendir = Calls::opendir;
    made.readdir = Calls::readdir;
    made.readdirplus = Calls::readdirplus;
    made.releasedir = Calls::releasedir;
    made.getxattr = Calls::getxattr;
    made.listxattr = Calls::listxattr;
    return made;
  }();
  return all;
}

}  // namespace garner::client::mount
