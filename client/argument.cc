#include "argument.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <functional>

#include "failure.h"
#include "text.h"

namespace garner::client {
namespace {

bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string quoted(std::string_view text) { return '"' + printable(text) + '"'; }

// The end of the time of day, of an offset from UTC or of both that stand in the time that begins at `begin`:
// "18:30" in "yesterday 18:30", "18:30:05+01:00" in "2026-11-22T18:30:05+01:00", "+01:00" in
// "2026-11-22+01:00". `begin` if there is none.
std::size_t end_of_clock(const std::string& text, std::size_t begin) {
  const auto matches = [&](std::size_t at, std::string_view pattern) {
    if (text.size() - at < pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '9' ? !is_digit(text[at + i]) : text[at + i] != pattern[i]) return false;
    }
    return true;
  };
  std::size_t at = text.find(':', begin);
  if (at == std::string::npos || !matches(at, ":99")) return begin;
  std::size_t hour = at;
  while (hour > begin && is_digit(text[hour - 1])) --hour;
  if (hour == at || at - hour > 2) return begin;
  if (matches(begin, "9999-99-99+99:99") || matches(begin, "9999-99-99-99:99")) return begin + 16;
  const bool behind_date =
      hour >= begin + 2 && (text[hour - 1] == 'T' || text[hour - 1] == 't') && is_digit(text[hour - 2]);
  if (hour != begin && text[hour - 1] != ' ' && !behind_date) return begin;
  at += 3;
  if (matches(at, ":99")) at += 3;
  if (matches(at, ".9")) {
    ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
  }
  if (matches(at, "+99:99") || matches(at, "-99:99")) at += 6;
  return at;
}

std::string working_folder() {
  std::array<char, PATH_MAX> buffer{};
  if (getcwd(buffer.data(), buffer.size()) == nullptr) {
    throw Failure(kExitFailed, std::string("the working folder cannot be found out: ") + std::strerror(errno),
                  "Give absolute paths, or change to another folder.");
  }
  return buffer.data();
}

bool is_name(const std::string& text) {
  return !text.empty() && is_alphanumeric(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

void check_name(std::string_view what, const std::string& name) {
  if (is_name(name)) return;
  throw usage_failure(quoted(name) + " cannot be a " + std::string(what) +
                      "'s name: it has letters, digits, '.', '_' and '-', and begins with a letter or digit");
}

void check_set_or_selector(const std::string& text) {
  check_utf8("a set or SELECTOR", text);
  if (is_name(text) || text.find_first_of("@~") != std::string::npos || text.find("..") != std::string::npos)
    return;
  throw usage_failure(quoted(text) + " is neither a set nor a SELECTOR",
                      "A SELECTOR is an id, latest, SET@latest, SET~N, SET@TIME, SET~N..~M or TIME..TIME.");
}

void check_tag(const std::string& option, const std::string& tag) {
  constexpr std::size_t kLongestTag = 64;
  if (!tag.empty() && tag.size() <= kLongestTag && is_alphanumeric(tag.front()) &&
      std::all_of(tag.begin(), tag.end(), [](char c) {
        return is_alphanumeric(c) || std::string_view("._-:/+@=").find(c) != std::string_view::npos;
      })) {
    return;
  }
  throw usage_failure(
      option + ": " + quoted(tag) + " is no tag",
      "A tag has 1 to 64 letters, digits and . _ - : / + @ =, and begins with a letter or digit; "
      "give the option once for each.");
}

std::string absolute_path(const std::string& option, const std::string& path, const std::string& folder) {
  if (path.empty()) throw usage_failure(option + " is empty: give a path");
  const std::string whole = path.front() == '/' ? path : folder + '/' + path;
  std::string result;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = std::min(whole.find('/', at), whole.size());
    const std::string_view part = std::string_view(whole).substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      result.append("/").append(part);
      continue;
    }
    struct stat facts {};
    if (!result.empty() && lstat(result.c_str(), &facts) == 0 && S_ISLNK(facts.st_mode)) {
      throw usage_failure(
          option + " " + quoted(path) + " goes back through the symbolic link " + quoted(result),
          "Give the path without \"..\".");
    }
    result.erase(std::min(result.rfind('/'), result.size()));
  }
  return result.empty() ? "/" : result;
}

std::string absolute_path(const std::string& option, const std::string& path) {
  // An absolute path needs no working folder, which may be gone.
  return absolute_path(option, path, path.empty() || path.front() == '/' ? std::string() : working_folder());
}

std::string absolute_url(const std::string& url) {
  check_utf8("URL", url);
  // A folder whose name begins so is given as ./s3:…
  for (const char* const scheme : {"s3:", "sftp:"}) {
    if (url.starts_with(scheme)) return url;
  }
  if (url.find("://") != std::string::npos) return url;
  return absolute_path("URL", url);
}

SnapshotPath split_snapshot_path(const std::string& text) {
  std::size_t colon = text.find(':');
  const std::size_t at = text.find('@');
  if (at < colon && at != std::string::npos) colon = text.find(':', end_of_clock(text, at + 1));
  SnapshotPath result;
  result.snapshot = text.substr(0, colon);
  if (colon != std::string::npos) result.path = text.substr(colon + 1);
  if (result.snapshot.empty()) {
    throw usage_failure(
        "no snapshot is given in " + quoted(text),
        "SNAPSHOT is an id, \"latest\", SET@latest, SET~N or SET@TIME; see garner snapshots.");
  }
  check_utf8("SNAPSHOT", result.snapshot);
  if (result.path.find('\0') != std::string::npos) throw usage_failure("a path cannot hold a NUL byte");
  return result;
}

double parse_percent(const std::string& option, const std::string& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  const bool parsed = error == std::errc() && end == text.data() + text.size();
  // Written so that a NaN fails as well.
  if (!parsed || !(value >= 0 && value <= 100)) {
    throw usage_failure(option + "=" + printable(text) + ": give a percentage from 0 to 100");
  }
  return value;
}

double parse_share(const std::string& option, const std::string& text) {
  return parse_percent(option, text.ends_with('%') ? text.substr(0, text.size() - 1) : text);
}

void check_run_id(const std::string& text) {
  if (!text.empty() && text.size() <= 18 && std::all_of(text.begin(), text.end(), is_digit)) return;
  throw usage_failure(quoted(text) + " is not a run: runs have numbers", "See garner runs.");
}

void check_id_prefix(std::string_view what, const std::string& text) {
  if (text.size() >= 4 && std::all_of(text.begin(), text.end(), is_hex)) return;
  throw usage_failure(quoted(text) + " is not the id of a " + std::string(what) +
                      ": give at least four of its digits");
}

void check_at_most_one(const std::vector<std::pair<std::string, bool>>& options) {
  const std::string* first = nullptr;
  for (const auto& [name, given] : options) {
    if (!given) continue;
    if (first != nullptr)
      throw usage_failure(*first + " and " + name + " exclude each other: give one of them");
    first = &name;
  }
}

void check_utf8(std::string_view what, const std::string& text) {
  if (is_utf8(text)) return;
  throw usage_failure(std::string(what) + " " + quoted(text) + " is not UTF-8");
}

namespace {

// Calls `take` with each number and its unit. False where the text is something else.
bool read_duration(const std::string& text, std::string_view units,
                   const std::function<void(std::uint64_t number, char unit)>& take) {
  if (text == "0") return true;
  std::string seen;
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t number = 0;
    const std::size_t begin = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && at - begin < 6; ++at) {
      number = number * 10 + static_cast<std::uint64_t>(text[at] - '0');
    }
    if (at == begin || at == text.size() || number > 100'000) return false;
    if (units.find(text[at]) == std::string_view::npos || seen.find(text[at]) != std::string::npos)
      return false;
    seen += text[at];
    take(number, text[at++]);
  }
  return !text.empty();
}

}  // namespace

std::uint32_t parse_count(const std::string& option, const std::string& text) {
  const bool digits =
      !text.empty() && text.size() <= 6 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoul(text) > 100'000) {
    throw usage_failure(option + ": \"" + printable(text) + "\" is not a number from 0 to 100000");
  }
  return static_cast<std::uint32_t>(std::stoul(text));
}

std::uint64_t parse_generation(const std::string& option, const std::string& text) {
  std::string digits = text;
  std::erase(digits, ',');
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || number == 0)
    throw usage_failure(option + ": \"" + printable(text) + "\" is no record's number");
  return number;
}

void check_duration(const std::string& option, const std::string& text) {
  if (read_duration(text, "ymwdh", [](std::uint64_t, char) {})) return;
  throw usage_failure(option + ": \"" + printable(text) + "\" is no duration: write 1y6m, 2w, 30d or 36h");
}

std::uint64_t parse_seconds(const std::string& option, const std::string& text) {
  std::uint64_t seconds = 0;
  const bool read = read_duration(text, "wdh", [&](std::uint64_t number, char unit) {
    seconds += number * 3600 * (unit == 'w' ? 7 * 24 : unit == 'd' ? 24 : 1);
  });
  if (!read)
    throw usage_failure(option + ": \"" + printable(text) + "\" is no duration: write 0, 12h, 7d or 2w");
  return seconds;
}

std::uint64_t parse_size(const std::string& option, const std::string& text) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  static constexpr std::array kUnits{Unit{"", 1},
                                     Unit{"B", 1},
                                     Unit{"K", 1e3},
                                     Unit{"KB", 1e3},
                                     Unit{"KiB", 1024.0},
                                     Unit{"M", 1e6},
                                     Unit{"MB", 1e6},
                                     Unit{"MiB", 1048576.0},
                                     Unit{"G", 1e9},
                                     Unit{"GB", 1e9},
                                     Unit{"GiB", 1073741824.0},
                                     Unit{"T", 1e12},
                                     Unit{"TB", 1e12},
                                     Unit{"TiB", 1099511627776.0}};
  constexpr double kMost = 9007199254740992;  // 2^53
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const auto name = std::string_view(text).substr(static_cast<std::size_t>(end - text.data()));
  const auto* const unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& one) { return one.name == name; });
  const double bytes = unit == kUnits.end() ? -1 : number * unit->bytes;
  if (error != std::errc() || !(bytes >= 0 && bytes <= kMost) || !is_digit(text.front())) {
    throw usage_failure(option + ": \"" + printable(text) +
                        "\" is no size: write one like 500M, 2G or 16GiB");
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace garner::client
