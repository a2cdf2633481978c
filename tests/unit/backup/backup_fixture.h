// What the tests of backup runs share.
#pragma once

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup/backup_run.h"
#include "base/error.h"
#include "restore/restore.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"
#include "support/memory_checkpoint.h"
#include "support/same_tree.h"
#include "support/small_repository.h"

namespace garner::backup {

using testing::MemoryCheckpoint;
using testing::SmallRepository;
using testing::TemporaryFolder;

struct QuietMonitor final : BackupMonitor {
  void progressed(const BackupProgress&) override {}
  void error(const SourceError& error) override {
    std::lock_guard lock(mutex);
    errors.push_back(error.path + ": " + error.message);
    if (error.unreadable) unreadable.insert(error.path);
  }
  std::mutex mutex;
  std::vector<std::string> errors;
  std::set<std::string> unreadable;  // paths
};

struct QuietRestore final : restore::RestoreMonitor {
  void progressed(const restore::RestoreProgress&) override {}
  void error(const std::string& path, const std::string& message) override {
    errors.push_back(path + ": " + message);
  }
  std::vector<std::string> errors;
};

inline std::string random_text(std::mt19937_64& random, std::size_t size) {
  std::string text(size, '\0');
  for (char& letter : text) letter = static_cast<char>(random());
  return text;
}

inline void write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
}

// Sets a file's or folder's mtime into the past; its ctime is what it is.
inline void age(const std::string& path) {
  const timespec times[2] = {{1'600'000'000, 123}, {1'600'000'000, 456}};
  utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

// Change detection does not trust what changed just before a scan: a test that wants it to lets the clock say
// later.
class LaterClock final : public Clock {
 public:
  TimePoint now() const override { return shifted(system_clock().now(), 10'000'000'000); }
  std::chrono::steady_clock::time_point steady() const override { return system_clock().steady(); }
};

class Sources {
 public:
  explicit Sources(std::uint64_t seed, std::size_t folders = 6, std::size_t files = 12) : random_(seed) {
    for (std::size_t folder = 0; folder < folders; ++folder) {
      const std::string path = root() + "/folder" + std::to_string(folder) + (folder % 2 ? "/below" : "");
      make_folders_durably(path);
      for (std::size_t file = 0; file < files; ++file) {
        write_file(path + "/file" + std::to_string(file), random_text(random_, random_() % 30'000));
      }
    }
    write_file(root() + "/large", random_text(random_, 3'000'000));
    write_file(root() + "/empty", "");
    REQUIRE(symlink("large", (root() + "/link").c_str()) == 0);
    REQUIRE(link((root() + "/large").c_str(), (root() + "/folder0/same").c_str()) == 0);
  }
  std::string root() const { return folder_.path("source"); }
  std::mt19937_64& random() { return random_; }

 private:
  TemporaryFolder folder_;
  std::mt19937_64 random_;
};

class Backups {
 public:
  BackupOptions options(const std::vector<std::string>& sources) {
    BackupOptions options;
    options.run = Uuid::random();
    options.set.set_uuid(std::string(as_text(set_.view())));
    options.set.set_name("test");
    for (const auto& source : sources) options.set.add_sources(source);
    options.host = "host";
    options.threads = 2;
    return options;
  }
  BackupResult run(const BackupOptions& options, std::stop_token stop = {}) {
    return run_backup(small.repository(), checkpoint, options, clock, monitor, stop);
  }
  BackupResult run(const std::string& source) { return run(options({source})); }

  v1::Snapshot snapshot(const crypto::BlobId& id) {
    for (const auto& entry : small.repository().state()->snapshots()) {
      if (entry.id() == as_text(id.view())) return entry.snapshot();
    }
    throw std::runtime_error("the snapshot is not listed");
  }
  v1::Node file(const crypto::BlobId& id, const std::string& name) {
    snapshot::TreeReader reader(small.repository(),
                                crypto::BlobId::from_bytes(as_bytes(snapshot(id).sources(0).root().tree())));
    while (auto named = reader.next()) {
      if (named->node.name() == name) return named->node;
    }
    throw std::runtime_error("the file is not in the snapshot");
  }
  std::vector<v1::ContentEntry> content(const crypto::BlobId& id, const std::string& name) {
    std::vector<v1::ContentEntry> entries;
    snapshot::for_each_entry(file(id, name), small.repository(),
                             [&](std::uint64_t, const v1::ContentEntry& entry) {
                               entries.push_back(entry);
                               return true;
                             });
    return entries;
  }
  // How the file was cut, and what came out, however that is stored.
  std::vector<std::pair<std::uint64_t, std::string>> chunks(const crypto::BlobId& id,
                                                            const std::string& name) {
    std::vector<std::pair<std::uint64_t, std::string>> found;
    for (const v1::ContentEntry& entry : content(id, name)) found.emplace_back(entry.length(), entry.id());
    return found;
  }
  // What differs between the source and what the snapshot restores to.
  std::vector<std::string> differences(const crypto::BlobId& id, const std::string& source) {
    TemporaryFolder target;
    QuietRestore restored;
    restore::RestoreOptions options;
    options.target = target.path("restored");
    run_restore(small.repository(), snapshot(id), options, restored, {});
    auto found = testing::TreeComparison::differences(source, target.path("restored"));
    found.insert(found.end(), restored.errors.begin(), restored.errors.end());
    return found;
  }

  SmallRepository small;
  MemoryCheckpoint checkpoint;
  LaterClock clock;
  QuietMonitor monitor;

 private:
  Uuid set_ = Uuid::random();
};

inline std::size_t objects(SmallRepository& small, const std::string& prefix) {
  return small.destination().list(prefix, "").size();
}

// Removes, while a run is between its walk and its commit, what the run took for known.
class RemovingCheckpoint final : public CheckpointStore {
 public:
  RemovingCheckpoint(MemoryCheckpoint& inner, std::function<void()> act)
      : inner_(inner), act_(std::move(act)) {}
  std::optional<CheckpointHead> load() override { return inner_.load(); }
  void begin(TimePoint time, const std::vector<TargetBegin>& targets) override {
    inner_.begin(time, targets);
  }
  void save(const CheckpointDelta& delta) override {
    inner_.save(delta);
    if (auto act = std::exchange(act_, nullptr)) act();
  }
  void forget() override { inner_.forget(); }
  std::vector<FinishedFile> files_in(std::uint32_t source, const std::string& folder) override {
    return inner_.files_in(source, folder);
  }
  std::vector<FinishedFolder> folders_in(std::uint32_t source, const std::string& folder) override {
    return inner_.folders_in(source, folder);
  }
  std::optional<FileInProgress> in_progress(const Place& place) override { return inner_.in_progress(place); }
  std::optional<FinishedFolder> root(std::uint32_t source) override { return inner_.root(source); }

 private:
  MemoryCheckpoint& inner_;
  std::function<void()> act_;
};

inline std::optional<ErrorKind> failure_of(std::future<BackupResult>& run) {
  try {
    run.get();
    return std::nullopt;
  } catch (const Error& error) {
    return error.kind();
  }
}

}  // namespace garner::backup
