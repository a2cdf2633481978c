#include "conditions.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace garner::daemon {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCommand = "command:";
constexpr const char* kOnAcPower = "on-ac-power";
constexpr const char* kDestination = "destination";
constexpr const char* kDisks = "/dev/disk/by-uuid/";
constexpr std::chrono::seconds kCommandLimit{60};
constexpr std::size_t kLongestCondition = 4000;
constexpr std::size_t kSmallFile = 4096;

// First line of a small file; empty where there is none.
std::string line_of(const std::string& path) {
  try {
    const Bytes content = read_file(path, kSmallFile);
    const std::string_view text = as_text(content);
    return std::string(text.substr(0, text.find('\n')));
  } catch (const Error&) {
    return {};
  }
}

// Who a command runs as; made before fork(), after which little is safe.
struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};

std::optional<Identity> find_identity(uid_t user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 65536> buffer{};
  if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  Identity identity{user, entry.pw_gid, std::vector<gid_t>(256)};
  int count = static_cast<int>(identity.groups.size());
  if (getgrouplist(entry.pw_name, entry.pw_gid, identity.groups.data(), &count) < 0) return std::nullopt;
  identity.groups.resize(static_cast<std::size_t>(count));
  return identity;
}

// In the child: only what is safe after fork() in a process with threads.
[[noreturn]] void run_command(const char* command, const Identity* identity) {
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (identity != nullptr && (setgroups(identity->groups.size(), identity->groups.data()) != 0 ||
                              setgid(identity->group) != 0 || setuid(identity->user) != 0)) {
    _exit(126);
  }
  const int nothing = open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing, fd);
  if (chdir("/") != 0) _exit(126);
  close_range(3, ~0u, 0);
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path, nullptr};
  std::array<const char*, 4> arguments{"sh", "-c", command, nullptr};
  execve("/bin/sh", const_cast<char* const*>(arguments.data()), environment.data());
  _exit(127);
}

}  // namespace

bool is_command(const std::string& condition) { return condition.starts_with(kCommand); }

void check_condition(const std::string& text) {
  if (text == kOnAcPower || text == kDestination) return;
  if (is_command(text) && text.size() > kCommand.size() && text.size() <= kLongestCondition) return;
  throw Error(ErrorKind::kInvalidInput, "'" + printable(text) +
                                            "' is no condition: on-ac-power, destination or command:CMD is "
                                            "expected");
}

bool on_ac_power(const std::string& folder) {
  bool mains_off = false;
  bool discharging = false;
  std::error_code error;
  for (const fs::directory_entry& supply : fs::directory_iterator(folder, error)) {
    const std::string path = supply.path().string();
    const std::string type = line_of(path + "/type");
    // A mouse's battery is not the machine's.
    if (line_of(path + "/scope") == "Device") continue;
    if (type == "Battery" || type == "UPS") {
      discharging = discharging || line_of(path + "/status") == "Discharging";
    } else {
      if (line_of(path + "/online") == "1") return true;
      mains_off = mains_off || type == "Mains";
    }
  }
  return !mains_off && !discharging;
}

std::string file_system_of(const std::string& path) {
  struct stat place {};
  if (stat(path.c_str(), &place) != 0) return {};
  std::error_code error;
  for (const fs::directory_entry& disk : fs::directory_iterator(kDisks, error)) {
    struct stat device {};
    if (stat(disk.path().c_str(), &device) == 0 && S_ISBLK(device.st_mode) && device.st_rdev == place.st_dev)
      return disk.path().filename().string();
  }
  return {};
}

bool is_plugged_in(const std::string& file_system) {
  if (file_system.empty() || file_system.find('/') != std::string::npos) return false;
  struct stat device {};
  return stat((kDisks + file_system).c_str(), &device) == 0;
}

bool says_yes(const std::string& command, uid_t user, std::chrono::milliseconds limit, std::string& reason) {
  std::optional<Identity> identity;
  if (user != geteuid()) {
    identity = geteuid() == 0 ? find_identity(user) : std::nullopt;
    if (!identity) {
      reason = "its command cannot be run as user " + std::to_string(user);
      return false;
    }
  }
  const pid_t child = fork();
  if (child < 0) throw system_error(errno, "starting a condition's command", ErrorKind::kUnavailable);
  if (child == 0) run_command(command.c_str(), identity ? &*identity : nullptr);
  setpgid(child, child);
  const Fd ended(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  pollfd waiting{ended.get(), POLLIN, 0};
  const auto until = std::chrono::steady_clock::now() + limit;
  int ready = 0;
  do {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    ready = poll(&waiting, 1, left > 0 ? static_cast<int>(left) : 0);
  } while (ready < 0 && errno == EINTR);
  // Also what it left running.
  kill(-child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (ready <= 0) {
    reason = "its command did not end in time";
    return false;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  reason = "its command does not say yes";
  return false;
}

bool Conditions::is_there(const std::string& destination) {
  catalog::ScheduleTable& table = destinations_.context().catalog.schedules();
  const std::string known = table.file_system(destination);
  if (destinations_.look(destination).message.state() != v1::DESTINATION_STATE_READY)
    return is_plugged_in(known);
  const std::string found = file_system_of(destinations_.facts(destination).url);
  // Remembered, so that it is found when it is plugged in and not mounted.
  if (!found.empty() && found != known) table.save_file_system(destination, found);
  return true;
}

std::optional<std::string> Conditions::unmet(const std::vector<catalog::SetSchedule::Condition>& conditions,
                                             const std::vector<std::string>& destinations) {
  for (const auto& condition : conditions) {
    if (condition.text == kOnAcPower) {
      if (!on_ac_power()) return "mains power";
    } else if (condition.text == kDestination) {
      for (const std::string& name : destinations) {
        if (!is_there(name)) return "destination " + name + " to be plugged in";
      }
    } else {
      std::string reason;
      if (!says_yes(condition.text.substr(kCommand.size()), condition.user, kCommandLimit, reason))
        return reason;
    }
  }
  return std::nullopt;
}

}  // namespace garner::daemon
