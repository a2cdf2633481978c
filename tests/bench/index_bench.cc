// Lookups in the local copy of an index of a million blobs.

#include "bench/throughput.h"

#include "store/index.h"
#include "support/random_packs.h"
#include "support/temporary_folder.h"

namespace garner::store {
namespace {

constexpr int kPacks = 2000;
constexpr int kBlobsOfPack = 500;

TEST_CASE("index") {
  crypto::initialize_crypto();
  testing::TemporaryFolder folder;
  testing::Random random(1);
  std::vector<crypto::BlobId> ids;
  std::vector<FinishedPack> packs;
  for (int i = 0; i < kPacks; ++i) {
    packs.push_back(testing::random_pack(random, 10, kBlobsOfPack / 10,
                                         [&] { return ids.emplace_back(testing::random_id(random)); }));
  }
  v1::RepositoryState state;
  const ObjectName segment = testing::random_name(random);
  state.add_segments()->set_name(std::string(as_text(segment.view())));
  Index index(folder.path());
  index.update(state, [&](const v1::SegmentReference&) { return build_segment_payload(packs); });
  REQUIRE(index.entries() == ids.size());

  std::size_t next = 0;
  BENCHMARK("lookup of a blob that is there") {
    return index.find(ids[next++ * 7919 % ids.size()]).has_value();
  };
  BENCHMARK("lookup of a blob that is not") {
    crypto::BlobId id = ids[next++ * 7919 % ids.size()];
    for (std::size_t i = 8; i < id.value.size(); ++i) id.value[i] ^= 0x55;  // what the filter looks at
    return index.find(id).has_value();
  };
}

}  // namespace
}  // namespace garner::store
