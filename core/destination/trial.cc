#include "destination/trial.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <latch>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "base/uuid.h"
#include "destination/trial_transfer.h"

namespace garner::destination {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr const char* kTrials = "trial/";
constexpr unsigned kReads = 10;
constexpr std::uint64_t kLongestRead = 1u << 20;
constexpr unsigned kRaces = 3;
constexpr unsigned kRacers = 4;
constexpr std::int64_t kAbandonedAge = 24 * 3600;  // seconds, after which nobody is at it any more
constexpr std::size_t kSmall = 4096;

std::string time_text(nanoseconds time) {
  const double milliseconds = std::chrono::duration<double, std::milli>(time).count();
  std::array<char, 32> text{};
  if (milliseconds < 10) {
    std::snprintf(text.data(), text.size(), "%.2g ms", milliseconds);
  } else if (milliseconds < 10'000) {
    std::snprintf(text.data(), text.size(), "%.0f ms", milliseconds);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f s", milliseconds / 1000);
  }
  return text.data();
}

std::string speed_text(double bytes_per_second) {
  std::array<char, 32> text{};
  if (bytes_per_second < 1e6) {
    std::snprintf(text.data(), text.size(), "%.0f kB/s", bytes_per_second / 1e3);
  } else {
    std::snprintf(text.data(), text.size(), bytes_per_second < 1e8 ? "%.3g MB/s" : "%.0f MB/s",
                  bytes_per_second / 1e6);
  }
  return text.data();
}

std::string transfer_text(const TrialReport::Transfer& transfer) {
  std::string text = speed_text(transfer.bytes_per_second());
  if (transfer.limit > 0)
    text += ", of " + speed_text(static_cast<double>(transfer.limit)) + " that the limit allows";
  return text + ": " + human_bytes(transfer.bytes) + " in " + time_text(transfer.took);
}

// What is found is not what it must be.
[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kDamaged, message); }
void expect(bool holds, const std::string& otherwise) {
  if (!holds) fail(otherwise);
}

// Whether `operation` fails in this way.
template <typename Operation>
bool fails(ErrorKind kind, const Operation& operation) {
  try {
    operation();
    return false;
  } catch (const Error& error) {
    if (error.kind() != kind) throw;
    return true;
  }
}

// Whether a trial names its objects so: trial/<writer, 32 hex>/<uuid>/…. Whatever else somebody keeps there
// is not ours.
bool is_of_trial(const std::string& key) {
  constexpr std::size_t kWriter = 32;
  constexpr std::size_t kUuid = 36;
  const std::string_view name = std::string_view(key).substr(std::string_view(kTrials).size());
  if (name.size() < kWriter + 1 + kUuid + 2 || name[kWriter] != '/' || name[kWriter + 1 + kUuid] != '/')
    return false;
  if (name.substr(0, kWriter).find_first_not_of("0123456789abcdef") != std::string_view::npos) return false;
  const std::string_view uuid = name.substr(kWriter + 1, kUuid);
  try {
    return Uuid::parse(uuid).text() == uuid;
  } catch (const Error&) {
    return false;
  }
}

class Trial {
 public:
  Trial(const TrialPlace& place, const PlaceContext& context, const TrialOptions& options,
        const std::function<void(const TrialReport&)>& told, std::stop_token stop)
      : kind_(place),
        place_(*place.place),
        context_(context),
        options_(options),
        told_(told),
        stop_(std::move(stop)),
        own_(kTrials + context.writer + "/"),
        folder_(own_ + Uuid::random().text() + "/"),
        small_(noise_piece(seed_, 0, kSmall)) {}

  TrialReport run() {
    if (context_.writer.empty()) throw Error(ErrorKind::kInternal, "a trial of nobody");
    try {
      all_steps();
    } catch (const Error& error) {
      clean_up();
      if (error.kind() == ErrorKind::kCancelled) throw;
    } catch (...) {
      clean_up();
      throw;
    }
    // An upload that failed has left it, on a disk that may be full.
    remove_file_of_trial();
    report_.current.clear();
    told_(report_);
    return std::move(report_);
  }

 private:
  // An Error ends the trial: what it says is in the report.
  void all_steps() {
    step("repository", Need::kAll, [&] {
      options_.check_place(place_);
      return TrialFinding{};
    });
    step("reading", Need::kNone, [&] { return try_reading(); });
    step("listing", Need::kAll, [&] { return try_listing(); });
    writes_ = true;
    if (step("writing", Need::kNone, [&] { return try_writing(); })) {
      step("exclusive creation", Need::kNone, [&] { return try_exclusive(); });
      step("reading parts", Need::kNone, [&] { return try_parts_of_objects(); });
      if (!kind_.own_step.empty())
        step(kind_.own_step, Need::kNone, [&] { return kind_.own_trial(folder_, file()); });
      if (step("upload", Need::kNone, [&] { return try_upload(); }))
        step("download", Need::kNone, [&] { return try_download(); });
    }
    step("deleting", Need::kNone, [&] { return try_deleting(); });
  }

  enum class Need { kNone, kAll };  // what depends on the step

  // False where it failed; throws where nothing after it makes sense.
  template <typename Work>
  bool step(const std::string& name, Need need, const Work& work) {
    if (stop_.stop_requested()) throw Error(ErrorKind::kCancelled, "the test was stopped");
    report_.current = name;
    told_(report_);
    TrialStep made{name, {}, nanoseconds(0)};
    const auto begun = steady_clock::now();
    std::optional<Error> failure;
    try {
      made.finding = work();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kCancelled) throw;
      made.finding = {TrialOutcome::kBad, error.what()};
      failure = error;
    }
    made.took = steady_clock::now() - begun;
    report_.steps.push_back(std::move(made));
    if (!failure) return true;
    if (need == Need::kAll || failure->kind() == ErrorKind::kDestinationAway) throw *failure;
    return false;
  }

  std::string key(const std::string& name) const { return folder_ + name; }

  TrialFinding try_reading() {
    const Bytes first = place_.get_all(options_.read_key, kLongestRead);
    std::vector<nanoseconds> times;
    for (unsigned i = 0; i < kReads && !stop_.stop_requested(); ++i) {
      const auto begun = steady_clock::now();
      const Bytes again = place_.get(options_.read_key, 0, first.size());
      times.push_back(steady_clock::now() - begun);
      expect(again == first, "what is read twice is not the same");
    }
    if (times.empty()) return {};
    std::sort(times.begin(), times.end());
    report_.latency = {times.size(), times.front(), times[times.size() / 2], times.back()};
    return {TrialOutcome::kGood, time_text(report_.latency.median) + " a request, " +
                                     time_text(times.front()) + " to " + time_text(times.back())};
  }

  TrialFinding try_listing() {
    const std::vector<ObjectInfo> all = place_.list(kTrials);
    const bool left = std::any_of(all.begin(), all.end(),
                                  [&](const ObjectInfo& object) { return object.key.starts_with(own_); });
    if (!left) return {};
    try {
      remove_objects();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kWriteFailed) throw;
      return {TrialOutcome::kWarning,
              std::string("what an earlier test has left stays there: ") + error.what()};
    }
    return {TrialOutcome::kGood, "what a test that was cut off has left is removed"};
  }

  TrialFinding try_writing() {
    const auto begun = steady_clock::now();
    place_.put(key("small"), small_);
    const nanoseconds took = steady_clock::now() - begun;
    expect(place_.size(key("small")) == small_.size() && place_.get_all(key("small"), kSmall) == small_,
           "what was written is not what is read back");
    expect(!place_.size(key("missing")), "an object is there that nobody has written");
    expect(fails(ErrorKind::kAlreadyExists, [&] { place_.put(key("small"), as_bytes("another")); }),
           "an object that was there is replaced");
    expect(place_.get_all(key("small"), kSmall) == small_, "an object that was there is replaced");
    // Whatever has been written is in the next listing: a record that is not seen would be written over.
    const std::vector<ObjectInfo> all = place_.list(folder_);
    expect(all.size() == 1 && all[0].key == key("small") && all[0].size == kSmall,
           "a listing does not show what was just written");
    expect(place_.list(folder_, key("small")).empty(), "a listing does not begin where it is asked to");
    return {TrialOutcome::kGood, human_bytes(kSmall) + " in " + time_text(took)};
  }

  TrialFinding try_exclusive() {
    const auto is_as_written = [&](const std::string& name, ByteView content) {
      return place_.get_all(key(name), kSmall) == Bytes(content.begin(), content.end());
    };
    expect(place_.put_exclusive(key("once"), as_bytes("first")),
           "an object is there that nobody has written");
    expect(!place_.put_exclusive(key("once"), as_bytes("second")) && is_as_written("once", as_bytes("first")),
           "an object that was there is replaced: two machines could overwrite each other's records there");
    for (unsigned race = 0; race < kRaces; ++race) {
      const std::string name = "race" + std::to_string(race);
      const std::vector<unsigned> winners = run_race(name);
      expect(winners.size() == 1, std::to_string(winners.size()) + " of " + std::to_string(kRacers) +
                                      " who create an object at once are told that they have: two machines "
                                      "could overwrite each other's records there");
      expect(is_as_written(name, racer_content(winners[0])),
             "of several who create an object at once another one has it than is told");
    }
    return {TrialOutcome::kGood, "of " + std::to_string(kRacers) + " at once one succeeds"};
  }

  Bytes racer_content(unsigned racer) const { return noise_piece(seed_, racer + 1, kSmall); }

  // Those who are told that they have created it.
  std::vector<unsigned> run_race(const std::string& name) {
    std::latch begun(kRacers);
    std::mutex mutex;
    std::vector<unsigned> winners;
    std::exception_ptr failure;
    {
      std::vector<std::jthread> racers;
      for (unsigned racer = 0; racer < kRacers; ++racer) {
        racers.emplace_back(in_log_context([&, racer, content = racer_content(racer)] {
          begun.arrive_and_wait();
          try {
            const bool won = place_.put_exclusive(key(name), content);
            const std::lock_guard lock(mutex);
            if (won) winners.push_back(racer);
          } catch (...) {
            const std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
          }
        }));
      }
    }
    if (failure) std::rethrow_exception(failure);
    return winners;
  }

  TrialFinding try_parts_of_objects() {
    const Bytes middle(small_.begin() + 1000, small_.begin() + 2000);
    expect(place_.get(key("small"), 1000, 1000) == middle, "a part of an object is not what was written");
    expect(fails(ErrorKind::kDamaged, [&] { place_.get(key("small"), kSmall - 1, 2); }),
           "more can be read than was written");
    expect(fails(ErrorKind::kNotFound, [&] { place_.get(key("missing"), 0, 1); }),
           "an object can be read that is not there");
    return {};
  }

  TrialFinding try_upload() {
    const StopScope scope(transfers_.get_token());
    TrialTransfer transfer(place_, seed_, file(), options_.transfer_time);
    report_.upload = transfer.send(folder_);
    sent_ = transfer.sent_key();
    report_.upload.limit = context_.limits ? context_.limits->upload.rate().value_or(0) : 0;
    return {TrialOutcome::kGood, transfer_text(report_.upload)};
  }

  TrialFinding try_download() {
    const StopScope scope(transfers_.get_token());
    TrialTransfer transfer(place_, seed_, file(), options_.transfer_time);
    if (kind_.forget) kind_.forget(sent_);
    report_.download = transfer.receive(sent_, report_.upload.bytes);
    report_.download.limit = context_.limits ? context_.limits->download.rate().value_or(0) : 0;
    return {TrialOutcome::kGood, transfer_text(report_.download)};
  }

  TrialFinding try_deleting() {
    try {
      remove_objects();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kWriteFailed) throw;
      return {TrialOutcome::kWarning,
              std::string(error.what()) +
                  ". All but prune works without that; what this test has written stays "
                  "there, below " +
                  folder_};
    }
    expect(place_.list(folder_).empty(), "a listing shows what was deleted");
    expect(!place_.size(key("small")), "what was deleted is there");
    return {};
  }

  void remove_objects() {
    std::vector<std::string> going;
    std::int64_t newest = 0;
    const std::vector<ObjectInfo> all = place_.list(kTrials);
    for (const ObjectInfo& object : all) {
      if (!object.key.starts_with(own_)) continue;
      going.push_back(object.key);
      if (object.modified) newest = std::max(newest, object.modified->seconds);
    }
    // By the place's clock, which what was just written tells.
    for (const ObjectInfo& object : all) {
      if (object.key.starts_with(own_) || !object.modified || !is_of_trial(object.key)) continue;
      if (object.modified->seconds < newest - kAbandonedAge) going.push_back(object.key);
    }
    if (!going.empty()) place_.remove_all(going);
    std::set<std::string> folders;
    for (const std::string& key : going) folders.insert(parent_path(key));
    if (kind_.tidy) kind_.tidy(own_.substr(0, own_.size() - 1), folders);
  }

  // After a failure: as well as it can be done. What is left the next trial removes.
  void clean_up() {
    if (!writes_) return;
    remove_file_of_trial();
    try {
      remove_objects();
    } catch (const Error& error) {
      spdlog::info("what a test has left is not removed: {}", error.what());
    }
  }

  void remove_file_of_trial() {
    if (!writes_) return;
    try {
      remove_trial_file(file());
    } catch (const Error& error) {
      spdlog::info("what a test has left is not removed: {}", error.what());
    }
  }

  std::string file() {
    if (file_.empty()) {
      const std::optional<std::string> staging = place_.staging_folder();
      file_ = (staging ? *staging : options_.spool_folder) + "/trial-" + context_.writer;
    }
    return file_;
  }

  const TrialPlace& kind_;
  Destination& place_;
  const PlaceContext& context_;
  const TrialOptions& options_;
  const std::function<void(const TrialReport&)>& told_;
  const std::stop_token stop_;
  // As runs have one: without, they would not be held back.
  std::stop_source transfers_;
  const std::stop_callback<std::function<void()>> stopping_{stop_, [this] { transfers_.request_stop(); }};
  const std::string own_;     // of this writer
  const std::string folder_;  // of this trial
  const std::uint64_t seed_ = std::random_device{}();
  const Bytes small_;
  std::string file_;
  std::string sent_;
  bool writes_ = false;  // something may have been written
  TrialReport report_;
};

}  // namespace

bool TrialReport::all_well() const {
  return std::none_of(steps.begin(), steps.end(),
                      [](const TrialStep& step) { return step.finding.outcome == TrialOutcome::kBad; });
}

double TrialReport::Transfer::bytes_per_second() const {
  const double seconds = std::chrono::duration<double>(took).count();
  return seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
}

TrialReport try_place(const TrialPlace& place, const PlaceContext& context, const TrialOptions& trial,
                      const std::function<void(const TrialReport&)>& told, std::stop_token stop) {
  return Trial(place, context, trial, told, std::move(stop)).run();
}

}  // namespace garner::destination
