#include "snapshot/renames.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"
#include "snapshot/same_content.h"

namespace garner::snapshot {
namespace {

crypto::Digest stored_digest(const v1::Node& file) {
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
  std::string lists;
  if (has_lists(node)) {
    v1::ContentList entries;
    *entries.mutable_entries() = node.content();
    lists = serialize(entries);
  }
  const std::size_t more = spot.path.size() + lists.size();
  if (files.size() == kMostFiles || bytes + more > kMostBytes) return;
  bytes += more;
  files.push_back({stored_digest(node), node.size(), std::move(lists), files.size(), std::move(spot)});
}

bool Renames::Side::read(store::BlobSource& source) {
  if (done == files.size()) return false;
  File& file = files[done++];
  v1::ContentList entries;
  entries.ParseFromString(file.lists);
  v1::Node node;
  *node.mutable_content() = std::move(*entries.mutable_entries());
  try {
    file.content = content_digest(node, source);
  } catch (const Error& error) {
    if (!concerns_blob(error)) throw;
    file.is_paired = true;  // with nothing
  }
  return true;
}

bool Renames::step(store::BlobSource& before, store::BlobSource& after) {
  if (!is_begun_) {
    is_begun_ = true;
    pair();
    keep_comparable();
    return true;
  }
  if (removed_.read(before) || added_.read(after)) return true;
  pair();
  removed_ = {};
  added_ = {};
  return false;
}

void Renames::pair() {
  for (Side* side : {&removed_, &added_}) {
    std::erase_if(side->files, [](const File& file) { return file.is_paired; });
    std::ranges::sort(side->files, {}, [](const File& file) { return std::tie(file.content, file.number); });
  }
  auto added = added_.files.begin();
  for (File& removed : removed_.files) {
    while (added != added_.files.end() && added->content < removed.content) ++added;
    if (added == added_.files.end()) break;
    if (added->content != removed.content) continue;
    removed.is_paired = added->is_paired = true;
    left_.insert(removed.spot);
    origins_.emplace(std::move(added->spot), std::move(removed.spot));
    ++added;
  }
}

// Of those that are left over, the ones with lists and with a size that is on both sides.
void Renames::keep_comparable() {
  const auto sizes_of = [](const Side& side) {
    std::set<std::uint64_t> sizes;
    for (const File& file : side.files)
      if (!file.is_paired && !file.lists.empty()) sizes.insert(file.size);
    return sizes;
  };
  const auto keep = [](Side& side, const std::set<std::uint64_t>& sizes) {
    std::erase_if(side.files, [&](const File& file) {
      return file.is_paired || file.lists.empty() || !sizes.contains(file.size);
    });
  };
  const std::set<std::uint64_t> removed = sizes_of(removed_);
  keep(removed_, sizes_of(added_));
  keep(added_, removed);
}

const Renames::Spot* Renames::origin(const Spot& spot) const {
  const auto found = origins_.find(spot);
  return found == origins_.end() ? nullptr : &found->second;
}

}  // namespace garner::snapshot
