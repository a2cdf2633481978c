#include "destination/trial_transfer.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"

namespace garner::destination {

namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kTransferPiece = 1u << 20;
constexpr std::uint64_t kMost = 64u << 20;
constexpr unsigned kReaders = 4;

}  // namespace

Bytes noise_piece(std::uint64_t seed, std::uint64_t number, std::size_t size) {
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15u + number);
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + at, &value, std::min(sizeof value, size - at));
  }
  return bytes;
}

void remove_trial_file(const std::string& file) {
  for (const std::string& name : list_names(parent_path(file))) {
    if (name.starts_with(base_name(file))) remove_file(parent_path(file) + "/" + name);
  }
}

TrialTransfer::TrialTransfer(Destination& place, std::uint64_t seed, std::string file,
                             std::chrono::milliseconds shall_take)
    : place_(place), seed_(seed), file_(std::move(file)), shall_take_(shall_take) {}

TrialReport::Transfer TrialTransfer::send(const std::string& folder) {
  const TrialReport::Transfer first = send_file(kTransferPiece, folder + "first");
  // Of what a run sends, most goes in packs.
  const double seconds = std::chrono::duration<double>(shall_take_).count();
  const double pieces = first.bytes_per_second() * seconds / static_cast<double>(kTransferPiece);
  const auto bytes =
      static_cast<std::uint64_t>(std::min(pieces, static_cast<double>(kMost / kTransferPiece))) *
      kTransferPiece;
  if (bytes <= kTransferPiece) return first;
  return send_file(bytes, folder + "large");
}

TrialReport::Transfer TrialTransfer::send_file(std::uint64_t bytes, const std::string& key) {
  const auto is_staged = [&] {
    const std::optional<std::string> staging = place_.staging_folder();
    return staging && parent_path(file_) == *staging;
  };
  auto begun = steady_clock::now();
  if (is_staged()) {
    make_file(bytes, /*is_staged=*/true);
  } else {
    make_file(bytes, /*is_staged=*/false);
    begun = steady_clock::now();
  }
  place_.put_file(key, file_);
  TrialReport::Transfer transfer;
  transfer.bytes = bytes;
  transfer.took = steady_clock::now() - begun;
  sent_key_ = key;
  return transfer;
}

void TrialTransfer::make_file(std::uint64_t bytes, bool is_staged) {
  remove_trial_file(file_);  // it may be a published object, under a second name
  const Fd file = open_file(file_, O_WRONLY | O_CREAT | O_EXCL);
  for (std::uint64_t at = 0; at < bytes; at += kTransferPiece) {
    if (is_staged) place_.staged(kTransferPiece);
    write_at(file.get(), noise_piece(seed_, at / kTransferPiece, kTransferPiece), at, file_);
  }
  sync_file(file.get(), file_);
}

TrialReport::Transfer TrialTransfer::receive(const std::string& key, std::uint64_t size) {
  std::atomic<std::uint64_t> next = 0;
  std::atomic<std::uint64_t> received = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  const auto begun = steady_clock::now();
  const auto work = [&, stop = StopScope::current()] {
    const StopScope scope(stop);
    try {
      for (std::uint64_t number; (number = next++) * kTransferPiece < size;) {
        if (stop.stop_requested()) throw Error(ErrorKind::kCancelled, "the test was stopped");
        if (number > 0 && steady_clock::now() - begun > shall_take_) return;
        if (place_.get(key, number * kTransferPiece, kTransferPiece) !=
            noise_piece(seed_, number, kTransferPiece))
          throw Error(ErrorKind::kDamaged, "what is read is not what was sent");
        received += kTransferPiece;
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = size;
    }
  };
  {
    std::vector<std::jthread> readers;
    for (unsigned i = 0; i < kReaders; ++i) readers.emplace_back(in_log_context(work));
  }
  if (failure) std::rethrow_exception(failure);
  TrialReport::Transfer transfer;
  transfer.bytes = received;
  transfer.took = steady_clock::now() - begun;
  return transfer;
}

}  // namespace garner::destination
