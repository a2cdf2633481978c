#include "unified_diff.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "failure.h"
#include "text.h"

namespace garner::client {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  void close() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

[[noreturn]] void fail(const std::string& what, int error) {
  throw Failure(kExitFailed, "diff: " + what + ": " + std::strerror(error));
}

// A file in memory that a child process inherits.
void fill(const Descriptor& file, const std::string& content) {
  if (file.get() < 0) fail("memory for a version", errno);
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t written = write(file.get(), content.data() + at, content.size() - at);
    if (written < 0 && errno != EINTR) fail("memory for a version", errno);
    if (written > 0) at += static_cast<std::size_t>(written);
  }
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = read(descriptor, buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) fail("its output", errno);
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

pid_t start(std::array<char*, 9>& arguments, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t child = -1;
  const int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    throw Failure(kExitFailed, "there is no program \"diff\" here",
                  "Install diffutils, or restore both versions and compare them.");
  }
  if (error != 0) fail("it does not start", error);
  return child;
}

}  // namespace

bool is_binary(const std::string& content) { return content.find('\0') != std::string::npos; }

std::string unified_diff(const DiffSide& before, const DiffSide& after) {
  const Descriptor first(memfd_create("before", 0));
  fill(first, before.content);
  const Descriptor second(memfd_create("after", 0));
  fill(second, after.content);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("a pipe", errno);
  const Descriptor output(ends[0]);
  Descriptor input(ends[1]);

  std::array<std::string, 8> words{"diff",
                                   "-u",
                                   "--label",
                                   before.label,
                                   "--label",
                                   after.label,
                                   "/proc/self/fd/" + std::to_string(first.get()),
                                   "/proc/self/fd/" + std::to_string(second.get())};
  std::array<char*, 9> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  const pid_t child = start(arguments, input.get());
  input.close();
  std::string text = read_all(output.get());
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail("its end", errno);
  }
  // 1: they differ.
  if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
    throw Failure(kExitFailed, "diff could not compare the versions");
  return text;
}

std::string for_terminal(const std::string& text) {
  std::string safe;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\n\t", begin), text.size());
    safe += printable(std::string_view(text).substr(begin, end - begin));
    if (end < text.size()) safe += text[end];
    begin = end + 1;
  }
  return safe;
}

}  // namespace garner::client
