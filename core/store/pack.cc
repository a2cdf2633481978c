#include "store/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string_view>

#include "base/error.h"
#include "store/pack_directory.h"
#include "store/pack_layout.h"
#include "store/padding.h"

namespace garner::store {
namespace {

Bytes build_header(const PackContext& context, PackKind kind) {
  if (context.recovery_slot.size() > kMaximumPackHeader - kFixedPackHeader) {
    throw Error(ErrorKind::kInternal,
                "a recovery slot of " + std::to_string(context.recovery_slot.size()) + " bytes fits no pack");
  }
  ByteWriter writer;
  writer.bytes(as_bytes(kPackMagic));
  writer.u16(kPackVersion);
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u8(kDerivedKey);
  writer.u32(context.keyring->current_epoch());
  writer.bytes(crypto::fresh_salt(context.writer));
  writer.bytes(Bytes(kWrappedKeyField));
  writer.u16(static_cast<std::uint16_t>(context.recovery_slot.size()));
  writer.bytes(context.recovery_slot);
  return writer.take();
}

}  // namespace

PackKind pack_kind(crypto::BlobKind kind) {
  return kind == crypto::BlobKind::kData ? PackKind::kData : PackKind::kMetadata;
}

PackHeader parse_pack_header(ByteView start) {
  auto damaged = [](const std::string& what) { return Error(ErrorKind::kDamaged, "pack header: " + what); };
  if (start.size() < kFixedPackHeader) throw damaged("cut off");
  ByteReader reader(start);
  if (as_text(reader.bytes(kPackMagic.size())) != kPackMagic) throw damaged("not a pack");
  std::uint16_t version = reader.u16();
  if (version == 0) throw damaged("version 0");
  if (version > kPackVersion) {
    throw Error(ErrorKind::kNewerFormat, "pack: format version " + std::to_string(version) +
                                             " is newer than " + std::to_string(kPackVersion) +
                                             ", the last this program knows");
  }
  PackHeader header;
  std::uint8_t kind = reader.u8();
  std::uint8_t wrap = reader.u8();
  if (wrap != kDerivedKey) {
    throw Error(ErrorKind::kNewerFormat, "pack: its key is wrapped in a way this version does not know (" +
                                             std::to_string(wrap) + ")");
  }
  if (kind != 1 && kind != 2) throw damaged("unknown kind " + std::to_string(kind));
  header.kind = static_cast<PackKind>(kind);
  header.epoch = reader.u32();
  std::ranges::copy(reader.bytes(header.salt.size()), header.salt.begin());
  auto is_zero = [](std::uint8_t byte) { return byte == 0; };
  if (!std::ranges::all_of(reader.bytes(kWrappedKeyField), is_zero))
    throw damaged("a wrapped key in a pack without one");
  std::size_t slot_length = reader.u16();
  header.length = kFixedPackHeader + slot_length;
  if (header.length > kMaximumPackHeader || header.length > start.size())
    throw damaged("recovery slot cut off");
  ByteView slot = reader.bytes(slot_length);
  header.recovery_slot.assign(slot.begin(), slot.end());
  header.hash = crypto::hash(start.first(header.length));
  return header;
}

crypto::Sealer make_pack_sealer(const crypto::Keyring& keyring, const PackHeader& header,
                                const crypto::Salt& salt) {
  crypto::ObjectKind kind =
      header.kind == PackKind::kData ? crypto::ObjectKind::kDataPack : crypto::ObjectKind::kMetadataPack;
  return crypto::Sealer(keyring, kind, header.epoch, salt, header.hash);
}

PackWriter::PackWriter(std::string path, const PackContext& context, PackKind kind, unsigned names)
    : PackWriter(path, context,
                 where_full_means(context.full, [&] { return open_file(path, O_RDWR | O_CREAT | O_EXCL); }),
                 PackHeader{}, names) {
  kind_ = kind;
  header_bytes_ = build_header(context, kind);
  header_ = parse_pack_header(header_bytes_);
  sealer_ = make_pack_sealer(*context_.keyring, header_, header_.salt);
  end_ = header_.length;
}

PackWriter::PackWriter(std::string path, const PackContext& context, Fd fd, PackHeader header, unsigned names)
    : context_(context),
      path_(std::move(path)),
      kind_(header.kind),
      fd_(std::move(fd)),
      header_(std::move(header)),
      names_(names) {}

void PackWriter::update_names(ByteView bytes) {
  for (NameHasher& name : names_) name.update(bytes);
}

std::uint64_t PackWriter::size() const {
  return end_ + kDirectoryFraming + kDirectoryRest + directory_size_ + kPackTrailer;
}

const PackedFrame& PackWriter::append(ByteView encoded, std::uint32_t raw_length,
                                      std::vector<FrameBlob> blobs) {
  if (!takes_frames_)
    throw Error(ErrorKind::kInternal, "a pack takes no frames after an error: " + printable(path_));
  PackedFrame frame{end_, 0, raw_length, std::move(blobs)};
  frame.stored_length =
      static_cast<std::uint32_t>(std::min(encoded.size(), kMaximumSealedFrame) + crypto::kSealOverhead);
  std::string flaw = flaw_of(frame, kind_, end_);
  if (flaw.empty() && directory_size_ + directory_bytes(frame) > kMaximumPackDirectory - kDirectoryRest) {
    flaw = "has too many blobs for this pack";
  }
  if (!flaw.empty()) throw Error(ErrorKind::kInternal, "a frame that is to be packed " + flaw);

  const MutableByteView bytes = sealed_.take(header_bytes_.size() + frame.stored_length);
  std::ranges::copy(header_bytes_, bytes.begin());
  sealer_->seal(crypto::SealPart::kBody, frame.offset, encoded, bytes.subspan(header_bytes_.size()));
  // From here on the nonce of this offset is spent: after an error no other frame may take the place.
  takes_frames_ = false;
  try {
    where_full_means(context_.full, [&] { write_at(fd_.get(), bytes, end_ - header_bytes_.size(), path_); });
  } catch (...) {
    cut_back();
    throw;
  }
  takes_frames_ = true;
  update_names(bytes);
  header_bytes_.clear();
  end_ += frame.stored_length;
  directory_size_ += directory_bytes(frame);
  return frames_.emplace_back(std::move(frame));
}

void PackWriter::sync() {
  std::lock_guard lock(sync_mutex_);
  if (is_lost_)
    throw Error(ErrorKind::kInternal, "a pack is synced again after a failed fsync: " + printable(path_));
  if (!fd_.valid()) return;  // finished, and durable as a whole
  try {
    make_durable();
  } catch (...) {
    // The kernel reports lost writes once: a later fsync would claim that they are durable.
    is_lost_ = true;
    throw;
  }
}

// With sync_mutex_ held. A checkpoint names the file before it is published: without its own name a crash in
// between would lose it.
void PackWriter::make_durable() {
  where_full_means(context_.full, [&] {
    sync_file(fd_.get(), path_);
    if (!name_is_durable_) sync_folder(parent_path(path_));
    name_is_durable_ = true;
  });
}

void PackWriter::cut_back() noexcept {
  // A failure changes nothing: close_pack cuts again.
  off_t end = frames_.empty() ? 0 : static_cast<off_t>(end_);
  if (ftruncate(fd_.get(), end) != 0) return;
}

FinishedPack PackWriter::finish() {
  if (frames_.empty()) throw Error(ErrorKind::kInternal, "a pack without frames: " + printable(path_));
  takes_frames_ = false;
  Bytes directory = serialize_directory(frames_, context_);
  std::uint64_t size = padded_pack_size(end_ + kDirectoryFraming + directory.size() + kPackTrailer);

  Bytes tail(size - end_);
  std::uint64_t sealed_length = tail.size() - kPackTrailer;
  MutableByteView plain = MutableByteView(tail).first(sealed_length - crypto::kSealOverhead);
  for (unsigned i = 0; i < 4; ++i) plain[i] = static_cast<std::uint8_t>(directory.size() >> (8 * i));
  std::ranges::copy(directory, plain.begin() + 4);

  crypto::Salt salt = crypto::fresh_salt(context_.writer);
  crypto::Sealer sealer = make_pack_sealer(*context_.keyring, header_, salt);
  sealer.seal(crypto::SealPart::kDirectory, 0, plain, MutableByteView(tail).first(sealed_length));
  ByteWriter trailer;
  trailer.bytes(salt);
  ByteWriter sealed;
  sealed.u64(end_);
  sealed.u64(sealed_length);
  sealed.u64(size);
  sealed.u64(0);
  trailer.bytes(sealer.seal(crypto::SealPart::kTrailer, 0, sealed.data()));
  std::ranges::copy(trailer.data(), tail.begin() + static_cast<std::ptrdiff_t>(sealed_length));

  std::lock_guard lock(sync_mutex_);
  if (is_lost_)
    throw Error(ErrorKind::kInternal, "a pack cannot be finished after a failed fsync: " + printable(path_));
  try {
    where_full_means(context_.full, [&] { write_at(fd_.get(), tail, end_, path_); });
    make_durable();
  } catch (...) {
    cut_back();
    throw;
  }
  // Data is not read again soon, and what others have in the page cache should stay there. Memory that is
  // given back is also taken again for what is written next, which is cheaper than memory unused so far.
  if (kind_ == PackKind::kData) posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
  update_names(tail);
  fd_.reset();
  FinishedPack finished{names_.front().finish(), kind_, size, std::move(frames_)};
  for (auto name = names_.begin() + 1; name != names_.end(); ++name)
    finished.other_names.push_back(name->finish());
  return finished;
}

namespace {

// Reads what a pack begins with, and its frames one after the other, each held against the header.
// Error(kDamaged).
PackHeader read_frames(int fd, const std::string& path, const crypto::Keyring& keyring, PackKind kind,
                       const std::vector<PackedFrame>& frames, std::uint64_t size,
                       const std::function<void(ByteView)>& visit) {
  Bytes start(std::min<std::uint64_t>(size, kMaximumPackHeader));
  start.resize(read_at(fd, start, 0, path));
  PackHeader header = parse_pack_header(start);
  if (header.kind != kind) throw Error(ErrorKind::kDamaged, "is a pack of another kind");
  start.resize(header.length);
  visit(start);
  crypto::Sealer sealer = make_pack_sealer(keyring, header, header.salt);
  std::uint64_t end = header.length;
  Bytes sealed;
  for (const PackedFrame& frame : frames) {
    const std::string flaw = flaw_of(frame, kind, end);
    if (!flaw.empty()) throw Error(ErrorKind::kDamaged, "a frame of the checkpoint " + flaw);
    sealed.resize(frame.stored_length);
    if (read_at(fd, sealed, frame.offset, path) != sealed.size()) {
      throw Error(ErrorKind::kDamaged, "ends within a frame");
    }
    visit(sealed);
    sealer.open(crypto::SealPart::kBody, frame.offset, sealed,
                MutableByteView(sealed).first(sealed.size() - crypto::kSealOverhead));
    end += frame.stored_length;
  }
  return header;
}

struct stat status_of(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0)
    throw system_error(errno, "reading " + printable(path), ErrorKind::kReadFailed);
  return status;
}

}  // namespace

FinishedPack close_pack(const std::string& path, const PackContext& context, PackKind kind,
                        std::vector<PackedFrame> frames, unsigned names) {
  if (frames.empty())
    throw Error(ErrorKind::kInternal, "closing a pack without durable frames: " + printable(path));
  Fd fd = open_file(path, O_RDWR);
  const struct stat status = status_of(fd.get(), path);
  if (status.st_nlink > 1) {
    throw Error(ErrorKind::kNotFound, "the pack " + printable(path) + " is published under its name already");
  }
  std::uint64_t size = static_cast<std::uint64_t>(status.st_size);
  const PackedFrame& last = frames.back();
  if (last.offset > size || last.stored_length > size - last.offset) {
    throw Error(ErrorKind::kNotFound,
                "the unfinished pack " + printable(path) + " is shorter than its durable frames");
  }
  try {
    std::vector<NameHasher> hashers(names);
    PackHeader header =
        read_frames(fd.get(), path, *context.keyring, kind, frames, size, [&](ByteView bytes) {
          for (NameHasher& name : hashers) name.update(bytes);
        });
    PackWriter writer(path, context, std::move(fd), std::move(header), names);
    writer.names_ = std::move(hashers);
    writer.end_ = last.offset + last.stored_length;
    writer.takes_frames_ = false;
    writer.frames_ = std::move(frames);
    writer.cut_back();
    return writer.finish();
  } catch (const Error& error) {
    throw error.in("closing the unfinished pack " + printable(path));
  }
}

std::vector<ObjectName> name_pack(const std::string& path, const crypto::Keyring& keyring, PackKind kind,
                                  std::uint64_t size, const std::vector<PackedFrame>& frames,
                                  unsigned names) {
  const Fd fd = open_file(path, O_RDONLY);
  if (static_cast<std::uint64_t>(status_of(fd.get(), path).st_size) != size)
    throw Error(ErrorKind::kNotFound, "the pack " + printable(path) + " is not as long as it was");
  try {
    std::vector<NameHasher> hashers(names);
    const auto visit = [&](ByteView bytes) {
      for (NameHasher& name : hashers) name.update(bytes);
    };
    read_frames(fd.get(), path, keyring, kind, frames, size, visit);
    const std::uint64_t end = frames.back().offset + frames.back().stored_length;
    Bytes tail(size - end);
    if (read_at(fd.get(), tail, end, path) != tail.size()) throw Error(ErrorKind::kDamaged, "became shorter");
    visit(tail);
    std::vector<ObjectName> found;
    for (const NameHasher& name : hashers) found.push_back(name.finish());
    return found;
  } catch (const Error& error) {
    throw error.in("reading the pack " + printable(path));
  }
}

}  // namespace garner::store
