#include "exploration.h"

#include <filesystem>
#include <stdexcept>

#include "base/file.h"
#include "recorder.h"

namespace garner::crash {

namespace {

// Of one trace: enough to see most of its points, and few enough that threads meet in many ways.
constexpr std::uint64_t kStatesOfATrace = 100;
// Shared memory of SQLite, which whoever opens the database first makes anew.
const std::vector<std::string_view> kNotOnDisk = {"-shm"};

World::Promises promises_at(const World::Promises& before, const Trace& trace, std::size_t point) {
  World::Promises promises = before;
  for (std::size_t at = 0; at < point; ++at) {
    if (trace.operations[at].kind == OperationKind::kMark) promises.take(trace.operations[at].name);
  }
  return promises;
}

class Explorer {
 public:
  Explorer(const Plan& plan, const std::function<bool(const std::string&)>& count,
           const std::function<bool(const Finding&)>& found)
      : plan_(plan), count_(count), found_(found) {}

  // False when it is enough.
  bool explore(const Scenario& scenario, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    World world(plan_.folder);
    scenario.prepare(world, random);
    const World::Promises before = world.promises();
    begin_recording(world.disk());
    scenario.act(world, random);
    const Trace trace = end_recording();
    for (std::uint64_t number = 0; number < kStatesOfATrace && done < plan_.states; ++number) {
      const std::size_t point = random() % (trace.operations.size() + 1);
      const std::uint64_t state_seed = random();
      const std::string where = scenario.name + ", trace " + std::to_string(seed) + ": after " +
                                std::to_string(point) + " of " + std::to_string(trace.operations.size()) +
                                " operations, state " + std::to_string(state_seed);
      if (!count_(where)) return false;
      ++done;
      const CrashState state(trace, point, state_seed, plan_.ignored);
      set_up(world, state.image());
      try {
        recover(world, scenario, promises_at(before, trace, point), random);
      } catch (const Failure& failure) {
        const Finding finding{scenario.name, failure.what, where, state.story()};
        keep(finding, state.image());
        if (!found_(finding)) return false;
      }
    }
    return done < plan_.states;
  }

  std::uint64_t done = 0;

 private:
  static void set_up(const World& world, const Image& image) {
    remove_tree(world.disk());
    remove_tree(world.check_folder());
    write_image(image, world.disk(), kNotOnDisk);
  }

  void keep(const Finding& finding, const Image& image) {
    if (plan_.keep.empty()) return;
    const std::string folder = plan_.keep + "/" + base_name(plan_.folder) + "-" + std::to_string(done);
    remove_tree(folder);
    make_folders_durably(folder);
    write_image(image, folder + "/disk", kNotOnDisk);
    const std::string text = finding.where + "\n" + finding.what + "\n\n" + finding.story;
    replace_file_durably(folder + "/story", as_bytes(text));
  }

  const Plan& plan_;
  const std::function<bool(const std::string&)>& count_;
  const std::function<bool(const Finding&)>& found_;
};

}  // namespace

std::uint64_t explore(const Plan& plan, const std::function<bool(const std::string&)>& count,
                      const std::function<bool(const Finding&)>& found) {
  std::vector<const Scenario*> chosen;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.name.starts_with(plan.scenario)) chosen.push_back(&scenario);
  }
  if (chosen.empty()) throw std::runtime_error("no scenario's name begins with '" + plan.scenario + "'");
  Explorer explorer(plan, count, found);
  std::mt19937_64 random(plan.seed);
  for (std::size_t number = 0; explorer.done < plan.states; ++number) {
    if (!explorer.explore(*chosen[number % chosen.size()], random())) break;
  }
  remove_tree(plan.folder);
  return explorer.done;
}

}  // namespace garner::crash
