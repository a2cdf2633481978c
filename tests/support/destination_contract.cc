#include "support/destination_contract.h"

#include <fcntl.h>
#include <rapidcheck.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "destination/key.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

namespace garner::testing {

namespace {

using destination::Destination;
using destination::ObjectInfo;
using Keys = std::vector<std::string>;

constexpr std::uint64_t kLimit = 64u << 20;
constexpr int kRacers = 16;

Bytes text(std::string_view characters) {
  const ByteView view = as_bytes(characters);
  return {view.begin(), view.end()};
}

Bytes random_bytes(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

Keys keys_of(const std::vector<ObjectInfo>& objects) {
  Keys keys;
  for (const ObjectInfo& object : objects) keys.push_back(object.key);
  return keys;
}

// A complete and fsynced file, as put_file takes it.
void write_durably(const std::string& path, ByteView data) {
  const Fd file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
  write_at(file.get(), data, 0, path);
  sync_file(file.get(), path);
}

bool file_exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// ---- One caller ----

void check_reading(Destination& destination) {
  const std::string key = "packs/ab/abcdef";
  const Bytes data = random_bytes((5u << 20) + 17, 1);
  destination.put(key, data);

  CHECK(destination.get_all(key, data.size()) == data);
  CHECK(destination.size(key) == data.size());
  CHECK(destination.get(key, 0, 16) == Bytes(data.begin(), data.begin() + 16));
  CHECK(destination.get(key, 4'000'000, 1'000'000) ==
        Bytes(data.begin() + 4'000'000, data.begin() + 5'000'000));
  CHECK(destination.get(key, data.size() - 1, 1) == Bytes{data.back()});
  CHECK(destination.get(key, data.size(), 0).empty());

  CHECK(error_in([&] { destination.get(key, data.size(), 1); }) == ErrorKind::kDamaged);
  CHECK(error_in([&] { destination.get(key, data.size() - 1, 2); }) == ErrorKind::kDamaged);
  CHECK(error_in([&] { destination.get(key, ~std::uint64_t{0}, 2); }) == ErrorKind::kDamaged);
  CHECK(error_in([&] { destination.get(key, 2, ~std::uint64_t{0}); }) == ErrorKind::kDamaged);
  CHECK(error_in([&] { destination.get_all(key, data.size() - 1); }) == ErrorKind::kDamaged);

  for (const char* missing : {"packs/ab/other", "packs/ff/abcdef", "nothing"}) {
    CHECK(error_in([&] { destination.get(missing, 0, 1); }) == ErrorKind::kNotFound);
    CHECK(error_in([&] { destination.get_all(missing, kLimit); }) == ErrorKind::kNotFound);
    CHECK_FALSE(destination.size(missing));
  }

  destination.put("empty", {});
  CHECK(destination.get_all("empty", 0).empty());
  CHECK(destination.size("empty") == 0);
  CHECK_FALSE(destination.describe().empty());
}

void check_existing_stays(Destination& destination) {
  const std::string first = "log/0000000000000001";
  const std::string second = "log/0000000000000002";
  destination.put(first, text("first"));
  CHECK(error_in([&] { destination.put(first, text("other")); }) == ErrorKind::kAlreadyExists);
  CHECK(error_in([&] { destination.put(first, text("first")); }) == ErrorKind::kAlreadyExists);
  CHECK_FALSE(destination.put_exclusive(first, text("other")));
  CHECK_FALSE(destination.put_exclusive(first, {}));
  CHECK(destination.get_all(first, kLimit) == text("first"));

  CHECK(destination.put_exclusive(second, text("second")));
  CHECK_FALSE(destination.put_exclusive(second, text("second")));
  CHECK(destination.get_all(second, kLimit) == text("second"));
  CHECK(keys_of(destination.list("")) == Keys{first, second});
}

void check_put_file(Destination& destination) {
  const TemporaryFolder elsewhere;
  std::vector<std::string> folders{elsewhere.path()};
  if (std::optional<std::string> staging = destination.staging_folder()) {
    REQUIRE(file_exists(*staging));
    folders.push_back(*staging);
  }
  Keys stored;
  for (const std::string& folder : folders) {
    CAPTURE(folder);
    const std::string key = "packs/00/file" + std::to_string(stored.size());
    const std::string path = folder + "/pack-in-progress";
    const Bytes data = random_bytes((3u << 20) + 5, 2);
    write_durably(path, data);
    CHECK(keys_of(destination.list("")) == stored);
    destination.put_file(key, path);
    stored.push_back(key);
    CHECK(keys_of(destination.list("")) == stored);
    CHECK_FALSE(file_exists(path));
    CHECK(destination.get_all(key, kLimit) == data);

    write_durably(path, text("another"));
    CHECK(error_in([&] { destination.put_file(key, path); }) == ErrorKind::kAlreadyExists);
    CHECK(read_file(path, 100) == text("another"));
    CHECK(destination.get_all(key, kLimit) == data);

    write_durably(folder + "/empty", {});
    destination.put_file(key + ".empty", folder + "/empty");
    stored.push_back(key + ".empty");
    CHECK(destination.size(key + ".empty") == 0);

    CHECK(error_in([&] { destination.put_file("packs/00/none", folder + "/none"); }) == ErrorKind::kNotFound);
    CHECK_FALSE(destination.size("packs/00/none"));
  }
}

void check_listing(Destination& destination) {
  CHECK(destination.list("").empty());
  CHECK(destination.list("log/").empty());
  // In the order of their bytes, which is not that of folder after folder: '-' and '.' come before '/', '0'
  // after.
  const Keys sorted{"a-b",        "a.b",        "a/a",        "a/b/c",      "a/b0",
                    "a0",         "log/001",    "log/002",    "log/003",    "log/01",
                    "packs/0a/x", "packs/0b/x", "packs/0b/y", "packs/ff/0", "z"};
  Keys shuffled = sorted;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(3));
  for (const std::string& key : shuffled) destination.put(key, text(key));

  const std::vector<ObjectInfo> all = destination.list("");
  CHECK(keys_of(all) == sorted);
  for (const ObjectInfo& object : all) CHECK(object.size == object.key.size());

  CHECK(keys_of(destination.list("log/")) == Keys{"log/001", "log/002", "log/003", "log/01"});
  CHECK(keys_of(destination.list("a/")) == Keys{"a/a", "a/b/c", "a/b0"});
  CHECK(keys_of(destination.list("a/b/")) == Keys{"a/b/c"});
  CHECK(destination.list("nothing/").empty());
  CHECK(destination.list("log/001/").empty());
  CHECK(destination.list("lo/").empty());

  CHECK(keys_of(destination.list("log/", "log/002")) == Keys{"log/003", "log/01"});
  CHECK(keys_of(destination.list("log/", "log/0025")) == Keys{"log/003", "log/01"});
  CHECK(keys_of(destination.list("log/", "a")) == keys_of(destination.list("log/")));
  CHECK(destination.list("log/", "log/01").empty());
  CHECK(destination.list("log/", "packs").empty());
  CHECK(keys_of(destination.list("packs/", "packs/0b")) == Keys{"packs/0b/x", "packs/0b/y", "packs/ff/0"});
  CHECK(keys_of(destination.list("packs/", "packs/0b/x")) == Keys{"packs/0b/y", "packs/ff/0"});
  // Whatever it starts after, it is the rest of the whole.
  Keys starts = sorted;
  for (const char* between : {"a", "a/", "a/b", "a/b/", "log", "log/", "packs/0c", "~"})
    starts.push_back(between);
  for (const std::string& start : starts) {
    CAPTURE(start);
    CHECK(keys_of(destination.list("", start)) ==
          Keys(std::upper_bound(sorted.begin(), sorted.end(), start), sorted.end()));
  }
}

void check_removal(Destination& destination) {
  destination.put("packs/00/a", text("a"));
  destination.put("packs/00/b", text("b"));
  destination.remove("packs/00/a");
  CHECK_FALSE(destination.size("packs/00/a"));
  CHECK(error_in([&] { destination.get_all("packs/00/a", kLimit); }) == ErrorKind::kNotFound);
  CHECK(keys_of(destination.list("")) == Keys{"packs/00/b"});
  CHECK_NOTHROW(destination.remove("packs/00/a"));
  CHECK_NOTHROW(destination.remove("packs/77/a"));
  CHECK_NOTHROW(destination.remove("nothing"));
  destination.put("packs/00/a", text("again"));
  CHECK(destination.get_all("packs/00/a", kLimit) == text("again"));
}

void check_keys_are_checked(Destination& destination) {
  const TemporaryFolder folder;
  const std::string file = folder.path("file");
  write_durably(file, text("x"));
  const Keys malformed{"",
                       "/",
                       "/a",
                       "a/",
                       "a//b",
                       "..",
                       "../a",
                       "a/../b",
                       "./a",
                       "a/.",
                       ".hidden",
                       "a/.hidden",
                       "A",
                       "a b",
                       "a\nb",
                       "a\\b",
                       "\xc3\xa4",
                       std::string("a\0b", 3),
                       "a?b",
                       "a%2fb",
                       "a:b",
                       "a*",
                       std::string(256, 'a'),
                       std::string(4, '/')};
  for (const std::string& key : malformed) {
    CAPTURE(key);
    CHECK(error_in([&] { destination.put(key, {}); }) == ErrorKind::kInvalidInput);
    CHECK(error_in([&] { destination.put_exclusive(key, {}); }) == ErrorKind::kInvalidInput);
    CHECK(error_in([&] { destination.put_file(key, file); }) == ErrorKind::kInvalidInput);
    CHECK(error_in([&] { destination.get(key, 0, 0); }) == ErrorKind::kInvalidInput);
    CHECK(error_in([&] { destination.get_all(key, 1); }) == ErrorKind::kInvalidInput);
    CHECK(error_in([&] { destination.size(key); }) == ErrorKind::kInvalidInput);
    CHECK(error_in([&] { destination.remove(key); }) == ErrorKind::kInvalidInput);
  }
  for (const char* prefix : {"/", "a", "../", "a//", "/a/", "A/", ".staging/"}) {
    CAPTURE(prefix);
    CHECK(error_in([&] { destination.list(prefix); }) == ErrorKind::kInvalidInput);
  }
  CHECK(file_exists(file));
  CHECK(destination.list("").empty());

  std::string longest(200, 'k');
  while (longest.size() + 2 <= destination::kMaximumKeyLength) {
    longest +=
        "/" +
        std::string(std::min<std::size_t>(200, destination::kMaximumKeyLength - longest.size() - 1), 'k');
  }
  destination.put(longest, text("deep"));
  CHECK(destination.get_all(longest, kLimit) == text("deep"));
  CHECK(keys_of(destination.list("")) == Keys{longest});
  CHECK(error_in([&] { destination.put(longest + "k", {}); }) == ErrorKind::kInvalidInput);
}

// Any sequence of operations gives what a map gives.
void check_against_model(const MakeDestinationPlace& make_place) {
  const auto holds = [&] {
    const std::unique_ptr<DestinationPlace> place = make_place();
    const std::unique_ptr<Destination> writers[] = {place->open(), place->open()};
    std::map<std::string, Bytes> model;
    const auto any_key = rc::gen::element<std::string>("a/b", "a/c", "a.b", "a-b", "b/a/c", "c", "b/a0");
    // Shorter than by default: each step may be a few fsyncs, or requests.
    const auto steps = *rc::gen::scale(0.3, rc::gen::container<std::vector<std::pair<int, std::string>>>(
                                                rc::gen::pair(rc::gen::inRange(0, 5), any_key)));
    for (const auto& [operation, key] : steps) {
      Destination& destination = *writers[*rc::gen::inRange(0, 2)];
      const Bytes data = *rc::gen::arbitrary<Bytes>();
      const bool there = model.contains(key);
      switch (operation) {
        case 0:
          RC_ASSERT(error_in([&] { destination.put(key, data); }) ==
                    (there ? std::optional(ErrorKind::kAlreadyExists) : std::nullopt));
          model.emplace(key, data);
          break;
        case 1:
          RC_ASSERT(destination.put_exclusive(key, data) == !there);
          model.emplace(key, data);
          break;
        case 2:
          destination.remove(key);
          model.erase(key);
          break;
        case 3:
          RC_ASSERT(destination.size(key) ==
                    (there ? std::optional<std::uint64_t>(model.at(key).size()) : std::nullopt));
          if (there) RC_ASSERT(destination.get_all(key, kLimit) == model.at(key));
          break;
        default: {
          Keys expected;
          for (auto at = model.upper_bound(key); at != model.end(); ++at) expected.push_back(at->first);
          RC_ASSERT(keys_of(destination.list("", key)) == expected);
        }
      }
    }
  };
  CHECK(rc::check("operations give what a map gives", holds));
}

// ---- Many callers ----

using Failures = std::vector<std::optional<Error>>;

// Runs `work(number)` in kRacers threads that start together, and returns what each failed with. Assertions
// are not for threads.
template <typename Work>
Failures race(const Work& work) {
  std::barrier start(kRacers);
  Failures failures(kRacers);
  std::vector<std::thread> threads;
  for (int number = 0; number < kRacers; ++number) {
    threads.emplace_back([&, number] {
      start.arrive_and_wait();
      try {
        work(number);
      } catch (const Error& error) {
        failures[static_cast<std::size_t>(number)] = error;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return failures;
}

std::string told(const Failures& failures) {
  std::string lines;
  for (const auto& failure : failures)
    lines += failure ? std::string(failure->what()) + "\n" : "it went well\n";
  return lines;
}

void check_exclusive_among_threads(DestinationPlace& place) {
  // Half of them share a Destination, half have their own.
  std::vector<std::shared_ptr<Destination>> destinations{place.open()};
  for (int number = 1; number < kRacers; ++number) {
    destinations.push_back(number % 2 == 0 ? destinations[0] : std::shared_ptr<Destination>(place.open()));
  }
  for (int round = 0; round < 20; ++round) {
    const std::string key = "log/" + std::to_string(round);
    std::vector<Bytes> contents;
    for (int number = 0; number < kRacers; ++number) {
      contents.push_back(random_bytes(20'000, static_cast<std::uint64_t>(round * kRacers + number)));
    }
    enum class Result { kFailed, kLost, kWon };
    std::vector<Result> results(kRacers, Result::kFailed);
    const Failures failures = race([&](int number) {
      const auto at = static_cast<std::size_t>(number);
      const bool won = destinations[at]->put_exclusive(key, contents[at]);
      // Also for who lost, the object is there, and whole.
      if (destinations[at]->get_all(key, kLimit).size() != contents[at].size()) return;
      results[at] = won ? Result::kWon : Result::kLost;
    });
    INFO(told(failures));
    CHECK(std::count(results.begin(), results.end(), Result::kFailed) == 0);
    REQUIRE(std::count(results.begin(), results.end(), Result::kWon) == 1);
    const auto winner = std::find(results.begin(), results.end(), Result::kWon) - results.begin();
    CHECK(destinations[0]->get_all(key, kLimit) == contents[static_cast<std::size_t>(winner)]);
  }
}

// A place that nobody has written to yet is not taken for one that is away, however they come.
void check_first_put_among_threads(const MakeDestinationPlace& make_place) {
  for (int round = 0; round < 20; ++round) {
    const std::unique_ptr<DestinationPlace> place = make_place();
    const std::unique_ptr<Destination> destination = place->open();
    const Failures failures =
        race([&](int number) { destination->put("packs/" + std::to_string(number), text("pack")); });
    INFO(told(failures));
    CHECK(std::ranges::none_of(failures, [](const auto& failure) { return failure.has_value(); }));
  }
}

void check_put_among_threads(DestinationPlace& place) {
  const std::unique_ptr<Destination> destination = place.open();
  const TemporaryFolder elsewhere;
  const std::string folder = destination->staging_folder().value_or(elsewhere.path());
  for (int round = 0; round < 10; ++round) {
    const std::string key = "packs/" + std::to_string(round) + "/pack";
    for (int number = 0; number < kRacers; ++number) {
      write_durably(folder + "/" + std::to_string(number),
                    random_bytes(5'000, static_cast<std::uint64_t>(number)));
    }
    const Failures failures = race([&](int number) {
      const Bytes data = random_bytes(5'000, static_cast<std::uint64_t>(number));
      const std::string path = folder + "/" + std::to_string(number);
      number % 2 == 0 ? destination->put(key, data) : destination->put_file(key, path);
    });
    INFO(told(failures));
    const auto is_winner = [](const std::optional<Error>& failure) { return !failure; };
    REQUIRE(std::ranges::count_if(failures, is_winner) == 1);
    for (const auto& failure : failures) {
      if (failure) CHECK(failure->kind() == ErrorKind::kAlreadyExists);
    }
    const auto winner = std::ranges::find_if(failures, is_winner) - failures.begin();
    CHECK(destination->get_all(key, kLimit) == random_bytes(5'000, static_cast<std::uint64_t>(winner)));
    // put_file took the winner's file and nobody else's.
    for (int number = 0; number < kRacers; ++number) {
      const std::string path = folder + "/" + std::to_string(number);
      CHECK(file_exists(path) == !(number == winner && number % 2 == 1));
      remove_file(path);
    }
  }
}

void check_exclusive_among_processes(DestinationPlace& place) {
  constexpr int kProcesses = 6;
  constexpr int kRounds = 50;
  const std::unique_ptr<Destination> destination = place.open();
  int start[2];
  int answers[2];
  REQUIRE(pipe(start) == 0);
  REQUIRE(pipe(answers) == 0);
  std::vector<pid_t> children;
  for (int number = 0; number < kProcesses; ++number) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // The start is the end of the pipe's writers. Answers: which rounds this process won, by its number.
      int status = 1;
      try {
        const std::unique_ptr<Destination> own = place.open();
        char ignored;
        close(start[1]);
        if (read(start[0], &ignored, 1) == 0) {
          Bytes wins(kRounds);
          for (int round = 0; round < kRounds; ++round) {
            const Bytes data(10'000, static_cast<std::uint8_t>(number));
            wins[static_cast<std::size_t>(round)] = own->put_exclusive("log/" + std::to_string(round), data);
          }
          wins.push_back(static_cast<std::uint8_t>(number));
          status = write(answers[1], wins.data(), wins.size()) == static_cast<ssize_t>(wins.size()) ? 0 : 1;
        }
      } catch (const Error&) {
      }
      _exit(status);
    }
    children.push_back(child);
  }
  close(start[1]);
  close(start[0]);
  close(answers[1]);
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  std::vector<Keys> winners(kRounds);
  // An answer is shorter than PIPE_BUF, so it is whole.
  Bytes wins(kRounds + 1);
  while (read(answers[0], wins.data(), wins.size()) == static_cast<ssize_t>(wins.size())) {
    for (std::size_t round = 0; round < kRounds; ++round) {
      if (wins[round] == 0) continue;
      winners[round].push_back(std::to_string(wins.back()));
      CHECK(destination->get_all("log/" + std::to_string(round), kLimit) == Bytes(10'000, wins.back()));
    }
  }
  close(answers[0]);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    CHECK(winners[static_cast<std::size_t>(round)].size() == 1);
  }
}

// Whoever lists while others write sees whole objects and nothing else.
void check_listing_while_writing(DestinationPlace& place) {
  constexpr int kWriters = 4;
  constexpr int kObjects = 40;
  constexpr std::size_t kSize = 200'000;
  std::atomic<int> running = kWriters;
  std::atomic<bool> failed = false;
  std::vector<std::thread> writers;
  for (int number = 0; number < kWriters; ++number) {
    writers.emplace_back([&, number] {
      try {
        const std::unique_ptr<Destination> destination = place.open();
        for (int at = 0; at < kObjects; ++at) {
          destination->put("packs/" + std::to_string(at % 7) + "/" + std::to_string(number * kObjects + at),
                           Bytes(kSize, static_cast<std::uint8_t>(number)));
        }
      } catch (const Error&) {
        failed = true;
      }
      --running;
    });
  }
  const std::unique_ptr<Destination> reader = place.open();
  std::size_t wrong_names = 0;
  std::size_t wrong_sizes = 0;
  std::size_t wrong_contents = 0;
  std::size_t before = 0;
  std::size_t vanished = 0;
  bool last = false;
  for (;;) {
    last = running == 0;
    const std::vector<ObjectInfo> objects = reader->list("");
    for (const ObjectInfo& object : objects) {
      if (!object.key.starts_with("packs/")) ++wrong_names;
      if (object.size != kSize) ++wrong_sizes;
    }
    if (!objects.empty()) {
      const Bytes data = reader->get_all(objects[objects.size() / 2].key, kLimit);
      if (data.size() != kSize || data != Bytes(kSize, data[0])) ++wrong_contents;
    }
    if (objects.size() < before) ++vanished;
    before = objects.size();
    if (last) break;
  }
  for (std::thread& writer : writers) writer.join();
  CHECK_FALSE(failed);
  CHECK(wrong_names == 0);
  CHECK(wrong_sizes == 0);
  CHECK(wrong_contents == 0);
  CHECK(vanished == 0);
  CHECK(before == kWriters * kObjects);
}

}  // namespace

void check_destination_contract(const MakeDestinationPlace& make_place) {
  const std::unique_ptr<DestinationPlace> place = make_place();
  const std::unique_ptr<Destination> destination = place->open();
  SECTION("what was put is read, whole and in parts") { check_reading(*destination); }
  SECTION("an object that exists is never changed") { check_existing_stays(*destination); }
  SECTION("a file is taken over") { check_put_file(*destination); }
  SECTION("listing") { check_listing(*destination); }
  SECTION("removal") { check_removal(*destination); }
  SECTION("malformed keys are refused") { check_keys_are_checked(*destination); }
  SECTION("space") {
    if (const std::optional<destination::Space> space = destination->space()) {
      CHECK(space->total > 0);
      CHECK(space->free <= space->total);
    }
  }
  SECTION("of many threads exactly one creates a name") { check_exclusive_among_threads(*place); }
  SECTION("of many processes exactly one creates a name") { check_exclusive_among_processes(*place); }
  SECTION("of many threads that put the same key one stores it") { check_put_among_threads(*place); }
  SECTION("of many threads that are the first to write each one stores what is its own") {
    check_first_put_among_threads(make_place);
  }
  SECTION("listing while others write shows whole objects only") { check_listing_while_writing(*place); }
  SECTION("operations give what a map gives") { check_against_model(make_place); }
}

}  // namespace garner::testing
