#include "mount/serve.h"

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>

#include "failure.h"
#include "text.h"

namespace garner::client::mount {
namespace {

// They start on demand, one for each program that waits for an answer of the daemon. While all of them wait
// nobody hears what else is asked, nor that somebody waits no longer: so there are more than programs are
// likely to wait.
constexpr unsigned kMostThreads = 1'000;
constexpr int kKnock = 50;               // ms
constexpr int kMostKeptBlock = 8 << 20;  // bytes, of memory that is not given back at once

using SessionHandle = std::unique_ptr<fuse_session, decltype(&fuse_session_destroy)>;
using ConfigHandle = std::unique_ptr<fuse_loop_config, decltype(&fuse_loop_cfg_destroy)>;

struct Unmount {
  ~Unmount() { fuse_session_unmount(session); }
  fuse_session* session;
};

// Made before anything is mounted: a thread that waits for one that could not be made would never end.
class Event {
 public:
  Event() : descriptor_(eventfd(0, EFD_CLOEXEC)) {
    if (descriptor_ < 0)
      throw Failure(kExitFailed,
                    std::string("nothing is mounted: no event can be made: ") + std::strerror(errno));
  }
  ~Event() { close(descriptor_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set() const { eventfd_write(descriptor_, 1); }
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

// Ends the loop of this thread when the interrupt comes. libfuse's loop sees that it is to end when a signal
// wakes it, and then waits for answers that are under way: these are ended, too.
class Stopper {
 public:
  // `over` is its own.
  Stopper(fuse_session* session, DaemonLink& link, Interrupt& interrupt, const Event& over)
      : session_(session), link_(link), interrupt_(interrupt), over_(over) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, nullptr);
    thread_ = std::thread([this] { watch(); });
  }
  ~Stopper() {
    over_.set();
    thread_.join();
  }
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

 private:
  void watch() {
    // The last: of the kernel, that nothing is mounted any more. Who reads ahead then waits for the daemon.
    pollfd waited[3] = {{over_.descriptor(), POLLIN, 0},
                        {interrupt_.descriptor(), POLLIN, 0},
                        {fuse_session_fd(session_), 0, 0}};
    while (poll(waited, 3, -1) < 0) {
    }
    if (waited[0].revents != 0) return;
    link_.stop();
    fuse_session_exit(session_);
    // Again and again: one may come just before the loop begins to wait.
    do {
      pthread_kill(loop_, SIGUSR1);
    } while (poll(waited, 1, kKnock) <= 0);
  }

  fuse_session* const session_;
  DaemonLink& link_;
  Interrupt& interrupt_;
  const Event& over_;
  const pthread_t loop_ = pthread_self();
  std::thread thread_;
};

SessionHandle make_session(FileSystem& file_system, bool for_others) {
  std::string program = "garner";
  std::string option = "-o";
  std::string options = "ro,nosuid,nodev,noatime,fsname=garner,subtype=garner";
  if (for_others) options += ",allow_other,default_permissions";
  char* words[] = {program.data(), option.data(), options.data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(3, words);
  SessionHandle session(
      fuse_session_new(&arguments, &FileSystem::operations(), sizeof(fuse_lowlevel_ops), &file_system),
      &fuse_session_destroy);
  fuse_opt_free_args(&arguments);
  return session;
}

}  // namespace

void serve(const std::string& folder, FileSystem& file_system, bool for_others, DaemonLink& link,
           Interrupt& interrupt, const std::function<void()>& mounted) {
  // A line for which nobody is there any more must not leave a mount behind that nobody serves.
  std::signal(SIGPIPE, SIG_IGN);
  // Blocks of content come and go: not fresh from the kernel, which clears them, each time.
  mallopt(M_MMAP_THRESHOLD, kMostKeptBlock);
  mallopt(M_TRIM_THRESHOLD, 2 * kMostKeptBlock);
  const Event over;
  const SessionHandle session = make_session(file_system, for_others);
  if (!session || fuse_session_mount(session.get(), folder.c_str()) != 0) {
    throw Failure(kExitFailed, "nothing can be mounted at " + printable(folder),
                  "It takes /dev/fuse and, if you are not root, the package fuse3" +
                      std::string(for_others ? " and the line user_allow_other in /etc/fuse.conf." : "."));
  }
  const Unmount unmount{session.get()};
  mounted();
  const ConfigHandle config(fuse_loop_cfg_create(), &fuse_loop_cfg_destroy);
  fuse_loop_cfg_set_max_threads(config.get(), kMostThreads);
  int result = 0;
  {
    const Stopper stopper(session.get(), link, interrupt, over);
    result = fuse_session_loop_mt(session.get(), config.get());
  }
  if (result < 0) throw Failure(kExitFailed, "the mount has ended: " + std::string(std::strerror(-result)));
}

}  // namespace garner::client::mount
