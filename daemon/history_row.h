// The snapshots of one history that somebody asks about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catalog/history/history.h"
#include "snapshots.h"

namespace garner::daemon {

// From the oldest to the newest, and their numbers in the history.
struct HistoryRow {
  struct Place {
    // Below 0: nothing of it could be read, and no span has it.
    std::int64_t number = 0;
    const SnapshotCopies* snapshot = nullptr;  // in the SnapshotHistory that was given
    const SnapshotCopy* copy = nullptr;        // the nearest that has the history's names
  };
  std::string set;  // its host and name, for people
  std::shared_ptr<catalog::History> history;
  std::vector<Place> places;          // each snapshot that is wanted, once over all rows
  std::vector<std::int64_t> numbers;  // the same numbers, ascending
  std::vector<std::size_t> order;     // of each of the numbers, its place
  // What could not be read of them when they were read in.
  struct Gap {
    std::int64_t number = 0;
    std::string path;
    std::string message;
    bool is_folder = true;  // or a file of which all but a part of its content is known
  };
  std::vector<Gap> gaps;

  // Fills `numbers` and `order` by `places`.
  void arrange();

  // Those in the span.
  std::span<const std::int64_t> in(catalog::Span span) const;
  // How many of `places` are in the span.
  std::uint64_t count(catalog::Span span) const;
  // One of `numbers`.
  const Place& at(std::int64_t number) const;

  // The oldest and the newest of those in the span, as places, and how many they are; nothing where none is.
  struct Reach {
    std::size_t first = 0;
    std::size_t last = 0;
    std::uint64_t count = 0;
  };
  std::optional<Reach> reach(catalog::Span span) const;

 private:
  // Positions in `numbers`; the second is behind the last.
  std::pair<std::size_t, std::size_t> within(catalog::Span span) const;
};

}  // namespace garner::daemon
