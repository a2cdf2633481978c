// Making tables: IndexTable::write() and merge().

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "store/index_table.h"
#include "store/table_source.h"

namespace garner::store {
namespace {

using Sources = std::vector<std::unique_ptr<TableSource>>;

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kBuffer = 512u << 10;

// Appends to a part of the file through a buffer.
class PartWriter {
 public:
  PartWriter(int fd, const std::string& path, std::uint64_t offset) : fd_(fd), path_(path), offset_(offset) {
    buffer_.reserve(kBuffer);
  }
  void append(ByteView bytes) {
    if (buffer_.size() + bytes.size() > kBuffer) flush();
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  void flush() {
    write_at(fd_, buffer_, offset_, path_);
    offset_ += buffer_.size();
    buffer_.clear();
  }

 private:
  int fd_;
  const std::string& path_;
  std::uint64_t offset_;
  Bytes buffer_;
};

// The filter of entries that come in ascending order, block by block.
class FilterWriter {
 public:
  FilterWriter(PartWriter out, std::uint32_t blocks)
      : out_(std::move(out)), blocks_(blocks), block_(kFilterBlock) {}
  void add(const crypto::BlobId& id, std::uint64_t entry) {
    advance(filter::block_of(id.value.data(), blocks_), entry);
    filter::insert(block_.data(), id.value.data());
  }
  void finish(std::uint64_t entries) {
    advance(blocks_, entries);
    out_.flush();
  }

 private:
  // Ends the blocks before `number`; those that follow begin with `entry`.
  void advance(std::uint32_t number, std::uint64_t entry) {
    for (; current_ < number; ++current_) {
      out_.append(block_);
      std::ranges::fill(block_, std::uint8_t{0});
      store_le(block_.data(), static_cast<std::uint32_t>(entry));
    }
  }

  PartWriter out_;
  std::uint32_t blocks_;
  std::uint32_t current_ = 0;
  Bytes block_;
};

// A pack of the new table, and the source its frames and entries come from.
struct PlannedPack {
  std::uint32_t source = kNone;  // kNone when dropped
  std::uint32_t number = 0;      // in the source
  ObjectName name;
  TablePack row;
};

class Merger {
 public:
  Merger(Sources sources, const IndexTable::Keep& keep) : sources_(std::move(sources)), keep_(keep) {
    plan_segments();
    plan_packs();
    plan_links();
  }

  // Durable under its name when it returns; until then nothing has that name.
  void write(const std::string& path);

 private:
  struct Row {
    std::uint32_t source;
    std::uint32_t number;
  };

  void plan_segments();
  void plan_packs();
  void plan_group(const std::vector<Row>& group);
  std::uint32_t plan_pack(Row from, const TablePack& row, bool dropped);
  void plan_links();
  bool is_named(Row row) const { return named_[row.source][row.number]; }
  const ObjectName& name_of(Row row) const { return sources_[row.source]->packs()[row.number]; }

  crypto::Digest write_tables(int fd, const std::string& path, Bytes& header);
  void write_frames(int fd, const std::string& path, crypto::Hasher& hasher);
  void write_entries(int fd, const std::string& path, crypto::Hasher& hasher);

  Sources sources_;
  const IndexTable::Keep& keep_;
  TableLayout layout_;
  std::vector<ObjectName> segments_;
  std::vector<std::vector<bool>> named_;  // by source and pack: a kept segment names it
  std::vector<PlannedPack> packs_;
  std::vector<std::vector<std::uint32_t>> targets_;  // by source and pack: its number in the new table
  std::vector<std::uint64_t> links_;                 // segment and pack
};

void Merger::plan_segments() {
  for (const auto& source : sources_) {
    for (const ObjectName& segment : source->segments()) {
      if (keep_.segment(segment)) segments_.push_back(segment);
    }
  }
  std::ranges::sort(segments_);
  segments_.erase(std::unique(segments_.begin(), segments_.end()), segments_.end());
  for (const auto& source : sources_) {
    targets_.emplace_back(source->packs().size(), kNone);
    std::vector<bool>& named = named_.emplace_back(source->packs().size(), false);
    source->for_each_link([&](std::uint32_t segment, std::uint32_t pack) {
      if (keep_.segment(source->segments()[segment])) named[pack] = true;
    });
  }
}

void Merger::plan_packs() {
  std::vector<Row> rows;
  for (std::uint32_t i = 0; i < sources_.size(); ++i) {
    for (std::uint32_t j = 0; j < sources_[i]->packs().size(); ++j) rows.push_back({i, j});
  }
  std::ranges::stable_sort(rows, {}, [&](Row row) { return name_of(row); });
  std::vector<Row> group;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    group.push_back(rows[i]);
    if (i + 1 < rows.size() && name_of(rows[i + 1]) == name_of(rows[i])) continue;
    plan_group(group);
    group.clear();
  }
  std::uint64_t frames = 0;
  for (PlannedPack& pack : packs_) {
    pack.row.first_frame = static_cast<std::uint32_t>(frames);
    frames += pack.row.frames;
    layout_.entry_count += pack.row.entries;
  }
  if (frames >= kNone || packs_.size() >= kNone || layout_.entry_count >= kNone) {
    throw Error(ErrorKind::kInternal, "a local index table would have too many entries");
  }
  layout_.frame_count = static_cast<std::uint32_t>(frames);
  layout_.pack_count = static_cast<std::uint32_t>(packs_.size());
  layout_.segment_count = static_cast<std::uint32_t>(segments_.size());
  layout_.block_count = filter::blocks_for(layout_.entry_count);
}

// All rows of one name. Rows that say the same become one, whose entries are taken from the first.
void Merger::plan_group(const std::vector<Row>& group) {
  std::size_t first_planned = packs_.size();
  std::vector<Bytes> frames;  // of the packs planned here
  if (keep_.pack(group.front().source, group.front().number)) {
    for (Row from : group) {
      TablePack row = sources_[from.source]->pack(from.number);
      if (row.dropped) continue;
      Bytes own;
      if (group.size() > 1) own = sources_[from.source]->frames(row.first_frame, row.frames);
      std::uint32_t target = kNone;
      for (std::size_t i = 0; i < frames.size() && target == kNone; ++i) {
        const TablePack& other = packs_[first_planned + i].row;
        if (frames[i] == own && other.size == row.size && other.entries == row.entries &&
            other.kind == row.kind) {
          target = static_cast<std::uint32_t>(first_planned + i);
        }
      }
      if (target == kNone) {
        target = plan_pack(from, row, false);
        frames.push_back(std::move(own));
      }
      targets_[from.source][from.number] = target;
    }
  }
  if (packs_.size() == first_planned) {
    if (std::ranges::none_of(group, [&](Row row) { return is_named(row); })) return;
    plan_pack(group.front(), sources_[group.front().source]->pack(group.front().number), true);
  }
  for (Row row : group) {
    std::uint32_t& target = targets_[row.source][row.number];
    if (target == kNone) target = static_cast<std::uint32_t>(first_planned);
  }
}

std::uint32_t Merger::plan_pack(Row from, const TablePack& row, bool dropped) {
  PlannedPack& pack = packs_.emplace_back(PlannedPack{from.source, from.number, name_of(from), row});
  pack.row.dropped = dropped;
  if (dropped) {
    pack.source = kNone;
    pack.row.frames = 0;
    pack.row.entries = 0;
  }
  return static_cast<std::uint32_t>(packs_.size() - 1);
}

void Merger::plan_links() {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const TableSource& source = *sources_[i];
    source.for_each_link([&](std::uint32_t segment, std::uint32_t pack) {
      auto found = std::ranges::lower_bound(segments_, source.segments()[segment]);
      if (found == segments_.end() || *found != source.segments()[segment]) return;
      links_.push_back((static_cast<std::uint64_t>(found - segments_.begin()) << 32) | targets_[i][pack]);
    });
  }
  std::ranges::sort(links_);
  links_.erase(std::unique(links_.begin(), links_.end()), links_.end());
  if (links_.size() >= kNone)
    throw Error(ErrorKind::kInternal, "a local index table would have too many packs");
  layout_.link_count = static_cast<std::uint32_t>(links_.size());
}

crypto::Digest Merger::write_tables(int fd, const std::string& path, Bytes& header) {
  crypto::Hasher hasher;
  hasher.update(ByteView(header).first(kTablesDigest));
  PartWriter out(fd, path, layout_.segments());
  auto append = [&](ByteView bytes) {
    hasher.update(bytes);
    out.append(bytes);
  };
  for (const ObjectName& segment : segments_) append(segment.view());
  for (const PlannedPack& pack : packs_) append(pack.name.view());
  std::array<std::uint8_t, kTablePackRow> row{};
  for (const PlannedPack& pack : packs_) {
    pack.row.store(row.data());
    append(row);
  }
  std::array<std::uint8_t, kLinkRow> link{};
  for (std::uint64_t pair : links_) {
    store_le(link.data(), static_cast<std::uint32_t>(pair >> 32));
    store_le(link.data() + 4, static_cast<std::uint32_t>(pair));
    append(link);
  }
  out.flush();
  return hasher.finish();
}

void Merger::write_frames(int fd, const std::string& path, crypto::Hasher& hasher) {
  PartWriter out(fd, path, layout_.frames());
  for (const PlannedPack& pack : packs_) {
    if (pack.source == kNone) continue;
    const TableSource& source = *sources_[pack.source];
    Bytes rows = source.frames(source.pack(pack.number).first_frame, pack.row.frames);
    hasher.update(rows);
    out.append(rows);
  }
  out.flush();
}

void Merger::write_entries(int fd, const std::string& path, crypto::Hasher& hasher) {
  std::vector<EntryRow> heads(sources_.size());
  // The next entry of a source that is to be written, its pack by its new number.
  auto advance = [&](std::uint32_t i) {
    EntryRow& head = heads[i];
    while (sources_[i]->next(head)) {
      std::uint32_t target = head.pack < targets_[i].size() ? targets_[i][head.pack] : kNone;
      if (target == kNone || packs_[target].source != i || packs_[target].number != head.pack) continue;
      head.pack = target;
      return true;
    }
    return false;
  };
  auto comes_later = [&](std::uint32_t a, std::uint32_t b) {
    int order = std::memcmp(heads[a].id.value.data(), heads[b].id.value.data(), 32);
    return order != 0 ? order > 0 : a > b;
  };
  std::vector<std::uint32_t> heap;
  for (std::uint32_t i = 0; i < sources_.size(); ++i) {
    if (advance(i)) heap.push_back(i);
  }
  std::ranges::make_heap(heap, comes_later);

  PartWriter out(fd, path, layout_.entries());
  FilterWriter filter(PartWriter(fd, path, layout_.filter()), layout_.block_count);
  std::array<std::uint8_t, kEntryRow> row{};
  Bytes unhashed;
  unhashed.reserve(kBuffer);
  std::uint64_t written = 0;
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, comes_later);
    std::uint32_t i = heap.back();
    heads[i].store(row.data());
    out.append(row);
    if (unhashed.size() + row.size() > kBuffer) {
      hasher.update(unhashed);
      unhashed.clear();
    }
    unhashed.insert(unhashed.end(), row.begin(), row.end());
    filter.add(heads[i].id, written++);
    if (advance(i)) {
      std::ranges::push_heap(heap, comes_later);
    } else {
      heap.pop_back();
    }
  }
  hasher.update(unhashed);
  // Sources are verified at their end, so that this is a table whose rows were written wrong.
  if (written != layout_.entry_count)
    throw Error(ErrorKind::kDamaged, "local index tables do not hold what they count");
  filter.finish(written);
  out.flush();
}

void Merger::write(const std::string& path) {
  std::string temporary = path + ".new";
  remove_file(temporary);
  Fd file = open_file(temporary, O_RDWR | O_CREAT | O_EXCL);
  try {
    crypto::Hasher content;
    write_frames(file.get(), temporary, content);
    write_entries(file.get(), temporary, content);
    Bytes header(kTableHeader);
    layout_.store(header.data());
    std::ranges::copy(content.finish(), header.begin() + kContentDigest);
    std::ranges::copy(write_tables(file.get(), temporary, header), header.begin() + kTablesDigest);
    write_at(file.get(), header, 0, temporary);
    // Without entries the file ends with padding.
    if (ftruncate(file.get(), static_cast<off_t>(layout_.file_size())) != 0) {
      throw system_error(errno, "writing " + printable(temporary));
    }
    sync_file(file.get(), temporary);
    if (std::rename(temporary.c_str(), path.c_str()) != 0)
      throw system_error(errno, "naming " + printable(path));
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  sync_folder(parent_path(path));
}

}  // namespace

void IndexTable::write(const std::string& path, const std::vector<SegmentPayload>& segments) {
  Sources sources;
  for (const SegmentPayload& segment : segments) sources.push_back(std::make_unique<PayloadSource>(segment));
  Keep keep{[](std::size_t, std::uint32_t) { return true; }, [](const ObjectName&) { return true; }};
  Merger(std::move(sources), keep).write(path);
}

void IndexTable::merge(const std::string& path, const std::vector<const IndexTable*>& inputs,
                       const Keep& keep) {
  Sources sources;
  for (const IndexTable* table : inputs) sources.push_back(std::make_unique<TableFileSource>(*table));
  Merger(std::move(sources), keep).write(path);
}

}  // namespace garner::store
