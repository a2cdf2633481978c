#include "store/index.h"

#include <algorithm>
#include <bit>
#include <boost/unordered/unordered_flat_set.hpp>
#include <filesystem>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace garner::store {
namespace {

using NameSet = boost::unordered_flat_set<ObjectName, ObjectNameHash>;

// How a pack of a table stands.
constexpr std::uint8_t kNamed = 1;  // by a live segment, which may be in another table
constexpr std::uint8_t kCondemned = 2;
constexpr std::uint8_t kDead = 4;
constexpr std::uint8_t kOwned = 8;  // of all tables that have the pack, this one counts it

bool is_live_pack(std::uint8_t flags) { return (flags & (kNamed | kCondemned | kDead)) == kNamed; }
bool is_condemned_pack(std::uint8_t flags) { return (flags & (kCondemned | kDead)) == kCondemned; }
bool is_kept(std::uint8_t flags) { return (flags & (kNamed | kCondemned)) != 0 && (flags & kDead) == 0; }

// Nor does one that its disk does not give.
bool verifies(const IndexTable& table, const std::function<void()>& step) {
  try {
    table.verify(step);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDamaged && error.kind() != ErrorKind::kReadFailed) throw;
    return false;
  }
}

constexpr std::string_view kTableSuffix = ".table";
constexpr std::string_view kUnfinishedSuffix = ".table.new";

// Fetched payloads are gathered up to these bounds and become one table.
constexpr std::size_t kBatchBytes = 16u << 20;
constexpr std::size_t kBatchSegments = 1024;

constexpr std::size_t kTablesOfASize = 4;
constexpr std::uint64_t kSmallTable = 4096;  // entries; all below are of one size

unsigned size_class(std::uint64_t entries) {
  return static_cast<unsigned>(std::bit_width(std::max(entries, kSmallTable) / kSmallTable) - 1) / 2;
}

// Thrown within update() when local tables were found damaged and removed.
struct DroppedTables {};

NameSet name_set(const google::protobuf::RepeatedPtrField<std::string>& names) {
  NameSet set;
  for (const std::string& name : names) set.insert(ObjectName::from_bytes(as_bytes(name)));
  return set;
}

}  // namespace

// What a state says of names.
struct Index::Standing {
  explicit Standing(const v1::RepositoryState& state)
      : condemned(name_set(state.condemned())), dead(name_set(state.dead())) {
    for (const v1::SegmentReference& segment : state.segments()) {
      segments.insert(ObjectName::from_bytes(as_bytes(segment.name())));
    }
  }

  // The live segments whose entries the table has whole.
  std::vector<ObjectName> covered_by(const IndexTable& table) const;

  NameSet segments;
  NameSet condemned;
  NameSet dead;
};

std::vector<ObjectName> Index::Standing::covered_by(const IndexTable& table) const {
  std::vector<bool> lacks(table.segments().size(), false);
  table.for_each_link([&](std::uint32_t segment, std::uint32_t pack) {
    if (table.pack(pack).dropped && !dead.contains(table.packs()[pack])) lacks[segment] = true;
  });
  std::vector<ObjectName> covered;
  for (std::size_t i = 0; i < lacks.size(); ++i) {
    const ObjectName& segment = table.segments()[i];
    if (!lacks[i] && segments.contains(segment)) covered.push_back(segment);
  }
  return covered;
}

// Tables, and how their packs stand.
struct Index::View {
  struct Part {
    std::shared_ptr<const IndexTable> table;
    std::vector<std::uint8_t> packs = {};  // flags by number
    std::vector<bool> live_segments = {};  // by number
  };
  std::vector<Part> parts;
  std::uint64_t entries = 0;

  View() = default;
  View(const Tables& tables, const Standing& standing);

 private:
  void join_names(const Standing& standing);
};

Index::View::View(const Tables& tables, const Standing& standing) {
  for (const auto& table : tables) {
    Part& part = parts.emplace_back(Part{table, std::vector<std::uint8_t>(table->packs().size(), 0), {}});
    for (const ObjectName& segment : table->segments()) {
      part.live_segments.push_back(standing.segments.contains(segment));
    }
    table->for_each_link([&](std::uint32_t segment, std::uint32_t pack) {
      if (part.live_segments[segment]) part.packs[pack] |= kNamed;
    });
  }
  join_names(standing);
  for (const Part& part : parts) {
    for (std::uint32_t i = 0; i < part.packs.size(); ++i) {
      if (is_live_pack(part.packs[i]) && (part.packs[i] & kOwned) != 0)
        entries += part.table->pack(i).entries;
    }
  }
}

// All rows of a name, in whichever table, stand alike; the first table that has its entries owns it. The
// tables' names are ascending, so one pass over all of them side by side finds the rows.
void Index::View::join_names(const Standing& standing) {
  std::vector<std::uint32_t> positions(parts.size(), 0);
  struct Row {
    std::size_t part;
    std::uint32_t number;
  };
  std::vector<Row> rows;
  while (true) {
    const ObjectName* name = nullptr;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (positions[i] == parts[i].packs.size()) continue;
      const ObjectName& candidate = parts[i].table->packs()[positions[i]];
      if (name == nullptr || candidate < *name) name = &candidate;
    }
    if (name == nullptr) return;
    rows.clear();
    std::uint8_t flags = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::vector<ObjectName>& names = parts[i].table->packs();
      for (; positions[i] < names.size() && names[positions[i]] == *name; ++positions[i]) {
        rows.push_back({i, positions[i]});
        flags |= parts[i].packs[positions[i]];
      }
    }
    if (standing.condemned.contains(*name)) flags |= kCondemned;
    if (standing.dead.contains(*name)) flags |= kDead;
    std::optional<std::size_t> owner;
    for (Row row : rows) {
      std::uint8_t& own = parts[row.part].packs[row.number];
      own = flags;
      if (parts[row.part].table->pack(row.number).dropped) continue;
      if (!owner) owner = row.part;
      if (*owner == row.part) own |= kOwned;
    }
  }
}

Index::Index(std::string folder, std::shared_ptr<FilterBudget> budget)
    : folder_(std::move(folder)),
      budget_(budget ? std::move(budget) : std::make_shared<FilterBudget>()),
      view_(std::make_shared<View>()) {
  make_folders_durably(folder_);
  std::set<std::string> paths;
  try {
    for (const auto& file : std::filesystem::directory_iterator(folder_)) paths.insert(file.path().native());
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(ErrorKind::kReadFailed, "listing " + printable(folder_) + ": " + error.code().message());
  }
  for (const std::string& path : paths) {
    if (path.ends_with(kUnfinishedSuffix)) remove_file(path);
    if (!path.ends_with(kTableSuffix)) continue;
    std::uint64_t number = std::strtoull(base_name(path).c_str(), nullptr, 16);
    next_number_ = std::max(next_number_, number + 1);
    try {
      tables_.push_back(open_table(path));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDamaged) throw;
      remove_file(path);
    }
  }
}

Index::~Index() = default;

std::shared_ptr<const Index::View> Index::view() const {
  std::lock_guard lock(view_mutex_);
  return view_;
}

std::string Index::new_path() {
  std::uint8_t number[8];
  for (unsigned i = 0; i < 8; ++i) number[i] = static_cast<std::uint8_t>(next_number_ >> (56 - 8 * i));
  ++next_number_;
  return folder_ + "/" + to_hex(number) + std::string(kTableSuffix);
}

std::shared_ptr<const IndexTable> Index::open_table(const std::string& path) const {
  return IndexTable::open(path, budget_);
}

void Index::update(const v1::RepositoryState& state, const Fetch& fetch) {
  std::lock_guard lock(update_mutex_);
  Standing standing(state);
  while (true) {
    choose_tables(standing);
    try {
      fetch_missing(state, standing, fetch);
      merge_tables(standing);
      break;
    } catch (const DroppedTables&) {
      // Their segments are missing now.
    }
  }
  auto next = std::make_shared<const View>(tables_, standing);
  is_update_due_ = false;
  std::lock_guard view_lock(view_mutex_);
  view_ = std::move(next);
}

void Index::forget() {
  std::lock_guard lock(update_mutex_);
  for (const auto& table : tables_) remove_file(table->path());
  tables_.clear();
  std::lock_guard view_lock(view_mutex_);
  view_ = std::make_shared<View>();
}

// Keeps tables so that each live segment that some table covers is covered, those that cover most first;
// removes the rest. A crash between a merge and the removal of its inputs is put right here.
void Index::choose_tables(const Standing& standing) {
  struct Candidate {
    std::shared_ptr<const IndexTable> table;
    std::vector<ObjectName> covered;
  };
  std::vector<Candidate> candidates;
  for (const auto& table : tables_) candidates.push_back({table, standing.covered_by(*table)});
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.covered.size() != b.covered.size() ? a.covered.size() > b.covered.size()
                                                : a.table->path() < b.table->path();
  });
  tables_.clear();
  NameSet covered;
  for (const Candidate& candidate : candidates) {
    std::size_t before = covered.size();
    covered.insert(candidate.covered.begin(), candidate.covered.end());
    if (covered.size() > before) {
      tables_.push_back(candidate.table);
    } else {
      remove_file(candidate.table->path());
    }
  }
}

std::vector<const v1::SegmentReference*> Index::missing(const v1::RepositoryState& state,
                                                        const Standing& standing) const {
  NameSet known;
  for (const auto& table : tables_) {
    for (const ObjectName& segment : standing.covered_by(*table)) known.insert(segment);
  }
  std::vector<const v1::SegmentReference*> missing;
  for (const v1::SegmentReference& segment : state.segments()) {
    if (known.insert(ObjectName::from_bytes(as_bytes(segment.name()))).second) missing.push_back(&segment);
  }
  return missing;
}

void Index::fetch_missing(const v1::RepositoryState& state, const Standing& standing, const Fetch& fetch) {
  std::vector<SegmentPayload> batch;
  std::size_t bytes = 0;
  auto write_batch = [&] {
    if (batch.empty()) return;
    std::string path = new_path();
    IndexTable::write(path, batch);
    tables_.push_back(open_table(path));
    batch.clear();
    bytes = 0;
  };
  for (const v1::SegmentReference* segment : missing(state, standing)) {
    Bytes payload;
    try {
      payload = fetch(*segment);
    } catch (...) {
      write_batch();
      throw;
    }
    bytes += payload.size();
    batch.push_back({ObjectName::from_bytes(as_bytes(segment->name())), std::move(payload)});
    if (bytes < kBatchBytes && batch.size() < kBatchSegments) continue;
    write_batch();
    merge_tables(standing);
  }
  write_batch();
}

void Index::merge_tables(const Standing& standing) {
  while (true) {
    View current(tables_, standing);
    // The tables to merge: one that is more than half waste, or all of a size that has too many.
    std::vector<std::size_t> chosen;
    std::vector<std::vector<std::size_t>> classes;
    for (std::size_t i = 0; i < tables_.size() && chosen.empty(); ++i) {
      const View::Part& part = current.parts[i];
      std::uint64_t kept = 0;
      for (std::uint32_t pack = 0; pack < part.packs.size(); ++pack) {
        if (is_kept(part.packs[pack])) kept += part.table->pack(pack).entries;
      }
      std::uint64_t entries = part.table->entries();
      if (entries > kSmallTable && kept < entries / 2) chosen = {i};
      unsigned size = size_class(entries);
      if (classes.size() <= size) classes.resize(size + 1);
      classes[size].push_back(i);
    }
    for (std::size_t size = 0; size < classes.size() && chosen.empty(); ++size) {
      if (classes[size].size() > kTablesOfASize) chosen = classes[size];
    }
    if (chosen.empty()) return;

    std::vector<const IndexTable*> inputs;
    for (std::size_t i : chosen) inputs.push_back(tables_[i].get());
    IndexTable::Keep keep{[&](std::size_t input, std::uint32_t pack) {
                            return is_kept(current.parts[chosen[input]].packs[pack]);
                          },
                          [&](const ObjectName& segment) { return standing.segments.contains(segment); }};
    std::string path = new_path();
    try {
      IndexTable::merge(path, inputs, keep);
    } catch (const Error& error) {
      // Contents are verified by reading them all: here, and when somebody asks for it.
      if (error.kind() == ErrorKind::kDamaged &&
          drop_tables([](const auto& table) { return !verifies(*table, {}); }))
        throw DroppedTables();
      throw;
    }
    // Durable: what went into it may go.
    Tables next;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      if (std::ranges::find(chosen, i) == chosen.end()) next.push_back(tables_[i]);
    }
    next.push_back(open_table(path));
    std::swap(tables_, next);
    for (const IndexTable* input : inputs) remove_file(input->path());
  }
}

bool Index::drop_damaged(const std::function<void()>& step) {
  // Others look up and update meanwhile: reading all takes a while.
  Tables read;
  {
    std::lock_guard lock(update_mutex_);
    read = tables_;
  }
  std::erase_if(read, [&](const auto& table) { return verifies(*table, step); });
  std::lock_guard lock(update_mutex_);
  if (drop_tables([&](const auto& table) { return std::ranges::find(read, table) != read.end(); }))
    is_update_due_ = true;
  return is_update_due_;
}

// False when none is dropped.
template <typename Choose>
bool Index::drop_tables(const Choose& is_chosen) {
  return std::erase_if(tables_, [&](const std::shared_ptr<const IndexTable>& table) {
           if (!is_chosen(table)) return false;
           remove_file(table->path());
           return true;
         }) > 0;
}

// The first entry, in whichever table, whose pack counts; `found` makes of it what is asked for.
template <typename Found>
auto Index::find_where(const crypto::BlobId& id, bool (*counts)(std::uint8_t), const Found& found) const {
  const std::shared_ptr<const View> current = view();
  std::optional<decltype(found(*current->parts[0].table, EntryRow{}))> result;
  for (const View::Part& part : current->parts) part.table->prefetch(id);
  for (const View::Part& part : current->parts) {
    const auto take = [&](const EntryRow& row) {
      if (!counts(part.packs[row.pack])) return false;
      result = found(*part.table, row);
      return true;
    };
    if (part.table->find(id, std::ref(take))) break;
  }
  return result;
}

std::optional<BlobLocation> Index::find(const crypto::BlobId& id) const {
  return find_where(id, is_live_pack,
                    [](const IndexTable& table, const EntryRow& row) { return table.locate(row); });
}

std::optional<ObjectName> Index::find_pack(const crypto::BlobId& id) const {
  return find_where(id, is_live_pack,
                    [](const IndexTable& table, const EntryRow& row) { return table.packs()[row.pack]; });
}

std::optional<BlobLocation> Index::find_condemned(const crypto::BlobId& id) const {
  return find_where(id, is_condemned_pack,
                    [](const IndexTable& table, const EntryRow& row) { return table.locate(row); });
}

std::vector<BlobLocation> Index::find_all(const crypto::BlobId& id) const {
  std::shared_ptr<const View> current = view();
  std::vector<BlobLocation> found;
  for (const View::Part& part : current->parts) {
    part.table->find(id, [&](const EntryRow& row) {
      std::uint8_t flags = part.packs[row.pack];
      if (is_live_pack(flags) && (flags & kOwned) != 0) found.push_back(part.table->locate(row));
      return false;
    });
  }
  return found;
}

// All rows of a name stand alike. No flag for a name that no table has.
std::uint8_t Index::flags_of(const ObjectName& pack) const {
  std::shared_ptr<const View> current = view();
  for (const View::Part& part : current->parts) {
    const std::vector<ObjectName>& names = part.table->packs();
    auto found = std::ranges::lower_bound(names, pack);
    if (found != names.end() && *found == pack) {
      return part.packs[static_cast<std::size_t>(found - names.begin())];
    }
  }
  return 0;
}

std::optional<std::uint64_t> Index::size_of(const ObjectName& pack) const {
  const std::shared_ptr<const View> current = view();
  for (const View::Part& part : current->parts) {
    const std::vector<ObjectName>& names = part.table->packs();
    const auto found = std::ranges::lower_bound(names, pack);
    if (found == names.end() || *found != pack) continue;
    const auto number = static_cast<std::size_t>(found - names.begin());
    if (!is_live_pack(part.packs[number])) return std::nullopt;
    return part.table->pack(static_cast<std::uint32_t>(number)).size;
  }
  return std::nullopt;
}

bool Index::is_live(const ObjectName& pack) const { return is_live_pack(flags_of(pack)); }

bool Index::is_named(const ObjectName& pack) const { return (flags_of(pack) & kNamed) != 0; }

std::vector<ObjectName> Index::live_packs() const {
  std::shared_ptr<const View> current = view();
  std::vector<ObjectName> live;
  for (const View::Part& part : current->parts) {
    for (std::size_t i = 0; i < part.packs.size(); ++i) {
      if (!is_live_pack(part.packs[i]) || (part.packs[i] & kOwned) == 0) continue;
      if (live.empty() || live.back() != part.table->packs()[i]) live.push_back(part.table->packs()[i]);
    }
  }
  return live;
}

std::uint64_t Index::entries() const { return view()->entries; }

void Index::for_each(const std::function<void(const crypto::BlobId&, const BlobLocation&)>& visit) const {
  std::shared_ptr<const View> current = view();
  for (const View::Part& part : current->parts) {
    part.table->for_each([&](const EntryRow& row) {
      std::uint8_t flags = part.packs[row.pack];
      if (is_live_pack(flags) && (flags & kOwned) != 0) visit(row.id, part.table->locate(row));
    });
  }
}

std::set<ObjectName> Index::segments_naming(const std::set<ObjectName>& packs) const {
  const std::shared_ptr<const View> current = view();
  std::set<ObjectName> naming;
  for (const View::Part& part : current->parts) {
    const IndexTable& table = *part.table;
    table.for_each_link([&](std::uint32_t segment, std::uint32_t pack) {
      if (part.live_segments[segment] && packs.contains(table.packs()[pack])) {
        naming.insert(table.segments()[segment]);
      }
    });
  }
  return naming;
}

Index::Frozen Index::freeze() const { return Frozen(view()); }

Index::Frozen::Frozen(std::shared_ptr<const View> view) : view_(std::move(view)) {
  for (const View::Part& part : view_->parts) {
    first_numbers_.push_back(size_);
    size_ += part.table->entries();
  }
}

template <typename Found>
bool Index::Frozen::find(const crypto::BlobId& id, const Found& found) const {
  for (const View::Part& part : view_->parts) part.table->prefetch(id);
  for (std::size_t i = 0; i < view_->parts.size(); ++i) {
    const View::Part& part = view_->parts[i];
    const auto take = [&](const EntryRow& row, std::uint64_t number) {
      const std::uint8_t flags = part.packs[row.pack];
      if (!is_live_pack(flags) || (flags & kOwned) == 0) return false;
      found(first_numbers_[i] + number, part.table->packs()[row.pack]);
      return true;
    };
    if (part.table->find_numbered(id, std::ref(take))) return true;
  }
  return false;
}

std::optional<std::uint64_t> Index::Frozen::number(const crypto::BlobId& id) const {
  std::optional<std::uint64_t> result;
  find(id, [&](std::uint64_t number, const ObjectName&) { result = number; });
  return result;
}

std::optional<ObjectName> Index::Frozen::pack(const crypto::BlobId& id) const {
  std::optional<ObjectName> result;
  find(id, [&](std::uint64_t, const ObjectName& pack) { result = pack; });
  return result;
}

std::vector<ObjectName> Index::Frozen::packs(const crypto::BlobId& id) const {
  std::vector<ObjectName> all;
  for (const View::Part& part : view_->parts) {
    part.table->find(id, [&](const EntryRow& row) {
      if (is_live_pack(part.packs[row.pack])) all.push_back(part.table->packs()[row.pack]);
      return false;
    });
  }
  return all;
}

void Index::Frozen::for_each(const std::function<void(const Entry&)>& visit) const {
  for (std::size_t i = 0; i < view_->parts.size(); ++i) {
    const View::Part& part = view_->parts[i];
    std::uint64_t number = first_numbers_[i];
    part.table->for_each([&](const EntryRow& row) {
      const std::uint8_t flags = part.packs[row.pack];
      if (is_live_pack(flags) && (flags & kOwned) != 0) {
        visit({number, &part.table->packs()[row.pack], row.length, crypto::BlobKind{row.kind}});
      }
      ++number;
    });
  }
}

}  // namespace garner::store
