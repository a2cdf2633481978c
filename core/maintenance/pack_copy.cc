#include "maintenance/pack_copy.h"

#include "base/error.h"
#include "base/file.h"
#include "maintenance/damage.h"

namespace garner::maintenance {

struct PackCopier::Output {
  store::PackKind kind = store::PackKind::kData;
  store::FrameBuilder frame;
  std::unique_ptr<store::PackWriter> pack;
};

PackCopier::PackCopier(store::Repository& repository, const Marks& marks, std::string prefix)
    : repository_(repository),
      marks_(marks),
      prefix_(std::move(prefix)),
      context_(repository.pack_context()) {
  const std::size_t target = context_.parameters.frame_target();
  outputs_[0] = std::make_unique<Output>(store::PackKind::kData, store::FrameBuilder(target), nullptr);
  outputs_[1] = std::make_unique<Output>(store::PackKind::kMetadata, store::FrameBuilder(target), nullptr);
}

PackCopier::~PackCopier() = default;

std::uint64_t PackCopier::bytes() const {
  std::uint64_t sum = finished_bytes_;
  for (const auto& output : outputs_) {
    if (output->pack) sum += output->pack->size();
  }
  return sum;
}

PackCopier::Left PackCopier::copy(const store::ObjectName& name, store::PackKind kind) {
  Output& out = output(kind);
  Left left;
  const store::PackReader reader(repository_.destination(), repository_.keyring(), name);
  const store::PackReader::Directory directory = reader.read_directory();
  for (const store::PackedFrame& frame : directory.frames) {
    std::vector<bool> wanted;
    std::size_t count = 0;
    for (const store::FrameBlob& blob : frame.blobs) {
      wanted.push_back(marks_.is_kept_in(blob.id, name));
      if (wanted.back()) {
        ++count;
      } else {
        left.blobs.push_back(blob.id);
      }
    }
    if (count == 0) continue;
    // A frame that does not verify costs a look for other copies of its blobs, not the blobs.
    Bytes memory;
    ByteView encoded;
    std::optional<Bytes> raw;
    bool sound = true;
    try {
      encoded = reader.read_frame(frame.offset, frame.stored_length, memory);
      raw = codec_.decode(encoded, frame.raw_length);
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
    }
    std::vector<Bytes> elsewhere(frame.blobs.size());
    std::size_t offset = 0;
    for (std::size_t i = 0; i < frame.blobs.size(); ++i) {
      const store::FrameBlob& blob = frame.blobs[i];
      const bool good =
          raw && repository_.hasher().id(blob.kind, ByteView(*raw).subspan(offset, blob.length)) == blob.id;
      offset += blob.length;
      if (good) continue;
      sound = false;
      if (wanted[i]) elsewhere[i] = repository_.read(blob.kind, blob.id);
    }
    if (sound && count == frame.blobs.size()) {
      append(out, encoded, frame.raw_length, frame.blobs);
      continue;
    }
    offset = 0;
    for (std::size_t i = 0; i < frame.blobs.size(); ++i) {
      const store::FrameBlob& blob = frame.blobs[i];
      if (wanted[i]) {
        const bool here = sound || (elsewhere[i].empty() && raw);
        add(out, blob, here ? ByteView(*raw).subspan(offset, blob.length) : ByteView(elsewhere[i]));
      }
      offset += blob.length;
    }
  }
  return left;
}

void PackCopier::add(Output& out, const store::FrameBlob& blob, ByteView content) {
  if (!out.frame.fits(content.size())) flush(out);
  out.frame.add(blob.id, blob.kind, content);
  if (out.frame.full()) flush(out);
}

void PackCopier::flush(Output& out) {
  if (out.frame.empty()) return;
  const auto raw_length = static_cast<std::uint32_t>(out.frame.raw().size());
  append(out, codec_.encode(out.frame.raw()), raw_length, out.frame.blobs());
  out.frame = store::FrameBuilder(context_.parameters.frame_target(), out.frame.take_buffer());
}

void PackCopier::append(Output& out, ByteView encoded, std::uint32_t raw_length,
                        std::vector<store::FrameBlob> blobs) {
  if (!out.pack) {
    out.pack = std::make_unique<store::PackWriter>(prefix_ + Uuid::random().text(), context_, out.kind);
  }
  const std::uint64_t before = out.pack->frames().empty() ? 0 : out.pack->size();
  out.pack->append(encoded, raw_length, std::move(blobs));
  repository_.destination().staged(out.pack->size() - before);
  if (out.pack->size() >= context_.parameters.pack_target()) close(out);
}

void PackCopier::close(Output& out) {
  if (!out.pack) return;
  paths_.push_back(out.pack->path());
  const std::uint64_t before = out.pack->size();
  finished_.push_back(out.pack->finish());
  repository_.destination().staged(finished_.back().size - before);
  finished_bytes_ += finished_.back().size;
  out.pack.reset();
}

std::vector<store::FinishedPack> PackCopier::finish() {
  for (const auto& output : outputs_) {
    flush(*output);
    close(*output);
  }
  for (std::size_t i = 0; i < finished_.size(); ++i) {
    repository_.destination().put_file(store::pack_key(finished_[i].name), paths_[i]);
  }
  paths_.clear();
  finished_bytes_ = 0;
  return std::exchange(finished_, {});
}

}  // namespace garner::maintenance
