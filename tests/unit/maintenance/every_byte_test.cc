// A small repository in which every byte is flipped, every object truncated at every length and removed, one
// at a time. Each time check must tell, and no read may give a byte that was never backed up.
//
// What is the same thing many times over is sampled: the padding of packs, which is one sealed message with
// their directory; the zeros of their headers, which are associated data as the rest of it is; and records in
// the middle of the log, of which those at its ends are flipped whole. Every time check reads all; what a
// read gives is looked at every seventh time.
#include <catch2/catch.hpp>

#include <map>
#include <random>

#include "base/error.h"
#include "maintenance/damage.h"
#include "support/memory_destination.h"
#include "unit/maintenance/maintenance_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

constexpr std::uint64_t kSeed = 20'261'128;
constexpr std::size_t kSamples = 100;  // of each such part

// Path -> content of every file of a snapshot, or the kind of error that reading it gave.
using Contents = std::map<std::string, std::string>;

// Holds all of a repository that SmallRepository made in memory, where one byte can be another.
class EveryByte {
 public:
  EveryByte() {
    std::filesystem::create_directories(source_.path("folder/inner"));
    for (int number = 0; number < 4; ++number) {
      write_file(source_.path("folder/file" + std::to_string(number)),
                 noise(600, static_cast<std::uint64_t>(number)));
    }
    write_file(source_.path("folder/inner/same"), noise(600, 1));
    // So many that their segment is an object of its own, and not in its record.
    for (std::uint64_t number = 0; number < 90; ++number)
      write_file(source_.path("folder/inner/" + std::to_string(number)), noise(10, 200 + number));
    small_.back_up({source_.path()});
    REQUIRE_FALSE(small_.destination().list("index/").empty());
    write_file(source_.path("folder/file2"), noise(900, 100));
    small_.back_up({source_.path()});
    small_.rotate_keys();
    keyring_.emplace(small_.repository().keyring().copy());
    // A record after which a state is written: the first of 32 that changes what is stored.
    const auto pinned = crypto::BlobId::from_bytes(as_bytes(small_.repository().state()->snapshots(0).id()));
    for (bool pin = true; small_.repository().state()->generation() < 31; pin = !pin) {
      store::CommitPlan plan;
      plan.removal.decided_on = small_.repository().state()->generation();
      (pin ? plan.removal.pin : plan.removal.unpin).insert(pinned);
      REQUIRE(small_.repository().commit(plan).committed);
    }
    write_file(source_.path("folder/file3"), noise(700, 101));
    small_.back_up({source_.path()});
    REQUIRE_FALSE(small_.destination().list("state/").empty());

    for (const destination::ObjectInfo& object : small_.destination().list("")) {
      keys_.push_back(object.key);
      memory_->put(object.key, small_.destination().get_all(object.key, 1u << 30));
    }
    repository_ = machine_.open(memory_, *keyring_);
    newest_ = repository_->state()->generation();
    good_ = contents();
    REQUIRE(good_.size() > 5);
    RecordingCheckMonitor clean;
    check(clean);
    REQUIRE(clean.problems == std::vector<std::string>{});
  }

  const std::vector<std::string>& keys() const { return keys_; }
  Bytes& object(const std::string& key) { return memory_->object(key); }
  MemoryDestination& memory() { return *memory_; }

  // Where to flip and where to cut: everywhere, but for what is sampled.
  std::vector<std::size_t> offsets(const std::string& key, std::mt19937_64& random) {
    const std::size_t size = object(key).size();
    std::vector<std::pair<std::size_t, std::size_t>> sampled;
    if (key.starts_with("packs/")) {
      const store::PackReader reader(*memory_, *keyring_, store::ObjectName::from_hex(base_name(key)));
      const auto frames = reader.read_directory().frames;
      sampled.emplace_back(64, frames.front().offset);
      sampled.emplace_back(frames.back().offset + frames.back().stored_length + 256, size - 256);
    } else if (key.starts_with("log/")) {
      const std::uint64_t generation = store::generation_of(key);
      if (generation > 5 && generation + 2 < newest_) sampled.emplace_back(0, size);
    }
    std::vector<std::size_t> chosen;
    std::size_t from = 0;
    for (const auto& [begin, end] : sampled) {
      while (from < begin) chosen.push_back(from++);
      for (std::size_t i = 0; i < kSamples; ++i) chosen.push_back(begin + random() % (end - begin));
      from = end;
    }
    while (from < size) chosen.push_back(from++);
    return chosen;
  }

  // Whether a check that reads everything tells of damage, by a machine that has seen the repository before
  // (`known`), or by one that has not but was told which record is the newest.
  bool is_found(const std::string& key, bool known) {
    repository_.reset();
    memory_->forget_reads();
    if (!known) machine_.lose_cache();
    try {
      repository_ = machine_.open(memory_, *keyring_);
      RecordingCheckMonitor monitor;
      return check(monitor).problem_count > 0 && !monitor.problems.empty();
    } catch (const Error& error) {
      CAPTURE(error.what());
      // Only the header tells by itself what can read it; that of all else can be told from damage.
      const bool is_of_header = key == "garner.repo" && (error.kind() == ErrorKind::kNotARepository ||
                                                         error.kind() == ErrorKind::kNewerFormat);
      CHECK((is_of_header || (maintenance::is_damage(error) && error.kind() != ErrorKind::kWrongKey)));
      return true;
    }
  }

  // Whether every file reads as it was, or, where that may be, not at all. Without a state all can be read.
  bool reads_right(const std::string& key) {
    const bool may_be_unreadable = !key.starts_with("state/");
    repository_.reset();
    machine_.lose_cache();
    try {
      repository_ = machine_.open(memory_, *keyring_);
      for (const auto& [path, content] : contents()) {
        const auto expected = good_.find(path);
        if (expected != good_.end() && content == expected->second) continue;
        if (expected == good_.end() || content != kUnreadable || !may_be_unreadable) return false;
      }
      return true;
    } catch (const Error&) {
      return may_be_unreadable;
    }
  }

 private:
  static constexpr const char* kUnreadable = "unreadable";

  std::uint64_t newest_ = 0;  // record

  maintenance::CheckProgress check(RecordingCheckMonitor& monitor) {
    maintenance::CheckOptions options;
    options.read_data_percent = 100;
    options.threads = 1;
    return maintenance::run_check(*repository_, options, monitor, {});
  }

  Contents contents() {
    Contents found;
    for (const auto& entry : repository_->state()->snapshots()) {
      for (const auto& source : entry.snapshot().sources())
        add_node(source.root(), to_hex(as_bytes(entry.id())), found);
    }
    return found;
  }

  void add_node(const store::v1::Node& node, const std::string& path, Contents& found) {
    try {
      if (node.type() == store::v1::NODE_TYPE_FOLDER) {
        snapshot::TreeReader reader(*repository_, crypto::BlobId::from_bytes(as_bytes(node.tree())));
        while (const auto named = reader.next())
          add_node(named->node, path + "/" + named->node.name(), found);
      } else {
        std::string content;
        snapshot::for_each_entry(
            node, *repository_, [&](std::uint64_t, const store::v1::ContentEntry& entry) {
              content += as_text(repository_->read(crypto::BlobKind::kData,
                                                   crypto::BlobId::from_bytes(as_bytes(entry.id()))));
              return true;
            });
        found[path] = content;
      }
    } catch (const Error&) {
      if (node.type() == store::v1::NODE_TYPE_FILE) found[path] = kUnreadable;
    }
  }

  struct InMemory {
    InMemory() { must(setenv("TMPDIR", "/dev/shm", 1), "setenv"); }  // each look syncs a cache
  } in_memory_;
  TemporaryFolder source_;
  SmallRepository small_;
  std::shared_ptr<MemoryDestination> memory_ = std::make_shared<MemoryDestination>();
  std::optional<crypto::Keyring> keyring_;
  Machine machine_;
  std::vector<std::string> keys_;
  std::unique_ptr<store::Repository> repository_;
  Contents good_;
};

}  // namespace

TEST_CASE("every byte that is flipped is found, and gives no wrong byte") {
  EveryByte all;
  std::mt19937_64 random(kSeed);
  CAPTURE(kSeed);
  std::size_t flipped = 0;
  std::vector<std::string> missed;
  for (const std::string& key : all.keys()) {
    for (const std::size_t at : all.offsets(key, random)) {
      const auto mask = static_cast<std::uint8_t>(1u << (at % 8));
      all.object(key)[at] ^= mask;
      const std::string where = key + " at " + std::to_string(at);
      // Its cache saves a machine from reading much of the log: both ways in turn.
      if (!all.is_found(key, flipped % 2 == 0)) missed.push_back(where);
      if (flipped % 7 == 0 && !all.reads_right(key)) missed.push_back(where + ": a wrong byte");
      all.object(key)[at] ^= mask;
      ++flipped;
    }
  }
  CHECK(missed == std::vector<std::string>{});
  WARN(flipped << " bytes flipped");
}

TEST_CASE("every object that is truncated, at any length, or removed is found, and gives no wrong byte") {
  EveryByte all;
  std::mt19937_64 random(kSeed);
  CAPTURE(kSeed);
  std::size_t truncated = 0;
  std::vector<std::string> missed;
  for (const std::string& key : all.keys()) {
    const Bytes whole = all.object(key);
    for (const std::size_t length : all.offsets(key, random)) {
      all.object(key).resize(length);
      const std::string where = key + " cut to " + std::to_string(length);
      if (!all.is_found(key, truncated % 2 == 0)) missed.push_back(where);
      if (truncated % 7 == 0 && !all.reads_right(key)) missed.push_back(where + ": a wrong byte");
      all.object(key) = whole;
      ++truncated;
    }
    all.memory().remove(key);
    // A state is a short cut that may be there or not: without it the log is read from its first record.
    const bool found = all.is_found(key, false);
    if (found == key.starts_with("state/")) missed.push_back(key + " removed");
    if (!all.reads_right(key)) missed.push_back(key + " removed: a wrong byte");
    all.memory().put(key, whole);
  }
  CHECK(missed == std::vector<std::string>{});
  WARN(truncated << " times truncated");
}

TEST_CASE("objects that stand in each other's place, or twice, are found") {
  EveryByte all;
  std::vector<std::string> missed;
  for (const std::string& first : all.keys()) {
    for (const std::string& second : all.keys()) {
      if (first >= second || first.substr(0, 4) != second.substr(0, 4)) continue;
      std::swap(all.object(first), all.object(second));
      if (!all.is_found(first, false)) missed.push_back(first + " and " + second);
      if (!all.reads_right(first)) missed.push_back(first + " and " + second + ": a wrong byte");
      std::swap(all.object(first), all.object(second));
      const Bytes kept = std::exchange(all.object(first), all.object(second));
      if (!all.is_found(first, false)) missed.push_back(second + " twice");
      all.object(first) = kept;
    }
  }
  CHECK(missed == std::vector<std::string>{});
}
