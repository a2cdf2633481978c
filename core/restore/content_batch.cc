#include "restore/content_batch.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace garner::restore {
namespace {

constexpr std::size_t kMostPieces = 1'000'000;
// What a folder's handle takes, its name and place in the pool included.
constexpr std::size_t kFolderBytes = 256;

}  // namespace

ContentBatch::ContentBatch(std::size_t budget) : budget_(budget) {
  // Address space alone: memory is taken as it is filled, and growing never copies.
  pieces_.reserve(std::min(kMostPieces, budget / sizeof(Piece)) + 1);
  files_.reserve(budget / sizeof(PendingFile) + 1);
  nodes_.reserve(budget);
}

std::uint32_t ContentBatch::folder_number(const std::shared_ptr<TargetFolder>& folder) {
  if (folders_.empty() || folders_.back() != folder) folders_.push_back(folder);
  return static_cast<std::uint32_t>(folders_.size() - 1);
}

std::uint32_t ContentBatch::pack_number(const store::ObjectName& name) {
  const auto [entry, is_new] = pack_numbers_.try_emplace(name, static_cast<std::uint32_t>(packs_.size()));
  if (is_new) packs_.push_back(name);
  return entry->second;
}

std::uint32_t ContentBatch::add_file(const std::shared_ptr<TargetFolder>& folder, std::uint32_t source,
                                     const v1::Node& node, const std::optional<struct stat>& status,
                                     bool is_temporary) {
  v1::Node bare = node;
  bare.clear_content();
  PendingFile file;
  if (status) {
    file.inode = status->st_ino;
    file.device = status->st_dev;
  }
  file.node = nodes_.size();
  if (!bare.AppendToString(&nodes_)) throw Error(ErrorKind::kInternal, "a node could not be serialized");
  file.node_length = static_cast<std::uint32_t>(nodes_.size() - file.node);
  file.folder = folder_number(folder);
  file.source = source;
  file.missing = 1;
  file.is_temporary = is_temporary;
  files_.push_back(file);
  return static_cast<std::uint32_t>(files_.size() - 1);
}

void ContentBatch::add_piece(std::uint32_t file, std::uint64_t file_offset, const crypto::BlobId& id,
                             const store::BlobLocation& location) {
  const std::uint32_t pack = pack_number(location.pack);
  // Neighbours mostly share their frame; that others repeat it is mended by order().
  if (frames_.empty() || frames_.back().pack != pack || frames_.back().offset != location.frame_offset) {
    frames_.push_back({location.frame_offset, pack, location.frame_stored_length, location.frame_raw_length});
  }
  Piece piece;
  piece.id = id;
  piece.file_offset = file_offset;
  piece.file = file;
  piece.frame = static_cast<std::uint32_t>(frames_.size() - 1);
  piece.frame_offset = location.offset;
  piece.length = location.length;
  pieces_.push_back(piece);
  ++files_[file].missing;
}

void ContentBatch::add_difference(std::uint32_t file, std::uint64_t file_offset,
                                  const snapshot::Difference& difference, std::uint32_t length,
                                  const store::BlobLocation& base) {
  add_piece(file, file_offset, difference.base, base);
  differences_.push_back({difference.id, difference.patch, length});
  pieces_.back().difference = static_cast<std::uint32_t>(differences_.size());
}

void ContentBatch::add_other_name(std::uint32_t file, const std::shared_ptr<TargetFolder>& folder,
                                  const std::string& name, bool is_temporary) {
  other_names_.push_back({folder_number(folder), files_[file].last_name, name, is_temporary});
  files_[file].last_name = static_cast<std::uint32_t>(other_names_.size());
}

std::size_t ContentBatch::bytes() const {
  return pieces_.size() * sizeof(Piece) + differences_.size() * sizeof(PieceDifference) +
         frames_.size() * sizeof(Frame) + packs_.size() * 2 * sizeof(packs_[0]) +
         files_.size() * sizeof(PendingFile) + folders_.size() * kFolderBytes + nodes_.size() +
         other_names_.size() * (sizeof(OtherName) + 16);
}

bool ContentBatch::full() const { return pieces_.size() >= kMostPieces || bytes() >= budget_; }

std::vector<std::size_t> ContentBatch::order() {
  std::vector<std::uint32_t> by_place(frames_.size());
  std::iota(by_place.begin(), by_place.end(), 0u);
  const auto place = [this](std::uint32_t frame) {
    return std::tie(frames_[frame].pack, frames_[frame].offset);
  };
  std::sort(by_place.begin(), by_place.end(), [&](auto a, auto b) { return place(a) < place(b); });

  std::vector<std::uint32_t> ranks(frames_.size());
  std::vector<Frame> distinct;
  for (const std::uint32_t number : by_place) {
    const Frame& frame = frames_[number];
    if (distinct.empty() || distinct.back().pack != frame.pack || distinct.back().offset != frame.offset) {
      distinct.push_back(frame);
    }
    ranks[number] = static_cast<std::uint32_t>(distinct.size() - 1);
  }
  frames_ = std::move(distinct);
  for (Piece& piece : pieces_) piece.frame = ranks[piece.frame];

  const auto key = [](const Piece& piece) {
    return std::tie(piece.frame, piece.frame_offset, piece.length, piece.file, piece.file_offset);
  };
  std::sort(pieces_.begin(), pieces_.end(), [&](const Piece& a, const Piece& b) { return key(a) < key(b); });
  std::vector<std::size_t> begins;
  begins.reserve(frames_.size());
  for (std::size_t position = 0; position < pieces_.size(); ++position) {
    if (position == 0 || pieces_[position].frame != pieces_[position - 1].frame) begins.push_back(position);
  }
  return begins;
}

store::BlobLocation ContentBatch::frame(const Piece& piece) const {
  const Frame& frame = frames_[piece.frame];
  store::BlobLocation location;
  location.pack = packs_[frame.pack];
  location.frame_offset = frame.offset;
  location.frame_stored_length = frame.stored_length;
  location.frame_raw_length = frame.raw_length;
  location.offset = piece.frame_offset;
  location.length = piece.length;
  return location;
}

v1::Node ContentBatch::node(std::uint32_t file) const {
  v1::Node node;
  const PendingFile& pending = files_[file];
  if (!node.ParseFromArray(nodes_.data() + pending.node, static_cast<int>(pending.node_length))) {
    throw Error(ErrorKind::kInternal, "a node could not be parsed again");
  }
  return node;
}

void ContentBatch::clear() {
  pieces_.clear();
  differences_.clear();
  frames_.clear();
  packs_.clear();
  pack_numbers_.clear();
  files_.clear();
  folders_.clear();
  nodes_.clear();
  other_names_.clear();
}

void ContentBatch::clear_but(std::uint32_t file) {
  PendingFile kept = files_[file];
  const std::string node = nodes_.substr(kept.node, kept.node_length);
  const std::shared_ptr<TargetFolder> folder = folders_[kept.folder];
  clear();
  kept.node = 0;
  kept.folder = folder_number(folder);
  nodes_ = node;
  files_.push_back(kept);
}

}  // namespace garner::restore
