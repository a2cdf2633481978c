#include "restore/content_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "restore/beneath.h"
#include "restore/existing.h"
#include "restore/metadata.h"
#include "restore/target_error.h"
#include "snapshot/content_list.h"

namespace garner::restore {
namespace {

// So many complete files, or bytes, are made durable at once: what a killed restore writes again. It also
// bounds how long a stop waits for the disk.
constexpr std::size_t kWaitingFiles = 16384;
constexpr std::uint64_t kUnsyncedBytes = 256u << 20;
// A thread takes so many frames after each other: threads that write to one file wait for each other.
constexpr std::size_t kFramesInARow = 8;

// A blob is missing or damaged wherever it is said to be; anything else ends the restore.
bool is_damage(const Error& error) {
  return error.kind() == ErrorKind::kDamaged || error.kind() == ErrorKind::kNotFound ||
         error.kind() == ErrorKind::kReadFailed || error.kind() == ErrorKind::kNewerFormat ||
         error.kind() == ErrorKind::kWrongKey;
}

std::string missing(std::uint64_t offset, const crypto::BlobId& id) {
  return "its content at byte " + std::to_string(offset) + " is missing in the repository (blob " + id.hex() +
         ")";
}

void write_all(int fd, ByteView content, std::uint64_t offset) {
  while (!content.empty()) {
    const ssize_t written = pwrite(fd, content.data(), content.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw target_error(errno, "writing it");
    }
    content = content.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

}  // namespace

void ContentWriter::add(const std::shared_ptr<TargetFolder>& folder, std::uint32_t source,
                        const v1::Node& node, const std::optional<struct stat>& status, bool is_temporary) {
  gathering_ = batch_.add_file(folder, source, node, status, is_temporary);
  try {
    gather(node);
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    fail(gathering_, std::string("its list of content cannot be read: ") + error.what());
  }
  if (status && HardLinks::is_linked(node)) linked_files_.insert_or_assign(status->st_ino, gathering_);
  count_down(gathering_);
  if (batch_.full()) flush();
}

void ContentWriter::gather(const v1::Node& node) {
  snapshot::for_each_entry(node, repository_, [&](std::uint64_t offset, const v1::ContentEntry& entry) {
    if (stopped()) return false;
    if (entry.type() == v1::ENTRY_TYPE_HOLE) {
      report_.add_done_bytes(entry.length());
      return true;
    }
    const bool is_difference = entry.type() == v1::ENTRY_TYPE_DIFFERENCE;
    if (!(is_difference ? gather_difference(offset, entry) : gather_blob(offset, entry))) return false;
    if (batch_.full()) {
      // Every other file of the batch is complete afterwards; this one goes on in the next.
      write_batch();
      batch_.clear_but(gathering_);
      std::lock_guard lock(mutex_);
      if (auto message = messages_.extract(gathering_)) {
        message.key() = 0;
        messages_.insert(std::move(message));
      }
      gathering_ = 0;
    }
    return batch_.file(gathering_).failed == 0;
  });
  throw_if_stopped();
}

std::optional<store::BlobLocation> ContentWriter::locate(const crypto::BlobId& id,
                                                         std::optional<std::uint64_t> length) const {
  const auto is_wanted = [&](const std::optional<store::BlobLocation>& location) {
    return location && (!length || location->length == *length);
  };
  const store::Index& index = repository_.index();
  if (const auto live = index.find(id); is_wanted(live)) return live;
  // A row may be false: its pack tells when it is read, if it is not told by the length.
  for (const store::BlobLocation& live : index.find_all(id)) {
    if (is_wanted(live)) return live;
  }
  const auto condemned = index.find_condemned(id);
  return is_wanted(condemned) ? condemned : std::nullopt;
}

bool ContentWriter::gather_blob(std::uint64_t offset, const v1::ContentEntry& entry) {
  const auto id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
  const std::optional<store::BlobLocation> location = locate(id, entry.length());
  if (!location) {
    fail(gathering_, missing(offset, id));
    return false;
  }
  batch_.add_piece(gathering_, offset, id, *location);
  return true;
}

// Comes with its base: bases lie where the content of unchanged files does, which is read anyway, and patches
// close together.
bool ContentWriter::gather_difference(std::uint64_t offset, const v1::ContentEntry& entry) {
  const snapshot::Difference difference = snapshot::difference_of(entry);
  const std::optional<store::BlobLocation> base = locate(difference.base);
  if (!base || !locate(difference.patch)) {
    fail(gathering_, missing(offset, base ? difference.patch : difference.base));
    return false;
  }
  batch_.add_difference(gathering_, offset, difference, static_cast<std::uint32_t>(entry.length()), *base);
  return true;
}

void ContentWriter::add_other_name(std::uint64_t inode, const std::shared_ptr<TargetFolder>& folder,
                                   const std::string& name, bool is_temporary) {
  batch_.add_other_name(linked_files_.at(inode), folder, name, is_temporary);
}

bool ContentWriter::is_temporary(std::uint64_t inode) {
  return batch_.file(linked_files_.at(inode)).is_temporary;
}

void ContentWriter::flush() {
  if (batch_.empty()) return;
  write_batch();
  batch_.clear();
}

void ContentWriter::write_batch() {
  const std::vector<std::size_t> begins = batch_.order();
  open_files_ = std::make_unique<OpenFiles>(batch_);
  run_threads(begins.size(), [&] { write_frames(begins); });
  open_files_.reset();
  sync();
  unsynced_bytes_ = 0;
  const std::vector<std::uint32_t> files = take_waiting();
  run_threads(files.size(), [&] {
    for (std::size_t next; (next = next_++) < files.size() && !stopped();) finish(files[next]);
  });
  linked_files_.clear();
}

void ContentWriter::run_threads(std::size_t tasks, const std::function<void()>& work) {
  next_ = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t number = std::min<std::size_t>(threads_, tasks); number > 0; --number) {
      threads.emplace_back(in_log_context([&] {
        const StopScope scope(stop_);
        try {
          work();
        } catch (...) {
          std::lock_guard lock(mutex_);
          if (!error_) error_ = std::current_exception();
          broken_ = true;
        }
      }));
    }
  }
  if (error_) std::rethrow_exception(error_);
  throw_if_stopped();
}

void ContentWriter::throw_if_stopped() const {
  if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "the restore was stopped");
}

void ContentWriter::write_frames(const std::vector<std::size_t>& begins) {
  Memory memory;
  for (std::size_t first; (first = next_.fetch_add(kFramesInARow)) < begins.size();) {
    const std::size_t end = std::min(first + kFramesInARow, begins.size());
    memory.run = run_of(begins, first, end);
    for (std::size_t next = first; next < end; ++next) {
      if (stopped()) return;
      write_frame(begins[next], next + 1 < begins.size() ? begins[next + 1] : batch_.pieces().size(), memory);
      if (unsynced_bytes_ >= kUnsyncedBytes) settle();
    }
  }
}

store::FrameRun ContentWriter::run_of(const std::vector<std::size_t>& begins, std::size_t first,
                                      std::size_t end) const {
  const std::uint64_t gap = repository_.destination().read_gap();
  std::vector<store::FramePlace> places;
  for (std::size_t next = first; gap > 0 && next < end; ++next) {
    const store::BlobLocation location = batch_.frame(batch_.pieces()[begins[next]]);
    places.push_back({location.pack, location.frame_offset, location.frame_stored_length});
  }
  return {std::move(places), gap};
}

void ContentWriter::write_frame(std::size_t begin, std::size_t end, Memory& memory) {
  const std::span<const Piece> pieces = batch_.pieces().subspan(begin, end - begin);
  std::optional<ByteView> raw;
  try {
    const store::BlobLocation location = batch_.frame(pieces.front());
    raw = repository_.read_frame(location, memory.frame, &memory.run);
    report_.add_read_bytes(location.frame_stored_length);
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
  }
  VerifiedBlob blob;
  const Piece* verified = nullptr;  // the piece that `blob` was verified for
  for (const Piece& piece : pieces) {
    if (verified == nullptr || piece.id != verified->id || piece.frame_offset != verified->frame_offset ||
        piece.length != verified->length) {
      blob = verify(piece, raw);
      verified = &piece;
    }
    VerifiedBlob made;
    const PieceDifference* difference = batch_.difference(piece);
    if (difference != nullptr && blob.content) made = apply(*difference, *blob.content, memory);
    const VerifiedBlob& found = difference != nullptr && blob.content ? made : blob;
    if (found.content) {
      write_piece(piece, *found.content);
    } else {
      fail(piece.file,
           "its content at byte " + std::to_string(piece.file_offset) + " is damaged: " + found.error);
    }
    count_down(piece.file);
  }
}

ContentWriter::VerifiedBlob ContentWriter::verify(const Piece& piece, const std::optional<ByteView>& frame) {
  VerifiedBlob blob;
  if (frame && piece.frame_offset <= frame->size() && piece.length <= frame->size() - piece.frame_offset) {
    const ByteView content = frame->subspan(piece.frame_offset, piece.length);
    if (repository_.hasher().id(crypto::BlobKind::kData, content) == piece.id) {
      blob.content = content;
      return blob;
    }
  }
  // Another pack may hold it as well.
  try {
    blob.own = repository_.read(crypto::BlobKind::kData, piece.id);
    // What is at `piece.frame_offset` of the frame has said so of a base, and need not be right.
    if (blob.own.size() == piece.length || batch_.difference(piece) != nullptr) {
      blob.content = blob.own;
    } else {
      blob.error = "blob " + piece.id.hex() + " has another length than the index says";
    }
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    blob.error = error.what();
  }
  return blob;
}

ContentWriter::VerifiedBlob ContentWriter::apply(const PieceDifference& difference, ByteView base,
                                                 Memory& memory) {
  VerifiedBlob made;
  try {
    const Bytes patch = read(difference.patch);
    const ByteView content = memory.differences.decode(base, patch, difference.length, memory.applied);
    if (repository_.hasher().id(crypto::BlobKind::kData, content) == difference.id) {
      made.content = content;
    } else {
      made.error = "what patch " + difference.patch.hex() + " makes is not what its id says";
    }
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    made.error = error.what();
  }
  return made;
}

Bytes ContentWriter::read(const crypto::BlobId& id) {
  try {
    return repository_.read(crypto::BlobKind::kData, id);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kNotFound) throw;
  }
  return repository_.read_condemned(crypto::BlobKind::kData, id);
}

void ContentWriter::write_piece(const Piece& piece, ByteView content) {
  PendingFile& file = batch_.file(piece.file);
  if (std::atomic_ref(file.failed) != 0) return;
  report_.at([&] { return batch_.folder(piece.file)->path_of(batch_.node(piece.file).name()); });
  try {
    write_all(open_files_->open(piece)->get(), content, piece.file_offset);
  } catch (const Error& error) {
    if (ends_restore(error)) throw;
    fail(piece.file, error.what());
    return;
  }
  report_.add_done_bytes(content.size());
  unsynced_bytes_ += content.size();
}

void ContentWriter::fail(std::uint32_t file, const std::string& message) {
  std::lock_guard lock(mutex_);
  std::atomic_ref(batch_.file(file).failed) = 1;
  messages_.try_emplace(file, message);
}

void ContentWriter::count_down(std::uint32_t file) {
  PendingFile& pending = batch_.file(file);
  if (std::atomic_ref(pending.missing).fetch_sub(1) > 1) return;
  if (open_files_) open_files_->close(file);
  if (std::atomic_ref(pending.failed) != 0) {
    discard(file);
    return;
  }
  bool many;
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(file);
    many = waiting_.size() >= kWaitingFiles;
  }
  if (many) settle();
}

std::vector<std::uint32_t> ContentWriter::take_waiting() {
  std::lock_guard lock(mutex_);
  return std::exchange(waiting_, {});
}

bool ContentWriter::sync() {
  const std::lock_guard lock(syncing_);
  if (broken_) return false;
  try {
    batch_.folder(0)->sync_file_systems();
  } catch (...) {
    broken_ = true;
    throw;
  }
  return true;
}

void ContentWriter::settle() {
  // Taken before the sync, so that all that these files hold is part of it.
  unsynced_bytes_ = 0;
  const std::vector<std::uint32_t> files = take_waiting();
  if (!sync()) return;
  for (const std::uint32_t file : files) {
    if (stopped()) return;
    finish(file);
  }
}

void ContentWriter::finish(std::uint32_t file) {
  const v1::Node node = batch_.node(file);
  TargetFolder& folder = *batch_.folder(file);
  report_.at([&] { return folder.path_of(node.name()); });
  try {
    const Fd fd = open_pending(batch_, file, node.name());
    apply_metadata(fd.get(), HandleType::kOpen, node,
                   [&](const std::string& message) { report_.error(folder.path_of(node.name()), message); });
    // Durable, and larger together than memory is, perhaps: nobody's other files shall leave the page cache
    // for them.
    posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    for_each_name(file, node.name(), [](TargetFolder& in, const std::string& name, bool is_temporary) {
      if (!is_temporary) return;
      const TargetFolder::Use use(in);
      replace_existing(use.fd(), name);
    });
    report_.add_done_file();
  } catch (const Error& error) {
    if (ends_restore(error)) throw;
    report_.error(folder.path_of(node.name()), error.what());
  }
}

void ContentWriter::discard(std::uint32_t file) {
  std::string message;
  {
    std::lock_guard lock(mutex_);
    message = messages_[file];
    messages_.erase(file);
  }
  const v1::Node node = batch_.node(file);
  const PendingFile& pending = batch_.file(file);
  links_.fail(pending.source, node);
  const auto remove = [&](TargetFolder& folder, const std::string& name, bool is_temporary) {
    try {
      const TargetFolder::Use use(folder);
      const std::string at = is_temporary ? temporary_name(name) : name;
      const auto status = look_at(use.fd(), at);
      if (status && status->st_ino == pending.inode && status->st_dev == pending.device &&
          unlinkat(use.fd(), at.c_str(), 0) != 0) {
        throw target_error(errno, "what was written of it could not be removed");
      }
      report_.error(folder.path_of(name), message);
    } catch (const Error& error) {
      report_.error(folder.path_of(name), message + "; " + error.what());
    }
  };
  for_each_name(file, node.name(), remove);
}

void ContentWriter::for_each_name(
    std::uint32_t file, const std::string& name,
    const std::function<void(TargetFolder& folder, const std::string& name, bool is_temporary)>& use) {
  const PendingFile& pending = batch_.file(file);
  use(*batch_.folder(file), name, pending.is_temporary);
  for (std::uint32_t number = pending.last_name; number != 0; number = batch_.other_name(number).before) {
    const ContentBatch::OtherName& other = batch_.other_name(number);
    use(*batch_.folder_of(other), other.name, other.is_temporary);
  }
}

}  // namespace garner::restore
