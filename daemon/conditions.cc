#include "conditions.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "command/command.h"

namespace garner::daemon {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCommand = "command:";
constexpr const char* kOnAcPower = "on-ac-power";
constexpr const char* kDestinationThere = "destination";
constexpr const char* kDisks = "/dev/disk/by-uuid/";
constexpr std::chrono::seconds kCommandLimit{60};
constexpr std::size_t kLongestCondition = 4000;
constexpr std::size_t kSmallFile = 4096;

// First line of a small file; empty where there is none.
std::string first_line_of(const std::string& path) {
  try {
    const Bytes content = read_file(path, kSmallFile);
    const std::string_view text = as_text(content);
    return std::string(text.substr(0, text.find('\n')));
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

bool is_command(const std::string& condition) { return condition.starts_with(kCommand); }

void check_condition(const std::string& text) {
  if (text == kOnAcPower || text == kDestinationThere) return;
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
    const std::string type = first_line_of(path + "/type");
    // A mouse's battery is not the machine's.
    if (first_line_of(path + "/scope") == "Device") continue;
    if (type == "Battery" || type == "UPS") {
      discharging = discharging || first_line_of(path + "/status") == "Discharging";
    } else {
      if (first_line_of(path + "/online") == "1") return true;
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
  try {
    command::Command running(
        {command, user, {}, limit}, command::Command::Output::kLines, [](std::string_view) {},
        [] { return false; });
    const command::Ending ending = running.wait();
    if (ending.well()) return true;
    reason = ending.reason == command::Ending::Reason::kTimeLimit ? "its command did not end in time"
                                                                  : "its command does not say yes";
  } catch (const Error& error) {
    spdlog::warn("a condition: {}", error.what());
    reason = "its command cannot be run as user " + std::to_string(user);
  }
  return false;
}

bool Conditions::is_there(const std::string& destination) {
  catalog::ScheduleTable& table = destinations_.context().catalog.schedules();
  const std::string known = table.file_system(destination);
  if (destinations_.glance(destination).message.state() != v1::DESTINATION_STATE_READY)
    return is_plugged_in(known);
  const std::string url = destinations_.facts(destination).url;
  std::string found;
  try {
    found = destinations_.line().ask(url, [url] { return file_system_of(url); });
  } catch (const Error&) {
    return false;  // it has just begun to hang
  }
  // Remembered, so that it is found when it is plugged in and not mounted.
  if (!found.empty() && found != known) table.save_file_system(destination, found);
  return true;
}

std::optional<std::string> Conditions::unmet_destination(const std::vector<std::string>& destinations) {
  bool any = false;
  std::string names;
  for (const std::string& name : destinations) {
    // Each is asked: its file system is remembered.
    any = is_there(name) || any;
    names += (names.empty() ? "" : " or ") + name;
  }
  if (any) return std::nullopt;
  return "destination " + names + " to be plugged in";
}

std::optional<std::string> Conditions::unmet(const std::vector<catalog::SetSchedule::Condition>& conditions,
                                             const std::vector<std::string>& destinations) {
  for (const auto& condition : conditions) {
    if (condition.text == kOnAcPower) {
      if (!on_ac_power()) return "mains power";
    } else if (condition.text == kDestinationThere) {
      if (auto waits_for = unmet_destination(destinations)) return waits_for;
    } else {
      std::string reason;
      if (!says_yes(condition.text.substr(kCommand.size()), condition.user, kCommandLimit, reason))
        return reason;
    }
  }
  return std::nullopt;
}

}  // namespace garner::daemon
