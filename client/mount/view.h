// What a mount shows, as the daemon tells it:
//   snapshots/ID/…   each snapshot, laid out as a restore does, under the first digits of its id
//   sets/NAME/TIME   links to them, and `latest`
//   versions/PATH/   for each path of a source a folder: in it what the newest snapshot of each set that has
//                    a folder there has in it, again as folders, and of all else a version by each TIME
//                    since which snapshots have it. What stands no longer in its folder is found all the
//                    same.
// Snapshots never change, so what is in them is not asked for twice by the kernel; which there are, and which
// versions, is asked for again after kNamesAreGoodFor. Any thread.
#pragma once

#include <chrono>
#include <ctime>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon_link.h"
#include "mount/inode_numbers.h"
#include "mount/listing.h"
#include "mount/node_table.h"
#include "mount/snapshot_names.h"

namespace garner::client::mount {

// What a program gets for an answer, as in errno.
struct FileError : std::exception {
  explicit FileError(int error_number) : number(error_number) {}
  const char* what() const noexcept override { return "a file error"; }
  int number;
};

struct Xattr {
  std::string name;
  std::string value;
};

// Everything that asks the daemon throws FileError: ENOENT for what is not there (any more), EINTR for what
// was interrupted, EACCES for what the daemon does not let this user do, EIO for the rest. What is none of
// the first two is told on standard error.
class View {
 public:
  static constexpr std::chrono::seconds kNamesAreGoodFor{5};

  // `only`: whole ids of the snapshots that are shown; empty: all.
  View(DaemonLink& link, std::set<std::string> only);

  Entry top() const;
  // Nothing where the folder has no such name.
  std::optional<Entry> look_up(Operation& operation, const std::shared_ptr<const Node>& folder,
                               const std::string& name);
  // Names behind `after`, in order.
  Listing::Page list(Operation& operation, const std::shared_ptr<const Node>& folder,
                     const std::string& after);
  // So many bytes, fewer only at the file's end.
  std::string read(Operation& operation, const std::shared_ptr<const Node>& file, std::uint64_t offset,
                   std::size_t length);
  std::vector<Xattr> xattrs(Operation& operation, const std::shared_ptr<const Node>& node);
  // On standard error; what was told already is not told again.
  void tell(const std::string& trouble);

 private:
  template <typename Request, typename Response>
  Response ask(Operation& operation,
               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
               const Request& request);
  // Throws what the daemon answered, if it was not OK.
  void heed(const grpc::Status& status);
  std::shared_ptr<const SnapshotNames> names(Operation& operation);
  v1::LookUpNodeResponse node_at(Operation& operation, const std::string& snapshot, std::string path);
  Entry folder_entry(Role role, const Entry& above, const std::string& name) const;
  Entry link_entry(const Entry& set, const std::string& name, const SnapshotNames::Link& link) const;
  Entry snapshot_entry(const v1::FileNode& node, const Entry& above, const std::string& name,
                       const std::string& id) const;
  Entry entry_inside(const v1::FileNode& node, std::uint64_t root, const Entry& folder,
                     const std::string& name) const;

  // Below versions/ (view_versions.cc).
  std::optional<Entry> look_up_path(Operation& operation, const std::shared_ptr<const Node>& folder,
                                    const std::string& name);
  Listing::Page list_path(Operation& operation, const std::shared_ptr<const Node>& folder,
                          const std::string& after);
  // What snapshots that are named so have at the path; none: all that are shown. Empty where nothing was.
  using Versions = std::shared_ptr<const v1::ListVersionsResponse>;
  Versions versions(Operation& operation, const std::string& path,
                    const std::vector<std::string>& snapshots = {});
  std::optional<Entry> version_entry(Operation& operation, const Location& location, const Entry& folder,
                                     const std::string& name);

  DaemonLink& link_;
  const std::set<std::string> only_;
  const InodeNumbers numbers_{random_key()};
  const std::time_t begun_ = std::time(nullptr);

  std::mutex mutex_;  // of what follows
  std::shared_ptr<const SnapshotNames> names_;
  std::chrono::steady_clock::time_point named_{};
  // What was asked for last: a folder is listed, and its names looked up, one after the other.
  std::string versions_asked_;
  Versions versions_;
  std::chrono::steady_clock::time_point versioned_{};
  std::set<std::string> told_;
  bool is_away_ = false;
};

template <typename Request, typename Response>
Response View::ask(Operation& operation,
                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request) {
  Response response;
  heed(link_.call(operation, method, request, response));
  return response;
}

}  // namespace garner::client::mount
