#include "store/index_table.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "store/table_source.h"

namespace garner::store {
namespace {

constexpr std::size_t kReadAtOnce = 256u << 10;  // a multiple of every row's size
// A quarter of what a block of the filter has on average, and four times the spread of places around the
// guess.
constexpr std::uint64_t kEntriesLookedAt = 16;
// A block of hashes has never more entries; one that has is searched by halves.
constexpr std::uint64_t kLargestEvenBlock = 256;

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::kDamaged, "local index table " + printable(path) + " " + what);
}

// Reads a part of the file once, in pieces, for a digest and for `take`.
template <typename Take>
void read_part(int fd, const std::string& path, std::uint64_t offset, std::uint64_t length,
               crypto::Hasher& hasher, const Take& take) {
  Bytes buffer;
  while (length > 0) {
    buffer.resize(std::min<std::uint64_t>(length, kReadAtOnce));
    if (read_at(fd, buffer, offset, path) != buffer.size()) damaged(path, "is cut off");
    hasher.update(buffer);
    take(ByteView(buffer));
    offset += buffer.size();
    length -= buffer.size();
  }
}

void append_names(std::vector<ObjectName>& names, ByteView bytes) {
  for (; !bytes.empty(); bytes = bytes.subspan(32)) names.push_back(ObjectName::from_bytes(bytes.first(32)));
}

}  // namespace

std::unique_ptr<IndexTable> IndexTable::open(const std::string& path, std::shared_ptr<FilterBudget> budget) {
  std::unique_ptr<IndexTable> table(new IndexTable());
  table->path_ = path;
  table->fd_ = open_file(path, O_RDONLY);
  int fd = table->fd_.get();
  struct stat status {};
  if (fstat(fd, &status) != 0)
    throw system_error(errno, "reading " + printable(path), ErrorKind::kReadFailed);
  Bytes header(kTableHeader);
  if (read_at(fd, header, 0, path) != header.size()) damaged(path, "is cut off");
  TableLayout& layout = table->layout_;
  // What is allocated below is bounded by the size of the file.
  if (!layout.load(header, static_cast<std::uint64_t>(status.st_size))) damaged(path, "is torn or foreign");

  crypto::Hasher hasher;
  hasher.update(ByteView(header).first(kTablesDigest));
  table->segments_.reserve(layout.segment_count);
  table->packs_.reserve(layout.pack_count);
  table->pack_rows_.reserve(layout.pack_count);
  read_part(fd, path, layout.segments(), layout.names() - layout.segments(), hasher,
            [&](ByteView bytes) { append_names(table->segments_, bytes); });
  read_part(fd, path, layout.names(), layout.packs() - layout.names(), hasher,
            [&](ByteView bytes) { append_names(table->packs_, bytes); });
  read_part(fd, path, layout.packs(), layout.links() - layout.packs(), hasher, [&](ByteView rows) {
    for (; !rows.empty(); rows = rows.subspan(kTablePackRow)) {
      TablePack pack = TablePack::load(rows.data());
      if (pack.first_frame > layout.frame_count || pack.frames > layout.frame_count - pack.first_frame) {
        damaged(path, "has a pack with impossible frames");
      }
      table->pack_rows_.push_back(pack);
    }
  });
  read_part(fd, path, layout.links(), layout.tables_end() - layout.links(), hasher, [&](ByteView rows) {
    for (; !rows.empty(); rows = rows.subspan(kLinkRow)) {
      if (load_le<std::uint32_t>(rows.data()) >= layout.segment_count ||
          load_le<std::uint32_t>(rows.data() + 4) >= layout.pack_count) {
        damaged(path, "has an impossible link");
      }
    }
  });
  crypto::Digest digest = hasher.finish();
  if (std::memcmp(digest.data(), header.data() + kTablesDigest, digest.size()) != 0)
    damaged(path, "does not verify");
  std::copy_n(header.begin() + kContentDigest, table->content_digest_.size(), table->content_digest_.begin());
  table->filter_ = std::make_unique<TableFilter>(fd, table->layout_, table->path_, std::move(budget));
  return table;
}

void IndexTable::read(MutableByteView into, std::uint64_t offset) const {
  if (read_at(fd_.get(), into, offset, path_) != into.size()) damaged(path_, "was cut off");
}

void IndexTable::for_each_link(const std::function<void(std::uint32_t, std::uint32_t)>& visit) const {
  Bytes rows;
  for (std::uint64_t offset = layout_.links(); offset < layout_.tables_end(); offset += rows.size()) {
    rows.resize(std::min<std::uint64_t>(layout_.tables_end() - offset, kReadAtOnce));
    read(rows, offset);
    for (std::size_t at = 0; at < rows.size(); at += kLinkRow) {
      visit(load_le<std::uint32_t>(&rows[at]), load_le<std::uint32_t>(&rows[at + 4]));
    }
  }
}

// The content digest is not checked on the way of a lookup, so nothing here is trusted.
void IndexTable::check_pack(const EntryRow& row) const {
  if (row.pack >= packs_.size() || row.kind < 1 || row.kind > 4) damaged(path_, "has an impossible entry");
}

BlobLocation IndexTable::locate(const EntryRow& row) const {
  check_pack(row);
  const TablePack& in = pack_rows_[row.pack];
  if (row.frame >= in.frames) damaged(path_, "has an impossible entry");
  std::array<std::uint8_t, kFrameRow> frame_row;
  read(frame_row, layout_.frames() + kFrameRow * (std::uint64_t{in.first_frame} + row.frame));
  const FrameRow frame = FrameRow::load(frame_row.data());
  if (row.offset > frame.raw_length || row.length > frame.raw_length - row.offset) {
    damaged(path_, "has an impossible entry");
  }
  return {packs_[row.pack], frame.offset, frame.stored_length,       frame.raw_length,
          row.offset,       row.length,   crypto::BlobKind{row.kind}};
}

bool IndexTable::find(const crypto::BlobId& id, const std::function<bool(const EntryRow&)>& visit) const {
  return find_numbered(id, [&visit](const EntryRow& row, std::uint64_t) { return visit(row); });
}

bool IndexTable::find_numbered(const crypto::BlobId& id,
                               const std::function<bool(const EntryRow&, std::uint64_t)>& visit) const {
  const std::uint8_t* wanted = id.value.data();
  const auto [first, end] = filter_->range(wanted);
  if (first == end) return false;
  std::array<std::uint8_t, kEntryRow * kEntriesLookedAt> rows;
  const auto load = [&](std::uint64_t begin) {
    const std::uint64_t count = std::min(end - begin, kEntriesLookedAt);
    read(MutableByteView(rows).first(count * kEntryRow), layout_.entries() + kEntryRow * begin);
    return count;
  };
  std::uint64_t at = first;
  if (end - first <= kLargestEvenBlock) {
    // Ids are spread evenly, in a block of the filter as well: what is looked for is about where its fraction
    // of the block says.
    at += filter::position_in_block(wanted, layout_.block_count, end - first);
    at -= std::min(at - first, kEntriesLookedAt / 2);
  } else {
    for (std::uint64_t limit = end; at < limit;) {
      const std::uint64_t middle = at + (limit - at) / 2;
      read(MutableByteView(rows).first(kEntryRow), layout_.entries() + kEntryRow * middle);
      if (std::memcmp(rows.data(), wanted, 32) < 0) {
        at = middle + 1;
      } else {
        limit = middle;
      }
    }
    if (at == end) return false;
  }
  std::uint64_t count = load(at);
  while (at > first && std::memcmp(rows.data(), wanted, 32) >= 0) {
    at -= std::min(at - first, kEntriesLookedAt - 1);
    count = load(at);
  }
  while (true) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint8_t* found = rows.data() + i * kEntryRow;
      const int order = std::memcmp(found, wanted, 32);
      if (order > 0) return false;
      if (order < 0) continue;
      const EntryRow row = EntryRow::load(found);
      check_pack(row);
      if (visit(row, at + i)) return true;
    }
    at += count;
    if (at == end) return false;
    count = load(at);
  }
}

void IndexTable::for_each(const std::function<void(const EntryRow&)>& visit) const {
  TableFileSource source(*this);
  EntryRow row;
  while (source.next(row)) {
    check_pack(row);
    visit(row);
  }
}

void IndexTable::verify(const std::function<void()>& step) const {
  constexpr std::uint64_t kRowsAStep = 1u << 16;
  TableFileSource source(*this);
  EntryRow row;
  for (std::uint64_t number = 0; source.next(row); ++number) {
    if (step && number % kRowsAStep == 0) step();
    check_pack(row);
    // The filter has no sum of its own: it says where each entry is, or does not verify.
    const TableFilter::Range range = filter_->range(row.id.value.data());
    if (number < range.begin || number >= range.end)
      damaged(path_, "has a filter that does not find what is in it");
  }
}

}  // namespace garner::store
