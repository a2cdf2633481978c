// The pieces of content of many files, in compact form, in the order in which frames are best read. One
// thread gathers; once ordered, everything but the counters of a file is constant.
#pragma once

#include <sys/stat.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "garner/v1/store.pb.h"
#include "restore/target_folder.h"
#include "snapshot/content_list.h"
#include "store/segment.h"

namespace garner::restore {

namespace v1 = store::v1;

// A blob at one place of one file; or the base of what is there, which a patch makes of it.
struct Piece {
  crypto::BlobId id;
  std::uint64_t file_offset = 0;
  std::uint32_t file = 0;          // in the batch
  std::uint32_t frame = 0;         // in the batch; after order(): ascending by pack and offset
  std::uint32_t frame_offset = 0;  // raw bytes
  std::uint32_t length = 0;        // of the blob
  std::uint32_t difference = 0;    // 0: none; else its number in the batch
};

struct PieceDifference {
  crypto::BlobId id;         // of what comes out
  crypto::BlobId patch;      // a data blob
  std::uint32_t length = 0;  // of what comes out
};

// A file that is unfinished in the target, or not there yet.
struct PendingFile {
  std::uint64_t inode = 0;  // 0: not there yet
  std::uint64_t device = 0;
  std::uint64_t node = 0;  // where its node lies in the batch's memory
  std::uint32_t node_length = 0;
  std::uint32_t folder = 0;   // in the batch
  std::uint32_t source = 0;   // in the snapshot
  std::uint32_t missing = 0;  // pieces that are not written yet, and one while it is gathered; atomic_ref
  std::uint32_t failed = 0;   // atomic_ref
  // It stands under its temporary name: something is replaced, or its mode does not tell that it is
  // unfinished.
  bool is_temporary = false;
  std::uint32_t last_name = 0;  // of its other names; 0: none
};

class ContentBatch {
 public:
  // `budget`: bytes beyond which it is full.
  explicit ContentBatch(std::size_t budget);

  // Another name that a file of this batch was given as a hard link.
  struct OtherName {
    std::uint32_t folder = 0;
    std::uint32_t before = 0;  // the file's other name before this one, as PendingFile::last_name
    std::string name;
    bool is_temporary = false;
  };

  std::uint32_t add_file(const std::shared_ptr<TargetFolder>& folder, std::uint32_t source,
                         const v1::Node& node, const std::optional<struct stat>& status, bool is_temporary);
  void add_piece(std::uint32_t file, std::uint64_t file_offset, const crypto::BlobId& id,
                 const store::BlobLocation& location);
  // `base`: where its base is.
  void add_difference(std::uint32_t file, std::uint64_t file_offset, const snapshot::Difference& difference,
                      std::uint32_t length, const store::BlobLocation& base);
  void add_other_name(std::uint32_t file, const std::shared_ptr<TargetFolder>& folder,
                      const std::string& name, bool is_temporary);

  // Bytes held.
  std::size_t bytes() const;
  // Of bytes, or of pieces: it is to be written, then cleared.
  bool full() const;
  bool empty() const { return files_.empty(); }

  // Sorts the pieces by pack and frame, and in a frame by offset; gives the position at which each frame's
  // begin.
  std::vector<std::size_t> order();
  std::span<const Piece> pieces() const { return pieces_; }
  store::BlobLocation frame(const Piece& piece) const;
  // Of a piece that has one; null for the others.
  const PieceDifference* difference(const Piece& piece) const {
    return piece.difference == 0 ? nullptr : &differences_[piece.difference - 1];
  }
  // Bytes of the file that the piece gives.
  std::uint32_t content_length(const Piece& piece) const {
    return piece.difference == 0 ? piece.length : difference(piece)->length;
  }

  PendingFile& file(std::uint32_t number) { return files_[number]; }
  std::size_t file_count() const { return files_.size(); }
  v1::Node node(std::uint32_t file) const;  // without its content
  const std::shared_ptr<TargetFolder>& folder(std::uint32_t file) const {
    return folders_[files_[file].folder];
  }
  // `number`: PendingFile::last_name, or OtherName::before.
  const OtherName& other_name(std::uint32_t number) const { return other_names_[number - 1]; }
  const std::shared_ptr<TargetFolder>& folder_of(const OtherName& other) const {
    return folders_[other.folder];
  }

  // Empties it; clear_but leaves one file, which becomes the first. It has no other names yet.
  void clear();
  void clear_but(std::uint32_t file);

 private:
  struct Frame {
    std::uint64_t offset = 0;
    std::uint32_t pack = 0;
    std::uint32_t stored_length = 0;
    std::uint32_t raw_length = 0;
  };
  std::uint32_t folder_number(const std::shared_ptr<TargetFolder>& folder);
  std::uint32_t pack_number(const store::ObjectName& name);

  const std::size_t budget_;
  std::vector<Piece> pieces_;
  std::vector<PieceDifference> differences_;
  std::vector<Frame> frames_;
  std::vector<store::ObjectName> packs_;  // in the order they were met, which is that of the tree
  std::vector<PendingFile> files_;
  std::vector<std::shared_ptr<TargetFolder>> folders_;
  std::string nodes_;
  std::vector<OtherName> other_names_;
  boost::unordered_flat_map<store::ObjectName, std::uint32_t, store::ObjectNameHash> pack_numbers_;
};

}  // namespace garner::restore
