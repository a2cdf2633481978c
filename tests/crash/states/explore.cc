// crash_states [--states N] [--seed N] [--jobs N] [--scenario NAME] [--folder DIR] [--keep DIR]
// crash_states --self-test [--seed N] [--folder DIR]
//
// Explores the states that a crash may leave, or shows that it would find broken ones. Ends with 0 when every
// state recovered. See docs/crash-safety.md.
#include <malloc.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>
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
    ++progress.states;
    std::strncpy(progress.where, where.c_str(), sizeof progress.where - 1);
    alarm(kTooLong);
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

// Each worker is a process with a disk of its own.
int run_workers(const Options& options) {
  void* const shared = mmap(nullptr, options.jobs * sizeof(Progress), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::runtime_error("mmap");
  auto* const progress = static_cast<Progress*>(shared);
  std::vector<pid_t> workers;
  for (unsigned job = 0; job < options.jobs; ++job) {
    Plan plan{.folder = options.folder + "/" + std::to_string(job),
              .states = (options.states + job) / options.jobs,
              .seed = options.seed + job,
              .scenario = options.scenario,
              .keep = options.keep};
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(work(plan, progress[job]));
    }
    workers.push_back(child);
  }
  bool well = true;
  std::uint64_t states = 0;
  for (unsigned job = 0; job < options.jobs; ++job) {
    int status = 0;
    waitpid(workers[job], &status, 0);
    if (WIFSIGNALED(status)) {
      std::cerr << (WTERMSIG(status) == SIGALRM ? "HANGS: " : "DIED: ") << progress[job].where << " (signal "
                << WTERMSIG(status) << ")" << std::endl;
    }
    well = well && status == 0;
    states += progress[job].states;
  }
  std::cout << states << " states" << (well ? ", all recovered" : "") << std::endl;
  return well && states == options.states ? 0 : 1;
}

int run(int count, char** arguments) {
  const Options options = parse(count, arguments);
  spdlog::set_level(spdlog::level::off);
  crypto::initialize_crypto();
  std::cout << "seed " << options.seed << ", in " << options.folder << std::endl;
  const auto begin = std::chrono::steady_clock::now();
  const int result =
      options.self_test ? (test_explorer(options.folder, options.seed) ? 0 : 1) : run_workers(options);
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
