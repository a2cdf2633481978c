// Chunks of changed files as differences: what is stored, what it rests on, and that it comes back.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "snapshot/closure.h"
#include "store/record.h"
#include "support/forge_removal.h"
#include "unit/backup/backup_fixture.h"

namespace garner::backup {
namespace {

std::string words(std::mt19937_64& random, std::size_t size) {
  std::string text;
  while (text.size() < size) text += "word" + std::to_string(random() % 5000) + (random() % 9 ? " " : "\n");
  text.resize(size);
  return text;
}

// One file per name, below the least or above the greatest chunk of the test's repository.
class Texts {
 public:
  explicit Texts(std::uint64_t seed) : random_(seed) {
    for (const char* name : {"a", "b", "c"}) files_[name] = words(random_, 1000);
    files_["small"] = words(random_, 900);
    files_["large"] = words(random_, 300'000);
    make_folders_durably(root());
    write();
  }
  std::string root() const { return folder_.path("source"); }
  const std::string& text(const std::string& name) { return files_.at(name); }
  void set(const std::string& name, std::string text) {
    write_file(root() + "/" + name, files_[name] = std::move(text));
  }
  // A word put in the middle of each.
  void change(const std::string& word) {
    for (auto& [name, text] : files_) text.insert(text.size() / 2, word);
    write();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, text] : files_) names.push_back(name);
    return names;
  }
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [name, text] : files_) sum += text.size();
    return sum;
  }
  std::mt19937_64& random() { return random_; }

 private:
  void write() {
    for (const auto& [name, text] : files_) write_file(root() + "/" + name, text);
  }
  TemporaryFolder folder_;
  std::mt19937_64 random_;
  std::map<std::string, std::string> files_;
};

struct Shape {
  std::size_t whole = 0;
  std::size_t differences = 0;
  std::set<std::string> bases;
  std::set<std::string> blobs;
};

Shape shape(Backups& backups, const crypto::BlobId& snapshot, const std::string& name) {
  Shape found;
  for (const v1::ContentEntry& entry : backups.content(snapshot, name)) {
    if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) {
      ++found.differences;
      found.bases.insert(entry.base());
    } else {
      ++found.whole;
      found.blobs.insert(entry.id());
    }
  }
  return found;
}

bool is_stored(Backups& backups, const std::string& id) {
  return backups.small.repository().index().find(crypto::BlobId::from_bytes(as_bytes(id))).has_value();
}

std::uint64_t flags_to_read(Backups& backups) {
  return backups.small.repository().state()->must_know_to_read();
}

TEST_CASE("a changed file is stored as a difference from what it was, and comes back") {
  Texts texts(1);
  Backups backups;
  const BackupResult first = backups.run(texts.root());
  CHECK(flags_to_read(backups) == 0);
  texts.change("changed ");
  const BackupResult second = backups.run(texts.root());
  CHECK(flags_to_read(backups) == store::kDifferencesFeature);
  CHECK(second.progress.counters.new_bytes < texts.bytes() / 4);
  for (const std::string& name : texts.names()) {
    INFO(name);
    const Shape now = shape(backups, second.snapshot, name);
    CHECK(now.differences >= 1);
    CHECK(now.differences <= 3);
    CHECK(now.whole < shape(backups, first.snapshot, name).whole);
    for (const v1::ContentEntry& entry : backups.content(second.snapshot, name)) {
      if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) {
        CHECK_FALSE(is_stored(backups, entry.id()));
        CHECK(is_stored(backups, entry.base()));
        CHECK(is_stored(backups, entry.patch()));
      }
    }
    for (const std::string& base : shape(backups, second.snapshot, name).bases)
      CHECK(shape(backups, first.snapshot, name).blobs.contains(base));
  }
  CHECK(backups.differences(second.snapshot, texts.root()).empty());
  backups.small.reopen();
  CHECK(flags_to_read(backups) == store::kDifferencesFeature);
  CHECK(backups.differences(second.snapshot, texts.root()).empty());
}

TEST_CASE("whoever reads differences again finds them unchanged") {
  Texts texts(2);
  Backups backups;
  backups.run(texts.root());
  texts.change("changed ");
  const BackupResult second = backups.run(texts.root());
  const std::size_t packs = objects(backups.small, "packs/");
  BackupOptions options = backups.options({texts.root()});
  options.full_scan = true;
  const BackupResult third = backups.run(options);
  CHECK(third.progress.counters.read_bytes == texts.bytes());
  CHECK(third.progress.counters.new_bytes == 0);
  CHECK(objects(backups.small, "packs/") == packs);
  CHECK(backups.snapshot(third.snapshot).sources(0).SerializeAsString() ==
        backups.snapshot(second.snapshot).sources(0).SerializeAsString());
  CHECK(backups.differences(third.snapshot, texts.root()).empty());
}

TEST_CASE("a base is never a difference, and what has little of it left becomes a base itself") {
  Texts texts(3);
  Backups backups;
  const BackupResult first = backups.run(texts.root());
  const std::string base = backups.content(first.snapshot, "small").front().id();
  bool renewed = false;
  std::string name = "small";
  for (int version = 0; version < 40 && !renewed; ++version) {
    std::string text = texts.text(name);
    text.replace(texts.random()() % (text.size() - 20), 20, words(texts.random(), 20));
    texts.set(name, text);
    const BackupResult result = backups.run(texts.root());
    CHECK(backups.differences(result.snapshot, texts.root()).empty());
    const v1::ContentEntry entry = backups.content(result.snapshot, name).front();
    if (entry.type() == v1::ENTRY_TYPE_DIFFERENCE) {
      CHECK(entry.base() == base);
    } else {
      REQUIRE(version > 0);
      renewed = true;
      CHECK(is_stored(backups, entry.id()));
    }
  }
  CHECK(renewed);
}

TEST_CASE("content that is stored whole is referred to whole") {
  Texts texts(4);
  Backups backups;
  const BackupResult first = backups.run(texts.root());
  const std::string before = texts.text("a");
  texts.set("a", texts.text("b"));
  texts.set("new", before);
  const BackupResult second = backups.run(texts.root());
  CHECK(second.progress.counters.new_bytes == 0);
  CHECK(shape(backups, second.snapshot, "a").differences == 0);
  CHECK(backups.content(second.snapshot, "a").front().id() ==
        backups.content(first.snapshot, "b").front().id());
  CHECK(flags_to_read(backups) == 0);
  // Back to what it was: the base itself.
  texts.set("a", before + " and more");
  const BackupResult third = backups.run(texts.root());
  CHECK(third.progress.counters.new_bytes > 0);
  texts.set("a", texts.text("b"));
  const BackupResult fourth = backups.run(texts.root());
  CHECK(fourth.progress.counters.new_bytes == 0);
  CHECK(shape(backups, fourth.snapshot, "a").differences == 0);
}

TEST_CASE("an insertion at the front of a file that holds differences leaves the rest of them as they are") {
  Texts texts(5);
  Backups backups;
  backups.run(texts.root());
  texts.change("changed ");
  const BackupResult second = backups.run(texts.root());
  texts.set("large", "in front " + texts.text("large"));
  const BackupResult third = backups.run(texts.root());
  CHECK(third.progress.counters.new_bytes < 40'000);
  CHECK(third.progress.counters.stored_bytes < 600'000);  // two packs of the least size, and little else
  const auto entries = [&](const BackupResult& result) {
    std::set<std::string> found;
    for (const v1::ContentEntry& entry : backups.content(result.snapshot, "large"))
      found.insert(entry.SerializeAsString());
    return found;
  };
  std::set<std::string> changed = entries(third);
  const std::size_t all = changed.size();
  for (const std::string& entry : entries(second)) changed.erase(entry);
  // How soon the cuts meet again is up to the repository's keys.
  CHECK(changed.size() <= all / 4);
  CHECK(shape(backups, third.snapshot, "large").differences >
        shape(backups, second.snapshot, "large").differences);
  CHECK(backups.differences(third.snapshot, texts.root()).empty());
}

TEST_CASE("a writer that may only add makes differences where the log knows of them, and not otherwise") {
  Texts texts(6);
  Backups backups;
  backups.run(texts.root());
  const bool known = GENERATE(true, false);
  CAPTURE(known);
  if (known) {
    texts.change("changed ");
    backups.run(texts.root());
  }
  backups.small.demote();
  texts.change("again ");
  const BackupResult result = backups.run(texts.root());
  std::size_t differences = 0;
  for (const std::string& name : texts.names())
    differences += shape(backups, result.snapshot, name).differences;
  CHECK((differences > 0) == known);
  CHECK(flags_to_read(backups) == (known ? store::kDifferencesFeature : 0));
  CHECK(backups.differences(result.snapshot, texts.root()).empty());
}

TEST_CASE("a base that cannot be read is no reason not to back up") {
  Texts texts(7);
  Backups backups;
  backups.run(texts.root());
  for (const auto& pack : backups.small.destination().list("packs/", "")) {
    const store::PackReader reader(backups.small.destination(), backups.small.repository().keyring(),
                                   store::ObjectName::from_hex(base_name(pack.key)));
    if (reader.header().kind == store::PackKind::kData) backups.small.destination().remove(pack.key);
  }
  backups.small.reopen();
  texts.change("changed ");
  const BackupResult second = backups.run(texts.root());
  CHECK(backups.monitor.errors.empty());
  for (const char* name : {"a", "b", "c", "small"}) {
    INFO(name);
    CHECK(shape(backups, second.snapshot, name).differences == 0);
    CHECK(is_stored(backups, backups.content(second.snapshot, name).front().id()));
  }
}

TEST_CASE("bases that are condemned or deleted while a run makes differences from them") {
  const bool still_there = GENERATE(true, false);
  CAPTURE(still_there);
  Texts texts(8);
  Backups backups;
  const BackupResult first = backups.run(texts.root());
  texts.change("changed ");
  const std::vector<store::ObjectName> packs = backups.small.repository().index().live_packs();
  RemovingCheckpoint checkpoint(backups.checkpoint, [&] {
    testing::forge_prune(backups.small.repository(), {first.snapshot}, packs, still_there);
  });
  const BackupResult second = run_backup(backups.small.repository(), checkpoint,
                                         backups.options({texts.root()}), backups.clock, backups.monitor, {});
  CHECK(backups.differences(second.snapshot, texts.root()).empty());
  if (still_there) CHECK(shape(backups, second.snapshot, "a").differences == 1);
}

TEST_CASE("a base that was removed is not taken for known because a node names it") {
  Texts texts(9);
  Backups backups;
  const BackupResult first = backups.run(texts.root());
  const std::vector<store::ObjectName> packs = backups.small.repository().index().live_packs();
  texts.change("changed ");
  const BackupResult second = backups.run(texts.root());
  // The packs of the first snapshot go, as if everything else had been rewritten; patches stay.
  std::vector<store::ObjectName> data;
  for (const store::ObjectName& name : packs) {
    const store::PackReader reader(backups.small.destination(), backups.small.repository().keyring(), name);
    if (reader.header().kind == store::PackKind::kData) data.push_back(name);
  }
  testing::forge_removal(backups.small.repository(), {first.snapshot}, data);
  BackupOptions options = backups.options({texts.root()});
  options.full_scan = true;
  const BackupResult third = backups.run(options);
  CHECK(shape(backups, third.snapshot, "a").differences == 0);
  CHECK(backups.differences(third.snapshot, texts.root()).empty());
  CHECK(second.snapshot != third.snapshot);
}

TEST_CASE("a run that makes differences is cut off at any checkpoint, goes on, and loses nothing") {
  const auto seed = GENERATE(11u, 12u, 13u);
  CAPTURE(seed);
  Texts texts(seed);
  for (int number = 0; number < 60; ++number) {
    texts.set("more" + std::to_string(number), words(texts.random(), 900 + texts.random()() % 5000));
  }
  texts.set("larger", words(texts.random(), 3'000'000));
  Backups backups;
  const BackupResult first = backups.run(texts.root());
  texts.change("changed ");
  for (int place = 0; place < 100; ++place) {
    std::string text = texts.text("larger");
    text.insert(texts.random()() % text.size(), "here too ");
    if (place == 99) text += "the end";
    texts.set("larger", std::move(text));
  }
  const BackupOptions options = backups.options({texts.root()});
  std::mt19937_64& random = texts.random();
  std::optional<BackupResult> result;
  for (int attempt = 0; attempt < 200 && !result; ++attempt) {
    const bool last = attempt >= 20;
    (random() % 2 ? backups.checkpoint.cut_before_save : backups.checkpoint.cut_after_save) =
        last ? 0 : 1 + static_cast<int>(random() % 3);
    std::stop_source stop;
    std::jthread stopper([&, wait = random() % 30'000] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait));
      if (!last) stop.request_stop();
    });
    try {
      result = backups.run(options, stop.get_token());
    } catch (const testing::PowerCut&) {
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kCancelled);
    }
    if (random() % 2) backups.small.reopen();
    backups.checkpoint.cut_before_save = backups.checkpoint.cut_after_save = 0;
  }
  REQUIRE(result);
  CHECK(flags_to_read(backups) == store::kDifferencesFeature);
  CHECK(shape(backups, result->snapshot, "larger").differences > 20);
  CHECK(backups.differences(result->snapshot, texts.root()).empty());
  CHECK(backups.small.repository().state()->roots_size() == 0);
  CHECK(list_names(*backups.small.destination().staging_folder()).empty());
}

}  // namespace
}  // namespace garner::backup
