#include "destination/s3/upload.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/stop_scope.h"
#include "scripted.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::TemporaryFolder;
using Fault = testing::HttpGiven::Fault;
using namespace testing;

constexpr std::uint64_t kSize = S3Destination::kLargestPut + S3Destination::kPartSize + 12'345;
constexpr std::size_t kParts = 4;

std::string write_pack(const TemporaryFolder& folder, std::uint8_t first = 1) {
  const std::string path = folder.path("pack");
  Bytes content(kSize);
  for (std::size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<std::uint8_t>(first + i * 31 + i / 7919);
  const Fd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  write_at(fd.get(), content, 0, path);
  sync_file(fd.get(), path);
  return path;
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }
bool is_part(const HttpSeen& request) { return request.method == "PUT" && request.has("partNumber="); }
bool is_end(const HttpSeen& request) { return request.method == "POST" && request.has("uploadId="); }
std::size_t parts_in(const ScriptedHttp& server) {
  const auto seen = server.seen();
  return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), is_part));
}

struct UploadPlace {
  using First = std::function<std::optional<HttpGiven>(const HttpSeen&, MemoryStore&)>;
  explicit UploadPlace(First given) : first(std::move(given)) {}
  MemoryStore store;
  First first;
  ScriptedHttp server{[this](const HttpSeen& request) {
    if (auto given = first(request, store)) return *given;
    return store.answer(request);
  }};
};

TEST_CASE("S3: a large file goes in parts, and its note goes with it") {
  const TemporaryFolder folder;
  UploadPlace place([](const HttpSeen&, MemoryStore&) { return std::nullopt; });
  S3Options options = options_for(place.server);
  options.counts = std::make_shared<RequestCounts>();
  S3Destination destination(options);
  const std::string path = write_pack(folder);
  const Bytes content = read_file(path, kSize);
  destination.put_file("packs/ab/abc", path);
  CHECK(options.counts->total().parts == kParts);
  CHECK(options.counts->total().puts == 2);  // it is begun, and completed
  CHECK(place.store.objects.at("pre/packs/ab/abc") == as_text(content));
  CHECK(parts_in(place.server) == kParts);
  CHECK(place.store.uploads.empty());
  CHECK(list_names(folder.path()).empty());
  // A name is taken once, and whoever is told so does not take what is there for his the next time.
  write_pack(folder, 2);
  for (int attempt = 0; attempt < 2; ++attempt) {
    CHECK(failure_of([&] { destination.put_file("packs/ab/abc", path); }).kind() ==
          ErrorKind::kAlreadyExists);
    CHECK(exists(path));
    CHECK_FALSE(exists(path + ".upload"));
    CHECK(place.store.uploads.empty());
    CHECK(place.store.objects.at("pre/packs/ab/abc") == as_text(content));
  }
}

TEST_CASE("S3: who gets the name while parts are on their way keeps it") {
  const TemporaryFolder folder;
  UploadPlace place([](const HttpSeen& request, MemoryStore& store) -> std::optional<HttpGiven> {
    if (is_part(request)) store.objects["pre/packs/ab/abc"] = std::string(kSize, 'x');
    return std::nullopt;
  });
  const std::string path = write_pack(folder);
  S3Destination destination(options_for(place.server));
  for (int attempt = 0; attempt < 2; ++attempt)
    CHECK(failure_of([&] { destination.put_file("packs/ab/abc", path); }).kind() ==
          ErrorKind::kAlreadyExists);
  CHECK(place.store.objects.at("pre/packs/ab/abc")[0] == 'x');
  CHECK(place.store.uploads.empty());
}

TEST_CASE("S3: an upload that was cut off goes on with the parts that are there") {
  const TemporaryFolder folder;
  int good = 2;
  UploadPlace place([&](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (is_part(request) && good-- <= 0) return MemoryStore::error(403, "InvalidAccessKeyId");
    return std::nullopt;
  });
  const std::string path = write_pack(folder);
  const Bytes content = read_file(path, kSize);
  CHECK(failure_of([&] { S3Destination(options_for(place.server)).put_file("packs/ab/abc", path); }).kind() ==
        ErrorKind::kDestinationAway);
  CHECK(exists(path));
  CHECK(exists(path + ".upload"));
  CHECK(place.store.objects.empty());
  REQUIRE(place.store.uploads.size() == 1);
  const std::size_t there = place.store.uploads.begin()->second.parts.size();
  CHECK(there == 2);
  const std::size_t before = parts_in(place.server);
  good = 1000;
  SECTION("by another process") {
    S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
    CHECK(parts_in(place.server) - before == kParts - there);
  }
  SECTION("anew, when the server has given it up") {
    place.store.uploads.clear();
    S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
    CHECK(parts_in(place.server) - before == kParts);
  }
  SECTION("anew, when the note is of another pack") {
    replace_file_durably(path + ".upload", as_bytes("packs/cd/cde\nupload1"));
    S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
    CHECK(parts_in(place.server) - before == kParts);
  }
  SECTION("without a part that has another size") {
    place.store.uploads.begin()->second.parts.begin()->second = "short";
    S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
    CHECK(parts_in(place.server) - before == kParts - there + 1);
  }
  CHECK(place.store.objects.at("pre/packs/ab/abc") == as_text(content));
  CHECK(list_names(folder.path()).empty());
}

TEST_CASE("S3: what was begun can go on under its key as long as it cannot have been seen there") {
  const TemporaryFolder folder;
  int good = 2;
  bool completes = false;
  UploadPlace place([&](const HttpSeen& request, MemoryStore& store) -> std::optional<HttpGiven> {
    if (is_part(request) && good-- <= 0) return MemoryStore::error(403, "InvalidAccessKeyId");
    if (!is_end(request)) return std::nullopt;
    if (completes) store.answer(request);
    return MemoryStore::error(403, "InvalidAccessKeyId");  // the answer is another's, or late
  });
  const std::string path = write_pack(folder);
  S3Destination destination(options_for(place.server));
  CHECK_FALSE(destination.can_go_on("packs/ab/abc", path));
  CHECK_THROWS_AS(destination.put_file("packs/ab/abc", path), Error);
  CHECK(S3Destination(options_for(place.server)).can_go_on("packs/ab/abc", path));
  CHECK_FALSE(destination.can_go_on("packs/cd/cde", path));
  SECTION("not when the server has given it up") { place.store.uploads.clear(); }
  SECTION("not once it may be complete") {
    good = 1000;
    completes = GENERATE(false, true);
    const auto open = place.store.uploads;
    CHECK_THROWS_AS(destination.put_file("packs/ab/abc", path), Error);
    CHECK(place.store.objects.size() == (completes ? 1 : 0));
    // Taken for an orphan, and gone since; and the server does not know any more what it has completed.
    place.store.objects.clear();
    place.store.uploads = open;
  }
  CHECK_FALSE(S3Destination(options_for(place.server)).can_go_on("packs/ab/abc", path));
  CHECK(place.store.objects.empty());
}

TEST_CASE("S3: a completion whose answer is lost counts") {
  const TemporaryFolder folder;
  bool lost = false;
  UploadPlace place([&](const HttpSeen& request, MemoryStore& store) -> std::optional<HttpGiven> {
    if (!is_end(request) || std::exchange(lost, true)) return std::nullopt;
    store.answer(request);
    return HttpGiven{200, {}, {}, Fault::kHangUp};
  });
  const std::string path = write_pack(folder);
  S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
  CHECK(place.store.objects.at("pre/packs/ab/abc").size() == kSize);
  CHECK(list_names(folder.path()).empty());
}

TEST_CASE("S3: who died after the completion finds its object") {
  const TemporaryFolder folder;
  UploadPlace place([](const HttpSeen&, MemoryStore&) { return std::nullopt; });
  const std::string path = write_pack(folder);
  const Bytes content = read_file(path, kSize);
  place.store.objects["pre/packs/ab/abc"] = as_text(content);
  replace_file_durably(path + ".upload", as_bytes("packs/ab/abc\nupload1"));
  S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
  CHECK(parts_in(place.server) == 0);
  CHECK(list_names(folder.path()).empty());
}

TEST_CASE("S3: a completion that fails in its answer is tried again") {
  const TemporaryFolder folder;
  int left = 2;
  UploadPlace place([&](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (!is_end(request) || left-- <= 0) return std::nullopt;
    return HttpGiven{200, {}, "<Error><Code>InternalError</Code></Error>"};
  });
  const std::string path = write_pack(folder);
  S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
  CHECK(place.store.objects.at("pre/packs/ab/abc").size() == kSize);
}

TEST_CASE("S3: a completion of which nothing came is no object") {
  const TemporaryFolder folder;
  UploadPlace place([&](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (!is_end(request)) return std::nullopt;
    return HttpGiven{200, {}, "<CompleteMultipartUploadResult/>"};
  });
  const std::string path = write_pack(folder);
  CHECK(failure_of([&] { S3Destination(options_for(place.server)).put_file("packs/ab/abc", path); }).kind() ==
        ErrorKind::kDestinationAway);
  CHECK(exists(path));
  // The next attempt begins anew.
  CHECK_FALSE(exists(path + ".upload"));
}

TEST_CASE("S3: a store that knows conditions of whole objects only is asked without") {
  const TemporaryFolder folder;
  UploadPlace place([](const HttpSeen&, MemoryStore&) { return std::nullopt; });
  place.store.knows_conditions_of_uploads = false;
  const std::string path = write_pack(folder);
  S3Destination(options_for(place.server)).put_file("packs/ab/abc", path);
  CHECK(place.store.objects.at("pre/packs/ab/abc").size() == kSize);
}

TEST_CASE("S3: uploads that nobody has gone on with for a week are given up") {
  const TemporaryFolder folder;
  UploadPlace place([](const HttpSeen&, MemoryStore&) { return std::nullopt; });
  place.store.uploads["old"] = {"pre/packs/cd/cde", {}};
  place.store.uploads["other"] = {"else/packs/cd/cde", {}};
  place.store.uploads["new"] = {"pre/packs/ef/efa", {}, "2100-01-01T00:00:00.000Z"};
  S3Destination(options_for(place.server)).put_file("packs/ab/abc", write_pack(folder));
  CHECK_FALSE(place.store.uploads.contains("old"));
  CHECK(place.store.uploads.contains("other"));
  CHECK(place.store.uploads.contains("new"));
}

TEST_CASE("S3: whoever stops in an upload has its note") {
  const TemporaryFolder folder;
  std::stop_source stop;
  UploadPlace place([&](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (is_part(request)) stop.request_stop();
    return std::nullopt;
  });
  const std::string path = write_pack(folder);
  S3Destination destination(options_for(place.server));
  {
    const StopScope scope(stop.get_token());
    CHECK(failure_of([&] { destination.put_file("packs/ab/abc", path); }).kind() == ErrorKind::kCancelled);
  }
  CHECK(exists(path + ".upload"));
  destination.put_file("packs/ab/abc", path);
  CHECK(place.store.objects.at("pre/packs/ab/abc").size() == kSize);
}

}  // namespace
}  // namespace garner::destination
