#include <catch2/catch.hpp>

#include "base/error.h"
#include "entry_message.h"
#include "path_relation.h"
#include "run_message.h"
#include "stored_request.h"

namespace garner::daemon {
namespace {

StoredRequest full_request() {
  StoredRequest request;
  request.set.set_name("home");
  request.set.add_sources("/a\xff");
  request.full_scan = true;
  request.destinations = {"one", "two"};
  request.restore.set_snapshot("abcd");
  request.restore.set_path(std::string("x\0y", 3));
  request.resuming = true;
  request.read_data_percent = 12.5;
  request.dry_run = true;
  request.commands.before = {"true", 7};
  request.commands.sources = {{"shop.sql", {"pg_dump shop", 1000}}};
  request.commands.hook_limit = std::chrono::seconds(90);
  return request;
}

TEST_CASE("a run's request comes back as it was") {
  const StoredRequest request = full_request();
  const StoredRequest read = decode_request(encode(request));
  CHECK(read.set.SerializeAsString() == request.set.SerializeAsString());
  CHECK(read.full_scan == request.full_scan);
  CHECK(read.destinations == request.destinations);
  CHECK(read.restore.SerializeAsString() == request.restore.SerializeAsString());
  CHECK(read.resuming == request.resuming);
  CHECK(read.read_data_percent == request.read_data_percent);
  CHECK(read.dry_run == request.dry_run);
  CHECK(read.commands == request.commands);
}

TEST_CASE("a request that was cut off or changed is refused or read, never worse") {
  const Bytes good = encode(full_request());
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_THROWS_AS(decode_request(ByteView(good).first(size)), Error);
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes flipped = good;
    flipped[at] ^= 0x10;
    try {
      decode_request(flipped);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDamaged);
    }
  }
}

TEST_CASE("a run's columns count for more than its report") {
  v1::Run report;
  report.set_files(7);
  report.set_run_id("99");
  report.set_state(v1::RUN_STATE_FAILED);
  catalog::RunRow row;
  row.number = 12;
  row.state = catalog::RunState::kPaused;
  row.pause_reason = catalog::PauseReason::kDestinationFull;
  row.set = "home";
  row.queued = {5, 6};
  const std::string text = report.SerializeAsString();
  row.report.assign(text.begin(), text.end());
  const v1::Run run = to_message(row);
  CHECK(run.run_id() == "12");
  CHECK(run.state() == v1::RUN_STATE_PAUSED);
  CHECK(run.pause_reason() == v1::PAUSE_REASON_DESTINATION_FULL);
  CHECK(run.files() == 7);
  CHECK(run.queued().seconds() == 5);
  CHECK_FALSE(run.has_finished());
}

TEST_CASE("who may see no more than how things stand sees no paths") {
  v1::Status status;
  v1::Run& run = *status.add_active_runs();
  run.set_files(3);
  run.set_target("/secret");
  run.set_message("/secret: no");
  run.add_errors()->set_path("/secret");
  run.mutable_progress()->set_current("/secret");
  run.mutable_progress()->set_done_bytes(5);
  run.mutable_check()->add_problems("/secret is damaged");
  run.add_destinations()->set_error("/secret: no");
  *status.add_sets()->mutable_last_run() = run;
  status.add_destinations()->set_url("/secret");
  status.mutable_destinations(0)->set_detail("/secret");
  status.mutable_destinations(0)->mutable_growth()->add_hosts("secret.example");
  status.add_notices("/secret");
  status.set_state_folder("/secret");
  redact(status);
  CHECK(status.DebugString().find("secret") == std::string::npos);
  CHECK(status.active_runs(0).files() == 3);
  CHECK(status.active_runs(0).progress().done_bytes() == 5);
}

TEST_CASE("run numbers are numbers") {
  CHECK(parse_run_number("12") == 12);
  for (const char* bad : {"", "0", "-1", "x", "1x", " 1", "99999999999999999999"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_run_number(bad), Error);
  }
}

TEST_CASE("modes are written as everybody does") {
  using namespace store::v1;
  CHECK(mode_text(NODE_TYPE_FILE, 0644) == "-rw-r--r--");
  CHECK(mode_text(NODE_TYPE_FOLDER, 01777) == "drwxrwxrwt");
  CHECK(mode_text(NODE_TYPE_FILE, 04755) == "-rwsr-xr-x");
  CHECK(mode_text(NODE_TYPE_FILE, 02640) == "-rw-r-S---");
  CHECK(mode_text(NODE_TYPE_SYMLINK, 0777) == "lrwxrwxrwx");
  CHECK(mode_text(NODE_TYPE_BLOCK_DEVICE, 01000) == "b--------T");
}

TEST_CASE("a path is inside a folder by whole components") {
  CHECK(is_same_or_inside("/a/b", "/a"));
  CHECK(is_same_or_inside("/a", "/a"));
  CHECK(is_same_or_inside("/a", "/"));
  CHECK_FALSE(is_same_or_inside("/ab", "/a"));
  CHECK_FALSE(is_same_or_inside("/a", "/a/b"));
}

}  // namespace
}  // namespace garner::daemon
