#include "command/command.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "command/identity.h"

namespace garner::command {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{200};  // between two looks at `stop`
// From SIGTERM to SIGKILL: a time limit may leave more than the end of the daemon, which takes five seconds.
constexpr std::chrono::seconds kGrace{10};
constexpr std::chrono::seconds kGraceWhenStopped{2};
// What a kernel that hangs does not end by SIGKILL is left behind.
constexpr std::chrono::seconds kKillPatience{5};
constexpr int kPipeSize = 1 << 20;
constexpr int kReadsAtATime = 16;
constexpr int kMostDescriptors = 1 << 16;  // where close_range(2) is missing
constexpr int kSignals = 32;

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw system_error(errno, "making a pipe for a command", ErrorKind::kUnavailable);
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return pipe;
}

// A file in memory: unlike a pipe it takes everything at once, and nobody has to feed it.
Fd open_input(const std::string& content) {
  if (content.empty()) return open_file("/dev/null", O_RDONLY);
  Fd file(memfd_create("input", MFD_CLOEXEC));
  if (!file.valid()) throw system_error(errno, "holding the input of a command", ErrorKind::kUnavailable);
  write_at(file.get(), as_bytes(content), 0, "the input of a command");
  return file;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

[[noreturn]] void give_up(const char* message, int code) {
  [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, message, std::strlen(message));
  _exit(code);
}

// No signal reaches this thread meanwhile, nor a child that it forks: what comes waits.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// Made before fork(), after which little is safe.
struct Child {
  const char* command;
  char* const* environment;
  const Identity* identity;
  int input;
  int output;
  int errors;
  pid_t parent;
};

// Signals are held until none has a handler of the daemon's, which would act in the daemon's name: one that
// writes to a pipe does so to the daemon's own.
[[noreturn]] void become(const Child& child) {
  setpgid(0, 0);
  for (int number = 1; number < kSignals; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(child.input, STDIN_FILENO);
  dup2(child.output, STDOUT_FILENO);
  dup2(child.errors, STDERR_FILENO);
  if (close_range(STDERR_FILENO + 1, ~0u, 0) != 0) {
    for (int fd = STDERR_FILENO + 1; fd < kMostDescriptors; ++fd) close(fd);
  }
  const Identity& identity = *child.identity;
  if (identity.is_other && (setgroups(identity.groups.size(), identity.groups.data()) != 0 ||
                            setgid(identity.group) != 0 || setuid(identity.user) != 0)) {
    give_up("garner: this command's user cannot be become\n", 126);
  }
  // After the change of user, which forgets it.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != child.parent) _exit(126);
  if (chdir("/") != 0) _exit(126);
  std::array<const char*, 4> arguments{"sh", "-c", child.command, nullptr};
  execve("/bin/sh", const_cast<char* const*>(arguments.data()), child.environment);
  give_up("garner: /bin/sh cannot be started\n", 127);
}

std::size_t left_in(const Fd& pipe) {
  int count = 0;
  if (!pipe.valid() || ioctl(pipe.get(), FIONREAD, &count) != 0 || count < 0) return 0;
  return static_cast<std::size_t>(count);
}

std::string time_text(std::chrono::milliseconds time) {
  const auto seconds = time.count() / 1000;
  if (seconds > 0 && seconds % 3600 == 0) return std::to_string(seconds / 3600) + "h";
  if (seconds > 0 && seconds % 60 == 0) return std::to_string(seconds / 60) + "m";
  if (seconds > 0) return std::to_string(seconds) + "s";
  return std::to_string(time.count()) + "ms";
}

}  // namespace

std::string describe(const Ending& ending, std::chrono::milliseconds limit) {
  switch (ending.reason) {
    case Ending::Reason::kExited:
      return "ended with exit code " + std::to_string(ending.number);
    case Ending::Reason::kKilled: {
      const char* name = sigdescr_np(ending.number);
      return "was killed by signal " + std::to_string(ending.number) +
             (name != nullptr ? std::string(" (") + name + ")" : std::string());
    }
    case Ending::Reason::kTimeLimit:
      return "did not end within " + time_text(limit) + " and was stopped";
    case Ending::Reason::kStopped:
      return "was stopped";
  }
  return "ended";
}

Command::Command(const Request& request, Output output, LineSink lines, std::function<bool()> stop)
    : lines_(std::move(lines)), stop_(std::move(stop)), until_(steady_clock::now() + request.limit) {
  start(request, output);
}

Command::~Command() {
  if (child_ < 0) return;
  try {
    if (!early_ && !has_ended()) end_early(Ending::Reason::kStopped);
    wait();
  } catch (const std::exception& error) {
    spdlog::error("ending a command: {}", error.what());
  }
}

void Command::start(const Request& request, Output output) {
  const Identity identity = identity_of(request.user);
  group_ = identity.group;
  std::vector<std::string> environment = environment_of(identity);
  environment.insert(environment.end(), request.variables.begin(), request.variables.end());
  const std::vector<char*> variables = pointers(environment);
  Pipe log = make_pipe();
  Pipe data;
  if (output == Output::kRead) {
    data = make_pipe();
    fcntl(data.read.get(), F_SETPIPE_SZ, kPipeSize);
  }
  const Fd input = open_input(request.input);
  const Child child{request.command.c_str(),
                    variables.data(),
                    &identity,
                    input.get(),
                    data.write.valid() ? data.write.get() : log.write.get(),
                    log.write.get(),
                    getpid()};
  {
    const SignalsHeld held;
    child_ = fork();
    if (child_ == 0) become(child);
  }
  if (child_ < 0) throw system_error(errno, "starting a command", ErrorKind::kUnavailable);
  // Here and there: neither may be too late.
  setpgid(child_, child_);
  ended_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, child_, 0)));
  log_ = std::move(log.read);
  data_ = std::move(data.read);
}

bool Command::has_ended() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == child_;
}

void Command::wait_for_anything(std::chrono::milliseconds time) const {
  std::array<pollfd, 3> waited{pollfd{ended_.get(), POLLIN, 0}, pollfd{log_.get(), POLLIN, 0},
                               pollfd{data_.get(), POLLIN, 0}};
  poll(waited.data(), waited.size(), static_cast<int>(time.count()));
}

void Command::take_lines() {
  std::array<std::uint8_t, 65536> buffer;
  for (int i = 0; i < kReadsAtATime && log_.valid(); ++i) {
    const std::size_t wanted = is_over_ ? std::min(buffer.size(), log_left_) : buffer.size();
    if (wanted == 0) return;
    const ssize_t got = ::read(log_.get(), buffer.data(), wanted);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      log_left_ = 0;
      if (got == 0) log_.reset();
      return;
    }
    lines_.add({buffer.data(), static_cast<std::size_t>(got)});
    if (is_over_) log_left_ -= static_cast<std::size_t>(got);
  }
}

bool Command::is_due_to_end() {
  if (early_) return true;
  if (stop_()) {
    end_early(Ending::Reason::kStopped);
  } else if (steady_clock::now() >= until_) {
    end_early(Ending::Reason::kTimeLimit);
  }
  return early_.has_value();
}

void Command::end_early(Ending::Reason reason) {
  early_ = reason;
  const Time begun = steady_clock::now();
  // Fails where all of it has become another user's, and this process may not signal those.
  const bool heard = kill(-child_, SIGTERM) == 0;
  // A command that is writing is not held up in dying.
  data_.reset();
  while (heard) {
    const bool hurry = reason == Ending::Reason::kStopped || stop_();
    if (has_ended() || steady_clock::now() - begun >= (hurry ? kGraceWhenStopped : kGrace)) break;
    wait_for_anything(kTick);
    take_lines();
  }
  kill(-child_, SIGKILL);
}

void Command::note_end() {
  if (is_over_) return;
  data_left_ = left_in(data_);
  log_left_ = left_in(log_);
  is_over_ = true;
  // As long as it is not waited for, no other group can have its number.
  kill(-child_, SIGKILL);
}

std::size_t Command::read(MutableByteView buffer) {
  while (data_.valid() && !is_due_to_end()) {
    if (has_ended()) note_end();
    const std::size_t wanted = is_over_ ? std::min(buffer.size(), data_left_) : buffer.size();
    if (wanted == 0) break;
    if (!is_over_) wait_for_anything(kTick);
    take_lines();
    const ssize_t got = ::read(data_.get(), buffer.data(), wanted);
    if (got > 0) {
      if (is_over_) data_left_ -= static_cast<std::size_t>(got);
      return static_cast<std::size_t>(got);
    }
    if (got == 0) break;
    if (errno != EAGAIN && errno != EINTR)
      throw system_error(errno, "reading the output of a command", ErrorKind::kReadFailed);
  }
  data_.reset();
  return 0;
}

Ending Command::wait() {
  data_.reset();
  std::optional<Time> give_up_at;
  while (!has_ended()) {
    if (is_due_to_end() && !give_up_at) give_up_at = steady_clock::now() + kKillPatience;
    if (give_up_at && steady_clock::now() >= *give_up_at) {
      spdlog::warn("process {} of a command does not die; it is left behind", child_);
      child_ = -1;
      return {*early_, 0};
    }
    wait_for_anything(kTick);
    take_lines();
  }
  note_end();
  while (log_.valid() && log_left_ > 0) take_lines();
  lines_.finish();
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  if (early_) return {*early_, 0};
  if (WIFSIGNALED(status)) return {Ending::Reason::kKilled, WTERMSIG(status)};
  return {Ending::Reason::kExited, WEXITSTATUS(status)};
}

}  // namespace garner::command
