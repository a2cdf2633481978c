// Sees every operation that this process makes on the disk below one folder, and can have the n-th of them
// fail.
//
// The seam is the C library: interpose.cc defines its functions that change files, so calls of ours, of
// SQLite and of the C++ library all come here, and are made by syscall(2). What goes around them is not seen:
// writes through mmap. Of what garner maps for writing, the -shm file of SQLite is of no use after a crash,
// and a run's counter of bytes read is only a number for people. Owners, extended attributes and inode flags
// are not recorded either, for nothing decides by them whether a file is complete.
//
// While an operation is made and noted a lock is held, so that the trace has the order that the disk saw.
// fsync is noted and not made: what is below the folder need not outlive this machine.
//
// One recording at a time; any thread may do what is recorded.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "trace.h"

namespace garner::crash {

// How operations fail. They count from 1 as they are made: all that are recorded and, with `reads`, opening
// and reading files.
struct Fault {
  std::uint64_t at = 0;  // the first that fails; 0: none does
  int error_number = 0;
  bool stays = false;  // all that come later fail as well, of those that can for that reason
  bool reads = false;
};
struct FaultCount {
  std::uint64_t operations = 0;
  std::uint64_t failed = 0;
  std::string first_failed;  // what it was
};

// Begins to record below `folder`. Whatever is in it counts as durable.
void begin_recording(const std::string& folder);
// A promise, at this point of the trace.
void mark(const std::string& promise);
// Operations so far.
std::size_t recorded_operations();
// While recording: begins to count, and operations fail, until end_faults().
void inject(const Fault& fault);
Trace end_recording();

// Without recording: operations below `folder` are counted, and fail.
void begin_faults(const std::string& folder, const Fault& fault);
FaultCount end_faults();

}  // namespace garner::crash
