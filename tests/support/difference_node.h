// A file that is stored as a difference, for tests of what reads snapshots.
#pragma once

#include <stdexcept>
#include <string>

#include "snapshot/content_list.h"
#include "store/difference.h"
#include "support/small_repository.h"

namespace garner::testing {

inline store::v1::Node plain_node(store::BlobSink& sink, std::uint64_t length,
                                  snapshot::ContentListBuilder list) {
  store::v1::Node node;
  node.set_name("root");
  node.set_type(store::v1::NODE_TYPE_FILE);
  node.set_mode(0644);
  node.mutable_mtime()->set_seconds(1'600'000'000);
  node.mutable_ctime()->set_seconds(1'600'000'000);
  node.set_size(length);
  for (store::v1::ContentEntry& entry : list.finish(sink)) *node.add_content() = std::move(entry);
  return node;
}

inline store::v1::Node whole_node(store::BlobSink& sink, const std::string& content) {
  snapshot::ContentListBuilder list;
  list.add_blob(sink.put(crypto::BlobKind::kData, as_bytes(content)), content.size(), sink);
  return plain_node(sink, content.size(), std::move(list));
}

// Stores the patch, and the base unless it is there. `id`: what is said to come out; the content's by
// default.
inline store::v1::Node difference_node(SmallRepository& small, store::BlobSink& sink, const std::string& base,
                                       const std::string& content,
                                       std::optional<crypto::BlobId> id = std::nullopt) {
  store::DifferenceCodec codec;
  const auto patch = codec.encode(as_bytes(base), as_bytes(content), true);
  if (!patch) throw std::runtime_error("the test's difference does not pay");
  if (!id) id = small.repository().hasher().id(crypto::BlobKind::kData, as_bytes(content));
  const crypto::BlobId base_id = sink.put(crypto::BlobKind::kData, as_bytes(base));
  const crypto::BlobId patch_id = sink.put(crypto::BlobKind::kData, *patch);
  snapshot::ContentListBuilder list;
  list.add_difference({*id, base_id, patch_id}, content.size(), sink);
  return plain_node(sink, content.size(), std::move(list));
}

}  // namespace garner::testing
