#include "interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace garner::client {

Interrupt::Interrupt() {
  sigset_t set{};
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  struct sigaction action {};
  const bool ignored = sigaction(SIGINT, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
  if (ignored) {
    pthread_sigmask(SIG_SETMASK, nullptr, &before_);
    return;
  }
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  descriptor_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

Interrupt::~Interrupt() {
  // One that came too late has nothing to interrupt any more.
  while (take()) {
  }
  if (descriptor_ >= 0) close(descriptor_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupt::take() {
  signalfd_siginfo info{};
  return descriptor_ >= 0 && read(descriptor_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info));
}

}  // namespace garner::client
