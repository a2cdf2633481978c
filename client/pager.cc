#include "pager.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "text.h"

namespace garner::client {
namespace {

// As git has it: it ends by itself where all fits, shows colours, and leaves the text on the screen.
constexpr const char* kLess = "LESS=FRX";
constexpr const char* kUsual = "if command -v less >/dev/null; then exec less; else exec cat; fi";
constexpr int kNotExecutable = 126;  // of sh
constexpr int kNotFound = 127;

std::vector<char*> pager_environment() {
  std::vector<char*> all;
  bool has_less = false;
  for (char** one = environ; *one != nullptr; ++one) {
    has_less = has_less || std::string_view(*one).starts_with("LESS=");
    all.push_back(*one);
  }
  if (!has_less) all.push_back(const_cast<char*>(kLess));
  all.push_back(nullptr);
  return all;
}

// -1 where it cannot be started.
pid_t spawn(const std::string& command, int input) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int number : {SIGINT, SIGQUIT, SIGPIPE}) sigaddset(&defaults, number);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

  std::string shell = "sh";
  std::string option = "-c";
  std::string text = command;
  char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
  std::vector<char*> environment = pager_environment();
  pid_t process = -1;
  const int error = posix_spawn(&process, "/bin/sh", &files, &attributes, arguments, environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error == 0 ? process : -1;
}

}  // namespace

std::optional<std::string> choose_pager(const Variable& variable) {
  const char* command = variable("GARNER_PAGER");
  if (command == nullptr) command = variable("PAGER");
  if (command == nullptr) return kUsual;
  const std::string_view text = command;
  if (text.find_first_not_of(" \t") == std::string_view::npos || text == "cat") return std::nullopt;
  return std::string(text);
}

void Pager::print(std::string_view text) {
  if (is_decided_) {
    write(text);
    return;
  }
  held_ += text;
  lines_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  // The line of the prompt is one more.
  if (lines_ < rows_) return;
  start();
  write(std::exchange(held_, {}));
}

void Pager::start() {
  is_decided_ = true;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  std::fflush(stdout);
  process_ = spawn(command_, ends[0]);
  close(ends[0]);
  if (process_ < 0) {
    close(ends[1]);
    return;
  }
  pipe_ = ends[1];
  // Keys are the pager's; this program goes on until it ends.
  struct sigaction ignored {};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignored, &interrupt_);
  sigaction(SIGQUIT, &ignored, &quit_);
  sigaction(SIGPIPE, &ignored, &broken_pipe_);
  stop_ = eventfd(0, EFD_CLOEXEC);
  if (stop_ >= 0) watch_ = std::thread([this] { watch(); });
}

// What comes next may take minutes to be found: who writes only then notices too late that nobody reads it.
void Pager::watch() {
  std::array<pollfd, 2> waited{pollfd{pipe_, 0, 0}, pollfd{stop_, POLLIN, 0}};
  while (poll(waited.data(), waited.size(), -1) < 0 && errno == EINTR) {
  }
  if ((waited[0].revents & POLLERR) == 0) return;
  {
    const std::lock_guard lock(mutex_);
    is_read_ = false;
    if (when_unread_) when_unread_();
  }
  // It may read no more, and still take keys.
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  give_keys_back();
}

void Pager::when_unread(std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  when_unread_ = std::move(action);
  if (when_unread_ && !is_read_) when_unread_();
}

void Pager::give_keys_back() const {
  sigaction(SIGINT, &interrupt_, nullptr);
  sigaction(SIGQUIT, &quit_, nullptr);
}

void Pager::write(std::string_view text) {
  if (pipe_ < 0) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  while (is_read_ && !text.empty()) {
    const ssize_t written = ::write(pipe_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      is_read_ = false;
    }
  }
}

Pager::~Pager() {
  if (!is_decided_) std::fwrite(held_.data(), 1, held_.size(), stdout);
  if (pipe_ >= 0) wait();
  std::fflush(stdout);
  std::fwrite(notes_.data(), 1, notes_.size(), stderr);
}

void Pager::wait() {
  // First: while it is waited for, the pipe is not closed.
  if (watch_.joinable()) {
    eventfd_write(stop_, 1);
    watch_.join();
  }
  if (stop_ >= 0) close(stop_);
  close(pipe_);
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  give_keys_back();
  sigaction(SIGPIPE, &broken_pipe_, nullptr);
  if (WIFEXITED(status) && (WEXITSTATUS(status) == kNotFound || WEXITSTATUS(status) == kNotExecutable))
    note("garner: the pager " + printable(command_) +
         " cannot be run: set GARNER_PAGER, or give --no-pager.");
}

}  // namespace garner::client
