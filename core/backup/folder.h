// A folder of the source while its tree is being made: its entries are looked at in name order, a window at a
// time, and finished in any order; finished ones go to the tree as soon as all before them have.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backup/checkpoint.h"
#include "backup/tree_assembly.h"
#include "source/folder_handle.h"
#include "source/metadata.h"
#include "source/rule_scope.h"

namespace garner::backup {

// What a folder is compared with.
struct FolderBase {
  std::optional<v1::Node> node;  // as the earlier tree had it; with its tree and totals
  TimePoint seen;                // when that was looked at, at the earliest
  bool trusted = true;           // unchanged times mean unchanged content
  bool from_checkpoint = false;  // of this very run
  bool supplied = false;         // a supplier's: nothing of it counts as stored here
  // What the earlier snapshot had, where the node is the checkpoint's, which has no metadata of its own.
  std::optional<v1::Node> known = {};
};

// The tree that this run made before it was interrupted; the folder's own metadata is captured again.
FolderBase finished_base(const FinishedFolder& folder);

// A stale node was kept by a run that looked at nothing below it, be it an earlier one or this one before it
// was halted. When that was seen is not known: all of it is read.
FolderBase unless_stale(FolderBase base);

class Folder {
 public:
  // `slot`: its place among its parent's entries.
  Folder(std::shared_ptr<Folder> parent, std::size_t slot, std::uint32_t source, std::string name,
         FolderBase base, TreeAssembly assembly);
  ~Folder();

  const std::shared_ptr<Folder>& parent() const { return parent_; }
  std::size_t slot() const { return slot_; }
  std::uint32_t source() const { return source_; }
  const std::string& name() const { return name_; }
  // Its place in a checkpoint, and that of one of its entries.
  Place place() const;
  Place place_of(const std::string& name) const;
  bool is_source_root() const { return is_root_; }

  // ---- Scanning: one thread at a time ----
  struct Scan {
    bool started = false;
    unsigned attempts = 0;  // to open and list it that failed
    std::shared_ptr<source::FolderHandle> handle;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    TimePoint seen;          // nothing in it was looked at before
    v1::Node node;           // its own metadata
    bool same_node = false;  // as the base has it
    bool is_empty = false;   // whatever the rules say
    std::vector<source::FolderEntry> entries;
    std::size_t next = 0;
    std::optional<snapshot::TreeReader> earlier;
    std::optional<snapshot::NamedNode> earlier_next;
    std::map<std::string, FinishedFile> finished_files;  // by the checkpoint
    std::map<std::string, FinishedFolder> finished_folders;
    std::shared_ptr<const source::RuleScope> rules;  // none: everything is `auto`
  };
  FolderBase base;
  Scan scan;

  // Whether its list has the name now: what cannot be found has not vanished then. For an entry that was
  // listed before. Not of a folder without parent. Error as of source::FolderView. Any thread.
  bool lists(const std::string& name);

  // ---- Finishing: any thread ----
  // A new entry, in name order; returns its slot.
  std::size_t add_slot();
  // The earlier tree has an entry that is not there any more, at this point of the order.
  void entry_missing();
  // No more slots will be added. True if the folder is complete with that.
  bool all_listed();
  // Fills a slot; no node: it has vanished, or cannot be recorded; with `same`, the earlier tree had none
  // either. True if the folder is complete with that: the caller finishes it.
  bool complete(std::size_t slot, std::optional<v1::Node> node, bool same);
  bool is_complete();
  // Of a complete folder: anything of it is recorded.
  bool holds_anything();
  // Something in it was read in this run, so that a run that goes on would read it again if it were not
  // recorded.
  void note_read() { has_read_ = true; }
  bool has_read() const { return has_read_; }
  // Of a complete folder.
  TreeAssembly::Result finish_tree();
  // Of a folder without parent, which stands above a source and only collects: the source's own node, if it
  // has one.
  std::optional<v1::Node> collected();

  // ---- What the next checkpoint is to record: any thread ----
  // Nothing in a folder that is finished needs recording. True if this is the first that waits: then the
  // folder has to be made known to the checkpointer.
  bool record(FinishedFile file);
  bool record(FinishedFolder folder);
  void drop_unsaved();
  void take_unsaved(std::vector<FinishedFile>& files, std::vector<FinishedFolder>& folders);

 private:
  struct Slot {
    bool done = false;
    bool same = false;
    std::optional<v1::Node> node;
  };
  bool feed();
  bool nothing_unsaved() const { return unsaved_files_.empty() && unsaved_folders_.empty(); }

  std::shared_ptr<Folder> parent_;
  const std::size_t slot_;
  const std::uint32_t source_;
  const std::string name_;
  const bool is_root_;

  std::mutex list_mutex_;
  std::optional<std::vector<source::FolderEntry>> list_;  // by lists(), the last time it had to look

  std::mutex mutex_;
  std::deque<Slot> slots_;
  std::size_t first_slot_ = 0;  // number of slots_.front()
  bool all_listed_ = false;
  bool complete_ = false;
  bool holds_anything_ = false;
  std::atomic<bool> has_read_ = false;
  std::optional<v1::Node> collected_;
  TreeAssembly assembly_;
  std::vector<FinishedFile> unsaved_files_;
  std::vector<FinishedFolder> unsaved_folders_;
};

}  // namespace garner::backup
