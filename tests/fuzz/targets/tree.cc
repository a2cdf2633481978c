// A folder's tree of pages (fuzz/blob_pieces.h); blob 0 is its first page.
#include "snapshot/tree.h"

#include "fuzz/blob_pieces.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

void garner::fuzz::try_one(ByteView bytes) {
  Input input(bytes);
  BlobPieces blobs(input);
  if (blobs.empty()) return;
  const crypto::BlobId root{};
  accepts([&] {
    snapshot::TreeReader reader(blobs, root);
    std::string last;
    for (int i = 0; i < 20'000; ++i) {
      const auto node = reader.next();
      if (!node) break;
      require(snapshot::is_valid_name(node->node.name()), "a name that was read is one component");
      require(i == 0 || last < node->node.name(), "names ascend");
      last = node->node.name();
    }
    snapshot::find_in_tree(blobs, root, last);
    require(!snapshot::find_in_tree(blobs, root, "..").has_value(), "no folder holds \"..\"");
  });
}
