#include "child_process.h"

#include <unistd.h>

#include <csignal>
#include <thread>

#include "installation.h"

namespace garner::daemon {
namespace {

// As the daemon does (process_setup.cc).
const bool kPipesBreakQuietly = std::signal(SIGPIPE, SIG_IGN) != SIG_ERR;

ChildProcess shell(const std::string& command) {
  ChildProcess child;
  child.arguments = {"/bin/sh", "-c", command};
  child.environment = environment_of(geteuid());
  child.user = geteuid();
  return child;
}

ChildResult run(const ChildProcess& child) { return run_child(child, std::stop_token()); }

TEST_CASE("a command gets its input and environment, and gives its output and exit code") {
  ChildProcess child = shell("cat; echo \"$GARNER_TEXT\"; echo problem >&2; pwd; exit 3");
  child.environment.emplace_back("GARNER_TEXT=two words");
  child.input = "input\n";
  const ChildResult result = run(child);
  CHECK(result.end == ChildResult::End::kExited);
  CHECK(result.code == 3);
  CHECK(result.output == "input\ntwo words\nproblem\n/\n");
  CHECK(result.text(child.limit) == "it ended with 3");
  CHECK(run(shell("true")).ok());
}

TEST_CASE("nothing of this process is inherited") {
  setenv("GARNER_SECRET", "1", 1);
  const int open_here = dup(STDIN_FILENO);
  const ChildResult result = run(shell("env; ls /proc/self/fd | wc -l"));
  close(open_here);
  CHECK(result.output.find("GARNER_SECRET") == std::string::npos);
  // 0, 1, 2, and the folder that ls reads.
  CHECK(result.output.ends_with("4\n"));
}

TEST_CASE("a command that does not read, writes much, or leaves something running holds up nothing") {
  ChildProcess child = shell("head -c 300000 /dev/zero | tr '\\0' x; echo end");
  child.input = std::string(1 << 20, 'i');
  const ChildResult result = run(child);
  CHECK(result.ok());
  CHECK(result.output.size() == child.most_output);
  CHECK(result.output.ends_with("xend\n"));
  CHECK(run(shell("sleep 1000 & echo gone")).output == "gone\n");
}

TEST_CASE("a command that reads late gets everything") {
  ChildProcess child = shell("sleep 0.3; wc -c");
  child.input = std::string(1 << 20, 'i');
  CHECK(run(child).output == "1048576\n");
}

TEST_CASE("a command that hangs is killed with all that it started") {
  ChildProcess child = shell("sh -c 'sleep 1000' & echo $!; wait");
  child.limit = std::chrono::milliseconds(300);
  const ChildResult result = run(child);
  CHECK(result.end == ChildResult::End::kTimedOut);
  const pid_t left = std::stoi(result.output);
  // Killed, and taken by whoever takes orphans here.
  bool gone = false;
  for (int i = 0; i < 500 && !gone; ++i) {
    gone = kill(left, 0) != 0 && errno == ESRCH;
    if (!gone) {
      try {
        const Bytes stat = read_file("/proc/" + std::to_string(left) + "/stat", 4096);
        gone = as_text(stat).find(") Z ") != std::string_view::npos;
      } catch (const Error&) {
        gone = true;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(gone);
}

TEST_CASE("a stop ends a command") {
  std::stop_source stop;
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  const ChildResult result = run_child(shell("sleep 1000"), stop.get_token());
  CHECK(result.end == ChildResult::End::kStopped);
}

TEST_CASE("a command that is killed, and one that is not there") {
  const ChildResult killed = run(shell("kill -9 $$"));
  CHECK(killed.end == ChildResult::End::kKilled);
  CHECK(killed.code == SIGKILL);
  ChildProcess child = shell("");
  child.arguments.front() = "/no/such/program";
  CHECK(run(child).code == 127);
}

TEST_CASE("only root becomes somebody else") {
  ChildProcess child = shell("id -u; id -g");
  child.user = geteuid() == 0 ? 65534 : 0;
  if (geteuid() == 0) {
    CHECK(run(child).output == "65534\n65534\n");
    child.user = 4'000'000;  // nobody has it
  }
  CHECK(kind_of([&] { run(child); }) == ErrorKind::kPermissionDenied);
}

}  // namespace
}  // namespace garner::daemon
