#include "store/pack_directory.h"

#include <google/protobuf/io/coded_stream.h>

#include <limits>

#include "base/error.h"

namespace garner::store {
namespace {

using google::protobuf::io::CodedInputStream;

constexpr std::uint32_t kFrameTag = (v1::PackDirectory::kFramesFieldNumber << 3) | 2;  // length-delimited

constexpr std::uint64_t kFarthest = std::numeric_limits<std::int64_t>::max();  // a file's last offset

[[noreturn]] void damaged_directory(const std::string& what) {
  throw Error(ErrorKind::kDamaged, "pack directory: " + what);
}

void append_message(Bytes& out, const google::protobuf::MessageLite& message) {
  std::size_t old = out.size();
  out.resize(old + message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(out.data() + old);
}

PackedFrame to_frame(const v1::PackFrame& message) {
  PackedFrame frame;
  frame.offset = message.offset();
  frame.stored_length = message.stored_length();
  frame.raw_length = message.raw_length();
  frame.blobs.reserve(static_cast<std::size_t>(message.blobs_size()));
  for (const v1::PackBlob& blob : message.blobs()) {
    if (blob.kind() < 1 || blob.kind() > 4)
      damaged_directory("a blob of unknown kind " + std::to_string(blob.kind()));
    frame.blobs.push_back({crypto::BlobId::from_bytes(as_bytes(blob.id())),
                           static_cast<crypto::BlobKind>(blob.kind()), blob.length()});
  }
  return frame;
}

}  // namespace

std::string flaw_of(const PackedFrame& frame, PackKind kind, std::uint64_t offset) {
  if (frame.offset != offset) return "is not where the one before ends";
  if (frame.stored_length < kFrameHeader + crypto::kSealOverhead ||
      frame.stored_length > kMaximumSealedFrame) {
    return "has a stored length of " + std::to_string(frame.stored_length);
  }
  if (offset > kFarthest - frame.stored_length) return "is too far out";
  if (frame.raw_length > kMaximumFrame) return "has a raw length of " + std::to_string(frame.raw_length);
  if (frame.blobs.empty()) return "holds no blob";
  std::uint64_t length = 0;
  for (const FrameBlob& blob : frame.blobs) {
    if (pack_kind(blob.kind) != kind) return "holds a blob of another kind of pack";
    length += blob.length;
  }
  if (length != frame.raw_length) return "is not as long as its blobs";
  return {};
}

Bytes serialize_directory(const std::vector<PackedFrame>& frames, const PackContext& context) {
  Bytes out;
  std::uint64_t bound = kDirectoryRest;
  for (const PackedFrame& frame : frames) bound += directory_bytes(frame);
  out.reserve(bound);
  // Messages serialized one after the other are a message that has the fields of all; the order stays
  // canonical.
  v1::PackDirectory one;
  v1::PackFrame* message = one.add_frames();
  for (const PackedFrame& frame : frames) {
    message->Clear();
    message->set_offset(frame.offset);
    message->set_stored_length(frame.stored_length);
    message->set_raw_length(frame.raw_length);
    for (const FrameBlob& blob : frame.blobs) {
      v1::PackBlob* entry = message->add_blobs();
      entry->set_id(blob.id.value.data(), blob.id.value.size());
      entry->set_kind(static_cast<std::uint32_t>(blob.kind));
      entry->set_length(blob.length);
    }
    append_message(out, one);
  }
  v1::PackDirectory rest;
  *rest.mutable_parameters() = context.parameters;
  rest.set_log_uuid(context.log_uuid.value.data(), context.log_uuid.value.size());
  rest.set_generation(context.generation);
  append_message(out, rest);
  return out;
}

// A blob: 2 + 34 id + 2 kind + 6 length; a frame: 6 + 11 offset + 6 stored + 6 raw.
std::uint64_t directory_bytes(const PackedFrame& frame) { return 29 + 44 * frame.blobs.size(); }

PackReader::Directory parse_directory(ByteView bytes, PackKind kind, std::uint64_t begin, std::uint64_t end) {
  if (bytes.size() > kMaximumPackDirectory)
    damaged_directory("has " + std::to_string(bytes.size()) + " bytes");
  PackReader::Directory directory;
  std::uint64_t offset = begin;
  v1::PackFrame message;
  while (true) {
    CodedInputStream input(bytes.data(), static_cast<int>(bytes.size()));
    if (input.ReadTag() != kFrameTag) break;
    std::uint32_t length = 0;
    if (!input.ReadVarint32(&length)) damaged_directory("a frame's length is cut off");
    std::size_t position = static_cast<std::size_t>(input.CurrentPosition());
    if (length > bytes.size() - position ||
        !message.ParseFromArray(bytes.data() + position, static_cast<int>(length))) {
      damaged_directory("a frame cannot be parsed");
    }
    bytes = bytes.subspan(position + length);
    PackedFrame frame = to_frame(message);
    if (std::string flaw = flaw_of(frame, kind, offset); !flaw.empty()) {
      damaged_directory("the frame at offset " + std::to_string(frame.offset) + " " + flaw);
    }
    offset += frame.stored_length;
    directory.frames.push_back(std::move(frame));
  }
  if (directory.frames.empty() || offset != end) damaged_directory("its frames do not fill the pack");
  v1::PackDirectory rest;
  if (!rest.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || rest.frames_size() != 0) {
    damaged_directory("cannot be parsed");
  }
  directory.parameters = rest.parameters();
  directory.log_uuid = Uuid::from_bytes(as_bytes(rest.log_uuid()));
  directory.generation = rest.generation();
  return directory;
}

}  // namespace garner::store
