#include "command/command.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/temporary_folder.h"

namespace garner::command {
namespace {

using namespace std::chrono_literals;
using Reason = Ending::Reason;

struct Ran {
  Ending ending;
  std::vector<std::string> lines;
  std::string data;
};

Ran run(
    const std::string& text, Command::Output output = Command::Output::kLines,
    std::chrono::milliseconds limit = 60s, const std::function<bool()>& stop = [] { return false; },
    uid_t user = geteuid()) {
  Ran ran;
  Command command(
      {text, user, {"GARNER_SET=home"}, limit}, output,
      [&](std::string_view line) { ran.lines.emplace_back(line); }, stop);
  std::vector<std::uint8_t> buffer(1000);
  if (output == Command::Output::kRead) {
    while (const std::size_t got = command.read(buffer)) ran.data.append(as_text({buffer.data(), got}));
  }
  ran.ending = command.wait();
  return ran;
}

// Gone, or a zombie that nobody waits for.
bool is_gone(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("State:")) return line.find('Z') != std::string::npos;
  }
  return true;
}

// A process that was killed takes a moment to die.
bool is_dead(const std::string& pid_file) {
  pid_t process = 0;
  std::ifstream(pid_file) >> process;
  REQUIRE(process > 0);
  for (int i = 0; i < 1000 && !is_gone(process); ++i) usleep(10'000);
  return is_gone(process);
}

TEST_CASE("the end of a command says how it ended") {
  CHECK(run("true").ending.well());
  const Ran failed = run("echo out; echo err >&2; exit 3");
  CHECK_FALSE(failed.ending.well());
  CHECK(describe(failed.ending, 1s) == "ended with exit code 3");
  CHECK(failed.lines == std::vector<std::string>{"out", "err"});
  CHECK(describe(run("kill -9 $$").ending, 1s) == "was killed by signal 9 (Killed)");
  CHECK(describe(run("no-such-program-at-all").ending, 1s) == "ended with exit code 127");
  CHECK(describe({Reason::kTimeLimit, 0}, 5400s) == "did not end within 90m and was stopped");
}

TEST_CASE("a command reads its input, or leaves it") {
  std::vector<std::string> lines;
  const auto run_with = [&](const std::string& text) {
    lines.clear();
    Command command(
        {text, geteuid(), {}, 60s, std::string(1 << 20, 'i')}, Command::Output::kLines,
        [&](std::string_view line) { lines.emplace_back(line); }, [] { return false; });
    return command.wait();
  };
  CHECK(run_with("sleep 0.3; wc -c").well());
  CHECK(lines == std::vector<std::string>{"1048576"});
  CHECK(run_with("echo done").well());
  CHECK(run("wc -c").lines == std::vector<std::string>{"0"});
}

TEST_CASE("output that is read comes whole, and beside it what goes to standard error") {
  const Ran ran = run("head -c 3000000 /dev/zero; echo told >&2", Command::Output::kRead);
  CHECK(ran.ending.well());
  CHECK(ran.data == std::string(3'000'000, '\0'));
  CHECK(ran.lines == std::vector<std::string>{"told"});
  // More on standard error than a pipe holds keeps nobody waiting.
  const Ran loud = run("head -c 300000 /dev/zero >&2; echo data", Command::Output::kRead);
  CHECK(loud.data == "data\n");
}

TEST_CASE("a command has nothing of the daemon's but what it is given") {
  setenv("GARNER_TEST_SECRET", "secret", 1);
  // A descriptor that would be handed on.
  const int open_one = open("/dev/null", O_RDONLY);
  REQUIRE(open_one > 2);
  const Ran ran =
      run("pwd; env | cut -d= -f1 | sort | tr '\\n' ' '; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; "
          "echo $GARNER_SET; test $(ps -o pgid= -p $$) = $$ && echo own group");
  close(open_one);
  REQUIRE(ran.lines.size() == 5);
  CHECK(ran.lines[0] == "/");
  // 0, 1, 2, and the folder that ls has open.
  CHECK(ran.lines[1] == "GARNER_SET HOME LANG LOGNAME PATH PWD SHELL USER 4");
  CHECK(ran.lines[2] == "/dev/null");
  CHECK(ran.lines[3] == "home");
  CHECK(ran.lines[4] == "own group");
}

TEST_CASE("at its time limit a command is ended with all that it has started") {
  testing::TemporaryFolder folder;
  const std::string pid = folder.path("pid");
  const Ran ran = run("echo begun; sleep 1000 & echo $! > " + pid + "; wait", Command::Output::kLines, 300ms);
  CHECK(ran.ending.reason == Reason::kTimeLimit);
  CHECK(ran.lines == std::vector<std::string>{"begun"});
  CHECK(is_dead(pid));
}

TEST_CASE("what does not heed the first signal is killed by the second") {
  int asked = 0;
  // The wish is there from the third look on.
  const Ran ran = run("trap 'echo heard' TERM; echo begun; while :; do sleep 0.1; done",
                      Command::Output::kLines, 60s, [&] { return ++asked > 3; });
  CHECK(ran.ending.reason == Reason::kStopped);
  // The shell may tell of its child's end before.
  CHECK(ran.lines.front() == "begun");
  CHECK(ran.lines.back() == "heard");
}

TEST_CASE("a child left behind that holds the pipe keeps nobody waiting") {
  testing::TemporaryFolder folder;
  const std::string pid = folder.path("pid");
  const Ran ran = run("sleep 1000 & echo $! > " + pid + "; echo done", Command::Output::kRead);
  CHECK(ran.ending.well());
  CHECK(ran.data == "done\n");
  CHECK(is_dead(pid));
  // One that has left the group as well, and writes without end.
  const Ran loud =
      run("setsid sh -c 'echo $$ > " + pid + "; exec yes' & while ! test -s " + pid + "; do :; done; exit 0");
  CHECK(loud.ending.well());
  pid_t left = 0;
  std::ifstream(pid) >> left;
  kill(left, SIGKILL);
}

TEST_CASE("a command that is given up is ended") {
  testing::TemporaryFolder folder;
  const std::string pid = folder.path("pid");
  {
    Command command(
        {"echo $$ > " + pid + "; echo x; exec sleep 1000", geteuid(), {}, 60s}, Command::Output::kRead,
        [](std::string_view) {}, [] { return false; });
    std::vector<std::uint8_t> buffer(10);
    REQUIRE(command.read(buffer) == 2);
  }
  CHECK(is_dead(pid));
}

// What this process does at a signal, counted where its children count as well.
volatile std::sig_atomic_t* handled = nullptr;

TEST_CASE("a signal to a command that has only just begun is never handled as one to the daemon") {
  void* const shared =
      mmap(nullptr, sizeof(*handled), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  handled = static_cast<volatile std::sig_atomic_t*>(shared);
  const auto before = std::signal(SIGTERM, [](int) { *handled = *handled + 1; });
  for (int i = 0; i < 200; ++i) {
    const Ran ended = run("exec sleep 60", Command::Output::kLines, 60s, [] { return true; });
    CHECK(ended.ending.reason == Reason::kStopped);
  }
  // Signals still come through here.
  CHECK(*handled == 0);
  std::raise(SIGTERM);
  CHECK(*handled == 1);
  std::signal(SIGTERM, before);
  munmap(shared, sizeof(*handled));
}

TEST_CASE("a command runs as the user whose it is") {
  if (geteuid() == 0) {
    const Ran ran = run(
        "id -u; id -G; echo $USER", Command::Output::kLines, 60s, [] { return false; }, 65534);
    CHECK(ran.lines == std::vector<std::string>{"65534", "65534", "nobody"});
    CHECK_THROWS_AS(run(
                        "true", Command::Output::kLines, 60s, [] { return false; }, 4'000'000),
                    Error);
  } else {
    CHECK_THROWS_AS(run(
                        "true", Command::Output::kLines, 60s, [] { return false; }, 0),
                    Error);
  }
}

}  // namespace
}  // namespace garner::command
