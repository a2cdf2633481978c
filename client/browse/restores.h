// The restores that were begun while browsing, followed to their ends; whoever stops browsing leaves them to
// the daemon. Used by one thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "browse/archive.h"
#include "browse/restore_plan.h"
#include "run_stream.h"

namespace garner::client::browse {

class Restores {
 public:
  explicit Restores(Archive& archive) : archive_(archive) {}

  // Begins a run for each, and says so of each. Throws Failure: then those of which it was said have begun.
  void start(const std::vector<RestoreItem>& items, const std::function<void(const RestoreItem&)>& has_begun);

  // Readable when there is something new; -1 while none runs.
  int descriptor() const { return stream_ ? stream_->descriptor() : -1; }
  struct News {
    std::string text;  // lines
    bool is_trouble = false;
  };
  // What came of a run that has ended, or of all; to be asked until there is nothing.
  std::optional<News> take_news();
  // How the run that is followed stands; empty where none is.
  std::string progress() const;

 private:
  void follow_next();

  Archive& archive_;
  std::deque<v1::Run> runs_;  // that have not ended; the first is followed
  std::shared_ptr<Stub> stub_;
  std::unique_ptr<RunStream> stream_;  // after what it uses
  std::size_t begun_ = 0;
  bool has_trouble_ = false;
};

}  // namespace garner::client::browse
