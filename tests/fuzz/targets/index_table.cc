// A local index table whose parts are any, under sums that verify, or whose content does not verify any more:
// look-ups do not read all of it, so they trust none of it. Layout: whether its content verifies (1 byte),
// how many segments, packs, frames and links it has (1 each) and how many entries (2), the parts.
#include "store/index_table.h"

#include <sys/mman.h>

#include <array>
#include <string>
#include <vector>

#include "base/file.h"
#include "crypto/hash.h"
#include "fuzz/fuzz.h"

namespace garner::fuzz {

namespace {

constexpr std::uint64_t kMostEntries = 1024;  // several blocks of the filter

// The table as a file. The parts are filled from what is left of the input, beginning anew at its end.
Bytes table_of(Input& input) {
  const bool verifies = input.number(1) % 2 == 0;
  store::TableLayout layout;
  layout.segment_count = static_cast<std::uint32_t>(input.number(1));
  layout.pack_count = static_cast<std::uint32_t>(input.number(1));
  layout.frame_count = static_cast<std::uint32_t>(input.number(1));
  layout.link_count = static_cast<std::uint32_t>(input.number(1));
  layout.entry_count = input.number(2) % kMostEntries;
  layout.block_count = store::filter::blocks_for(layout.entry_count);
  Bytes file(layout.file_size());
  const ByteView parts = input.rest();
  if (!parts.empty()) {
    for (std::size_t at = store::kTableHeader; at < file.size(); ++at)
      file[at] = parts[(at - store::kTableHeader) % parts.size()];
  }
  layout.store(file.data());
  if (verifies) {
    crypto::Hasher content;
    content.update(
        ByteView(file).subspan(layout.frames(), std::size_t{store::kFrameRow} * layout.frame_count));
    content.update(ByteView(file).subspan(layout.entries()));
    std::ranges::copy(content.finish(), file.data() + store::kContentDigest);
  }
  crypto::Hasher tables;
  tables.update(ByteView(file).first(store::kTablesDigest));
  tables.update(ByteView(file).subspan(layout.segments(),
                                       static_cast<std::size_t>(layout.tables_end() - layout.segments())));
  std::ranges::copy(tables.finish(), file.data() + store::kTablesDigest);
  return file;
}

void look_up(const store::IndexTable& table, const crypto::BlobId& id) {
  accepts([&] {
    table.find(id, [&](const store::EntryRow& row) {
      require(row.id == id, "what is found is what was looked for");
      const store::BlobLocation at = table.locate(row);
      require(std::uint64_t{at.offset} + at.length <= at.frame_raw_length, "a blob is within its frame");
      return false;
    });
  });
}

}  // namespace

void try_one(ByteView bytes) {
  Input input(bytes);
  const Bytes file = table_of(input);
  const Fd memory(memfd_create("table", MFD_CLOEXEC));
  const std::string path = "/proc/self/fd/" + std::to_string(memory.get());
  write_at(memory.get(), file, 0, path);

  for (const std::uint64_t held : {std::uint64_t{0}, std::uint64_t{1} << 20}) {
    std::unique_ptr<store::IndexTable> table;
    if (!accepts([&] { table = store::IndexTable::open(path, std::make_shared<store::FilterBudget>(held)); }))
      return;
    std::vector<crypto::BlobId> ids(1);
    const bool whole = accepts([&] {
      table->for_each([&](const store::EntryRow& row) {
        if (ids.size() < 100) ids.push_back(row.id);
      });
    });
    const bool verified = accepts([&] { table->verify(); });
    require(whole || !verified, "what verifies is read");
    for (const crypto::BlobId& id : ids) look_up(*table, id);
    table->for_each_link([&](std::uint32_t segment, std::uint32_t pack) {
      require(segment < table->segments().size() && pack < table->packs().size(),
              "a link is of what is there");
    });
  }
}

}  // namespace garner::fuzz
