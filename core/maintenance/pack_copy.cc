#include "maintenance/pack_copy.h"

#include "base/error.h"
#include "maintenance/damage.h"

namespace garner::maintenance {

PackCopier::Left PackCopier::copy(const store::ObjectName& name, store::PackKind kind) {
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
      output_.append(kind, encoded, frame.raw_length, frame.blobs);
      continue;
    }
    offset = 0;
    for (std::size_t i = 0; i < frame.blobs.size(); ++i) {
      const store::FrameBlob& blob = frame.blobs[i];
      if (wanted[i]) {
        const bool here = sound || (elsewhere[i].empty() && raw);
        output_.add(blob, here ? ByteView(*raw).subspan(offset, blob.length) : ByteView(elsewhere[i]));
      }
      offset += blob.length;
    }
  }
  return left;
}

}  // namespace garner::maintenance
