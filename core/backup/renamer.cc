#include "backup/renamer.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "backup/lane_pool.h"
#include "backup/metadata_sink.h"
#include "base/error.h"
#include "base/parallel.h"
#include "crypto/hash.h"
#include "snapshot/content_list.h"
#include "snapshot/content_reader.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "snapshot/tree.h"
#include "store/lru_cache.h"
#include "store/union_source.h"

namespace garner::backup {

namespace {

// Nodes of a folder that are held at a time.
constexpr std::size_t kStretchNodes = 512;
constexpr std::size_t kStretchBytes = 512u << 10;
// Less content than this is not worth threads.
constexpr std::uint64_t kWorthThreads = 512u << 10;
// Chunks of files above this fill frames of their own.
constexpr std::uint64_t kLarge = 1u << 20;
// Bytes of lists of files with several names: those of some 50,000.
constexpr std::size_t kLinkedLists = 16u << 20;

crypto::BlobId tree_of(const v1::Node& folder) { return crypto::BlobId::from_bytes(as_bytes(folder.tree())); }

v1::ContentList list_of(const v1::Node& file) {
  v1::ContentList list;
  *list.mutable_entries() = file.content();
  return list;
}

// What says of content that a supplier does not have it, or not as it should be.
bool is_lost(const Error& error) {
  return error.kind() == ErrorKind::kNotFound || error.kind() == ErrorKind::kDamaged ||
         error.kind() == ErrorKind::kReadFailed || error.kind() == ErrorKind::kPermissionDenied;
}

// A node as it was called there, and is called here.
struct KnownNode {
  v1::Node there;
  v1::Node here;
};

// A folder of the snapshot that both have, both its trees read in step. What cannot be read of them, or does
// not match, is not known: nothing rests on it.
class KnownFolder {
 public:
  KnownFolder(store::BlobSource& there, store::BlobSource& here, const KnownNode& folder) {
    try_to([&] {
      there_.emplace(there, tree_of(folder.there));
      here_.emplace(here, tree_of(folder.here));
      step();
    });
  }

  // Null: there is none. Names ascend from call to call.
  const KnownNode* find(const std::string& name) {
    try_to([&] {
      while (node_ && node_->there.name() < name) step();
    });
    return node_ && node_->there.name() == name ? &*node_ : nullptr;
  }

 private:
  void step() {
    auto there = there_->next();
    auto here = here_->next();
    node_.reset();
    if (!there || !here || there->node.name() != here->node.name()) return;
    node_ = KnownNode{std::move(there->node), std::move(here->node)};
  }
  void try_to(const std::function<void()>& read) {
    try {
      read();
    } catch (const Error& error) {
      if (!snapshot::concerns_blob(error)) throw;
      node_.reset();
    }
  }

  std::optional<snapshot::TreeReader> there_;
  std::optional<snapshot::TreeReader> here_;
  std::optional<KnownNode> node_;  // nothing at the end
};

std::vector<store::Repository*> repositories_of(const std::vector<Supplier>& suppliers) {
  std::vector<store::Repository*> repositories;
  for (const Supplier& supplier : suppliers) repositories.push_back(supplier.repository);
  return repositories;
}

class Renamer {
 public:
  explicit Renamer(const FillContext& context)
      : context_(context),
        source_(repositories_of(context.suppliers)),
        metadata_(context.target.hasher(), context.writer),
        owners_{[this](std::uint32_t) { return added_->user; },
                [this](std::uint32_t) { return added_->group; }},
        linked_(kLinkedLists) {
    for (unsigned number = 0; number < context.threads; ++number)
      lanes_.add(std::make_unique<Lane>(number, *this));
  }

  RenameResult run(const v1::Snapshot& snapshot, const std::optional<BothNames>& known) {
    context_.statistics.expect(0, snapshot.totals().bytes());
    context_.statistics.stage("copying");
    RenameResult result;
    result.snapshot = snapshot;
    result.snapshot.clear_parent();
    for (v1::Source& source : *result.snapshot.mutable_sources()) rename_source(source, known);
    for (std::size_t i = 0; i < context_.suppliers.size(); ++i) {
      if (source_.has_given(i)) result.suppliers.insert(context_.suppliers[i].name);
    }
    result.lost = std::move(lost_);
    return result;
  }

 private:
  // What one thread reads files with.
  struct Lane {
    Lane(unsigned own, Renamer& renamer)
        : number(own),
          reader(renamer.source_, renamer.context_.suppliers.front().repository->hasher()),
          buffer(2 * std::size_t{renamer.context_.target.chunker().sizes().maximum}) {}
    const unsigned number;
    snapshot::ContentReader reader;
    Bytes buffer;
    std::size_t first = 0;  // of what is not cut yet, in the buffer
    std::size_t filled = 0;
  };

  struct Item {
    snapshot::NamedNode named;
    bool is_to_do = false;           // a file that is to be read, or a folder that is to be walked
    bool is_lost = false;            // a file that cannot be read
    std::optional<KnownNode> known;  // of a folder that is to be walked
    bool is_to_do_as(v1::NodeType type) const { return is_to_do && named.node.type() == type; }
  };

  // A folder that is being walked.
  struct Level {
    Level(store::BlobSink& sink, const snapshot::OwnerNames& owners, std::size_t above)
        : path_above(above), builder(sink, owners) {}
    const std::size_t path_above;  // length of the path that it was reached by
    std::optional<snapshot::TreeReader> reader;
    std::optional<KnownFolder> known;
    bool has_ended = false;
    std::vector<Item> items;  // the stretch that was read last
    std::size_t next = 0;     // of it, to be added
    snapshot::TreeBuilder builder;
  };

  void throw_if_stopped() const {
    if (context_.stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the run was stopped");
  }

  void lose(const std::string& path, const Error& error) {
    const std::lock_guard lock(mutex_);
    if (lost_.size() < kMostLost) lost_.push_back({path.empty() ? "/" : path, error.what()});
  }

  // ---- Folders ----

  void rename_source(v1::Source& source, const std::optional<BothNames>& known) {
    Item root;
    root.named = {source.root(), source.user(), source.group()};
    const std::optional<KnownNode> before = known ? known_source(source.path(), *known) : std::nullopt;
    compare(root, before ? &*before : nullptr);
    path_ = source.path() == "/" ? std::string() : source.path();
    if (root.is_to_do_as(v1::NODE_TYPE_FILE)) read_files({&root});
    if (root.is_to_do_as(v1::NODE_TYPE_FOLDER)) walk(root);
    *source.mutable_root() = std::move(root.named.node);
  }

  static std::optional<KnownNode> known_source(const std::string& path, const BothNames& known) {
    const auto is_it = [&](const v1::Source& source) { return source.path() == path; };
    const auto there = std::ranges::find_if(known.there.sources(), is_it);
    const auto here = std::ranges::find_if(known.here.sources(), is_it);
    if (there == known.there.sources().end() || here == known.here.sources().end()) return std::nullopt;
    return KnownNode{there->root(), here->root()};
  }

  // Gives the node the names of what is known, or notes what is to be done.
  void compare(Item& item, const KnownNode* known) {
    v1::Node& node = item.named.node;
    const bool is_known =
        known != nullptr && known->there.type() == node.type() && known->here.type() == node.type();
    if (node.type() == v1::NODE_TYPE_FILE) {
      item.is_to_do = !is_known || known->here.size() != node.size() ||
                      snapshot::serialize(list_of(known->there)) != snapshot::serialize(list_of(node));
      if (item.is_to_do) return;
      *node.mutable_content() = known->here.content();
      context_.statistics.done_bytes(node.size());
    } else if (node.type() == v1::NODE_TYPE_FOLDER) {
      item.is_to_do = !is_known || known->there.tree() != node.tree() ||
                      !snapshot::equal(known->here.totals(), node.totals());
      if (item.is_to_do) {
        if (is_known) item.known = *known;
        return;
      }
      node.set_tree(known->here.tree());
      context_.statistics.done_bytes(node.totals().bytes());
    }
  }

  // A source's root, and all that is below it.
  void walk(Item& root) {
    enter(root, "");
    while (!levels_.empty()) {
      throw_if_stopped();
      Level& level = *levels_.back();
      if (level.next == level.items.size()) {
        if (level.has_ended) {
          Level* above = levels_.size() > 1 ? levels_[levels_.size() - 2].get() : nullptr;
          leave(above != nullptr ? above->items[above->next] : root);
        } else {
          read_stretch(level);
        }
        continue;
      }
      Item& item = level.items[level.next];
      if (item.is_to_do_as(v1::NODE_TYPE_FOLDER)) {
        enter(item, "/" + item.named.node.name());
        continue;
      }
      ++level.next;
      if (item.is_lost) continue;
      added_ = &item.named;
      level.builder.add(std::move(item.named.node));
    }
  }

  void enter(Item& folder, const std::string& below) {
    folder.is_to_do = false;
    levels_.push_back(std::make_unique<Level>(metadata_, owners_, path_.size()));
    Level& level = *levels_.back();
    path_ += below;
    context_.statistics.current(printable(path_));
    if (folder.known) level.known.emplace(source_, context_.target, *std::exchange(folder.known, {}));
    try {
      level.reader.emplace(source_, tree_of(folder.named.node));
    } catch (const Error& error) {
      if (!is_lost(error)) throw;
      lose(path_, error);
      level.has_ended = true;
    }
  }

  void leave(Item& folder) {
    v1::Node& node = folder.named.node;
    const snapshot::BuiltTree built = levels_.back()->builder.finish();
    if (lost_.empty() && !snapshot::equal(built.totals, node.totals()))
      lose(path_, Error(ErrorKind::kDamaged, "its tree is not what the folder says"));
    node.set_tree(built.id.value.data(), built.id.value.size());
    *node.mutable_totals() = built.totals;
    path_.resize(levels_.back()->path_above);
    levels_.pop_back();
  }

  // The next nodes of the folder, and the content of the files among them.
  void read_stretch(Level& level) {
    level.items.clear();
    level.next = 0;
    std::size_t bytes = 0;
    while (level.items.size() < kStretchNodes && bytes < kStretchBytes) {
      std::optional<snapshot::NamedNode> named;
      try {
        named = level.reader->next();
      } catch (const Error& error) {
        if (!is_lost(error)) throw;
        lose(path_, error);
      }
      if (!named) {
        level.has_ended = true;
        break;
      }
      bytes += named->node.ByteSizeLong();
      Item& item = level.items.emplace_back();
      item.named = *std::move(named);
      compare(item, level.known ? level.known->find(item.named.node.name()) : nullptr);
    }
    std::vector<Item*> files;
    for (Item& item : level.items) {
      if (item.is_to_do_as(v1::NODE_TYPE_FILE)) files.push_back(&item);
    }
    read_files(files);
  }

  // ---- Files ----

  void read_files(const std::vector<Item*>& files) {
    std::uint64_t bytes = 0;
    for (const Item* file : files) bytes += file->named.node.size();
    for_each_in_parallel(files.size(), bytes < kWorthThreads ? 1 : context_.threads, [&](std::size_t number) {
      const LanePool<Lane>::Use lane(lanes_);
      read_file(*lane, *files[number]);
    });
  }

  void read_file(Lane& lane, Item& item) {
    v1::Node& node = item.named.node;
    // Other names of a file have the same list.
    const bool is_linked = node.links() > 1 && node.content_size() > 0;
    std::string key;
    if (is_linked) {
      key = as_text(crypto::hash(as_bytes(snapshot::serialize(list_of(node)))));
      if (const auto list = linked_.find(key)) {
        *node.mutable_content() = list->entries();
        context_.statistics.done_bytes(node.size());
        return;
      }
    }
    const bool is_large = node.size() > kLarge;
    if (is_large) context_.writer.flush_lane(lane.number);
    auto content = read_content(lane, item);
    if (is_large) context_.writer.flush_lane(lane.number);
    if (!content) return;
    node.clear_content();
    for (v1::ContentEntry& entry : content->finish(metadata_)) *node.add_content() = std::move(entry);
    if (!is_linked) return;
    auto list = std::make_shared<v1::ContentList>(list_of(node));
    const std::size_t cost = list->ByteSizeLong() + key.size();
    linked_.add(key, std::move(list), cost);
  }

  // Cut as the target does, which begins anew after a hole. Nothing where some of it is lost.
  std::optional<snapshot::ContentListBuilder> read_content(Lane& lane, Item& item) {
    snapshot::ContentListBuilder list;
    lane.first = lane.filled = 0;
    lane.reader.begin(item.named.node);
    for (;;) {
      throw_if_stopped();
      std::optional<snapshot::ContentReader::Part> part;
      try {
        part = lane.reader.next();
      } catch (const Error& error) {
        if (!is_lost(error)) throw;
        item.is_lost = true;
        lose(levels_.empty() ? path_ : path_ + "/" + item.named.node.name(), error);
        return std::nullopt;
      }
      if (part && part->content) {
        take(lane, *part->content, list);
      } else {
        cut(lane, 1, list);
        if (!part) return list;
        list.add_hole(part->length);
      }
      context_.statistics.done_bytes(part->length);
    }
  }

  void take(Lane& lane, ByteView content, snapshot::ContentListBuilder& list) {
    context_.checkpointer.admit(content.size());
    while (!content.empty()) {
      if (lane.filled == lane.buffer.size()) {
        std::memmove(lane.buffer.data(), lane.buffer.data() + lane.first, lane.filled - lane.first);
        lane.filled -= std::exchange(lane.first, 0);
      }
      const std::size_t length = std::min(lane.buffer.size() - lane.filled, content.size());
      std::memcpy(lane.buffer.data() + lane.filled, content.data(), length);
      lane.filled += length;
      content = content.subspan(length);
      cut(lane, context_.target.chunker().sizes().maximum, list);
    }
  }

  // While so much is there.
  void cut(Lane& lane, std::size_t least, snapshot::ContentListBuilder& list) {
    while (lane.filled - lane.first >= least) {
      const ByteView data(lane.buffer.data() + lane.first, lane.filled - lane.first);
      const ByteView chunk = data.first(context_.target.chunker().next(data));
      const crypto::BlobId id = context_.target.hasher().id(crypto::BlobKind::kData, chunk);
      const store::TargetSet lacking = context_.writer.put(lane.number, id, chunk);
      context_.statistics.new_content(lacking, chunk.size());
      if (lacking != 0) context_.statistics.supplied(context_.number, chunk.size());
      list.add_blob(id, chunk.size(), metadata_);
      lane.first += chunk.size();
    }
  }

  const FillContext& context_;
  store::UnionSource source_;
  MetadataSink metadata_;
  const snapshot::NamedNode* added_ = nullptr;  // to a tree, just now
  const snapshot::OwnerNames owners_;           // of that one
  std::vector<std::unique_ptr<Level>> levels_;
  std::string path_;  // of the last, or of the source; empty for the root of all
  // By what the list of a file with several names was.
  store::LruCache<std::string, v1::ContentList, std::hash<std::string>> linked_;

  LanePool<Lane> lanes_;

  std::mutex mutex_;  // of what follows, while several threads read
  std::vector<LostContent> lost_;
};

}  // namespace

RenameResult rename_content(const FillContext& context, const v1::Snapshot& snapshot,
                            const std::optional<BothNames>& known) {
  return Renamer(context).run(snapshot, known);
}

}  // namespace garner::backup
