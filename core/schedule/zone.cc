#include "schedule/zone.h"

namespace Posix {
// C++20 has a type of this name, too: the header means this one.
using date::hh_mm_ss;
}  // namespace Posix
// The header is not made for our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <date/ptz.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

namespace garner::schedule {

namespace {

constexpr const char* kFolder = "/usr/share/zoneinfo/";
constexpr std::size_t kLongestFile = 1u << 20;
constexpr std::size_t kLongestName = 128;

bool may_be_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name.front() == '/' || name.back() == '/') return false;
  if (name.find("//") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '+' || c == '/';
  });
}

// What the zone's file holds; empty where it is none.
std::string content_of(std::string_view name) {
  if (!may_be_name(name)) return {};
  try {
    std::string content(as_text(read_file(kFolder + std::string(name), kLongestFile)));
    return content.starts_with("TZif") ? content : std::string();
  } catch (const Error&) {
    return {};
  }
}

const date::time_zone* locate(std::string_view name) {
  if (content_of(name).empty()) return nullptr;
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

// The last line of the zone's file: a rule in POSIX' form; empty where there is none.
std::string last_line(const std::string& name) {
  const std::string content = content_of(name);
  std::string_view text = content;
  if (!text.ends_with('\n')) return {};
  text.remove_suffix(1);
  const std::size_t begin = text.rfind('\n');
  return begin == std::string_view::npos ? std::string() : std::string(text.substr(begin + 1));
}

bool is_last(const date::sys_info& info) {
  using namespace date::literals;
  return info.end > date::sys_seconds(date::sys_days(2500_y / 1 / 1));
}

}  // namespace

struct Zone::Rule {
  explicit Rule(const std::string& text) : zone(text) {}
  Posix::time_zone zone;
};

Zone::Zone(std::string name) : name_(std::move(name)), zone_(locate(name_)) {
  if (zone_ == nullptr) {
    throw Error(ErrorKind::kInvalidInput,
                "'" + printable(name_) +
                    "' is no time zone that this system knows; write one as Europe/Berlin or UTC");
  }
  const std::string text = last_line(name_);
  if (text.find(',') == std::string::npos) return;  // one offset for ever
  try {
    rule_ = std::make_shared<const Rule>(text);
  } catch (const std::runtime_error&) {
    // A rule that the library cannot read: the last offset stays.
  }
}

Zone Zone::named(std::string_view name) { return Zone(std::string(name)); }

bool Zone::exists(std::string_view name) { return locate(name) != nullptr; }

Zone Zone::utc() { return Zone("UTC"); }

Zone Zone::of_system() {
  if (const char* name = std::getenv("TZ"); name != nullptr && exists(name)) return named(name);
  try {
    return Zone(date::current_zone()->name());
  } catch (const std::runtime_error&) {
    return utc();
  }
}

date::sys_info Zone::info_at(Instant time) const {
  const date::sys_info info = zone_->get_info(time);
  return rule_ && is_last(info) ? rule_->zone.get_info(time) : info;
}

date::local_info Zone::info(LocalTime time) const {
  const date::local_info info = zone_->get_info(time);
  return rule_ && is_last(info.first) ? rule_->zone.get_info(time) : info;
}

LocalTime Zone::local(Instant time) const {
  return LocalTime(time.time_since_epoch() + info_at(time).offset);
}

std::optional<Instant> Zone::first(LocalTime time) const {
  const date::local_info found = info(time);
  if (found.result == date::local_info::nonexistent) return std::nullopt;
  return Instant(time.time_since_epoch() - found.first.offset);
}

LocalTime Zone::first_local_from(Instant time) const {
  const LocalTime shown = local(time);
  const date::local_info found = info(shown);
  if (found.result != date::local_info::ambiguous || time < found.first.end) return shown;
  return LocalTime(found.first.end.time_since_epoch() + found.first.offset);
}

}  // namespace garner::schedule
