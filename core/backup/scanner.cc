#include "backup/scanner.h"

#include <dirent.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "backup/unreadable.h"
#include "base/error.h"
#include "base/file.h"
#include "snapshot/content_reader.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "source/change.h"
#include "source/track_file.h"

namespace garner::backup {

namespace {

constexpr std::size_t kWindow = 1024;  // entries
constexpr std::size_t kBatchFiles = 64;
constexpr std::uint64_t kBatchBytes = 8u << 20;

// A bind mount can make a folder its own descendant.
bool is_inside_itself(const Folder& folder, const source::FileStatus& status) {
  for (const Folder* above = folder.parent().get(); above->parent(); above = above->parent().get()) {
    if (above->scan.device == status.device && above->scan.inode == status.inode) return true;
  }
  return false;
}

// An empty file has not been given its content yet, and one that changed while it was read was not read once.
bool has_content(const v1::Node& node) {
  return node.type() == v1::NODE_TYPE_FILE && node.size() > 0 && !node.inconsistent();
}

// What is known of an entry that cannot be looked at: what this run has read of it before it was halted, or
// what the earlier tree has.
std::optional<v1::Node> last_known(LookTask task) {
  if (task.finished) return std::move(task.finished->node);
  return std::move(task.earlier);
}

std::string path_of(const LookTask& task) {
  return path_in(task.folder->scan.handle->path(), task.entry.name);
}

// Of a folder itself.
Error cause_of(Folder& folder, const Error& error) {
  return cause_of(*folder.parent(), folder.name(), error);
}

source::TrackClass class_of(const Folder& folder, const std::string& name, bool is_folder) {
  const source::RuleScope* rules = folder.scan.rules.get();
  return rules ? rules->track_class(name, is_folder) : source::TrackClass::kAuto;
}

}  // namespace

void finish_upwards(RunContext& context, std::shared_ptr<Folder> folder) {
  while (folder && folder->parent()) {
    // Looked into only for what later rules name in it: there was nothing.
    if (folder->scan.rules && folder->scan.rules->own_class() == source::TrackClass::kIgnore &&
        !folder->holds_anything()) {
      folder->drop_unsaved();
      const std::shared_ptr<Folder> parent = folder->parent();
      const bool was_there = folder->base.node.has_value();
      folder = parent->complete(folder->slot(), std::nullopt, !was_there) ? parent : nullptr;
      continue;
    }
    const TreeAssembly::Result result = folder->finish_tree();
    v1::Node node = folder->scan.node;
    node.set_tree(std::string(as_text(result.tree.id.view())));
    *node.mutable_totals() = result.tree.totals;
    const bool same = result.same && folder->scan.same_node;
    folder->drop_unsaved();
    const std::shared_ptr<Folder> parent = folder->parent();
    // What the earlier snapshot has need not be recorded: a resumed run finds it again, unless it has read
    // some of it, or reads all anew.
    if (folder->has_read()) parent->note_read();
    if (!same || !folder->base.trusted || folder->has_read()) {
      context.checkpointer.finished(
          parent, FinishedFolder{folder->place(), result.tree.id, result.tree.totals, folder->scan.seen});
    }
    const bool completed = parent->complete(folder->slot(), std::move(node), same);
    folder = completed ? parent : nullptr;
  }
}

void Scanner::look_at_source(const std::shared_ptr<Folder>& top, FileTask task,
                             const source::FileStatus& status, TimePoint earlier_seen) {
  context_.statistics.found_file(status.size);
  auto unchanged = [&](v1::Node node) {
    context_.statistics.done_file();
    context_.statistics.done_bytes(status.size);
    top->complete(task.slot, std::move(node), true);
  };
  if (context_.resumed) {
    for (auto& file : context_.checkpoint.files_in(top->source(), "")) {
      if (file.place.name.empty() && source::is_unchanged(status, file.node, file.seen)) {
        return unchanged(std::move(file.node));
      }
    }
  }
  if (task.earlier && !context_.options.full_scan &&
      source::is_unchanged(status, *task.earlier, earlier_seen) && is_stored(*task.earlier)) {
    return unchanged(std::move(*task.earlier));
  }
  context_.queue.add(FileBatch{top, {std::move(task)}, status.size});
}

// What the walk compares with may be another destination's, and this run's lack some of it.
bool Scanner::is_stored(const v1::Node& earlier) {
  return context_.supply == nullptr || context_.supply->bring(lane_, earlier);
}

void Scanner::scan(const std::shared_ptr<Folder>& folder) {
  Folder::Scan& scan = folder->scan;
  FileBatch batch{folder, {}, 0};
  std::vector<std::shared_ptr<Folder>> children;
  bool listed = false;
  if (!scan.started && !start(folder)) return;
  // Only that the folder itself cannot be opened again, between two windows, is about the source; what fails
  // in look_at() otherwise is the repository, and ends the run.
  std::optional<source::FolderView> view;
  try {
    view.emplace(scan.handle);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::kReadFailed && failure.kind() != ErrorKind::kNotFound) throw;
    const Error error = cause_of(*folder, failure);
    if (error.kind() == ErrorKind::kReadFailed && put_off(context_, error, scan.attempts++, folder)) return;
    keep_rest(folder, error);
    listed = true;
  }
  if (view) {
    const std::size_t end = std::min(scan.entries.size(), scan.next + kWindow);
    for (; scan.next < end; ++scan.next) look_at(folder, *view, scan.entries[scan.next], batch, children);
    listed = end == scan.entries.size();
    if (listed && earlier(*folder, "")) folder->entry_missing();
  }
  if (listed) {
    scan.entries = {};
    scan.finished_files.clear();
    scan.finished_folders.clear();
  } else {
    context_.queue.add(folder);
  }
  if (!batch.files.empty()) context_.queue.add(std::move(batch));
  for (auto child = children.rbegin(); child != children.rend(); ++child)
    context_.queue.add(std::move(*child));
  if (listed && folder->all_listed()) finish_upwards(context_, folder);
}

// Opens and lists the folder. False when that is all there is to it.
bool Scanner::start(const std::shared_ptr<Folder>& folder) {
  Folder::Scan& scan = folder->scan;
  scan.started = true;
  scan.seen = context_.clock.now();
  const std::uint32_t source = folder->source();
  bool is_to_be_taken = false;
  std::optional<Error> failure;
  try {
    is_to_be_taken = open(*folder);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kReadFailed && error.kind() != ErrorKind::kNotFound) throw;
    failure = cause_of(*folder, error);
  }
  if (failure && failure->kind() == ErrorKind::kReadFailed) {
    // Something else may stand there by then.
    if (!folder->is_source_root()) scan.handle.reset();
    scan.started = false;
    if (!put_off(context_, *failure, scan.attempts++, folder)) give_up(folder, *failure);
    return false;
  }
  if (failure || !is_to_be_taken) {
    leave_out(folder);
    return false;
  }
  if (is_bare_mount_point(*folder)) {
    give_up(folder, Error(ErrorKind::kReadFailed, "it is empty, and was not: is its file system mounted?"));
    return false;
  }

  if (folder->base.node) open_earlier(*folder);
  if (context_.resumed && !folder->base.from_checkpoint) {
    const Place place = folder->place();
    const std::string path = folder->is_source_root() ? ""
                             : place.folder.empty()   ? place.name
                                                      : place.folder + "/" + place.name;
    for (auto& file : context_.checkpoint.files_in(source, path)) {
      scan.finished_files.emplace(file.place.name, std::move(file));
    }
    for (auto& child : context_.checkpoint.folders_in(source, path)) {
      scan.finished_folders.emplace(child.place.name, std::move(child));
    }
  }
  return true;
}

// All that is asked of the source itself. False for what is not backed up.
bool Scanner::open(Folder& folder) {
  Folder::Scan& scan = folder.scan;
  if (!scan.handle)
    scan.handle = source::FolderHandle::open_child(folder.parent()->scan.handle, folder.name());
  const source::FolderView view(scan.handle);
  const source::FileStatus status = view.status();
  scan.device = status.device;
  scan.inode = status.inode;
  if (context_.excluded.hold(*scan.handle, status)) return false;
  if (is_inside_itself(folder, status)) {
    throw Error(ErrorKind::kReadFailed,
                "it is one of the folders above it (a mount makes a circle); it was left out", ELOOP);
  }
  const bool other_file_system = status.device != context_.source_devices.at(folder.source());
  const bool enter = !(context_.options.set.one_file_system() && other_file_system) &&
                     !(context_.options.set.exclude_caches() && view.is_cache());
  if (enter) {
    scan.entries = view.list();
    scan.is_empty = scan.entries.empty();
    find_rules(folder, view);
  }

  if (folder.base.node && source::is_unchanged(status, *folder.base.node, folder.base.seen)) {
    scan.node = *folder.base.node;
    scan.same_node = true;
  } else {
    const std::string path = scan.handle->path();
    scan.node =
        view.capture(status, [&](const std::string& message) { context_.statistics.warning(path, message); });
    scan.node.set_name(folder.name());
  }
  return true;
}

// Whether an empty folder stands where the source was: it is another one, for a file system's root has an
// inode of its own. Who empties a source keeps the folder. The device is of no use: its number may be another
// one after each boot.
bool Scanner::is_bare_mount_point(const Folder& folder) const {
  if (!folder.is_source_root() || !folder.scan.is_empty) return false;
  const std::optional<v1::Node>& known = folder.base.from_checkpoint ? folder.base.known : folder.base.node;
  return known && known->inode() != folder.scan.inode && !snapshot::equal(known->totals(), v1::Totals());
}

void Scanner::leave_out(const std::shared_ptr<Folder>& folder) {
  complete(folder->parent(), folder->slot(), std::nullopt, false);
}

void Scanner::complete(const std::shared_ptr<Folder>& folder, std::size_t slot, std::optional<v1::Node> node,
                       bool same) {
  if (folder->complete(slot, std::move(node), same)) finish_upwards(context_, folder);
}

// The rules of the folder above, carried on to this one, and those of its own .track file.
void Scanner::find_rules(Folder& folder, const source::FolderView& view) {
  Folder::Scan& scan = folder.scan;
  if (folder.is_source_root()) {
    scan.rules = source::RuleScope::of_root(context_.set_rules);
  } else {
    const auto& above = folder.parent()->scan.rules;
    scan.rules = above ? above->below(folder.name()) : nullptr;
  }
  const auto named = std::ranges::lower_bound(scan.entries, std::string_view(source::kTrackFileName), {},
                                              &source::FolderEntry::name);
  if (named == scan.entries.end() || named->name != source::kTrackFileName) return;
  const std::string path = path_in(scan.handle->path(), source::kTrackFileName);
  try {
    const auto rules = source::read_track_file(view);
    if (!rules) return;
    for (const source::BadLine& bad : rules->bad)
      context_.statistics.warning(path, "line " + std::to_string(bad.line) + ": " + bad.message);
    scan.rules = source::RuleScope::with(scan.rules, rules);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound) return;
    if (error.kind() != ErrorKind::kReadFailed) throw;
    // What is wrong with the file itself has no number: too much is backed up then, rather than too little.
    if (error.error_number() == 0) return context_.statistics.warning(path, error.what());
    if (is_worth_again(context_, error, scan.attempts)) throw;
    // Without them what is `once` would be read again, and what they except from being ignored be left out.
    const auto rules = earlier_rules(folder, path);
    context_.statistics.warning(
        path, std::string(error.what()) + (rules ? "; those of the last backup count" : "; none count"));
    if (rules) scan.rules = source::RuleScope::with(scan.rules, rules);
  }
}

// Those of the .track file that the earlier tree has; none where it has none, or that cannot be read.
std::shared_ptr<const source::RuleList> Scanner::earlier_rules(const Folder& folder,
                                                               const std::string& path) {
  if (!folder.base.node) return nullptr;
  try {
    const auto found = snapshot::find_in_tree(context_.earlier,
                                              crypto::BlobId::from_bytes(as_bytes(folder.base.node->tree())),
                                              source::kTrackFileName);
    if (!found || found->node.type() != v1::NODE_TYPE_FILE ||
        found->node.size() > source::kMostTrackFileBytes)
      return nullptr;
    snapshot::ContentReader reader(context_.earlier, context_.names.hasher());
    reader.begin(found->node);
    std::string text;
    while (const auto part = reader.next()) {
      text += part->content ? as_text(*part->content) : std::string(part->length, '\0');
    }
    return std::make_shared<source::RuleList>(source::parse_track_file(path, text));
  } catch (const Error& error) {
    if (!snapshot::concerns_blob(error)) throw;
    return nullptr;
  }
}

// The folder cannot be looked into: its last known version is kept, if there is one.
void Scanner::give_up(const std::shared_ptr<Folder>& folder, const Error& error) {
  const std::shared_ptr<source::FolderHandle>& own = folder->scan.handle;
  const source::FolderHandle& above = own ? *own : *folder->parent()->scan.handle;
  const std::string path = own ? own->path() : path_in(above.path(), folder->name());
  const std::optional<v1::Node>& known =
      folder->base.from_checkpoint ? folder->base.known : folder->base.node;
  std::optional<v1::Node> node = keep_last_known(context_, above.slow(), path, error, known);
  complete(folder->parent(), folder->slot(), std::move(node), false);
}

// The folder cannot be looked at any further. If it is gone, what was found of it stays; otherwise what is
// known of its other entries as well.
void Scanner::keep_rest(const std::shared_ptr<Folder>& folder, const Error& error) {
  Folder::Scan& scan = folder->scan;
  const bool gone = error.kind() == ErrorKind::kNotFound;
  bool kept = false;
  for (; !gone && scan.next < scan.entries.size(); ++scan.next) {
    const source::FolderEntry& entry = scan.entries[scan.next];
    std::optional<snapshot::NamedNode> earlier_node = earlier(*folder, entry.name);
    if (scan.rules && entry.type != DT_DIR &&
        scan.rules->track_class(entry.name, false) == source::TrackClass::kIgnore)
      continue;
    std::optional<v1::Node> known = last_known(task_of(folder, 0, entry, std::move(earlier_node)));
    if (known && !is_still_there(context_, *known)) known.reset();
    if (!known) continue;
    known->set_stale(true);
    folder->complete(folder->add_slot(), std::move(known), false);
    kept = true;
  }
  folder->entry_missing();
  tell_unreadable(context_, scan.handle->slow(), scan.handle->path(), error, kept);
}

void Scanner::open_earlier(Folder& folder) {
  try {
    folder.scan.earlier.emplace(context_.earlier,
                                crypto::BlobId::from_bytes(as_bytes(folder.base.node->tree())));
    folder.scan.earlier_next = folder.scan.earlier->next();
  } catch (const Error& error) {
    give_up_earlier(folder, error);
  }
}

void Scanner::next_earlier(Folder& folder) {
  try {
    folder.scan.earlier_next = folder.scan.earlier->next();
  } catch (const Error& error) {
    give_up_earlier(folder, error);
  }
}

// An earlier tree that cannot be read is no reason not to back up: what is left of the folder counts as new.
void Scanner::give_up_earlier(Folder& folder, const Error& error) {
  if (!snapshot::concerns_blob(error)) throw error;
  spdlog::warn("{}: the earlier version of this folder cannot be read ({}); it is read anew",
               printable(folder.scan.handle->path()), error.what());
  folder.scan.earlier.reset();
  folder.scan.earlier_next.reset();
  folder.entry_missing();
}

// The earlier tree's node of that name; those before it are gone. An empty name: any that is left.
std::optional<snapshot::NamedNode> Scanner::earlier(Folder& folder, const std::string& name) {
  Folder::Scan& scan = folder.scan;
  bool missing = false;
  while (scan.earlier_next && !name.empty() && scan.earlier_next->node.name() < name) {
    missing = true;
    next_earlier(folder);
  }
  if (missing) folder.entry_missing();
  if (!scan.earlier_next || (!name.empty() && scan.earlier_next->node.name() != name)) return std::nullopt;
  std::optional<snapshot::NamedNode> found = std::move(scan.earlier_next);
  scan.earlier_next.reset();
  next_earlier(folder);
  return found;
}

FolderBase Scanner::child_base(Folder& folder, const std::string& name,
                               std::optional<snapshot::NamedNode> earlier_node) {
  FolderBase base{std::nullopt,         folder.base.seen, folder.base.trusted, folder.base.from_checkpoint,
                  folder.base.supplied, std::nullopt};
  if (earlier_node && earlier_node->node.type() == v1::NODE_TYPE_FOLDER)
    base.node = std::move(earlier_node->node);
  // What this run made of the folder above names whole nodes.
  if (base.from_checkpoint) base.known = base.node;
  const auto finished = folder.scan.finished_folders.find(name);
  if (finished == folder.scan.finished_folders.end()) return unless_stale(std::move(base));
  FolderBase made = finished_base(finished->second);
  made.known = std::move(base.node);
  return made;
}

LookTask Scanner::task_of(const std::shared_ptr<Folder>& folder, std::size_t slot,
                          const source::FolderEntry& entry, std::optional<snapshot::NamedNode> earlier_node) {
  LookTask task{folder, slot, entry, std::nullopt, std::nullopt};
  if (earlier_node) task.earlier = std::move(earlier_node->node);
  if (auto finished = folder->scan.finished_files.extract(entry.name))
    task.finished = std::move(finished.mapped());
  return task;
}

// What cannot be looked at may well be in a while. Not what has no type in the list: it may be a folder, and
// those are made in their window.
void Scanner::unreadable(LookTask task, const Error& failure) {
  const std::shared_ptr<Folder> folder = task.folder;
  const Error error = cause_of(*folder, task.entry.name, failure);
  const std::size_t slot = task.slot;
  if (error.kind() == ErrorKind::kNotFound) return complete(folder, slot, std::nullopt, false);
  if (error.kind() != ErrorKind::kReadFailed) throw error;
  if (task.entry.type != DT_UNKNOWN) {
    LookTask again = task;
    ++again.attempts;
    if (put_off(context_, error, task.attempts, std::move(again))) return;
  }
  const std::string path = path_of(task);
  complete(folder, slot,
           keep_last_known(context_, folder->scan.handle->slow(), path, error, last_known(std::move(task))),
           false);
}

void Scanner::look_again(LookTask task) {
  FileBatch batch{task.folder, {}, 0};
  std::optional<source::FolderView> view;
  source::FileStatus status;
  try {
    view.emplace(task.folder->scan.handle);
    status = view->status_of(task.entry.name);
    if (status.type == v1::NODE_TYPE_FOLDER)
      throw Error(ErrorKind::kReadFailed, "it was replaced while it was looked at: the next backup takes it");
  } catch (const Error& error) {
    return unreadable(std::move(task), error);
  }
  take(std::move(task), *view, status, batch);
  if (!batch.files.empty()) context_.queue.add(std::move(batch));
}

void Scanner::look_at(const std::shared_ptr<Folder>& folder, const source::FolderView& view,
                      const source::FolderEntry& entry, FileBatch& batch,
                      std::vector<std::shared_ptr<Folder>>& children) {
  std::optional<snapshot::NamedNode> earlier_node = earlier(*folder, entry.name);
  unsigned char kind = entry.type;
  source::FileStatus status;
  // What is ignored is not looked at either: it may be what cannot be.
  source::TrackClass track_class = class_of(*folder, entry.name, kind == DT_DIR);
  auto leave_out = [&] {
    if (earlier_node) folder->entry_missing();
  };
  if (track_class == source::TrackClass::kIgnore && kind != DT_DIR && kind != DT_UNKNOWN) return leave_out();
  if (!snapshot::is_valid_name(entry.name)) {
    if (track_class == source::TrackClass::kIgnore) return leave_out();
    const std::string path = path_in(folder->scan.handle->path(), entry.name);
    return tell_unreadable(context_, view.slow(), path, no_node_name(entry.name), /*kept=*/false);
  }
  if (kind != DT_DIR) {
    try {
      status = view.status_of(entry.name);
    } catch (const Error& error) {
      // It may be what cannot be looked at.
      const bool is_of_source =
          error.kind() == ErrorKind::kReadFailed || error.kind() == ErrorKind::kNotFound;
      if (track_class == source::TrackClass::kIgnore && is_of_source) return leave_out();
      return unreadable(task_of(folder, folder->add_slot(), entry, std::move(earlier_node)), error);
    }
    if (status.type == v1::NODE_TYPE_FOLDER && kind != DT_DIR) {
      kind = DT_DIR;
      track_class = class_of(*folder, entry.name, true);
    }
  }
  std::shared_ptr<const source::RuleScope> rules_below;  // where they had to be known already
  if (track_class == source::TrackClass::kIgnore) {
    if (kind != DT_DIR) return leave_out();
    rules_below = folder->scan.rules->below(entry.name);
    if (!rules_below->may_hold_others()) return leave_out();
  }

  const std::size_t slot = folder->add_slot();
  if (kind == DT_DIR) {
    children.push_back(std::make_shared<Folder>(
        folder, slot, folder->source(), entry.name, child_base(*folder, entry.name, std::move(earlier_node)),
        TreeAssembly(context_.earlier, context_.metadata, context_.owners)));
    children.back()->scan.rules = std::move(rules_below);
    return;
  }
  take(task_of(folder, slot, entry, std::move(earlier_node)), view, status, batch);
}

// What is not ignored, and no folder.
void Scanner::take(LookTask task, const source::FolderView& view, const source::FileStatus& status,
                   FileBatch& batch) {
  const std::shared_ptr<Folder>& folder = task.folder;
  const std::string& name = task.entry.name;
  const bool regular = status.type == v1::NODE_TYPE_FILE;
  if (regular) context_.statistics.found_file(status.size);
  const auto unchanged = [&](v1::Node node, bool same) {
    if (regular) {
      context_.statistics.done_file();
      context_.statistics.done_bytes(status.size);
    }
    complete(folder, task.slot, std::move(node), same);
  };
  if (task.finished && source::is_unchanged(status, task.finished->node, task.finished->seen))
    return unchanged(std::move(task.finished->node), false);
  const source::TrackClass track_class = class_of(*folder, name, false);
  // What this very run has read need not be read again when it goes on.
  const bool reads_always = track_class == source::TrackClass::kAlways && !folder->base.from_checkpoint;
  const auto counts = [&] { return !folder->base.supplied || is_stored(*task.earlier); };
  if (task.earlier && folder->base.trusted && !(regular && reads_always) &&
      source::is_unchanged(status, *task.earlier, folder->base.seen) && counts()) {
    if (regular && folder->base.supplied) {
      // So that it is not read should the run go on without the supplier.
      folder->note_read();
      context_.checkpointer.finished(folder,
                                     FinishedFile{folder->place_of(name), *task.earlier, folder->base.seen});
    }
    return unchanged(std::move(*task.earlier), true);
  }
  if (regular && track_class == source::TrackClass::kOnce) {
    // What this very run has read is there.
    const bool in_doubt = context_.options.content_lost && !folder->base.from_checkpoint;
    if (task.earlier && has_content(*task.earlier) && counts() &&
        (!in_doubt || is_still_there(context_, *task.earlier)))
      return keep_content(task, view, status, *task.earlier);
    if (task.finished && has_content(task.finished->node))
      return keep_content(task, view, status, task.finished->node);
  }
  if (!regular) {
    v1::Node node;
    try {
      node = view.capture_entry(name, status, [&](const std::string& message) {
        context_.statistics.warning(path_of(task), message);
      });
    } catch (const Error& error) {
      return unreadable(std::move(task), error);
    }
    if (status.links > 1) node.set_mount(context_.mounts.number(folder->source(), status.device));
    const bool same = task.earlier && snapshot::equal(node, *task.earlier);
    return complete(folder, task.slot, std::move(node), same);
  }
  FileTask file{task.slot, name, std::nullopt, task.attempts};
  if (task.earlier && task.earlier->type() == v1::NODE_TYPE_FILE) file.earlier = std::move(task.earlier);
  batch.files.push_back(std::move(file));
  batch.bytes += status.size;
  if (batch.files.size() >= kBatchFiles || batch.bytes >= kBatchBytes) {
    context_.queue.add(std::move(batch));
    batch = FileBatch{folder, {}, 0};
  }
}

// A file of class `once`: its metadata is what it is now, its content and size are what was read first. Held
// against a full scan, too: that reads what may have changed unseen, and here no change counts.
void Scanner::keep_content(const LookTask& task, const source::FolderView& view,
                           const source::FileStatus& status, const v1::Node& known) {
  const std::shared_ptr<Folder>& folder = task.folder;
  const std::string path = path_of(task);
  context_.statistics.done_file();
  context_.statistics.done_bytes(status.size);
  std::optional<v1::Node> node;
  try {
    node = view.capture_entry(task.entry.name, status, [&](const std::string& message) {
      context_.statistics.warning(path, message);
    });
    if (status.links > 1) node->set_mount(context_.mounts.number(folder->source(), status.device));
    const bool is_as_read = node->size() == known.size() &&
                            snapshot::from_proto(node->mtime()) == snapshot::from_proto(known.mtime()) &&
                            snapshot::from_proto(node->ctime()) == snapshot::from_proto(known.ctime());
    node->set_size(known.size());
    *node->mutable_content() = known.content();
    // The content is not that of this moment. With the beginning of time as that of its last change the file
    // is never taken for unchanged, should another rule have it read one day.
    if (!is_as_read) *node->mutable_ctime() = snapshot::to_proto(TimePoint{});
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::kReadFailed && failure.kind() != ErrorKind::kNotFound) throw;
    const Error error = cause_of(*folder, task.entry.name, failure);
    node.reset();
    if (error.kind() == ErrorKind::kReadFailed)
      node = keep_last_known(context_, view.slow(), path, error, known);
  }
  const bool same = node && snapshot::equal(*node, known);
  complete(folder, task.slot, std::move(node), same);
}

}  // namespace garner::backup
