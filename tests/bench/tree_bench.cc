// Trees of a folder with a thousand files.

#include "bench/throughput.h"

#include "crypto/keyring.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "snapshot/tree.h"
#include "support/random_packs.h"
#include "unit/snapshot/memory_blobs.h"

namespace garner::snapshot {
namespace {

constexpr int kFiles = 1000;

v1::Node file_named(const std::string& name, testing::Random& random) {
  v1::Node node;
  node.set_name(name);
  node.set_type(v1::NODE_TYPE_FILE);
  node.set_mode(0644);
  node.set_uid(1000);
  node.set_gid(1000);
  *node.mutable_mtime() = to_proto(TimePoint{1'700'000'000, 0});
  *node.mutable_ctime() = node.mtime();
  node.set_inode(random() % 10'000'000);
  node.set_size(1000);
  v1::ContentEntry& entry = *node.add_content();
  entry.set_type(v1::ENTRY_TYPE_BLOB);
  entry.set_length(1000);
  entry.set_id(std::string(as_text(testing::random_id(random).view())));
  return node;
}

TEST_CASE("trees") {
  crypto::initialize_crypto();
  testing::MemoryBlobs blobs;
  const OwnerNames names{[](std::uint32_t) { return std::string("user"); },
                         [](std::uint32_t) { return std::string("group"); }};
  testing::Random random(1);
  std::vector<v1::Node> nodes;
  for (int i = 0; i < kFiles; ++i) nodes.push_back(file_named("file-" + std::to_string(10'000 + i), random));
  const auto build = [&] {
    TreeBuilder builder(blobs, names);
    for (const v1::Node& node : nodes) builder.add(node);
    return builder.finish();
  };
  const BuiltTree tree = build();
  BENCHMARK("tree of 1,000 files, built") { return build().totals.files(); };
  BENCHMARK("tree of 1,000 files, read") {
    TreeReader reader(blobs, tree.id);
    int count = 0;
    while (reader.next()) ++count;
    return count;
  };
}

}  // namespace
}  // namespace garner::snapshot
