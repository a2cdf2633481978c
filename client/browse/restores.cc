#include "browse/restores.h"

#include <algorithm>

#include "exit_code.h"
#include "run_progress.h"
#include "text.h"

namespace garner::client::browse {
namespace {

constexpr int kErrorsTold = 5;

std::string trouble_of(const v1::Run& run) {
  std::string text = "The restore to " + run.target();
  if (run.state() == v1::RUN_STATE_FINISHED) {
    text += " did not get everything done.";
  } else {
    text += run.state() == v1::RUN_STATE_CANCELLED ? " was cancelled." : " failed.";
  }
  if (!run.message().empty()) text += "\n" + run.message();
  for (int i = 0; i < std::min(run.errors_size(), kErrorsTold); ++i)
    text += "\n" + run.errors(i).path() + ": " + run.errors(i).message();
  return text + "\nSee: garner run show " + run.run_id();
}

}  // namespace

void Restores::start(const std::vector<RestoreItem>& items,
                     const std::function<void(const RestoreItem&)>& has_begun) {
  if (runs_.empty()) begun_ = 0, has_trouble_ = false;
  for (const RestoreItem& item : items) {
    v1::StartRestoreRequest request;
    request.set_snapshot(item.snapshot);
    request.set_path(item.path);
    request.set_target(item.target);
    // It was looked for what is there; what appears since is kept.
    request.set_overwrite(v1::OVERWRITE_NEVER);
    runs_.push_back(archive_.start_restore(request));
    ++begun_;
    has_begun(item);
    if (!stream_) follow_next();
  }
}

void Restores::follow_next() {
  stream_.reset();
  if (runs_.empty()) return;
  try {
    stub_ = archive_.stub();
    stream_ = std::make_unique<RunStream>(*stub_, runs_.front().run_id());
  } catch (const Failure&) {
    runs_.clear();
    throw;
  }
}

std::optional<Restores::News> Restores::take_news() {
  if (!stream_) return std::nullopt;
  const auto take_newest = [&] {
    if (auto newest = stream_->take()) runs_.front() = *std::move(newest);
  };
  // First: it clears the descriptor, which tells of an end that comes later.
  take_newest();
  const auto ended = stream_->ended();
  if (!ended) return std::nullopt;
  // What came between the two looks.
  take_newest();
  const v1::Run run = std::move(runs_.front());
  runs_.pop_front();
  if (!has_ended(run)) {
    runs_.clear();
    follow_next();
    return News{"The restore to " + run.target() + " is not followed any more: " +
                    (ended->ok() ? "the daemon stopped." : ended->error_message()) +
                    "\nIt goes on when the daemon is back. See: garner run show " + run.run_id(),
                true};
  }
  follow_next();
  if (exit_code(run) != kExitDone) {
    has_trouble_ = true;
    return News{trouble_of(run), true};
  }
  if (!runs_.empty() || has_trouble_) return std::nullopt;
  const std::string what =
      begun_ == 1 ? plural(run.files(), "file", "files") : human_count(begun_) + " things";
  return News{"Restored " + what + " to " + run.target(), false};
}

std::string Restores::progress() const { return runs_.empty() ? "" : progress_line(runs_.front()); }

}  // namespace garner::client::browse
