// crash_states [--states N] [--seed N] [--jobs N] [--scenario NAME] [--folder DIR] [--keep DIR]
// crash_states --self-test [--seed N] [--folder DIR]
//
// Explores the states that a crash may leave, or shows that it would find broken ones. Ends with 0 when every
// state recovered. Tells each minute how many did; SIGINT and SIGTERM end it early, with what was found so
// far and 1. See docs/crash-safety.md.
#include <malloc.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <random>
#include <span>
#include <stdexcept>
#include <thread>

#include "crypto/secret.h"
#include "exploration.h"
#include "image.h"
#include "self_test.h"

namespace garner::crash {
namespace {

constexpr int kTooLong = 120;                // seconds for one state: then it hangs
constexpr std::uint64_t kMostFindings = 10;  // of one process: one bug has many
constexpr timespec kBetweenReports{.tv_sec = 60, .tv_nsec = 0};

struct Options {
  std::uint64_t states = 10'000;
  std::uint64_t seed = std::random_device()();
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::string scenario;
  std::string folder;
  std::string keep;
  bool self_test = false;
};

// A file system in memory, if there is one: nothing here need be durable.
std::string default_folder() {
  const char* const chosen = std::getenv("TMPDIR");
  const std::string base = chosen != nullptr                      ? chosen
                           : access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm"
                                                                  : "/tmp";
  return base + "/garner-crash-states-" + std::to_string(getpid());
}

Options parse(int count, char** arguments) {
  Options options;
  options.folder = default_folder();
  for (int at = 1; at < count; ++at) {
    const std::string name = arguments[at];
    if (name == "--self-test") {
      options.self_test = true;
      continue;
    }
    if (++at == count) throw std::runtime_error(name + " needs a value, or is not known");
    const std::string value = arguments[at];
    if (name == "--states") {
      options.states = std::stoull(value);
    } else if (name == "--seed") {
      options.seed = std::stoull(value);
    } else if (name == "--jobs") {
      options.jobs = static_cast<unsigned>(std::max(1ul, std::stoul(value)));
    } else if (name == "--scenario") {
      options.scenario = value;
    } else if (name == "--folder") {
      options.folder = value;
    } else if (name == "--keep") {
      options.keep = value;
    } else {
      throw std::runtime_error("there is no option " + name);
    }
  }
  return options;
}

// What a worker tells, also when it dies.
struct Progress {
  std::uint64_t states;
  std::uint64_t findings;
  char where[400];
  std::atomic<bool> enough;  // set by who started it
};

void print(const Finding& finding) {
  constexpr std::size_t kTail = 4000;
  const std::string& story = finding.story;
  std::cerr << "FOUND " << finding.where << "\n  " << finding.what << "\n  the end of the trace:\n"
            << story.substr(story.size() > kTail ? story.find('\n', story.size() - kTail) : 0) << std::endl;
}

int work(const Plan& plan, Progress& progress) {
  // Memory that the states before have used, rather than the kernel's, fresh for each thread and each big
  // block.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  const auto count = [&](const std::string& where) {
    if (progress.enough) return false;
    ++progress.states;
    std::strncpy(progress.where, where.c_str(), sizeof progress.where - 1);
    alarm(kTooLong);
    return true;
  };
  const auto found = [&](const Finding& finding) {
    print(finding);
    return ++progress.findings < kMostFindings;
  };
  try {
    explore(plan, count, found);
    return progress.findings == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "after " << progress.where << ": " << error.what() << std::endl;
  } catch (const Failure& failure) {
    std::cerr << "after " << progress.where << ": " << failure.what << std::endl;
  }
  return 1;
}

sigset_t waited_for() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&signals, signal);
  return signals;
}

// Workers are processes with a disk each.
class Workers {
 public:
  explicit Workers(const Options& options) : options_(options) {
    void* const shared = mmap(nullptr, options.jobs * sizeof(Progress), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::runtime_error("mmap");
    progress_ = {static_cast<Progress*>(shared), options.jobs};
  }

  int run() {
    // They inherit this: a Ctrl-C that reaches all of them ends none amid a state.
    const sigset_t signals = waited_for();
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    for (unsigned job = 0; job < options_.jobs; ++job) start(job);
    bool well = true;
    while (!jobs_.empty()) {
      const int signal = sigtimedwait(&signals, nullptr, &kBetweenReports);
      if (signal == SIGINT || signal == SIGTERM) {
        for (Progress& one : progress_) one.enough = true;
      } else if (signal < 0 && errno == EAGAIN) {
        std::cout << states() << " states so far" << std::endl;
      }
      well = collect() && well;
    }
    std::cout << states() << " states" << (well ? ", all recovered" : "") << std::endl;
    return well && states() == options_.states ? 0 : 1;
  }

 private:
  void start(unsigned job) {
    const Plan plan{.folder = options_.folder + "/" + std::to_string(job),
                    .states = (options_.states + job) / options_.jobs,
                    .seed = options_.seed + job,
                    .scenario = options_.scenario,
                    .keep = options_.keep};
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(work(plan, progress_[job]));
    }
    jobs_[child] = job;
  }

  // False when one of those that have ended did not end well.
  bool collect() {
    bool well = true;
    int status = 0;
    for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;) {
      const unsigned job = jobs_.at(child);
      jobs_.erase(child);
      if (WIFSIGNALED(status)) {
        std::cerr << (WTERMSIG(status) == SIGALRM ? "HANGS: " : "DIED: ") << progress_[job].where
                  << " (signal " << WTERMSIG(status) << ")" << std::endl;
      }
      well = well && status == 0;
    }
    return well;
  }

  std::uint64_t states() const {
    std::uint64_t sum = 0;
    for (const Progress& one : progress_) sum += one.states;
    return sum;
  }

  const Options& options_;
  std::span<Progress> progress_;
  std::map<pid_t, unsigned> jobs_;  // of those that run
};

int run(int count, char** arguments) {
  const Options options = parse(count, arguments);
  spdlog::set_level(spdlog::level::off);
  crypto::initialize_crypto();
  std::cout << "seed " << options.seed << ", in " << options.folder << std::endl;
  const auto begin = std::chrono::steady_clock::now();
  const int result =
      options.self_test ? (test_explorer(options.folder, options.seed) ? 0 : 1) : Workers(options).run();
  remove_tree(options.folder);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  std::cout << taken.count() << " s" << std::endl;
  return result;
}

}  // namespace
}  // namespace garner::crash

int main(int count, char** arguments) {
  try {
    return garner::crash::run(count, arguments);
  } catch (const std::exception& error) {
    std::cerr << "crash_states: " << error.what() << std::endl;
    return 2;
  }
}
