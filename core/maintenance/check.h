// check: is everything there that the state says, and does it say what its ids say? Reads nothing but
// metadata unless asked to read data.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "crypto/blob_id.h"
#include "maintenance/rotation.h"
#include "store/repository.h"

namespace garner::maintenance {

// What each thread may take, in bytes: a frame as it is stored and as it was, and what these are read
// through.
inline constexpr std::size_t kCheckMemoryPerThread = 12u << 20;

struct CheckOptions {
  double read_data_percent = 0;  // 0 to 100: share of the data packs that is read whole and verified
  // Instead of a share: chooses of the packs that are there, those of metadata as well, which are read whole,
  // and in which order.
  std::function<std::vector<store::ObjectName>(const std::vector<PackSize>&)> choose;
  unsigned threads = 0;
};

struct CheckProgress {
  std::uint64_t packs = 0;  // seen so far
  std::uint64_t total_packs = 0;
  std::uint64_t blobs = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t problem_count = 0;
  std::string stage;
};

class CheckMonitor {
 public:
  virtual ~CheckMonitor() = default;
  virtual void progressed(const CheckProgress& progress) = 0;  // any thread
  // One line for people: what is damaged or missing, and the files and snapshots that it touches as far as
  // known.
  // Any thread, one at a time.
  virtual void problem(const std::string& line) = 0;
  // What is known from elsewhere of a folder whose content is lost in that snapshot, for the end of the line
  // about it; empty: nothing. One thread at a time.
  virtual std::string known_of_folder(const std::string& /*path*/, const crypto::BlobId& /*snapshot*/) {
    return {};
  }
  // A pack was read whole; `sound`: all of it is what it should be. Any thread.
  virtual void read_whole(const PackSize& /*pack*/, bool /*sound*/) {}
};

CheckProgress run_check(store::Repository& repository, const CheckOptions& options, CheckMonitor& monitor,
                        std::stop_token stop);

}  // namespace garner::maintenance
