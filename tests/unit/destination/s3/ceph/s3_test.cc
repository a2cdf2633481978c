// The S3 destination against Ceph's gateway.
#include "destination/s3/s3.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/file.h"
#include "server.h"
#include "support/destination_contract.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::TemporaryFolder;

class Bucket final : public garner::testing::DestinationPlace {
 public:
  std::unique_ptr<Destination> open() override {
    return std::make_unique<S3Destination>(testing::options_for(name_));
  }

 private:
  const std::string name_ = testing::make_bucket();
};

bool file_exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

template <typename Operation>
Error failure_of(const Operation& operation) {
  try {
    operation();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error");
  throw;
}

void check_away(const S3Options& options, const std::string& says) {
  S3Destination destination(options);
  const Error error = failure_of([&] { destination.put("log/1", as_bytes("one")); });
  CHECK(error.kind() == ErrorKind::kDestinationAway);
  CHECK_THAT(error.what(), Catch::Matchers::Contains(says));
  CHECK(failure_of([&] { destination.list(""); }).kind() == ErrorKind::kDestinationAway);
  CHECK(failure_of([&] { destination.get_all("log/1", 10); }).kind() == ErrorKind::kDestinationAway);
}

std::string write_large(const TemporaryFolder& folder, std::uint64_t size, std::uint8_t first) {
  const std::string path = folder.path("pack");
  const Fd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  Bytes piece(1 << 20);
  for (std::uint64_t at = 0; at < size; at += piece.size()) {
    for (std::size_t i = 0; i < piece.size(); ++i)
      piece[i] = static_cast<std::uint8_t>(first + at / 7919 + i * 31);
    write_at(fd.get(), ByteView(piece).first(std::min<std::uint64_t>(piece.size(), size - at)), at, path);
  }
  sync_file(fd.get(), path);
  return path;
}

TEST_CASE("an S3 bucket keeps the contract of destinations") {
  garner::testing::check_destination_contract([] { return std::make_unique<Bucket>(); });
}

TEST_CASE("several destinations share a bucket, each below its prefix") {
  const std::string bucket = testing::make_bucket();
  S3Destination first(testing::options_for(bucket, "one/two"));
  S3Destination second(testing::options_for(bucket, "one/two three"));
  S3Destination whole(testing::options_for(bucket));
  first.put("log/1", as_bytes("first"));
  second.put("log/1", as_bytes("second"));
  CHECK(as_text(first.get_all("log/1", 10)) == "first");
  CHECK(as_text(second.get_all("log/1", 10)) == "second");
  CHECK(first.list("").size() == 1);
  CHECK(second.list("log/").size() == 1);
  // A key of the other's is none of this one's.
  CHECK(whole.list("").size() == 1);
  CHECK(first.describe() == "s3:" + testing::server().endpoint + "/" + bucket + "/one/two");
}

TEST_CASE("more objects than a page of a listing holds are listed and removed") {
  S3Destination destination(testing::options_for(testing::make_bucket()));
  std::vector<std::string> keys;
  for (int i = 0; i < 1100; ++i) keys.push_back("index/" + std::to_string(10'000 + i));
  for (const std::string& key : keys) destination.put(key, {});
  const auto found = destination.list("index/");
  REQUIRE(found.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) CHECK(found[i].key == keys[i]);
  CHECK(found[0].modified.has_value());
  CHECK(destination.list("index/", keys[1050]).size() == 49);
  keys.push_back("index/none");
  destination.remove_all(keys);
  CHECK(destination.list("").empty());
}

TEST_CASE("a store is asked whether it keeps the condition that the log rests on") {
  S3Destination destination(testing::options_for(testing::make_bucket()));
  CHECK(destination.keeps_conditions());
  CHECK(destination.is_empty());
}

TEST_CASE("a large file goes in parts, and one that was cut off goes on with those that are there") {
  const TemporaryFolder folder;
  const std::string bucket = testing::make_bucket();
  S3Destination destination(testing::options_for(bucket));
  const std::uint64_t size = S3Destination::kLargestPut + 6 * S3Destination::kPartSize + 12'345;
  const std::string path = write_large(folder, size, 1);
  const Bytes content = read_file(path, size);

  SECTION("at once") {
    destination.put_file("packs/00/large", path);
    CHECK(destination.get_all("packs/00/large", size) == content);
    CHECK_FALSE(file_exists(path));
    CHECK(list_names(folder.path()).empty());
    // A name is taken once, also by what goes in parts.
    write_large(folder, size, 2);
    CHECK(failure_of([&] { destination.put_file("packs/00/large", path); }).kind() ==
          ErrorKind::kAlreadyExists);
    CHECK(file_exists(path));
    CHECK(destination.get_all("packs/00/large", size) == content);
  }
  SECTION("after the server was away in mid-upload") {
    // The keys are good for six requests: the upload has begun then (after old ones were looked for),
    // and parts are there.
    const auto left = std::make_shared<std::atomic<int>>(6);
    S3Options options = testing::options_for(bucket);
    options.credentials = [left] {
      S3Credentials credentials = testing::server().credentials;
      if ((*left)-- <= 0) credentials.secret_key = "gone";
      return credentials;
    };
    S3Destination cut(options);
    CHECK(failure_of([&] { cut.put_file("packs/00/large", path); }).kind() == ErrorKind::kDestinationAway);
    CHECK(file_exists(path));
    CHECK(file_exists(path + ".upload"));
    CHECK(destination.list("").empty());
    *left = 1000;
    const int before = *left;
    cut.put_file("packs/00/large", path);
    // Of nine parts at least one was there. Besides them: the object is looked for, before and after, the
    // parts are listed, and the upload is completed.
    const int parts = static_cast<int>((size + S3Destination::kPartSize - 1) / S3Destination::kPartSize);
    CHECK(before - *left < parts + 4);
    CHECK(destination.get_all("packs/00/large", size) == content);
    CHECK(list_names(folder.path()).empty());
  }
  SECTION("after an upload that the server has given up") {
    replace_file_durably(path + ".upload", as_bytes("packs/00/large\nno-such-upload"));
    destination.put_file("packs/00/large", path);
    CHECK(destination.get_all("packs/00/large", size) == content);
  }
}

TEST_CASE("what is wrong with a place is told with what to do about it") {
  const std::string bucket = testing::make_bucket();
  const S3Options good = testing::options_for(bucket);
  S3Options options = good;
  options.address.bucket = "garner-no-such-bucket";
  check_away(options, "make the bucket garner-no-such-bucket first");
  options = good;
  options.credentials = [] { return S3Credentials{"nobody", "secret", ""}; };
  check_away(options, "the access key is not known there");
  options.credentials = [] { return S3Credentials{testing::server().credentials.access_key, "wrong", ""}; };
  check_away(options, "the secret key is wrong");
  options = good;
  options.address.host = "127.0.0.1:1";
  options.short_patience = std::chrono::seconds(1);
  check_away(options, "127.0.0.1");
  // It is well again.
  S3Destination destination(good);
  CHECK(destination.list("").empty());
}

TEST_CASE("a clock that is an hour off is told, and by how much") {
  class Early final : public Clock {
   public:
    TimePoint now() const override { return shifted(system_clock().now(), -3'600'000'000'000); }
    std::chrono::steady_clock::time_point steady() const override { return system_clock().steady(); }
  };
  const Early clock;
  S3Options options = testing::options_for(testing::make_bucket());
  options.clock = &clock;
  check_away(options, "clock is 60 minutes behind");
}

}  // namespace
}  // namespace garner::destination
