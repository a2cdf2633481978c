#include "background.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"

namespace garner::daemon {

namespace {

constexpr char kReady = '+';

// Of the parent: everything that comes through the pipe until the child closes it, or ends.
std::string read_all(int fd) {
  std::string text;
  std::array<char, 512> buffer{};
  for (;;) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the parent is gone: nobody is left to tell
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

Background Background::enter() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error(errno, "making a pipe", ErrorKind::kUnavailable);
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  const pid_t child = fork();
  if (child < 0) throw system_error(errno, "starting a process", ErrorKind::kUnavailable);
  if (child == 0) {
    setsid();
    return Background(std::move(writing));
  }
  writing.reset();
  const std::string told = read_all(reading.get());
  if (told == std::string(1, kReady)) std::_Exit(0);
  std::fprintf(stderr, "garnerd: %s\n", told.empty() ? "it ended before it was ready" : told.c_str());
  std::_Exit(1);
}

void Background::ready() {
  const Fd nothing = open_file("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing.get(), fd);
  if (chdir("/") != 0) throw system_error(errno, "leaving the working folder");
  write_all(pipe_.get(), std::string(1, kReady));
  pipe_.reset();
}

void Background::failed(const std::string& message) {
  write_all(pipe_.get(), message);
  pipe_.reset();
}

}  // namespace garner::daemon
