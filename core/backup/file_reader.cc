#include "backup/file_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backup/unreadable.h"
#include "base/error.h"
#include "base/file.h"
#include "snapshot/node.h"
#include "source/change.h"
#include "source/folder_view.h"

namespace garner::backup {

namespace {

constexpr int kAttempts = 2;
// A file that failed beyond this is not read from its beginning again in the same run.
constexpr std::uint64_t kReadAgain = 256u << 20;

bool is_same_moment(const source::FileStatus& a, const source::FileStatus& b) {
  return a.size == b.size && a.mtime == b.mtime && a.ctime == b.ctime;
}

// What is done with content that was read. That the repository, or what is here of it, cannot be read is no
// fault of the file, which would be kept as it was before, or be taken for vanished: it ends the run.
template <typename Work>
auto storing(const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kReadFailed && error.kind() != ErrorKind::kNotFound) throw;
    throw Error(ErrorKind::kWriteFailed, std::string("storing what was read: ") + error.what(),
                error.error_number());
  }
}

}  // namespace

FileReader::FileReader(RunContext& context, unsigned lane)
    : context_(context),
      lane_(lane),
      buffer_(2 * std::size_t{context.names.chunker().sizes().maximum}),
      differences_(context, lane) {}

void FileReader::read(const FileBatch& batch) {
  Folder& folder = *batch.folder;
  const std::string folder_path = folder.scan.handle->path();
  context_.statistics.current(printable(folder_path));
  for (const FileTask& task : batch.files) {
    if (context_.stop.stop_requested()) return;
    // A source that is a file may be a link to one that lies elsewhere, and has another name.
    const std::string path = folder.parent()
                                 ? path_in(folder_path, task.name)
                                 : context_.options.set.sources(static_cast<int>(folder.source()));
    std::optional<v1::Node> node;
    auto reading = std::make_shared<ReadingFile>();
    try {
      node = read_file(folder, path, task, reading);
    } catch (const Error& failure) {
      if (failure.kind() != ErrorKind::kReadFailed && failure.kind() != ErrorKind::kNotFound) throw;
      const Error error = cause_of(folder, task.name, failure);
      if (error.kind() == ErrorKind::kReadFailed) {
        if (read_again(batch, task, *reading, error)) {
          context_.checkpointer.end_reading(reading);
          continue;
        }
        node = keep_last_known(context_, folder.scan.handle->slow(), path, error, task.earlier);
      }
    }
    if (context_.stop.stop_requested()) return;  // a large file stays recorded for the last checkpoint
    if (node) {
      // What is no file by now costs nothing to look at again.
      if (!node->stale() && node->type() == v1::NODE_TYPE_FILE) {
        folder.note_read();
        context_.checkpointer.finished(batch.folder, {reading->place, *node, reading->seen});
      }
      context_.statistics.done_file();
    }
    // Only now: until its file is recorded as finished a checkpoint records how far it was read.
    context_.checkpointer.end_reading(reading);
    // A file that was read again and found to be as it was leaves its folder's tree as it was.
    const bool same = node && task.earlier && snapshot::equal(*node, *task.earlier);
    if (folder.complete(task.slot, std::move(node), same)) finish_upwards(context_, batch.folder);
  }
}

bool FileReader::read_again(const FileBatch& batch, const FileTask& task, const ReadingFile& reading,
                            const Error& error) {
  if (reading.offset > kReadAgain) return false;
  FileTask again = task;
  ++again.attempts;
  return put_off(context_, error, task.attempts, FileBatch{batch.folder, {std::move(again)}, 0});
}

// What stands in the file's place by now.
v1::Node FileReader::capture_other(Folder& folder, const source::FolderView& view, const std::string& path,
                                   const std::string& name) {
  const source::FileStatus status = view.status_of(name);
  if (status.type == v1::NODE_TYPE_FILE || status.type == v1::NODE_TYPE_FOLDER) {
    throw Error(ErrorKind::kReadFailed, "it was replaced while it was looked at: the next backup takes it");
  }
  v1::Node node = view.capture_entry(
      name, status, [&](const std::string& message) { context_.statistics.warning(path, message); });
  node.set_name(base_name(path));
  if (status.links > 1) node.set_mount(context_.mounts.number(folder.source(), status.device));
  return node;
}

// Nothing when the file has vanished, or when the run is to stop.
std::optional<v1::Node> FileReader::read_file(Folder& folder, const std::string& path, const FileTask& task,
                                              std::shared_ptr<ReadingFile>& file) {
  const source::FolderView view(folder.scan.handle);
  std::optional<source::SourceFile> opened;
  try {
    opened.emplace(view, task.name);
  } catch (const Error& error) {
    // A link, or a socket.
    if (error.error_number() != ELOOP && error.error_number() != ENXIO) throw;
    return capture_other(folder, view, path, task.name);
  }
  const source::SourceFile& content = *opened;
  auto warn = [&](const std::string& message) { context_.statistics.warning(path, message); };

  HardLinks::Claim claim;
  for (int attempt = 1;; ++attempt) {
    const TimePoint seen = context_.clock.now();
    const source::FileStatus status = content.status();
    if (status.type != v1::NODE_TYPE_FILE) return capture_other(folder, view, path, task.name);
    content.write_out(status.size);  // after the status: what is stored from here on is seen by the next one
    file->place = folder.place_of(task.name);
    file->seen = seen;
    v1::Node node = content.capture(view, base_name(path), status, warn);
    const HardLinks::Key link{status.device, status.inode};
    if (status.links > 1) {
      node.set_mount(context_.mounts.number(folder.source(), status.device));
      const auto known = claim.held() ? std::nullopt : context_.hard_links.find_or_claim(link, claim);
      if (known && known->size() == node.size() && snapshot::from_proto(known->ctime()) == status.ctime) {
        *node.mutable_content() = known->content();
        context_.statistics.done_bytes(node.size());
        return node;
      }
    }

    const bool sparse = status.blocks * 512 < status.size;
    const auto ranges =
        sparse ? content.data_ranges(status.size, path) : std::vector<source::DataRange>{{0, status.size}};
    const bool recorded = status.size > context_.options.pace.recorded_in_progress;
    if (recorded) {
      file->node = node;
      context_.statistics.current(printable(path));
      context_.writer.flush_lane(lane_);
      if (context_.resumed && attempt == 1) {
        const auto known = context_.checkpoint.in_progress(file->place);
        if (known && source::is_unchanged(status, known->node, known->seen)) {
          file->offset = known->offset;
          file->list = snapshot::ContentListBuilder(known->content_list);
          file->seen = known->seen;
          context_.statistics.done_bytes(known->offset);
        }
      }
      context_.checkpointer.begin_reading(file);
    }
    differences_.begin_file(status.size);
    read_content(content, path, *file, status.size, ranges,
                 KnownChunks(task.earlier ? &*task.earlier : nullptr, context_.earlier));
    if (recorded) context_.writer.flush_lane(lane_);
    if (context_.stop.stop_requested()) return std::nullopt;

    const bool settled = is_same_moment(status, content.status());
    if (settled && file->offset < status.size && content.is_stored()) {
      throw Error(ErrorKind::kReadFailed, "it ends after " + std::to_string(file->offset) + " of the " +
                                              std::to_string(status.size) + " bytes that it has");
    }
    if (settled || attempt == kAttempts) {
      snapshot::ContentListBuilder list = file->list;
      node.set_size(list.length());
      for (auto& entry : storing([&] { return list.finish(context_.metadata); }))
        *node.add_content() = std::move(entry);
      node.set_inconsistent(!settled);
      if (status.links > 1 && settled) context_.hard_links.add(link, node);
      return node;
    }
    context_.checkpointer.end_reading(file);
    file = std::make_shared<ReadingFile>();
  }
}

// Reads what lies beyond reading.offset. Ends early when the run is to stop, or the file has become shorter.
void FileReader::read_content(const source::SourceFile& file, const std::string& path, ReadingFile& reading,
                              std::uint64_t size, const std::vector<source::DataRange>& ranges,
                              KnownChunks known) {
  for (const source::DataRange& range : ranges) {
    const std::uint64_t end = range.offset + range.length;
    if (end <= reading.offset) continue;
    if (range.offset > reading.offset) {
      std::lock_guard lock(reading.mutex);
      reading.list.add_hole(range.offset - reading.offset);
      reading.offset = range.offset;
    }
    read_range(file, path, reading, reading.offset, end, known);
    if (reading.offset != end) return;
  }
  if (reading.offset < size) {
    std::lock_guard lock(reading.mutex);
    reading.list.add_hole(size - reading.offset);
    reading.offset = size;
  }
}

void FileReader::read_range(const source::SourceFile& file, const std::string& path, ReadingFile& reading,
                            std::uint64_t begin, std::uint64_t end, KnownChunks& known) {
  const std::size_t longest = context_.names.chunker().sizes().maximum;
  std::uint64_t position = begin;  // of the buffer's first byte in the file
  std::size_t first = 0;           // of what is not cut yet, in the buffer
  std::size_t filled = 0;
  bool at_end = false;
  while (!context_.stop.stop_requested()) {
    if (!at_end && filled - first < longest) {
      std::memmove(buffer_.data(), buffer_.data() + first, filled - first);
      position += first;
      filled -= first;
      first = 0;
      const std::size_t before = filled;
      filled += fill(file, path, filled, position + filled, end);
      at_end = filled == before || position + filled == end;
    }
    if (first == filled) return;
    const ByteView data(buffer_.data() + first, filled - first);
    const Cut next = cut(data, position + first, end, known);
    storing([&] { store_chunk(reading, next.id, data.first(next.length), known); });
    first += next.length;
  }
}

// The chunk that `data`, which begins at `offset` of the file, begins with. Cut as the chunker does, which
// depends on the chunk's bytes alone: those of a chunk that is known to be one need not be searched.
FileReader::Cut FileReader::cut(ByteView data, std::uint64_t offset, std::uint64_t end,
                                KnownChunks& known) const {
  const crypto::BlobHasher& hasher = context_.names.hasher();
  if (const KnownChunks::Chunk* chunk = known.at(offset);
      chunk && chunk->length <= data.size() && (chunk->cut_by_content || offset + chunk->length == end)) {
    const crypto::BlobId id = hasher.id(crypto::BlobKind::kData, data.first(chunk->length));
    if (id == chunk->id) return {id, chunk->length};
  }
  const std::size_t length = context_.names.chunker().next(data);
  return {hasher.id(crypto::BlobKind::kData, data.first(length)), length};
}

// Reads up to a buffer's end or the range's; returns the number of bytes, 0 at the end of the file.
std::size_t FileReader::fill(const source::SourceFile& file, const std::string& path, std::size_t kept,
                             std::uint64_t offset, std::uint64_t end) {
  const std::size_t wanted = std::min<std::uint64_t>(buffer_.size() - kept, end - offset);
  if (wanted == 0) return 0;
  context_.checkpointer.admit(wanted);
  const std::size_t got = file.read({buffer_.data() + kept, wanted}, offset, path);
  context_.statistics.read(got);
  return got;
}

void FileReader::store_chunk(ReadingFile& file, const crypto::BlobId& id, ByteView chunk,
                             KnownChunks& known) {
  std::lock_guard lock(file.mutex);
  if (const auto made = differences_.make(known, id, file.offset, chunk)) {
    context_.statistics.new_content(made->new_to, chunk.size());
    file.list.add_difference(made->difference, chunk.size(), context_.metadata);
  } else {
    context_.statistics.new_content(context_.writer.put(lane_, id, chunk), chunk.size());
    file.list.add_blob(id, chunk.size(), context_.metadata);
  }
  file.offset += chunk.size();
  context_.statistics.done_bytes(chunk.size());
}

}  // namespace garner::backup
