#include "child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/file.h"

namespace garner::daemon {

namespace {

// A stop is noticed within this time.
constexpr std::chrono::milliseconds kGlance{200};
// What the child's group wrote before it ended is read for so long at most.
constexpr std::chrono::milliseconds kLastWords{500};

// A user as the system's database has it; made before fork(), after which little is safe.
struct Account {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  std::string name;
  std::string home;
  std::string shell;
};

std::optional<Account> find_account(uid_t user) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(1u << 16);
  if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  Account account{user, entry.pw_gid, std::vector<gid_t>(1024), entry.pw_name, entry.pw_dir, entry.pw_shell};
  int count = static_cast<int>(account.groups.size());
  if (getgrouplist(entry.pw_name, entry.pw_gid, account.groups.data(), &count) < 0) return std::nullopt;
  account.groups.resize(static_cast<std::size_t>(count));
  return account;
}

struct Pipe {
  Fd reading;
  Fd writing;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error(errno, "making a pipe", ErrorKind::kUnavailable);
  return {Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

// In the child: only what is safe after fork() in a process with threads.
[[noreturn]] void become(char* const* arguments, char* const* environment, const Account* account, int input,
                         int output) {
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (account != nullptr && (setgroups(account->groups.size(), account->groups.data()) != 0 ||
                             setgid(account->group) != 0 || setuid(account->user) != 0)) {
    _exit(126);
  }
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (chdir("/") != 0) _exit(126);
  close_range(3, ~0u, 0);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

// Feeds and reads a child until it has ended.
class Conversation {
 public:
  Conversation(const ChildProcess& child, pid_t process, Fd input, Fd output)
      : child_(child),
        process_(process),
        ended_(static_cast<int>(syscall(SYS_pidfd_open, process, 0))),
        input_(std::move(input)),
        output_(std::move(output)),
        until_(std::chrono::steady_clock::now() + child.limit) {
    fcntl(input_.get(), F_SETFL, O_NONBLOCK);
    fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  }

  ChildResult hold(const std::stop_token& stop) {
    bool killed = false;
    for (;;) {
      if (wait_for_something()) break;
      if (stop.stop_requested()) result_.end = ChildResult::End::kStopped;
      if (std::chrono::steady_clock::now() >= until_) result_.end = ChildResult::End::kTimedOut;
      killed = result_.end != ChildResult::End::kExited;
      if (killed) break;
    }
    // Also what it left running.
    kill(-process_, SIGKILL);
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    hear_last_words();
    if (!killed && WIFEXITED(status)) result_.code = WEXITSTATUS(status);
    if (!killed && WIFSIGNALED(status)) {
      result_.end = ChildResult::End::kKilled;
      result_.code = WTERMSIG(status);
    }
    return std::move(result_);
  }

 private:
  // True when the child has ended.
  bool wait_for_something() {
    std::array<pollfd, 3> waiting{pollfd{ended_.get(), POLLIN, 0}, pollfd{output_.get(), POLLIN, 0},
                                  pollfd{input_.get(), POLLOUT, 0}};
    const int ready = poll(waiting.data(), waiting.size(), static_cast<int>(kGlance.count()));
    if (ready <= 0) return false;
    if (waiting[1].revents != 0) read_output();
    if (waiting[2].revents != 0) write_input();
    return waiting[0].revents != 0;
  }

  void read_output() {
    std::array<char, 4096> buffer{};
    const ssize_t got = read(output_.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return output_.reset();
    result_.output.append(buffer.data(), static_cast<std::size_t>(got));
    if (result_.output.size() > child_.most_output)
      result_.output.erase(0, result_.output.size() - child_.most_output);
  }

  void write_input() {
    const std::string_view rest = std::string_view(child_.input).substr(written_);
    const ssize_t done = rest.empty() ? 0 : write(input_.get(), rest.data(), rest.size());
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (done > 0) written_ += static_cast<std::size_t>(done);
    // All of it, or nobody reads it any more.
    if (done < 0 || written_ == child_.input.size()) input_.reset();
  }

  void hear_last_words() {
    const auto enough = std::chrono::steady_clock::now() + kLastWords;
    while (output_.valid() && std::chrono::steady_clock::now() < enough) {
      pollfd waiting{output_.get(), POLLIN, 0};
      if (poll(&waiting, 1, 0) <= 0) return;
      read_output();
    }
  }

  const ChildProcess& child_;
  const pid_t process_;
  const Fd ended_;
  Fd input_;
  Fd output_;
  const std::chrono::steady_clock::time_point until_;
  std::size_t written_ = 0;
  ChildResult result_;
};

}  // namespace

std::string ChildResult::text(std::chrono::milliseconds limit) const {
  switch (end) {
    case End::kExited:
      return "it ended with " + std::to_string(code);
    case End::kKilled:
      return "it was killed by signal " + std::to_string(code);
    case End::kTimedOut:
      return "it did not end within " + std::to_string(limit.count() / 1000) + " s";
    case End::kStopped:
      break;
  }
  return "the daemon was stopped";
}

ChildResult run_child(const ChildProcess& child, const std::stop_token& stop) {
  std::optional<Account> account;
  if (child.user != geteuid()) {
    account = geteuid() == 0 ? find_account(child.user) : std::nullopt;
    if (!account.has_value()) {
      throw Error(ErrorKind::kPermissionDenied,
                  "this daemon cannot run commands as user " + std::to_string(child.user));
    }
  }
  Pipe input = make_pipe();
  Pipe output = make_pipe();
  const std::vector<char*> arguments = pointers(child.arguments);
  const std::vector<char*> environment = pointers(child.environment);
  const pid_t process = fork();
  if (process < 0) throw system_error(errno, "starting a command", ErrorKind::kUnavailable);
  if (process == 0) {
    become(arguments.data(), environment.data(), account ? &*account : nullptr, input.reading.get(),
           output.writing.get());
  }
  setpgid(process, process);
  input.reading.reset();
  output.writing.reset();
  return Conversation(child, process, std::move(input.writing), std::move(output.reading)).hold(stop);
}

std::vector<std::string> environment_of(uid_t user) {
  std::vector<std::string> environment{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                       "LANG=C.UTF-8"};
  const std::optional<Account> account = find_account(user);
  if (!account.has_value()) return environment;
  environment.push_back("HOME=" + account->home);
  environment.push_back("USER=" + account->name);
  environment.push_back("LOGNAME=" + account->name);
  environment.push_back("SHELL=" + account->shell);
  return environment;
}

}  // namespace garner::daemon
