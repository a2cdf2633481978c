// A file's content: u16 length and its node, then content lists (fuzz/blob_pieces.h).
#include "snapshot/content_list.h"

#include "fuzz/blob_pieces.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

void garner::fuzz::try_one(ByteView bytes) {
  Input input(bytes);
  const ByteView file = input.piece(input.number(2));
  BlobPieces blobs(input);
  accepts([&] { snapshot::parse_list(file); });
  accepts([&] { snapshot::ContentListBuilder{file}; });
  store::v1::Node node;
  if (!node.ParseFromArray(file.data(), static_cast<int>(file.size()))) return;
  if (!accepts([&] { snapshot::validate(node, false); })) return;
  std::uint64_t end = 0;
  int entries = 0;
  const bool whole = accepts([&] {
    snapshot::for_each_entry(node, blobs, [&](std::uint64_t offset, const store::v1::ContentEntry& entry) {
      require(offset == end, "entries follow one another");
      end = offset + entry.length();
      return ++entries < 20'000;
    });
  });
  require(!whole || entries == 20'000 || end == node.size(), "content is as long as its file");
}
