#include "maintenance/pack_output.h"

#include <utility>

namespace garner::maintenance {

struct PackOutput::Output {
  store::PackKind kind = store::PackKind::kData;
  store::FrameBuilder frame;
  std::unique_ptr<store::PackWriter> pack;
};

namespace {

store::PackContext context_of(store::Repository& repository) {
  store::PackContext context = repository.pack_context();
  if (!repository.destination().staging_folder()) context.full = ErrorKind::kStateFull;
  return context;
}

}  // namespace

PackOutput::PackOutput(store::Repository& repository, std::string prefix)
    : repository_(repository), prefix_(std::move(prefix)), context_(context_of(repository)) {
  const std::size_t target = context_.parameters.frame_target();
  outputs_[0] = std::make_unique<Output>(store::PackKind::kData, store::FrameBuilder(target), nullptr);
  outputs_[1] = std::make_unique<Output>(store::PackKind::kMetadata, store::FrameBuilder(target), nullptr);
}

PackOutput::~PackOutput() = default;

void PackOutput::add(const store::FrameBlob& blob, ByteView content) {
  Output& out = output(store::pack_kind(blob.kind));
  if (!out.frame.fits(content.size())) flush(out);
  out.frame.add(blob.id, blob.kind, content);
  if (out.frame.full()) flush(out);
}

void PackOutput::flush(Output& out) {
  if (out.frame.empty()) return;
  const auto raw_length = static_cast<std::uint32_t>(out.frame.raw().size());
  append(out.kind, codec_.encode(out.frame.raw()), raw_length, out.frame.blobs());
  out.frame = store::FrameBuilder(context_.parameters.frame_target(), out.frame.take_buffer());
}

void PackOutput::append(store::PackKind kind, ByteView encoded, std::uint32_t raw_length,
                        std::vector<store::FrameBlob> blobs) {
  Output& out = output(kind);
  if (!out.pack) {
    out.pack = std::make_unique<store::PackWriter>(prefix_ + Uuid::random().text(), context_, out.kind);
  }
  const std::uint64_t before = out.pack->frames().empty() ? 0 : out.pack->size();
  out.pack->append(encoded, raw_length, std::move(blobs));
  repository_.destination().staged(out.pack->size() - before);
  if (out.pack->size() >= context_.parameters.pack_target()) close(out);
}

void PackOutput::close(Output& out) {
  if (!out.pack) return;
  paths_.push_back(out.pack->path());
  const std::uint64_t before = out.pack->size();
  finished_.push_back(out.pack->finish());
  repository_.destination().staged(finished_.back().size - before);
  out.pack.reset();
}

std::vector<store::FinishedPack> PackOutput::finish() {
  for (const auto& output : outputs_) {
    flush(*output);
    close(*output);
  }
  for (std::size_t i = 0; i < finished_.size(); ++i) {
    repository_.publish(finished_[i], paths_[i]);
  }
  paths_.clear();
  return std::exchange(finished_, {});
}

}  // namespace garner::maintenance
