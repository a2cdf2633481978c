// Ctrl-C as something to wait for: while it lives, SIGINT does not end the process, it makes descriptor()
// readable. Made before gRPC's threads are, which inherit it. Where SIGINT was ignored already (in the
// background of a script) it stays so. The same for other signals that mean an end.
#pragma once

#include <csignal>
#include <initializer_list>

namespace garner::client {

class Interrupt {
 public:
  explicit Interrupt(std::initializer_list<int> signals = {SIGINT});
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  int descriptor() const { return descriptor_; }  // -1 when there is nothing to wait for
  // Takes one that has come; false when none has.
  bool take();

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

}  // namespace garner::client
