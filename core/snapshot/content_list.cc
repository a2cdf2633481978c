#include "snapshot/content_list.h"

#include <limits>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

namespace garner::snapshot {
namespace {

// Saved state: u8 version, u64 length, u8 number of levels, for each u32 number of bytes and a ContentList.
constexpr std::uint8_t kSavedVersion = 1;

bool ends_list(const v1::ContentEntry& entry, std::size_t position) {
  if (entry.type() == v1::ENTRY_TYPE_HOLE || position < kLeastListEntries) return false;
  if (position >= kMostListEntries) return true;
  const std::string& id = entry.id();
  return ByteReader(as_bytes(id).last(8)).u64() % kListBoundary == 0;
}

v1::ContentEntry make_entry(v1::EntryType type, std::uint64_t length, ByteView id) {
  v1::ContentEntry entry;
  entry.set_type(type);
  entry.set_length(length);
  entry.set_id(id.data(), id.size());
  return entry;
}

}  // namespace

Difference difference_of(const v1::ContentEntry& entry) {
  return {id_from(entry.id()), id_from(entry.base()), id_from(entry.patch())};
}

ContentListBuilder::ContentListBuilder(ByteView saved) {
  try {
    ByteReader reader(saved);
    if (reader.u8() != kSavedVersion) throw Error(ErrorKind::kDamaged, "an unknown version");
    length_ = reader.u64();
    const std::size_t levels = reader.u8();
    if (levels > kMaximumListDepth) throw Error(ErrorKind::kDamaged, "nested too deep");
    std::uint64_t total = 0;
    for (std::size_t level = 0; level < levels; ++level) {
      const ByteView bytes = reader.bytes(reader.u32());
      v1::ContentList& list = levels_.emplace_back();
      if (bytes.size() > kMaximumBlob || !list.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        throw Error(ErrorKind::kDamaged, "a list that cannot be parsed");
      }
      for (const v1::ContentEntry& entry : list.entries()) {
        if ((entry.type() == v1::ENTRY_TYPE_LIST) != (level > 0)) {
          throw Error(ErrorKind::kDamaged, "an entry at the wrong level");
        }
      }
      if (list.entries_size() > static_cast<int>(kMostListEntries) ||
          __builtin_add_overflow(total, content_length(list.entries()), &total)) {
        throw Error(ErrorKind::kDamaged, "too many entries");
      }
    }
    if (total != length_ || length_ > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
        !reader.at_end()) {
      throw Error(ErrorKind::kDamaged, "lengths that do not add up");
    }
  } catch (const Error& error) {
    throw error.in("saved state of a content list");
  }
}

Bytes ContentListBuilder::save() const {
  ByteWriter writer;
  writer.u8(kSavedVersion);
  writer.u64(length_);
  writer.u8(static_cast<std::uint8_t>(levels_.size()));
  for (const v1::ContentList& list : levels_) {
    const std::string bytes = serialize(list);
    writer.u32(static_cast<std::uint32_t>(bytes.size()));
    writer.bytes(as_bytes(bytes));
  }
  return writer.take();
}

void ContentListBuilder::grow(std::uint64_t length) {
  constexpr std::uint64_t kMaximum = std::numeric_limits<std::int64_t>::max();
  if (length == 0 || length > kMaximum - length_) {
    throw Error(ErrorKind::kInternal, "a content list cannot take " + std::to_string(length) + " bytes at " +
                                          std::to_string(length_));
  }
  length_ += length;
}

void ContentListBuilder::add_blob(const crypto::BlobId& id, std::uint64_t length, store::BlobSink& sink) {
  grow(length);
  add(0, make_entry(v1::ENTRY_TYPE_BLOB, length, id.view()), sink);
}

void ContentListBuilder::add_difference(const Difference& difference, std::uint64_t length,
                                        store::BlobSink& sink) {
  grow(length);
  v1::ContentEntry entry = make_entry(v1::ENTRY_TYPE_DIFFERENCE, length, difference.id.view());
  entry.set_base(std::string(as_text(difference.base.view())));
  entry.set_patch(std::string(as_text(difference.patch.view())));
  add(0, std::move(entry), sink);
}

void ContentListBuilder::add_hole(std::uint64_t length) {
  grow(length);
  if (levels_.empty()) levels_.emplace_back();
  auto& entries = *levels_.front().mutable_entries();
  // A hole never ends a list, so the hole before this one, if there is one, is still here.
  if (!entries.empty() && entries.rbegin()->type() == v1::ENTRY_TYPE_HOLE) {
    entries.rbegin()->set_length(entries.rbegin()->length() + length);
  } else {
    *entries.Add() = make_entry(v1::ENTRY_TYPE_HOLE, length, {});
  }
}

void ContentListBuilder::add(std::size_t level, v1::ContentEntry entry, store::BlobSink& sink) {
  if (levels_.size() <= level) levels_.resize(level + 1);
  auto& entries = *levels_[level].mutable_entries();
  const v1::ContentEntry& added = *entries.Add() = std::move(entry);
  if (ends_list(added, static_cast<std::size_t>(entries.size()))) close_list(level, sink);
}

void ContentListBuilder::close_list(std::size_t level, store::BlobSink& sink) {
  const std::string bytes = serialize(levels_[level]);
  const std::uint64_t length = content_length(levels_[level].entries());
  levels_[level].Clear();
  const crypto::BlobId id = sink.put(crypto::BlobKind::kList, as_bytes(bytes));
  add(level + 1, make_entry(v1::ENTRY_TYPE_LIST, length, id.view()), sink);
}

std::vector<v1::ContentEntry> ContentListBuilder::finish(store::BlobSink& sink) {
  if (levels_.empty()) return {};
  for (std::size_t level = 0;; ++level) {
    auto& entries = *levels_[level].mutable_entries();
    const bool top = level + 1 == levels_.size();
    if (top && entries.size() <= static_cast<int>(kInlineEntries)) {
      std::vector<v1::ContentEntry> result(std::make_move_iterator(entries.begin()),
                                           std::make_move_iterator(entries.end()));
      levels_.clear();
      return result;
    }
    if (entries.size() > 1) {
      close_list(level, sink);
    } else if (entries.size() == 1) {
      v1::ContentEntry only = std::move(entries[0]);
      entries.Clear();
      add(level + 1, std::move(only), sink);
    }
  }
}

v1::ContentList load_list(const v1::ContentEntry& entry, std::size_t levels_above,
                          store::BlobSource& source) {
  if (levels_above > kMaximumListDepth) throw Error(ErrorKind::kDamaged, "content lists are nested too deep");
  const crypto::BlobId id = id_from(entry.id());
  const Bytes bytes = source.read(crypto::BlobKind::kList, id);  // whose errors name it
  try {
    v1::ContentList list = parse_list(bytes);
    if (content_length(list.entries()) != entry.length()) {
      throw Error(ErrorKind::kDamaged, "its entries do not add up to the length it is said to have");
    }
    return list;
  } catch (const Error& error) {
    throw error.in("content list " + id.hex());
  }
}

EntryReader::EntryReader(const v1::Node& file, store::BlobSource& source) : source_(source), levels_(1) {
  *levels_.front().list.mutable_entries() = file.content();
}

std::optional<EntryReader::Placed> EntryReader::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.list.entries_size()) {
      levels_.pop_back();
      continue;
    }
    if (level.list.entries(level.next).type() == v1::ENTRY_TYPE_LIST) {
      enter_list();
      continue;
    }
    v1::ContentEntry& entry = *level.list.mutable_entries(level.next++);
    const std::uint64_t offset = offset_;
    offset_ += entry.length();
    return Placed{offset, std::move(entry)};
  }
  return std::nullopt;
}

void EntryReader::skip_to(std::uint64_t offset) {
  while (!levels_.empty() && offset_ < offset) {
    Level& level = levels_.back();
    if (level.next == level.list.entries_size()) {
      levels_.pop_back();
      continue;
    }
    const v1::ContentEntry& entry = level.list.entries(level.next);
    if (entry.length() <= offset - offset_) {
      offset_ += entry.length();
      ++level.next;
    } else if (entry.type() == v1::ENTRY_TYPE_LIST) {
      enter_list();
    } else {
      return;
    }
  }
}

// The list that is next in the deepest level.
void EntryReader::enter_list() {
  Level& level = levels_.back();
  v1::ContentList list = load_list(level.list.entries(level.next++), levels_.size(), source_);
  levels_.push_back({std::move(list), 0});
}

void walk_content(const v1::Node& file, store::BlobSource& source, const ContentVisitor& visitor) {
  struct Level {
    v1::ContentList list;
    int next = 0;
  };
  std::vector<Level> levels(1);
  levels.reserve(kMaximumListDepth + 1);  // entries of a level are referred to while one is added
  *levels.front().list.mutable_entries() = file.content();
  std::uint64_t offset = 0;
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.list.entries_size()) {
      levels.pop_back();
      continue;
    }
    const v1::ContentEntry& entry = level.list.entries(level.next++);
    if (entry.type() != v1::ENTRY_TYPE_LIST) {
      if (visitor.entry && !visitor.entry(offset, entry)) return;
      offset += entry.length();
      continue;
    }
    if (visitor.list && !visitor.list(entry)) {
      offset += entry.length();
      continue;
    }
    try {
      Level below;
      below.list = load_list(entry, levels.size(), source);
      levels.push_back(std::move(below));
    } catch (const Error& error) {
      if (!visitor.unreadable || !concerns_blob(error)) throw;
      visitor.unreadable(entry, error);
      offset += entry.length();
    }
  }
}

void for_each_entry(const v1::Node& file, store::BlobSource& source,
                    const std::function<bool(std::uint64_t offset, const v1::ContentEntry& entry)>& visit) {
  walk_content(file, source, {visit, {}, {}});
}

void for_each_blob_of(const v1::ContentEntry& entry,
                      const std::function<void(crypto::BlobKind, const crypto::BlobId&)>& visit) {
  if (entry.type() == v1::ENTRY_TYPE_BLOB) {
    visit(crypto::BlobKind::kData, id_from(entry.id()));
  } else if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) {
    visit(crypto::BlobKind::kData, id_from(entry.base()));
    visit(crypto::BlobKind::kData, id_from(entry.patch()));
  } else if (entry.type() == v1::ENTRY_TYPE_LIST) {
    visit(crypto::BlobKind::kList, id_from(entry.id()));
  }
}

void for_each_content_blob(const v1::Node& file, store::BlobSource& source,
                           const std::function<void(crypto::BlobKind, const crypto::BlobId&)>& visit) {
  ContentVisitor visitor;
  visitor.entry = [&](std::uint64_t, const v1::ContentEntry& entry) {
    for_each_blob_of(entry, visit);
    return true;
  };
  visitor.list = [&](const v1::ContentEntry& list) {
    for_each_blob_of(list, visit);
    return true;
  };
  walk_content(file, source, visitor);
}

}  // namespace garner::snapshot
