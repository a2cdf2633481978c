// How fast a place takes and gives what does not compress: a part of a trial (trial.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "destination/destination.h"
#include "destination/trial.h"

namespace garner::destination {

// Bytes that do not compress; the same for the same numbers.
Bytes noise_piece(std::uint64_t seed, std::uint64_t number, std::size_t size);

// Removes the file and what a destination has noted beside it, under names that begin with its own.
void remove_trial_file(const std::string& file);

// One thread. First 1 MiB is sent, and where that goes fast so much more that it takes about as long as it
// shall.
class TrialTransfer {
 public:
  // `file`: the path of a file that is made, and removed again.
  TrialTransfer(Destination& place, std::uint64_t seed, std::string file,
                std::chrono::milliseconds shall_take);

  // Sends a file as a run sends a pack; keys are below `folder`. What is written into the place's own staging
  // folder is sent as it is written.
  TrialReport::Transfer send(const std::string& folder);
  // Of what was sent last.
  const std::string& sent_key() const { return sent_key_; }
  // Reads it as a restore reads a pack, or as much of it as there is time for. Error(kDamaged) where it is
  // not what was sent.
  TrialReport::Transfer receive(const std::string& key, std::uint64_t size);

 private:
  TrialReport::Transfer send_file(std::uint64_t bytes, const std::string& key);
  void make_file(std::uint64_t bytes, bool is_staged);

  Destination& place_;
  const std::uint64_t seed_;
  const std::string file_;
  const std::chrono::milliseconds shall_take_;
  std::string sent_key_;
};

}  // namespace garner::destination
