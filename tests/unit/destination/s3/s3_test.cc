// The S3 destination against servers that answer by script: what Ceph does not do on demand.
#include "destination/s3/s3.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "base/uuid.h"
#include "destination/s3/digest.h"
#include "scripted.h"
#include "support/temporary_folder.h"

namespace garner::destination {
namespace {

using garner::testing::TemporaryFolder;
using Fault = testing::HttpGiven::Fault;
using namespace testing;

// Answers by `first` as long as that gives something, and otherwise as a store.
class Faulty {
 public:
  using First = std::function<std::optional<HttpGiven>(const HttpSeen&, MemoryStore&)>;
  explicit Faulty(First first, MemoryStore::Conditions conditions = MemoryStore::Conditions::kKept)
      : store_(conditions), first_(std::move(first)), server_([this](const HttpSeen& request) {
          if (auto given = first_(request, store_)) return *given;
          return store_.answer(request);
        }) {}

  MemoryStore& store() { return store_; }
  ScriptedHttp& server() { return server_; }
  S3Options options() const { return options_for(server_); }

 private:
  MemoryStore store_;
  const First first_;
  ScriptedHttp server_;
};

Faulty::First times(int count, const HttpGiven& given) {
  return [left = std::make_shared<int>(count), given](const HttpSeen&,
                                                      MemoryStore&) -> std::optional<HttpGiven> {
    if ((*left)-- > 0) return given;
    return std::nullopt;
  };
}

std::optional<HttpGiven> nothing(const HttpSeen&, MemoryStore&) { return std::nullopt; }

TEST_CASE("S3: what is put is signed, conditional, and told with its digest") {
  Faulty place(nothing);
  S3Options options = place.options();
  options.storage_class = "STANDARD_IA";
  options.credentials = [] { return S3Credentials{"access", "secret", "token"}; };
  S3Destination destination(options);
  destination.put("log/1", as_bytes("one"));
  destination.put("packs/ab/abc", as_bytes("two"));
  CHECK(place.store().objects ==
        std::map<std::string, std::string>{{"pre/log/1", "one"}, {"pre/packs/ab/abc", "two"}});
  const auto seen = place.server().seen();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].method == "PUT");
  CHECK(seen[0].path == "/bucket/pre/log/1");
  CHECK(seen[0].headers.at("if-none-match") == "*");
  CHECK(seen[0].headers.at("host") == place.server().address());
  CHECK(seen[0].headers.at("x-amz-content-sha256") == sha256_hex(as_bytes("one")));
  CHECK(seen[0].headers.at("x-amz-security-token") == "token");
  CHECK_THAT(seen[0].headers.at("authorization"), says("x-amz-security-token, Signature="));
  CHECK_FALSE(seen[0].headers.contains("x-amz-storage-class"));
  CHECK(seen[1].headers.at("x-amz-storage-class") == "STANDARD_IA");
}

TEST_CASE("S3: what fails and may pass is tried again") {
  const HttpGiven given =
      GENERATE(MemoryStore::error(500, "InternalError"), MemoryStore::error(503, "SlowDown"), HttpGiven{429},
               HttpGiven{200, {}, {}, Fault::kHangUp});
  Faulty place(times(2, given));
  S3Destination destination(place.options());
  destination.put("log/1", as_bytes("one"));
  CHECK(place.server().count("PUT") == 3);
  CHECK(as_text(destination.get_all("log/1", 10)) == "one");
}

TEST_CASE("S3: what does not pass counts as away, after a while, and is told") {
  Faulty place(times(1000, MemoryStore::error(503, "SlowDown")));
  S3Options options = place.options();
  options.short_patience = std::chrono::milliseconds(700);
  S3Destination destination(options);
  for (const std::function<void()>& work :
       {std::function<void()>([&] { destination.put("log/1", as_bytes("one")); }),
        std::function<void()>([&] { destination.list(""); }),
        std::function<void()>([&] { destination.get("log/1", 0, 1); }),
        std::function<void()>([&] { destination.size("log/1"); }),
        std::function<void()>([&] { destination.remove("log/1"); }),
        std::function<void()>([&] { destination.remove_all({"log/1"}); })}) {
    const Error error = failure_of(work);
    CHECK(error.kind() == ErrorKind::kDestinationAway);
    CHECK_THAT(error.what(), says("503 SlowDown"));
  }
}

TEST_CASE("S3: a server that asks to be left alone is, by all") {
  HttpGiven busy = MemoryStore::error(503, "SlowDown");
  busy.headers = {{"retry-after", "2"}};
  Faulty place(times(1, busy));
  S3Options options = place.options();
  options.short_patience = std::chrono::milliseconds(50);
  S3Destination destination(options);
  const auto begun = std::chrono::steady_clock::now();
  CHECK_THAT(failure_of([&] { destination.list(""); }).what(), says("503 SlowDown"));
  // Who does not wait for that long is told at once, and the server is not asked.
  CHECK_THAT(failure_of([&] { destination.list(""); }).what(), says("left alone"));
  CHECK(place.server().seen().size() == 1);
  // A run waits.
  const std::stop_source stop;
  const StopScope scope(stop.get_token());
  destination.put("log/1", as_bytes("one"));
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(1900));
  CHECK(place.server().seen().size() == 2);
}

TEST_CASE("S3: an answer that breaks off is not taken for the whole") {
  Faulty place([cut = 0](const HttpSeen& request, MemoryStore& store) mutable -> std::optional<HttpGiven> {
    if (request.method != "GET" || cut >= 3) return std::nullopt;
    HttpGiven given = store.answer(request);
    if (given.status >= 300) return given;
    ++cut;
    if (cut == 1) given.fault = Fault::kCut;
    if (cut == 2) {
      given.body.resize(given.body.size() / 2);
      given.fault = Fault::kUnmeasured;
    }
    if (cut == 3) given.body.resize(given.body.size() / 2);
    return given;
  });
  S3Destination destination(place.options());
  const std::string content(100'000, 'x');
  destination.put("log/1", as_bytes(content));
  SECTION("of a part") { CHECK(as_text(destination.get("log/1", 10, 50'000)) == content.substr(10, 50'000)); }
  SECTION("of a whole") { CHECK(as_text(destination.get_all("log/1", 200'000)) == content); }
  CHECK(place.server().count("GET") == 4);
}

TEST_CASE("S3: a listing that breaks off is not taken for the whole") {
  Faulty place(
      [cut = false](const HttpSeen& request, MemoryStore& store) mutable -> std::optional<HttpGiven> {
        if (request.method != "GET" || std::exchange(cut, true)) return std::nullopt;
        HttpGiven given = store.answer(request);
        given.body.resize(given.body.size() / 2);
        given.fault = Fault::kUnmeasured;
        return given;
      });
  S3Destination destination(place.options());
  destination.put("log/1", as_bytes("one"));
  destination.put("log/2", as_bytes("two"));
  CHECK(destination.list("log/").size() == 2);
}

TEST_CASE("S3: a page that stands before the store is taken for nothing that it could mean") {
  Faulty place(times(1000, HttpGiven{200, {}, "<html>Log in to the network first</html>"}));
  S3Options options = place.options();
  options.short_patience = std::chrono::milliseconds(300);
  S3Destination destination(options);
  for (const std::function<void()>& work :
       {std::function<void()>([&] { destination.put("log/1", as_bytes("one")); }),
        std::function<void()>([&] { destination.list(""); }),
        std::function<void()>([&] { destination.get_all("log/1", 1000); }),
        std::function<void()>([&] { destination.get("log/1", 0, 3); }),
        std::function<void()>([&] { destination.size("log/1"); }),
        std::function<void()>([&] { destination.remove_all({"log/1"}); })}) {
    CHECK(failure_of(work).kind() == ErrorKind::kDestinationAway);
  }
}

TEST_CASE("S3: a server that hangs is away") {
  Faulty place(times(1000, HttpGiven{200, {}, {}, Fault::kHang}));
  S3Options options = place.options();
  options.http.stall_timeout = std::chrono::seconds(1);
  options.short_patience = std::chrono::milliseconds(100);
  S3Destination destination(options);
  const Error error = failure_of([&] { destination.list(""); });
  CHECK(error.kind() == ErrorKind::kDestinationAway);
  CHECK_THAT(error.what(), says("does not answer"));
}

TEST_CASE("S3: a server that is not there is away") {
  S3Options options;
  {
    const ScriptedHttp server([](const HttpSeen&) { return HttpGiven{}; });
    options = options_for(server);
  }
  options.short_patience = std::chrono::milliseconds(100);
  S3Destination destination(options);
  CHECK(failure_of([&] { destination.list(""); }).kind() == ErrorKind::kDestinationAway);
}

TEST_CASE("S3: who is told to stop does so soon, whatever the server does") {
  Faulty place(times(1000, HttpGiven{200, {}, {}, Fault::kHang}));
  S3Options options = place.options();
  options.patience = std::chrono::minutes(5);
  S3Destination destination(options);
  std::stop_source stop;
  auto running = std::async(std::launch::async, [&] {
    const StopScope scope(stop.get_token());
    return failure_of([&] { destination.list(""); }).kind();
  });
  while (place.server().seen().empty()) std::this_thread::yield();
  const auto begun = std::chrono::steady_clock::now();
  stop.request_stop();
  CHECK(running.get() == ErrorKind::kCancelled);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
}

TEST_CASE("S3: who stored an object, and did not hear of it, is told that it did") {
  // The first answer is lost.
  Faulty place(
      [lost = false](const HttpSeen& request, MemoryStore& store) mutable -> std::optional<HttpGiven> {
        if (request.method != "PUT" || std::exchange(lost, true)) return std::nullopt;
        store.answer(request);
        return HttpGiven{200, {}, {}, Fault::kHangUp};
      });
  S3Destination destination(place.options());
  SECTION("exclusively") { CHECK(destination.put_exclusive("log/1", as_bytes("one"))); }
  SECTION("in any case") { CHECK_NOTHROW(destination.put("log/1", as_bytes("one"))); }
  SECTION("from a file") {
    const TemporaryFolder folder;
    replace_file_durably(folder.path("pack"), as_bytes("one"));
    destination.put_file("log/1", folder.path("pack"));
    CHECK(list_names(folder.path()).empty());
  }
  CHECK(place.store().objects.at("pre/log/1") == "one");
  // Who comes later is not.
  CHECK_FALSE(destination.put_exclusive("log/1", as_bytes("one")));
}

TEST_CASE("S3: who lost while its answer was lost is told so") {
  Faulty place(
      [lost = false](const HttpSeen& request, MemoryStore& store) mutable -> std::optional<HttpGiven> {
        if (request.method != "PUT" || std::exchange(lost, true)) return std::nullopt;
        store.objects["pre/log/1"] = "two";  // somebody else's
        return HttpGiven{200, {}, {}, Fault::kHangUp};
      });
  S3Destination destination(place.options());
  CHECK_FALSE(destination.put_exclusive("log/1", as_bytes("one")));
  CHECK(as_text(destination.get_all("log/1", 10)) == "two");
}

TEST_CASE("S3: an older MinIO's way to say that an object exists is understood") {
  Faulty place(times(1, HttpGiven{304}));
  S3Destination destination(place.options());
  CHECK_FALSE(destination.put_exclusive("log/1", as_bytes("one")));
}

TEST_CASE("S3: of many objects that are deleted those that are left are named") {
  Faulty place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (request.method == "POST") {
      return HttpGiven{
          200,
          {},
          "<DeleteResult><Error><Key>pre/a</Key><Code>InternalError</Code></Error><Error><Key>pre/b"
          "</Key><Code>NoSuchKey</Code></Error></DeleteResult>"};
    }
    return std::nullopt;
  });
  S3Destination destination(place.options());
  place.store().objects = {{"pre/a", "1"}};
  destination.remove_all({"a", "b"});
  CHECK(place.store().objects.empty());
  CHECK(place.server().count("DELETE") == 1);
}

TEST_CASE("S3: a deletion that fails without saying of what is told") {
  Faulty place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (request.method != "POST") return std::nullopt;
    return HttpGiven{200, {}, "<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>"};
  });
  S3Destination destination(place.options());
  const Error error = failure_of([&] { destination.remove_all({"a", "b"}); });
  CHECK(error.kind() == ErrorKind::kWriteFailed);
  CHECK_THAT(error.what(), says("AccessDenied"));
}

TEST_CASE("S3: a store that cannot delete many at once is asked for each") {
  Faulty place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (request.method == "POST") return MemoryStore::error(501, "NotImplemented");
    return std::nullopt;
  });
  S3Destination destination(place.options());
  place.store().objects = {{"pre/a", "1"}, {"pre/b", "2"}};
  destination.remove_all({"a", "b"});
  CHECK(place.store().objects.empty());
}

TEST_CASE("S3: an object that is kept from deletion is told") {
  Faulty place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (request.method == "DELETE") return MemoryStore::error(403, "AccessDenied");
    return std::nullopt;
  });
  S3Destination destination(place.options());
  CHECK(failure_of([&] { destination.remove("a"); }).kind() == ErrorKind::kWriteFailed);
}

TEST_CASE("S3: what is not there is deleted, and a bucket that is not there is away") {
  std::string code = "NoSuchKey";
  Faulty place([&](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (request.method == "DELETE") return MemoryStore::error(404, code);
    return std::nullopt;
  });
  S3Destination destination(place.options());
  CHECK_NOTHROW(destination.remove("a"));
  code = "NoSuchBucket";
  CHECK(failure_of([&] { destination.remove("a"); }).kind() == ErrorKind::kDestinationAway);
}

TEST_CASE("S3: an object in an archive has a size and no content") {
  Faulty place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (request.method == "HEAD") return HttpGiven{200, {{"etag", "\"1\""}, {"content-length", "77"}}};
    if (request.method == "GET") return MemoryStore::error(403, "InvalidObjectState");
    return std::nullopt;
  });
  S3Options options = place.options();
  options.counts = std::make_shared<RequestCounts>();
  S3Destination destination(options);
  CHECK(destination.size("packs/ab/abc") == 77);
  CHECK(options.counts->total().heads == 1);
  CHECK(options.counts->total().gets == 1);
  CHECK(failure_of([&] { destination.get("packs/ab/abc", 0, 1); }).kind() == ErrorKind::kReadFailed);
}

TEST_CASE("S3: keys that cannot be had are told as away") {
  Faulty place(nothing);
  S3Options options = place.options();
  options.credentials = []() -> S3Credentials { throw Error(ErrorKind::kDestinationAway, "no keys"); };
  S3Destination destination(options);
  CHECK(failure_of([&] { destination.list(""); }).kind() == ErrorKind::kDestinationAway);
  CHECK(place.server().seen().empty());
}

TEST_CASE("S3: requests are counted by kind, and by run") {
  Faulty place(times(1, MemoryStore::error(500, "InternalError")));
  S3Options options = place.options();
  options.counts = std::make_shared<RequestCounts>();
  S3Destination destination(options);
  {
    const LogScope scope({7, "set"});
    destination.put("log/1", as_bytes("one"));
    destination.list("");
  }
  CHECK(as_text(destination.get_all("log/1", 10)) == "one");
  destination.remove("log/1");
  const RequestSums of_run = options.counts->of_run(7);
  CHECK(options.counts->take(7) == of_run);
  CHECK(of_run.puts == 2);
  CHECK(of_run.lists == 1);
  CHECK(of_run.gets == 0);
  CHECK(of_run.sent_bytes == 6);
  CHECK(options.counts->take(7) == RequestSums{});
  const RequestSums all = options.counts->total();
  CHECK(all.puts == 2);
  CHECK(all.gets == 1);
  CHECK(all.lists == 1);
  CHECK(all.deletes == 1);
  CHECK(all.received_bytes > 3);
}

TEST_CASE("S3: what never went out is not counted, what was given an answer or none is, and also elsewhere") {
  const auto all = std::make_shared<RequestCounts>();
  Faulty place([](const HttpSeen&, MemoryStore&) { return HttpGiven{200, {}, {}, Fault::kHangUp}; });
  S3Options options = place.options();
  options.patience = options.short_patience = std::chrono::seconds(1);
  options.counts = std::make_shared<RequestCounts>(all);
  CHECK(failure_of([&] { S3Destination(options).list(""); }).kind() == ErrorKind::kDestinationAway);
  const RequestSums answered = options.counts->total();
  CHECK(answered.lists >= 1);
  CHECK(answered.lists == place.server().count("GET"));
  CHECK(all->total() == answered);
  options.address.host = "127.0.0.1:1";
  CHECK(failure_of([&] { S3Destination(options).list(""); }).kind() == ErrorKind::kDestinationAway);
  CHECK(options.counts->total() == answered);
}

TEST_CASE("S3: what flows is paid for piece by piece") {
  Faulty place(nothing);
  S3Options options = place.options();
  std::atomic<std::uint64_t> up = 0;
  std::atomic<std::uint64_t> down = 0;
  std::atomic<std::uint64_t> largest = 0;
  options.http.before_sending = [&](std::uint64_t bytes) {
    up += bytes;
    largest = std::max<std::uint64_t>(largest, bytes);
  };
  options.http.after_receiving = [&](std::uint64_t bytes) { down += bytes; };
  S3Destination destination(options);
  const Bytes content(1 << 20, 7);
  destination.put("log/1", content);
  CHECK(up == content.size());
  CHECK(largest <= 16 << 10);
  CHECK(destination.get_all("log/1", content.size()) == content);
  CHECK(down == content.size());
}

TEST_CASE("S3: whether a store keeps conditions is found out, and nothing is left of it") {
  using Conditions = MemoryStore::Conditions;
  for (const Conditions conditions : {Conditions::kKept, Conditions::kIgnored, Conditions::kRefused}) {
    Faulty place(nothing, conditions);
    place.store().objects["pre/probe/" + Uuid::random().text()] = "first";
    place.store().objects["pre/probe/of-somebody"] = "else";
    S3Destination destination(place.options());
    CHECK(destination.keeps_conditions() == (conditions == Conditions::kKept));
    CHECK(place.store().objects == std::map<std::string, std::string>{{"pre/probe/of-somebody", "else"}});
  }
}

TEST_CASE("S3: conditions are found out also where an answer is lost, and where nothing can be deleted") {
  Faulty place(
      [lost = false](const HttpSeen& request, MemoryStore& store) mutable -> std::optional<HttpGiven> {
        if (request.method == "DELETE") return MemoryStore::error(403, "AccessDenied");
        if (request.method != "PUT" || std::exchange(lost, true)) return std::nullopt;
        store.answer(request);
        return HttpGiven{200, {}, {}, Fault::kHangUp};
      });
  CHECK(S3Destination(place.options()).keeps_conditions());
  CHECK(place.store().objects.size() == 1);
}

TEST_CASE("S3: who is no run does not wait behind runs") {
  Faulty place([](const HttpSeen& request, MemoryStore&) -> std::optional<HttpGiven> {
    if (request.method == "PUT") return HttpGiven{200, {}, {}, Fault::kHang};
    return std::nullopt;
  });
  S3Options options = place.options();
  options.http.connections = 1;
  S3Destination destination(options);
  std::stop_source stop;
  auto running = std::async(std::launch::async, [&] {
    const StopScope scope(stop.get_token());
    return failure_of([&] { destination.put("log/1", as_bytes("one")); }).kind();
  });
  while (place.server().seen().empty()) std::this_thread::yield();
  CHECK(destination.list("").empty());
  stop.request_stop();
  CHECK(running.get() == ErrorKind::kCancelled);
}

TEST_CASE("S3: what keys begin with is told, of whatever is there") {
  Faulty place(nothing);
  place.store().objects = {
      {"pre/Photos 2020/1.jpg", ""}, {"pre/keys/a", ""}, {"pre/keys/b", ""}, {"pre/x", ""}, {"other", ""}};
  S3Destination destination(place.options());
  auto names = destination.first_components();
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"Photos 2020", "keys", "x"});
  CHECK_FALSE(destination.is_empty());
  place.store().objects = {{"other", ""}};
  CHECK(destination.is_empty());
}

}  // namespace
}  // namespace garner::destination
