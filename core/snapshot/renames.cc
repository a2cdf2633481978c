#include "snapshot/renames.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace garner::snapshot {
namespace {

crypto::Digest content_of(const v1::Node& file) {
  ByteWriter writer;
  for (const v1::ContentEntry& entry : file.content()) {
    writer.u64(entry.length());
    writer.u8(entry.id().empty() ? 0 : 1);
    writer.bytes(as_bytes(entry.id()));
  }
  return crypto::hash(writer.data());
}

}  // namespace

void Renames::Side::add(const v1::Node& node, Spot spot) {
  if (node.type() != v1::NODE_TYPE_FILE || node.size() == 0) return;
  if (files.size() == kMostFiles || path_bytes + spot.path.size() > kMostPathBytes) return;
  path_bytes += spot.path.size();
  files.push_back({content_of(node), std::move(spot)});
}

void Renames::match() {
  // Stable: files of one content stay in order.
  std::ranges::stable_sort(removed_.files, {}, &File::content);
  std::ranges::stable_sort(added_.files, {}, &File::content);
  auto added = added_.files.begin();
  for (File& removed : removed_.files) {
    while (added != added_.files.end() && added->content < removed.content) ++added;
    if (added == added_.files.end()) break;
    if (added->content != removed.content) continue;
    left_.insert(removed.spot);
    origins_.emplace(std::move(added->spot), std::move(removed.spot));
    ++added;
  }
  removed_ = {};
  added_ = {};
}

const Renames::Spot* Renames::origin(const Spot& spot) const {
  const auto found = origins_.find(spot);
  return found == origins_.end() ? nullptr : &found->second;
}

}  // namespace garner::snapshot
