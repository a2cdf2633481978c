// What a run does with rules: of the set and of .track files.
#include <cerrno>
#include <filesystem>
#include <map>

#include "backup_fixture.h"
#include "failing_file.h"
#include "support/forge_removal.h"

namespace garner::backup {

namespace {

class RuledBackups : public Backups {
 public:
  RuledBackups() { make_folders_durably(root()); }
  std::string root() const { return folder_.path("source"); }
  void write(const std::string& path, const std::string& content) const {
    make_folders_durably(parent_path(root() + "/" + path));
    write_file(root() + "/" + path, content);
    age(root() + "/" + path);
  }
  BackupOptions options() {
    BackupOptions made = Backups::options({root()});
    for (const std::string& rule : rules) made.set.add_rules(rule);
    return made;
  }
  v1::Snapshot backup(bool full_scan = false) {
    BackupOptions made = options();
    made.full_scan = full_scan;
    last = Backups::run(made);
    return snapshot(last.snapshot);
  }
  // Content of all files of the snapshot, folders as "/".
  std::map<std::string, std::string> held(const v1::Snapshot& made) {
    TemporaryFolder target;
    QuietRestore restored;
    restore::RestoreOptions to;
    to.target = target.path("restored");
    run_restore(small.repository(), made, to, restored, {});
    CHECK(restored.errors.empty());
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(to.target)) {
      const std::string name = entry.path().lexically_relative(to.target).string();
      found[name] = entry.is_directory() ? "/" : std::string(as_text(read_file(entry.path(), 2u << 20)));
    }
    return found;
  }

  std::vector<std::string> rules;
  BackupResult last;

 private:
  TemporaryFolder folder_;
};

using Held = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("what is ignored is left out, and is there again when the rule is gone") {
  RuledBackups backups;
  backups.write("a/keep", "1");
  backups.write("a/b.o", "2");
  backups.write("cache/x", "3");
  const auto all = backups.held(backups.backup());
  CHECK(all.size() == 5);
  // No time of any file changed meanwhile.
  backups.rules = {"ignore *.o", "ignore /cache/"};
  CHECK(backups.held(backups.backup()) == Held{{"a", "/"}, {"a/keep", "1"}});
  CHECK(backups.held(backups.backup()) == Held{{"a", "/"}, {"a/keep", "1"}});
  backups.rules = {};
  CHECK(backups.held(backups.backup()) == all);
  CHECK(backups.monitor.errors.empty());
}

TEST_CASE("of an ignored folder only what later rules name is kept") {
  RuledBackups backups;
  backups.write("cache/deep/x", "1");
  backups.write("cache/keep/y", "2");
  backups.write("cache/other/z", "3");
  backups.rules = {"ignore /cache", "auto /cache/keep", "always *.db"};
  CHECK(backups.held(backups.backup()) == Held{{"cache", "/"}, {"cache/keep", "/"}, {"cache/keep/y", "2"}});
  remove_file(backups.root() + "/cache/keep/y");
  std::filesystem::remove(backups.root() + "/cache/keep");
  CHECK(backups.held(backups.backup()).empty());
  backups.write("cache/deep/x.db", "4");
  CHECK(backups.held(backups.backup()) ==
        Held{{"cache", "/"}, {"cache/deep", "/"}, {"cache/deep/x.db", "4"}});
  CHECK(backups.monitor.errors.empty());
}

TEST_CASE("a .track file counts below its folder, after the set's rules, and is told of when it is bad") {
  RuledBackups backups;
  backups.write("x/a.o", "1");
  backups.write("x/below/b.o", "2");
  backups.write("y/c.o", "3");
  backups.write("x/.track", "auto /a.o\nnonsense\nignore /below\n");
  backups.rules = {"ignore *.o"};
  const auto held = backups.held(backups.backup());
  CHECK(held.contains("x/a.o"));
  CHECK_FALSE(held.contains("x/below"));
  CHECK_FALSE(held.contains("y/c.o"));
  REQUIRE(backups.monitor.errors.size() == 1);
  CHECK(backups.monitor.errors[0].starts_with(backups.root() + "/x/.track: line 2: "));
  CHECK(backups.monitor.unreadable.empty());  // a warning
  CHECK(backups.snapshot(backups.last.snapshot).error_count() == 1);
}

TEST_CASE("a .track file that is a link or too long gives no rules, and is told") {
  RuledBackups backups;
  backups.write("rules", "ignore *\n");
  backups.write("a/f", "1");
  backups.write("b/f", "2");
  REQUIRE(symlink("../rules", (backups.root() + "/a/.track").c_str()) == 0);
  backups.write("b/.track", "ignore *\n" + std::string(1u << 20, '#'));
  const auto held = backups.held(backups.backup());
  CHECK(held.at("a/f") == "1");
  CHECK(held.at("b/f") == "2");
  CHECK(backups.monitor.errors.size() == 2);
}

TEST_CASE("a .track file that cannot be read counts as it was in the last backup") {
  RuledBackups backups;
  backups.rules = {"ignore *.o"};
  backups.write(".track", "auto /kept.o\nonce photo\n");
  for (const char* name : {"kept.o", "left.o", "photo"}) backups.write(name, "first");
  const Held first = backups.held(backups.backup());
  CHECK(first.size() == 3);
  for (const char* name : {"kept.o", "left.o", "photo"}) backups.write(name, "second");
  const FailingStatus fault(backups.root() + "/.track", EIO, 1'000);
  BackupOptions options = backups.options();
  options.retry_delays = {std::chrono::milliseconds(1)};
  const auto made = backups.snapshot(backups.run(options).snapshot);
  CHECK(backups.held(made) == Held{{".track", first.at(".track")}, {"kept.o", "second"}, {"photo", "first"}});
  REQUIRE(backups.monitor.errors.size() == 2);  // of its rules, and of the file itself
  CHECK(backups.monitor.errors[0].ends_with("; those of the last backup count"));
}

TEST_CASE("of class once the content is read the first time only, and metadata follows") {
  RuledBackups backups;
  backups.write("photo", "first");
  backups.write("empty", "");
  backups.write("plain", "first");
  backups.rules = {"once *", "auto plain"};
  backups.backup();
  backups.write("photo", "second and longer");
  backups.write("empty", "now filled");
  backups.write("plain", "second");
  REQUIRE(chmod((backups.root() + "/photo").c_str(), 0600) == 0);
  const auto read_before = backups.last.progress.counters.read_bytes;
  CHECK(read_before == 10);
  const Held expected = {{"photo", "first"}, {"empty", "now filled"}, {"plain", "second"}};
  CHECK(backups.held(backups.backup()) == expected);
  CHECK(backups.last.progress.counters.read_bytes == 16);
  CHECK(backups.file(backups.last.snapshot, "photo").mode() % 01000 == 0600);
  CHECK(backups.held(backups.backup(/*full_scan=*/true)) == expected);
  // Under another class it is read as it is.
  backups.rules = {};
  CHECK(backups.held(backups.backup()).at("photo") == "second and longer");
}

TEST_CASE("of class once a file that could not be looked at for a moment keeps its content, too") {
  RuledBackups backups;
  backups.write("photo", "first");
  backups.write("plain", "first");
  backups.rules = {"once photo"};
  backups.backup();
  backups.write("photo", "second");
  backups.write("plain", "second");
  const std::string failing = GENERATE("photo", "plain");
  const FailingStatus fault(backups.root() + "/" + failing, EIO, 1);
  BackupOptions options = backups.options();
  options.retry_delays = {std::chrono::milliseconds(1)};
  const auto made = backups.snapshot(backups.run(options).snapshot);
  CHECK(fault.left() == 0);
  CHECK(backups.held(made) == Held{{"photo", "first"}, {"plain", "second"}});
  CHECK(backups.monitor.errors.empty());
}

TEST_CASE("what fails right below the root is told with its path") {
  RuledBackups backups;
  std::string failing;
  for (const auto& entry : std::filesystem::directory_iterator("/")) {
    if (!entry.is_directory() || entry.is_symlink()) failing = entry.path().string();
  }
  if (failing.empty()) return;  // the root holds folders only
  BackupOptions options = backups.options();
  options.set.set_sources(0, "/");
  options.set.add_rules("ignore /*");
  options.set.add_rules("auto " + failing);
  const FailingStatus fault(failing, EIO, 1'000);
  backups.run(options);
  REQUIRE(backups.monitor.errors.size() == 1);
  CHECK(backups.monitor.errors[0].starts_with(failing + ": "));
  CHECK(backups.monitor.unreadable == std::set{failing});
}

TEST_CASE("of class once only a file whose content was lost is read again when something was lost") {
  RuledBackups backups;
  backups.rules = {"once *"};
  backups.write("kept", "first");
  backups.backup();
  backups.write("lost", "first, too");
  backups.backup();
  const auto entry = backups.content(backups.last.snapshot, "lost").at(0);
  store::Repository& repository = backups.small.repository();
  const auto pack = repository.index().find_pack(crypto::BlobId::from_bytes(as_bytes(entry.id())));
  REQUIRE(pack);
  testing::forge_removal(repository, {}, {*pack});
  backups.write("kept", "second");
  backups.write("lost", "second");
  BackupOptions options = backups.options();
  options.full_scan = options.content_lost = true;
  const auto made = backups.snapshot(backups.run(options).snapshot);
  CHECK(backups.held(made) == Held{{"kept", "first"}, {"lost", "second"}});
}

TEST_CASE("of class always a file is read in every run, whatever its times say") {
  RuledBackups backups;
  backups.write("data.db", "first");
  backups.write("plain", "first");
  backups.rules = {"always *.db"};
  backups.backup();
  const v1::Snapshot second = backups.backup();
  CHECK(backups.last.progress.counters.read_bytes == 5);
  CHECK(backups.held(second) == Held{{"data.db", "first"}, {"plain", "first"}});
}

TEST_CASE("rules that a repository's set holds and this version cannot read stop the run before it reads") {
  RuledBackups backups;
  backups.write("a", "1");
  backups.rules = {"shred *"};
  CHECK_THROWS_WITH(backups.backup(), Catch::Contains("rule 1"));
}

}  // namespace garner::backup
