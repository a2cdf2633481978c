// How often a run saves its progress, and commits what it has stored, and how far it reads ahead of that: why
// so, says docs/architecture.md. A run over a source of a few hundred KiB, as tests of crashes have it, goes
// by smaller ones.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace garner::backup {

struct CheckpointPace {
  // A checkpoint falls due after so many bytes of source read, or so much time.
  std::uint64_t bytes = std::uint64_t{64} << 20;
  std::chrono::seconds time{10};
  // Bytes of source read beyond the last checkpoint, at most; what the threads may have read of files that no
  // checkpoint can record yet is part of it (kUnrecordedPerThread), and a checkpoint's own bytes are allowed.
  std::uint64_t most_unsaved = std::uint64_t{256} << 20;
  // Files above this are recorded while they are being read.
  std::uint64_t recorded_in_progress = std::uint64_t{1} << 20;
  // A run commits its packs under an unfinished root when so much is pending.
  std::uint64_t commit_bytes = std::uint64_t{10} << 30;
  std::chrono::minutes commit_time{60};
  std::size_t commit_blobs = 100'000;
};

}  // namespace garner::backup
