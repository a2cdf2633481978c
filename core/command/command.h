// Commands that people configure, run by /bin/sh: before and after a backup, those whose output is backed up,
// and those that tell somebody.
//
// A command has a process group of its own, in which it is ended with all that it has started; the folder /;
// what it is given, or /dev/null, as its input; the environment of its user (identity.h) and what is added to
// it; and no descriptor of this process but the pipes that take its output. When it ends, what it has left
// running in its group is killed: a child that holds the pipe keeps nobody waiting. It is ended early, by
// SIGTERM and some seconds later by SIGKILL, at its time limit and when its end is wished for.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "command/output_lines.h"

namespace garner::command {

inline constexpr std::size_t kLongestCommand = 16u << 10;  // that may be configured

struct Request {
  std::string command;                 // for `/bin/sh -c`
  uid_t user = 0;                      // whose it is
  std::vector<std::string> variables;  // "GARNER_SET=home"
  std::chrono::milliseconds limit{};   // by the steady clock, which stands still while the machine sleeps
  std::string input = {};              // its standard input: bytes in memory, which it need not read
};

struct Ending {
  enum class Reason { kExited, kKilled, kTimeLimit, kStopped };
  Reason reason = Reason::kExited;
  int number = 0;  // exit code, or signal
  bool well() const { return reason == Reason::kExited && number == 0; }
};

// "ended with exit code 3", "was killed by signal 9 (Killed)", "did not end within 1h and was stopped": the
// subject is the command.
std::string describe(const Ending& ending, std::chrono::milliseconds limit);

// Belongs to the thread that starts it. Should this process be killed, the command gets SIGTERM.
class Command {
 public:
  enum class Output { kLines, kRead };  // what standard output is: lines, like standard error; or for read()

  // Starts it. `lines` gets its output; `stop` is asked a few times a second whether it is to end, and may do
  // small work. Both are called within the methods below only. Errors as of identity_of(), and
  // Error(kUnavailable).
  Command(const Request& request, Output output, LineSink lines, std::function<bool()> stop);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();  // ends it

  // Waits for some of its output; 0 when there is no more, because it has ended, or was ended.
  std::size_t read(MutableByteView buffer);
  // Waits for its end.
  Ending wait();

  gid_t group() const { return group_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  void start(const Request& request, Output output);
  bool has_ended() const;
  bool is_due_to_end();
  void wait_for_anything(std::chrono::milliseconds time) const;
  void take_lines();
  void end_early(Ending::Reason reason);
  // What it had written when it ended is all that counts.
  void note_end();

  LineSplitter lines_;
  const std::function<bool()> stop_;
  const Time until_;
  gid_t group_ = 0;
  pid_t child_ = -1;
  Fd ended_;  // readable then
  Fd log_;
  Fd data_;
  std::optional<Ending::Reason> early_;
  bool is_over_ = false;       // it has ended, and its group is killed
  std::size_t data_left_ = 0;  // in the pipes, once it is over
  std::size_t log_left_ = 0;
};

}  // namespace garner::command
