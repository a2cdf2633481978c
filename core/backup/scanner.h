// Looks at folders: lists, compares each entry with the checkpoint and the earlier snapshot, and hands out
// what has to be read. A folder of any size is looked at in windows, so that what waits stays bounded.
#pragma once

#include <memory>

#include "backup/run_context.h"
#include "base/error.h"
#include "source/folder_view.h"

namespace garner::backup {

// One thread at a time for a folder, any number for different folders. `lane` is the thread's lane of the
// BlobWriter.
class Scanner {
 public:
  Scanner(RunContext& context, unsigned lane) : context_(context), lane_(lane) {}
  // Looks at the folder's next window and queues what follows from it.
  void scan(const std::shared_ptr<Folder>& folder);
  // At an entry that could not be looked at in its window, and decides of it as it would have then.
  void look_again(LookTask task);
  // A source that is a file itself; `top` stands above it, `earlier_seen` goes with task.earlier.
  void look_at_source(const std::shared_ptr<Folder>& top, FileTask task, const source::FileStatus& status,
                      TimePoint earlier_seen);

 private:
  bool is_stored(const v1::Node& earlier);
  bool start(const std::shared_ptr<Folder>& folder);
  bool open(Folder& folder);
  bool is_bare_mount_point(const Folder& folder) const;
  void leave_out(const std::shared_ptr<Folder>& folder);
  void complete(const std::shared_ptr<Folder>& folder, std::size_t slot, std::optional<v1::Node> node,
                bool same);
  void find_rules(Folder& folder, const source::FolderView& view);
  std::shared_ptr<const source::RuleList> earlier_rules(const Folder& folder, const std::string& path);
  LookTask task_of(const std::shared_ptr<Folder>& folder, std::size_t slot, const source::FolderEntry& entry,
                   std::optional<snapshot::NamedNode> earlier);
  void take(LookTask task, const source::FolderView& view, const source::FileStatus& status,
            FileBatch& batch);
  void keep_content(const LookTask& task, const source::FolderView& view, const source::FileStatus& status,
                    const v1::Node& known);
  void unreadable(LookTask task, const Error& error);
  void give_up(const std::shared_ptr<Folder>& folder, const Error& error);
  void keep_rest(const std::shared_ptr<Folder>& folder, const Error& error);
  void look_at(const std::shared_ptr<Folder>& folder, const source::FolderView& view,
               const source::FolderEntry& entry, FileBatch& batch,
               std::vector<std::shared_ptr<Folder>>& children);
  void open_earlier(Folder& folder);
  void next_earlier(Folder& folder);
  void give_up_earlier(Folder& folder, const Error& error);
  std::optional<snapshot::NamedNode> earlier(Folder& folder, const std::string& name);
  FolderBase child_base(Folder& folder, const std::string& name, std::optional<snapshot::NamedNode> earlier);

  RunContext& context_;
  const unsigned lane_;
};

}  // namespace garner::backup
