#include "wait_for_run.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "exit_code.h"
#include "interrupt.h"
#include "json.h"
#include "live_lines.h"
#include "run_progress.h"
#include "run_stream.h"
#include "run_summary.h"
#include "run_text.h"
#include "text.h"

namespace garner::client {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPlainInterval{5};
constexpr std::chrono::seconds kJsonInterval{1};

void print_error_line(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

// Shows what a run does while it is waited for: live on a terminal, otherwise a line now and then.
class ProgressView {
 public:
  explicit ProgressView(const Session& session) : session_(session), live_(STDERR_FILENO) {}

  void show(const v1::Run& run) {
    if (has_ended(run)) return;
    if (session_.json()) {
      show_line(run, to_json(run), kJsonInterval);
    } else if (session_.errors().interactive) {
      Terminal terminal = session_.errors();
      terminal.width = terminal_width(STDERR_FILENO);
      live_.draw(progress_lines(run, terminal));
    } else {
      show_line(run, progress_line(run), kPlainInterval);
    }
  }

  void clear() {
    if (session_.errors().interactive && !session_.json()) live_.clear();
  }

 private:
  // A change of state at once; otherwise at most one in `interval`, and only what is new.
  void show_line(const v1::Run& run, const std::string& line, std::chrono::seconds interval) {
    const auto now = SteadyClock::now();
    const bool moved = run.state() != state_ || run.pause_reason() != reason_;
    if (line == shown_ || (!moved && now - shown_at_ < interval)) return;
    state_ = run.state();
    reason_ = run.pause_reason();
    shown_ = line;
    shown_at_ = now;
    print_error_line(line);
  }

  const Session& session_;
  LiveLines live_;
  v1::RunState state_ = v1::RUN_STATE_UNSPECIFIED;
  v1::PauseReason reason_ = v1::PAUSE_REASON_NONE;
  std::string shown_;
  SteadyClock::time_point shown_at_{};
};

enum class Answer { kDetach, kCancel, kRunEnded };

class Wait {
 public:
  Wait(Session& session, Interrupt& interrupt, v1::Run run)
      : session_(session), interrupt_(interrupt), run_(std::move(run)), view_(session) {}

  int until_end() {
    RunStream stream(session_.daemon(), run_.run_id());
    if (interactive()) {
      print_error_line(capitalised(run_title(run_)) + ", run " + printable(run_.run_id()) +
                       " (Ctrl-C to detach or cancel)");
    }
    view_.show(run_);
    while (true) {
      take_newest(stream);
      if (const auto ended = stream.ended()) {
        // What came between the two looks.
        take_newest(stream);
        return finish(*ended);
      }
      if (interrupt_.take()) {
        view_.clear();
        const Answer answer = interactive() ? ask(stream) : Answer::kDetach;
        if (answer == Answer::kDetach) return detach();
        if (answer == Answer::kCancel) cancel();
        continue;
      }
      wait_for({stream.descriptor(), interrupt_.descriptor()});
    }
  }

  int detach() {
    view_.clear();
    if (session_.json()) {
      session_.print_json(run_);
    } else {
      session_.say(capitalised(run_title(run_)) + " goes on as run " + run_.run_id() + ": garner run show " +
                   run_.run_id());
    }
    return kExitDone;
  }

 private:
  bool interactive() const {
    return !session_.json() && session_.errors().interactive && isatty(STDIN_FILENO) == 1;
  }

  static void wait_for(std::array<int, 2> descriptors) {
    std::array<pollfd, 2> waited{pollfd{descriptors[0], POLLIN, 0}, pollfd{descriptors[1], POLLIN, 0}};
    poll(waited.data(), waited.size(), -1);
  }

  void take_newest(RunStream& stream) {
    if (auto newest = stream.take()) {
      run_ = std::move(*newest);
      view_.show(run_);
    }
  }

  // Asks until there is an answer; a second Ctrl-C or the end of input detaches.
  Answer ask(RunStream& stream) {
    std::string typed;
    while (true) {
      std::fputs("Detach (it goes on without you) or cancel it? [D/c] ", stderr);
      while (typed.find('\n') == std::string::npos) {
        std::array<pollfd, 3> waited{pollfd{STDIN_FILENO, POLLIN, 0},
                                     pollfd{interrupt_.descriptor(), POLLIN, 0},
                                     pollfd{stream.descriptor(), POLLIN, 0}};
        poll(waited.data(), waited.size(), -1);
        if (interrupt_.take()) {
          std::fputc('\n', stderr);
          return Answer::kDetach;
        }
        if (auto newest = stream.take()) run_ = std::move(*newest);
        if (stream.ended()) {
          std::fputc('\n', stderr);
          return Answer::kRunEnded;
        }
        if ((waited[0].revents & (POLLIN | POLLHUP)) == 0) continue;
        std::array<char, 256> buffer{};
        const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count <= 0) return Answer::kDetach;
        typed.append(buffer.data(), static_cast<std::size_t>(count));
      }
      const std::string word = typed.substr(0, typed.find('\n'));
      typed.clear();
      if (word.empty() || word == "d" || word == "D" || word == "detach") return Answer::kDetach;
      if (word == "c" || word == "C" || word == "cancel") return Answer::kCancel;
    }
  }

  void cancel() {
    v1::GetRunRequest request;
    request.set_run_id(run_.run_id());
    try {
      session_.call(&Stub::CancelRun, request);
    } catch (const Failure& failure) {
      // It may have ended just now, or not be for this user to cancel: the wait goes on and tells.
      print_error_line("garner: not cancelled: " + printable(failure.what()));
    }
  }

  int finish(const grpc::Status& status) {
    view_.clear();
    session_.check(status);
    if (!has_ended(run_)) {
      throw Failure(kExitUnreachable, "the daemon stopped while " + run_title(run_) + " was under way",
                    "It goes on by itself when the daemon starts again: garner run show " + run_.run_id());
    }
    if (session_.json()) {
      session_.print_json(run_);
    } else {
      session_.print(summary(run_, session_.output()));
    }
    return exit_code(run_);
  }

  Session& session_;
  Interrupt& interrupt_;
  v1::Run run_;
  ProgressView view_;
};

}  // namespace

int start_and_wait(Session& session, bool detach, const std::function<v1::Run(Session&)>& start) {
  Interrupt interrupt;
  Wait wait(session, interrupt, start(session));
  return detach ? wait.detach() : wait.until_end();
}

}  // namespace garner::client
