// What the process asks of the kernel and the C library before it does anything.
#pragma once

namespace garner::daemon {

// Keys are in memory: no core dumps. As many descriptors as are allowed. An allocator that gives memory back.
// A write to a connection that is gone is an error, not a signal.
void set_up_process();

}  // namespace garner::daemon
