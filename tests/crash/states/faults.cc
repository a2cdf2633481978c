// crash_faults backup|prune|restore [--seed N] [--most N] [--folder DIR]
//
// Has the n-th operation on the disk fail, for every n of a run: once with EIO, and with ENOSPC from then on.
// The run must end well or with an error that says what is wrong. Then the disk is well again: the same
// process goes on with the run and finishes it, and a new one finds everything as it was promised. With
// --most not every n is taken, but so many, chosen by the seed. See docs/crash-safety.md.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <numeric>
#include <stdexcept>

#include "base/error.h"
#include "crypto/secret.h"
#include "image.h"
#include "recorder.h"
#include "scenario.h"

namespace garner::crash {
namespace {

using catalog::RunKind;
using catalog::RunRow;

struct Work {
  std::string scenario;  // which prepares
  RunKind kind = RunKind::kBackup;
};

struct Options {
  std::string work;
  std::uint64_t seed = std::random_device()();
  std::size_t most = 0;
  std::string folder;
};

Work find_work(const std::string& name) {
  if (name == "backup") return {"second backup", RunKind::kBackup};
  if (name == "prune") return {"forget and prune", RunKind::kPrune};
  if (name == "restore") return {"restore", RunKind::kRestore};
  throw std::runtime_error("what is to fail: backup, prune or restore?");
}

const Scenario& find_scenario(const std::string& name) {
  for (const Scenario& scenario : scenarios()) {
    if (scenario.name == name) return scenario;
  }
  throw std::logic_error("no scenario " + name);
}

// Those that say what happened to the disk.
bool is_clear(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kDestinationAway:
    case ErrorKind::kDestinationFull:
    case ErrorKind::kStateFull:
    case ErrorKind::kTargetFull:
    case ErrorKind::kReadFailed:
    case ErrorKind::kWriteFailed:
      return std::string(error.what()).find('/') != std::string::npos;
    default:
      return false;
  }
}

class Faults {
 public:
  Faults(const Options& options, const Work& work)
      : options_(options),
        work_(work),
        scenario_(find_scenario(work.scenario)),
        random_(options.seed),
        world_(options.folder) {
    scenario_.prepare(world_, random_);
    if (work_.kind == RunKind::kPrune) forget_oldest();
    std::vector<Found> found;
    image_ = read_image(world_.disk(), found);
  }

  bool run() {
    const std::uint64_t reading = try_one({.reads = true}).operations;
    const std::uint64_t writing = try_one({}).operations;
    std::cout << writing << " operations that write, " << reading << " with those that read" << std::endl;
    for (const std::uint64_t at : choose(reading)) {
      if (!test({.at = at, .error_number = EIO, .reads = true})) return false;
    }
    for (const std::uint64_t at : choose(writing)) {
      if (!test({.at = at, .error_number = EIO, .stays = true})) return false;
      if (!test({.at = at, .error_number = ENOSPC, .stays = true})) return false;
    }
    std::cout << tested_ << " faults; the run ended well all the same in " << ended_well_ << std::endl;
    return true;
  }

 private:
  void forget_oldest() {
    Machine machine(world_.disk(), "first");
    const auto state = machine.repository().state();
    const std::string oldest = Uuid::from_bytes(as_bytes(state->snapshots(0).snapshot().run())).text();
    const RunRow row = machine.begin(RunKind::kForget, oldest);
    machine.forget(row);
    world_.promise_gone(oldest);
    machine.finish(row);
  }

  std::vector<std::uint64_t> choose(std::uint64_t count) {
    std::vector<std::uint64_t> all(count);
    std::iota(all.begin(), all.end(), std::uint64_t{1});
    if (options_.most != 0 && all.size() > options_.most) {
      std::ranges::shuffle(all, random_);
      all.resize(options_.most);
    }
    return all;
  }

  void work(Machine& machine, const RunRow& row, bool again) {
    if (work_.kind == RunKind::kBackup) machine.back_up(row, world_.paths(), {});
    if (work_.kind == RunKind::kPrune) machine.prune(row);
    if (work_.kind == RunKind::kRestore) machine.restore(row, world_.paths(), /*resuming=*/again);
    machine.finish(row);
  }

  // Sets everything up anew and lets the run meet the fault; then goes on without it.
  FaultCount try_one(const Fault& fault) {
    remove_tree(world_.disk());
    write_image(image_, world_.disk(), {"-shm"});
    World::Promises promises = world_.promises();
    FaultCount count;
    {
      Machine machine(world_.disk(), "first");
      const RunRow row = machine.begin(
          work_.kind, work_.kind == RunKind::kRestore ? *world_.promises().listed.begin() : std::string());
      if (work_.kind == RunKind::kBackup) world_.expect(row);
      begin_faults(world_.disk(), fault);
      bool over = false;
      std::string unclear;
      try {
        work(machine, row, false);
        over = true;
        ++ended_well_;
      } catch (const Error& error) {
        if (!is_clear(error)) unclear = std::string(to_string(error.kind())) + ": " + error.what();
      } catch (const Incomplete&) {
        // Each thing that is missing was told.
      } catch (...) {
        end_faults();
        throw;
      }
      count = end_faults();
      if (!unclear.empty()) throw Failure{count.first_failed + ": ends with an unclear error: " + unclear};
      try {
        if (!over) work(machine, row, true);
      } catch (const std::exception& error) {
        throw Failure{count.first_failed + ": cannot go on afterwards: " + error.what()};
      }
      if (work_.kind == RunKind::kBackup) promises.listed.insert(row.uuid.text());
    }
    try {
      recover(world_, scenario_, promises, random_);
    } catch (const Failure& failure) {
      throw Failure{count.first_failed + ": " + failure.what};
    }
    return count;
  }

  bool test(const Fault& fault) {
    ++tested_;
    try {
      try_one(fault);
      return true;
    } catch (const Failure& failure) {
      std::cerr << "FOUND with operation " << fault.at << ": " << failure.what << std::endl;
      return ++found_ < 10;
    }
  }

  const Options& options_;
  const Work work_;
  const Scenario& scenario_;
  std::mt19937_64 random_;
  World world_;
  Image image_;
  std::uint64_t tested_ = 0;
  std::uint64_t ended_well_ = 0;

 public:
  std::uint64_t found_ = 0;
};

Options parse(int count, char** arguments) {
  if (count < 2) throw std::runtime_error("what is to fail: backup, prune or restore?");
  Options options;
  options.work = arguments[1];
  options.folder = std::string(access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp") +
                   "/garner-crash-faults-" + std::to_string(getpid());
  for (int at = 2; at + 1 < count; at += 2) {
    const std::string name = arguments[at];
    if (name == "--seed") {
      options.seed = std::stoull(arguments[at + 1]);
    } else if (name == "--most") {
      options.most = std::stoull(arguments[at + 1]);
    } else if (name == "--folder") {
      options.folder = arguments[at + 1];
    } else {
      throw std::runtime_error("there is no option " + name);
    }
  }
  return options;
}

int run(int count, char** arguments) {
  const Options options = parse(count, arguments);
  spdlog::set_level(spdlog::level::off);
  crypto::initialize_crypto();
  std::cout << "seed " << options.seed << std::endl;
  const auto begin = std::chrono::steady_clock::now();
  bool well = false;
  {
    Faults faults(options, find_work(options.work));
    well = faults.run() && faults.found_ == 0;
  }
  remove_tree(options.folder);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  std::cout << taken.count() << " s" << std::endl;
  return well ? 0 : 1;
}

}  // namespace
}  // namespace garner::crash

int main(int count, char** arguments) {
  try {
    return garner::crash::run(count, arguments);
  } catch (const garner::crash::Failure& failure) {
    std::cerr << "crash_faults: without a fault: " << failure.what << std::endl;
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "crash_faults: " << error.what() << std::endl;
    return 2;
  }
}
