#include "world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "image.h"
#include "must.h"
#include "recorder.h"

namespace garner::crash {

namespace {

// Half of it compressible.
Bytes make_content(std::mt19937_64& random, std::size_t size) {
  Bytes content(size);
  std::size_t at = 0;
  for (; at < size / 2; ++at) content[at] = static_cast<std::uint8_t>(random());
  for (; at < size; ++at) content[at] = static_cast<std::uint8_t>('a' + random() % 4);
  return content;
}

void write_file(const std::string& path, const Bytes& content, int version) {
  const Fd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  write_at(file.get(), content, 0, path);
  const timespec times[2] = {{0, UTIME_OMIT}, {1'600'000'000 + version, 123'456'789}};
  must(futimens(file.get(), times) == 0, path);
}

}  // namespace

World::World(const std::string& folder) : folder_(folder) {
  remove_tree(folder);
  make_folders_durably(disk());
}

void World::change_source(std::mt19937_64& random) {
  const std::string source = paths().source;
  const auto file = [&](const std::string& name, std::size_t size) {
    write_file(source + "/" + name, make_content(random, size), version_);
  };
  if (version_++ == 0) {
    make_folders_durably(source + "/letters/old", 0755);
    make_folders_durably(source + "/empty folder", 0700);
    for (int number = 0; number < 6; ++number) {
      file((number % 2 ? "letters/" : "letters/old/") + std::to_string(number), random() % 9000);
    }
    file("large", 120'000);
    file("one", 30'000);
    file("two", 14'000);
    file("nothing", 0);
    must(symlink("letters/1", (source + "/link").c_str()) == 0, "link");
    must(link((source + "/two").c_str(), (source + "/letters/same").c_str()) == 0, "letters/same");
    must(chmod((source + "/one").c_str(), 0600) == 0, "one");
  } else {
    // One is new, some change, one goes; the large one often changes in its middle only.
    file("letters/new" + std::to_string(version_), 20'000 + random() % 9000);
    file("letters/old/" + std::to_string(2 * (random() % 3)), random() % 9000);
    file("one", 25'000 + random() % 9000);
    unlink((source + "/letters/" + std::to_string(1 + 2 * (random() % 3))).c_str());
    // Where it does not, it is new as a whole, and a pack with the old one is worth rewriting.
    Bytes large = random() % 2 == 0 ? make_content(random, 120'000) : read_file(source + "/large", 1u << 20);
    const Bytes change = make_content(random, 500);
    std::copy(change.begin(), change.end(), large.begin() + 50'000 + version_ * 1000);
    write_file(source + "/large", large, version_);
  }
  source_tree_ = describe_tree(source);
}

void World::change_target(std::mt19937_64& random) {
  const std::string target = paths().target;
  constexpr int kLater = 1000;  // what is as old and as long as in the snapshot is taken for right
  // Shorter, longer, and where it was one of two names of a file, of its own.
  write_file(target + "/one", make_content(random, random() % 9000), kLater);
  write_file(target + "/letters/3", make_content(random, 9000 + random() % 9000), kLater);
  write_file(target + "/large", make_content(random, 120'000), kLater);
  must(unlink((target + "/letters/same").c_str()) == 0, "letters/same");
  write_file(target + "/letters/same", make_content(random, 14'000), kLater);
  must(chmod((target + "/letters/old/2").c_str(), 0400) == 0, "letters/old/2");
  target_before_ = contents_of(target);
}

void World::expect(const catalog::RunRow& row) {
  const std::lock_guard lock(mutex_);
  trees_[row.uuid.text()] = source_tree_;
}

const std::string* World::tree_of(const std::string& run) const {
  const std::lock_guard lock(mutex_);
  const auto found = trees_.find(run);
  return found == trees_.end() ? nullptr : &found->second;
}

void World::promise(const std::string& promise) {
  const std::lock_guard lock(mutex_);
  promises_.take(promise);
  mark(promise);
}

void World::promise_listed(const std::string& run) { promise("listed " + run); }
void World::promise_nothing(const std::string& run) { promise("leaving " + run); }
void World::promise_gone(const std::string& run) { promise("gone " + run); }

void World::Promises::take(const std::string& promise) {
  const std::string run = promise.substr(promise.find(' ') + 1);
  if (promise.starts_with("listed ")) {
    listed.insert(run);
  } else {
    listed.erase(run);
  }
  if (promise.starts_with("gone ")) gone.insert(run);
}

}  // namespace garner::crash
