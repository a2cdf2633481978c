#include "catalog/history/update.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "catalog/history/schema.h"
#include "snapshot/content_list.h"
#include "snapshot/parse.h"

namespace garner::catalog {
namespace {

namespace v1 = store::v1;

constexpr std::size_t kFoldersKept = 16;
constexpr std::size_t kItemsOfPage = 1000;
constexpr std::size_t kStepsOfTransaction = 4000;  // files, folders and parts of files

void append(std::string& path, std::string_view name) {
  if (!path.empty() && path != "/") path += '/';
  path += name;
}

crypto::BlobId id_of(const std::string& bytes) { return crypto::BlobId::from_bytes(as_bytes(bytes)); }

// By their paths, whole.
std::vector<snapshot::NamedNode> sources_of(const v1::Snapshot& snapshot) {
  std::vector<snapshot::NamedNode> sources;
  for (const v1::Source& source : snapshot.sources()) {
    sources.push_back({source.root(), source.user(), source.group()});
    sources.back().node.set_name(source.path());
  }
  std::ranges::sort(sources, {}, [](const auto& named) -> const std::string& { return named.node.name(); });
  return sources;
}

}  // namespace

Bytes NotedPages::read(crypto::BlobKind kind, const crypto::BlobId& id) {
  Bytes blob = source_.read(kind, id);
  if (kind == crypto::BlobKind::kTree) pages_.push_back(prefix_of(id.view()));
  return blob;
}

Update::Update(Database& database, Kinds& kinds, std::int64_t number, store::BlobSource& source,
               const History::LengthOf& length_of, std::stop_token stop)
    : database_(database),
      kinds_(kinds),
      tip_(database, number),
      number_(number),
      source_(source),
      length_of_(length_of),
      stop_(std::move(stop)) {}

Update::~Update() {
  const auto lock = database_.lock();
  if (!transaction_) return;
  transaction_.reset();
  kinds_.forget();
}

std::unique_lock<std::recursive_mutex> Update::writing() {
  auto lock = database_.lock();
  if (!transaction_) transaction_.emplace(database_);
  return lock;
}

void Update::commit() {
  const auto lock = writing();
  const auto mark = [&](Held& held, std::optional<Row> row) {
    if (row) row->content.reset();
    tip_.put(held, row, row && kinds_.is_folder(*row));
  };
  for (std::size_t depth = 1; depth < levels_.size(); ++depth) {
    Level& level = levels_[depth];
    // As long as there is something left below, it is known for a folder.
    mark(level.self.held, level.tree ? level.self.wanted : level.self.held.row);
  }
  if (file_) mark(file_->held, file_->wanted);
  transaction_->commit();
  transaction_.reset();
}

void Update::count_step() {
  if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "reading the history was stopped");
  if (++steps_ % kStepsOfTransaction == 0) commit();
}

std::vector<Unreadable> Update::run(const crypto::BlobId& id, const v1::Snapshot& snapshot) {
  sources_ = sources_of(snapshot);
  levels_.emplace_back();
  try {
    while (!levels_.empty()) {
      count_step();
      step();
    }
  } catch (const Error& error) {
    // Nothing is wrong with the history: what was done until here counts.
    if (!snapshot::concerns_blob(error)) commit();
    throw;
  }
  const auto lock = writing();
  database_.prepare("UPDATE snapshots SET id = ?, state = ? WHERE number = ?", id.view(), kWhole, number_)
      .run();
  commit();
  return std::move(unreadable_);
}

void Update::step() {
  Level& level = levels_.back();
  path_.resize(level.path_size);
  const snapshot::NamedNode* node = next_node(level);
  Held* held = next_held(level);
  if (node == nullptr && held == nullptr) return leave();

  // Only what comes first by name is looked at.
  const bool has_node = node != nullptr && (held == nullptr || node->node.name() <= held->name);
  const bool has_held = held != nullptr && (node == nullptr || held->name <= node->node.name());
  Held place;
  if (has_held) {
    place = std::move(*held);
    ++level.next;
  } else {
    place.folder = level.self.held.item;
    place.name = node->node.name();
  }
  level.done = place.name;
  append(path_, place.name);
  visit(std::move(place), has_node ? std::exchange(level.node, std::nullopt) : std::nullopt);
}

const snapshot::NamedNode* Update::next_node(Level& level) {
  if (!level.node && !level.has_ended) {
    if (levels_.size() == 1) {
      if (next_source_ < sources_.size()) level.node = std::move(sources_[next_source_++]);
    } else if (level.tree) {
      read_node(level);
    }
    level.has_ended = !level.node;
  }
  return level.node ? &*level.node : nullptr;
}

void Update::read_node(Level& level) {
  try {
    if (!level.reader)
      level.reader = std::make_unique<snapshot::TreeReader>(source_, *level.tree, level.done);
    level.node = level.reader->next();
  } catch (const Error& error) {
    if (!snapshot::concerns_blob(error)) throw;
    level.is_unread = true;
    tell_unreadable(error);
  }
  for (const BlobPrefix page : source_.take()) {
    // The first one is the content.
    if (page == level.self.wanted->content) continue;
    const auto lock = writing();
    tip_.add_part(level.self.held.item, page, 0);
  }
}

Held* Update::next_held(Level& level) {
  if (level.next == level.page.size() && !level.is_last_page) {
    // All that this walk has put into the folder comes before what is done.
    const auto lock = database_.lock();
    level.page = items_behind(database_, level.self.held.item, level.done, kItemsOfPage);
    level.next = 0;
    level.is_last_page = level.page.size() < kItemsOfPage;
  }
  return level.next < level.page.size() ? &level.page[level.next] : nullptr;
}

// `held` is in the last level's folder, with or without a number; `named` is what the snapshot has there.
void Update::visit(Held held, std::optional<snapshot::NamedNode> named) {
  auto lock = writing();
  std::optional<Row> wanted;
  if (named) wanted = kinds_.row_of(named->node, named->user, named->group);
  // Of a file with a difference in it another snapshot may have the same content, made in another way.
  const bool is_same = held.row == wanted && !(wanted && kinds_.at(wanted->kind).has(Kind::kDifferences));
  if (is_same) return;

  const bool was_folder = held.row && kinds_.is_folder(*held.row);
  const bool is_folder = wanted && kinds_.is_folder(*wanted);
  const bool is_file = wanted && named->node.type() == v1::NODE_TYPE_FILE;
  // What is in a folder of the same tree stays as it is.
  const bool has_same_tree = was_folder && is_folder && wanted->content == held.row->content;
  if ((was_folder || is_folder) && !has_same_tree) {
    Level level;
    if (is_folder) level.tree = id_of(named->node.tree());
    if (is_file) level.file = std::move(named->node);
    level.self = {std::move(held), wanted};
    enter(std::move(level));
  } else if (is_file) {
    lock.unlock();
    settle_file(std::move(held), *wanted, named->node);
  } else {
    if (held.item != 0 && !has_same_tree) tip_.close_parts(held.item);
    settle(held, wanted);
  }
}

void Update::enter(Level level) {
  Held& held = level.self.held;
  if (held.item == 0) {
    tip_.insert(held, std::nullopt, /*is_folder=*/level.tree.has_value(), levels_.back().numbers);
  } else {
    tip_.close_parts(held.item);
  }
  level.path_size = path_.size();
  levels_.push_back(std::move(level));
  if (levels_.size() <= kFoldersKept + 1) return;
  // What is not done yet is read again.
  Level& far = levels_[levels_.size() - 1 - kFoldersKept];
  far.reader.reset();
  far.node.reset();
  far.page.clear();
  far.next = 0;
  far.is_last_page = false;
}

void Update::leave() {
  Level level = std::move(levels_.back());
  levels_.pop_back();
  if (levels_.empty()) return;
  std::optional<Row> row = level.self.wanted;
  if (level.file) return settle_file(std::move(level.self.held), *row, *level.file);
  const auto lock = writing();
  if (level.is_unread || level.has_unread_below) {
    // The next snapshot may have the same tree, and must not be passed over: not here, and in no folder
    // above.
    row->content.reset();
    levels_.back().has_unread_below = true;
  }
  if (level.is_unread) row = kinds_.with_flag(*row, Kind::kUnread);
  settle(level.self.held, row);
}

// Of the last level's folder.
void Update::settle(Held& held, const std::optional<Row>& row) {
  const bool is_folder = row && kinds_.is_folder(*row);
  if (held.item == 0) {
    tip_.insert(held, row, is_folder, levels_.back().numbers);
  } else {
    tip_.put(held, row, is_folder);
  }
}

void Update::settle_file(Held held, Row row, const v1::Node& file) {
  auto lock = writing();
  const bool is_content_same = held.row && held.row->content == row.content &&
                               kinds_.at(held.row->kind).flags == kinds_.at(row.kind).flags &&
                               !kinds_.at(row.kind).has(Kind::kDifferences);
  if (held.item != 0 && !is_content_same) tip_.close_parts(held.item);
  if (is_content_same || !kinds_.at(row.kind).has(Kind::kHasParts)) return settle(held, row);

  if (held.item == 0) tip_.insert(held, std::nullopt, /*is_folder=*/false, levels_.back().numbers);
  file_ = {std::move(held), row};
  lock.unlock();
  const auto add = [&](const crypto::BlobId& id, std::uint64_t bytes) {
    const BlobPrefix blob = prefix_of(id.view());
    const auto adding = writing();
    if (blob != row.content || bytes > 0) tip_.add_part(file_->held.item, blob, bytes);
  };
  bool is_unread = false;
  snapshot::ContentVisitor visitor;
  visitor.entry = [&](std::uint64_t, const v1::ContentEntry& entry) {
    if (entry.type() == v1::ENTRY_TYPE_BLOB) {
      add(id_of(entry.id()), entry.length());
    } else if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) {
      const snapshot::Difference difference = snapshot::difference_of(entry);
      add(difference.id, 0);
      add(difference.base, length_of_(difference.base));
      add(difference.patch, length_of_(difference.patch));
    }
    count_step();
    return true;
  };
  visitor.list = [&](const v1::ContentEntry& list) {
    add(id_of(list.id()), 0);
    return true;
  };
  visitor.unreadable = [&](const v1::ContentEntry&, const Error& error) {
    is_unread = true;
    tell_unreadable(error);
  };
  snapshot::walk_content(file, source_, visitor);

  lock = writing();
  held = std::move(file_->held);
  file_.reset();
  if (is_unread) {
    row = kinds_.with_flag(row, Kind::kUnread);
    levels_.back().has_unread_below = true;
  }
  settle(held, row);
}

void Update::tell_unreadable(const Error& error) { unreadable_.push_back({path_, error.what()}); }

}  // namespace garner::catalog
