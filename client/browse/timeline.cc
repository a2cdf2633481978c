#include "browse/timeline.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>

#include "browse/words.h"
#include "text.h"

namespace garner::client::browse {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

int number_in(std::string_view text, std::size_t begin, std::size_t length) {
  int number = 0;
  std::from_chars(text.data() + begin, text.data() + begin + length, number);
  return number;
}

// Year, month and day of "2026-11-29 18:30:05" as one number, 20261129; 0 of whatever else a time is shown
// as.
int day_of(std::string_view time) {
  constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd";
  const auto fits = [](char c, char form) { return form == 'd' ? c >= '0' && c <= '9' : c == form; };
  if (!std::equal(time.begin(), time.end(), kForm.begin(), kForm.end(), fits)) return 0;
  const int month = number_in(time, 5, 2);
  const int day = number_in(time, 8, 2);
  if (month < 1 || month > 12 || day < 1 || day > 31) return 0;
  return number_in(time, 0, 4) * 10'000 + month * 100 + day;
}

}  // namespace

Timeline::Timeline(v1::ListSnapshotsResponse list) : list_(std::move(list)) {
  facts_.reserve(size());
  for (std::size_t number = 0; number < size(); ++number) {
    const v1::SnapshotInfo& info = snapshot(number);
    Facts facts;
    facts.time = local_time(info.time());
    std::string searched = info.set() + '\n' + info.host() + '\n' + facts.time;
    // What has no time has no day either.
    facts.day = day_of(facts.time);
    if (facts.day != 0) {
      searched += '\n';
      searched += kMonths.at(static_cast<std::size_t>(facts.day / 100 % 100 - 1));
    }
    for (const std::string& tag : info.tags()) searched += '\n' + tag;
    facts.searched = lower(searched);
    facts_.push_back(std::move(facts));
    sets_[info.set()].push_back(number);
  }
  if (!facts_.empty()) {
    for (const Level level : {Level::kYear, Level::kMonth, Level::kDay})
      open_.insert(key_of(facts_[0].day, level));
  }
  filter("");
}

std::string Timeline::label(const Row& row) const {
  const Facts& facts = facts_[row.snapshot];
  const Key day = facts.day;
  if (day == 0 && row.level != Level::kSnapshot) return "no time";
  switch (row.level) {
    case Level::kYear:
      return std::to_string(day / 10'000);
    case Level::kMonth:
      return std::string(kMonths[static_cast<std::size_t>(day / 100 % 100 - 1)]);
    case Level::kDay: {
      const std::chrono::year_month_day date{std::chrono::year(day / 10'000),
                                             std::chrono::month(static_cast<unsigned>(day / 100 % 100)),
                                             std::chrono::day(static_cast<unsigned>(day % 100))};
      const std::chrono::weekday weekday{std::chrono::sys_days(date)};
      return std::string(kWeekdays[weekday.c_encoding()]) + ' ' + std::to_string(day % 100);
    }
    case Level::kSnapshot:
      break;
  }
  return (day == 0 ? facts.time : facts.time.substr(11)) + ' ' + snapshot(row.snapshot).set();
}

std::optional<std::size_t> Timeline::find(const std::string& id) const {
  for (std::size_t number = 0; number < size(); ++number) {
    if (snapshot(number).id() == id) return number;
  }
  return std::nullopt;
}

std::optional<std::size_t> Timeline::neighbour(std::size_t number, int step) const {
  const std::vector<std::size_t>& all = sets_.at(snapshot(number).set());
  const auto place = std::lower_bound(all.begin(), all.end(), number);
  if (step < 0) return place == all.begin() ? std::nullopt : std::optional(*std::prev(place));
  return std::next(place) == all.end() ? std::nullopt : std::optional(*std::next(place));
}

Timeline::Key Timeline::key_of(Key day, Level level) {
  if (level == Level::kYear) return day / 10'000 * 10'000;
  if (level == Level::kMonth) return day / 100 * 100;
  return day;
}

bool Timeline::is_open(Key key) const {
  return filter_.empty() ? open_.contains(key) : !folded_.contains(key);
}

void Timeline::set_open(std::size_t row, bool open) {
  const Row& changed = rows_.at(row);
  if (changed.level == Level::kSnapshot) return;
  const Key key = key_of(facts_[changed.snapshot].day, changed.level);
  std::set<Key>& keys = filter_.empty() ? open_ : folded_;
  if (open == filter_.empty()) {
    keys.insert(key);
  } else {
    keys.erase(key);
  }
  lay_out();
}

std::size_t Timeline::row_above(std::size_t row) const {
  const Level level = rows_.at(row).level;
  std::size_t above = row;
  while (above > 0 && rows_[above].level >= level) --above;
  return rows_[above].level < level ? above : row;
}

std::optional<std::size_t> Timeline::reveal(std::size_t number) {
  if (!std::binary_search(passing_.begin(), passing_.end(), number)) return std::nullopt;
  for (const Level level : {Level::kYear, Level::kMonth, Level::kDay}) {
    const Key key = key_of(facts_[number].day, level);
    open_.insert(key);
    folded_.erase(key);
  }
  lay_out();
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (rows_[row].level == Level::kSnapshot && rows_[row].snapshot == number) return row;
  }
  return std::nullopt;
}

bool Timeline::passes(std::size_t number, const std::vector<std::string>& words) const {
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return facts_[number].searched.find(word) != std::string::npos || snapshot(number).id().starts_with(word);
  });
}

void Timeline::filter(const std::string& words) {
  filter_ = words;
  folded_.clear();
  const std::vector<std::string> wanted = words_of(words);
  passing_.clear();
  for (std::size_t number = 0; number < size(); ++number) {
    if (passes(number, wanted)) passing_.push_back(number);
  }
  matches_ = passing_.size();
  lay_out();
}

void Timeline::lay_out() {
  constexpr std::array kLevels{Level::kYear, Level::kMonth, Level::kDay};
  rows_.clear();
  std::array<std::size_t, kLevels.size()> above{};  // the rows that are being counted for; hidden: none
  constexpr std::size_t kHidden = static_cast<std::size_t>(-1);
  std::optional<Key> last;
  for (const std::size_t number : passing_) {
    const Key day = facts_[number].day;
    bool is_seen = true;
    bool is_new = !last;
    for (std::size_t i = 0; i < kLevels.size(); ++i) {
      const Key key = key_of(day, kLevels[i]);
      is_new = is_new || key_of(*last, kLevels[i]) != key;
      if (is_new) {
        above[i] = is_seen ? rows_.size() : kHidden;
        if (is_seen) rows_.push_back({kLevels[i], number, 0, is_open(key)});
      }
      if (above[i] != kHidden) ++rows_[above[i]].count;
      is_seen = is_seen && is_open(key);
    }
    if (is_seen) rows_.push_back({Level::kSnapshot, number, 1, false});
    last = day;
  }
}

}  // namespace garner::client::browse
