// The states that a disk may be in after the power failed at one point of a trace.
//
// The file system that is assumed is as weak as POSIX lets it be, and weaker than those that are in use:
//
//   - What was written to a file, and what size it was given, is durable after fsync or fdatasync of that
//     file, or syncfs. Until then each write may be kept, lost, or torn: some of its 512-byte sectors kept,
//     or its beginning, or its end, cut anywhere. Writes are kept independently of each other, so later ones
//     may be there and earlier ones not. Where a write that made the file longer is lost, the file may be as
//     long all the same, with zeros.
//   - Modes and times are durable after fsync of their file, or syncfs. Until then a beginning of their
//     changes is kept, whether the content is or not.
//   - Names (created, linked, renamed, removed) are durable after fsync of a folder they are in, or syncfs:
//     fsync of a file does nothing for its name. Until then there are two kinds of disk. A journaled one has
//     kept a beginning of all changes of names, in their order. A weaker one has kept any of them, as long as
//     those of one name are a beginning of what happened to it; a rename is kept whole or not at all.
//   - A sync covers what was over when it was called. One that failed told so once: what it should have
//     covered of a file's content no later one makes durable.
//
// Or only the process died, and all is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "trace.h"

namespace garner::crash {

// What the disk is taken to do otherwise than it does, for the explorer's own test: a sync for which this is
// true has no effect. `path`: of the file or folder.
using IgnoredSync = std::function<bool(const Trace& trace, const Operation& sync)>;

class CrashState {
 public:
  // The state is told by the point, the number of operations that were made, and the seed.
  CrashState(const Trace& trace, std::size_t point, std::uint64_t seed, const IgnoredSync& ignored = {});

  const Image& image() const { return image_; }
  // What was done and what became of it, a line each, for people.
  std::string story() const;

 private:
  enum class Fate : std::uint8_t { kDurable, kKept, kTorn, kLost, kNone };

  void find_durable(const IgnoredSync& ignored);
  void choose_names();
  void choose_journaled();
  void choose_weak();
  void choose_content();
  void choose_attributes();
  void apply();
  void apply_write(const Operation& operation, Fate fate, Bytes& content);
  bool is_name(std::size_t at) const;
  bool chance(double probability) { return std::uniform_real_distribution<>()(random_) < probability; }
  std::size_t below(std::size_t bound) { return random_() % bound; }

  const Trace& trace_;
  const std::size_t point_;
  std::mt19937_64 random_;
  double kept_ = 0;  // how likely it is that what is not durable was kept
  std::vector<Fate> fates_;
  Image image_;
};

}  // namespace garner::crash
