// A run in words, live and afterwards.
#include "run_text.h"

#include <catch2/catch.hpp>

#include "run_progress.h"
#include "run_summary.h"
#include "shown_text.h"
#include "text.h"

using namespace garner::client;
namespace v1 = garner::v1;

namespace {

v1::Run running() {
  v1::Run run;
  run.set_run_id("12");
  run.set_kind(v1::RUN_KIND_BACKUP);
  run.set_state(v1::RUN_STATE_RUNNING);
  run.set_set("home");
  run.set_new_bytes(300u << 20);
  run.set_stored_bytes(100u << 20);
  auto* destination = run.add_destinations();
  destination->set_destination("disk");
  destination->set_new_bytes(300u << 20);
  destination->set_stored_bytes(100u << 20);
  auto* progress = run.mutable_progress();
  progress->set_total_files(2000);
  progress->set_done_files(1000);
  progress->set_total_bytes(2ull << 30);
  progress->set_done_bytes(1ull << 30);
  progress->set_bytes_per_second(200.0 * (1 << 20));
  progress->set_seconds_left(5);
  progress->set_current("/home/ann/a/rather/long/path/to/a/file/that/is/read/at/this/very/moment/photo.jpg");
  progress->set_stage("reading");
  return run;
}

Terminal terminal(std::size_t width, bool colour = false) {
  return {.interactive = true, .colour = colour, .unicode = true, .width = width};
}

std::string whole(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

}  // namespace

TEST_CASE("live progress tells bytes, files, rate, time left, what is read and what is saved") {
  REQUIRE(kLocale);
  const std::string text = whole(progress_lines(running(), terminal(100)));
  for (const char* part : {"50%", "1.0 GiB of 2.0 GiB", "200 MiB/s", "0:05 left", "1,000 of 2,000 files",
                           "724 MiB deduplicated", "200 MiB compressed away", "reading /home", "photo.jpg"}) {
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("live progress fits any width, with what people typed in names as well") {
  v1::Run run = running();
  for (const char* current :
       {"/x", "/漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字", "\x1b[2J\n/a"}) {
    run.mutable_progress()->set_current(current);
    for (std::size_t width = 1; width < 130; ++width) {
      const auto lines = progress_lines(run, terminal(width, true));
      CHECK(lines.size() <= 4);
      for (const std::string& line : lines) {
        if (width >= 12) CHECK(display_width(line) < width);
        CHECK(line.find('\n') == std::string::npos);
        CHECK(line.find("\x1b[2J") == std::string::npos);
      }
    }
  }
}

TEST_CASE("a total that is not known yet gives no percentage") {
  v1::Run run = running();
  run.mutable_progress()->set_total_bytes(0);
  run.mutable_progress()->set_total_files(0);
  CHECK(progress_percent(run).empty());
  const std::string text = whole(progress_lines(run, terminal(80)));
  CHECK(text.find('%') == std::string::npos);
  CHECK(text.find("1.0 GiB") != std::string::npos);
  CHECK(text.find("1,000 files") != std::string::npos);
}

TEST_CASE("a run that waits says why, and what makes it go on") {
  v1::Run run = running();
  CHECK(waiting_text(run).empty());
  run.set_state(v1::RUN_STATE_PAUSED);
  run.set_message("destination disk is away");
  run.set_pause_reason(v1::PAUSE_REASON_DESTINATION_AWAY);
  CHECK(waiting_text(run) == "paused: destination disk is away; it goes on by itself when it is back");
  CHECK(whole(progress_lines(run, terminal(100))).find("destination disk is away") != std::string::npos);
  CHECK(progress_line(run).find("destination disk is away") != std::string::npos);
  run.set_pause_reason(v1::PAUSE_REASON_DESTINATION_FULL);
  CHECK(waiting_text(run).find("when there is room") != std::string::npos);
  run.set_message("");
  run.set_pause_reason(v1::PAUSE_REASON_STATE_FULL);
  CHECK(waiting_text(run) ==
        "paused: the disk of the daemon's state folder is full; it goes on by itself when there is room");
  run.set_pause_reason(v1::PAUSE_REASON_USER);
  CHECK(waiting_text(run).find("garner run resume 12") != std::string::npos);
  run.set_state(v1::RUN_STATE_QUEUED);
  CHECK(waiting_text(run).starts_with("waiting: "));
}

TEST_CASE("what was saved is not counted twice, and never below nothing") {
  v1::Run run = running();
  CHECK(saved(run).by_deduplication == 724u << 20);
  CHECK(saved(run).by_compression == 200u << 20);

  SECTION("two destinations that each got it") {
    auto* other = run.add_destinations();
    other->set_new_bytes(300u << 20);
    other->set_stored_bytes(100u << 20);
    run.set_stored_bytes(200u << 20);
    CHECK(saved(run).by_compression == 400u << 20);
    CHECK(saved(run).by_deduplication == 724u << 20);
  }
  SECTION("content that does not compress, with what surrounds it") {
    run.mutable_destinations(0)->set_stored_bytes(310u << 20);
    CHECK(saved(run).by_compression == 0);
  }
  SECTION("progress that lags behind") {
    run.mutable_progress()->set_done_bytes(0);
    CHECK(saved(run).by_deduplication == 0);
  }
}

TEST_CASE("the summary of a finished backup") {
  v1::Run run = running();
  run.clear_progress();
  run.set_state(v1::RUN_STATE_FINISHED);
  run.set_snapshot_id("4f2a91c0d7e8aaaaaaaaaaaa");
  run.set_files(2000);
  run.set_source_bytes(2ull << 30);
  run.set_read_bytes(1ull << 30);
  run.set_attempts(3);
  run.mutable_started()->set_seconds(1000);
  run.mutable_finished()->set_seconds(1075);
  const std::string text = summary(run, Terminal{});
  CHECK(text ==
        "Backup of home finished after 1:15: snapshot 4f2a91c0d7e8 (run 12, resumed 2 times)\n"
        "  2,000 files of 2.0 GiB; 1.0 GiB read, 300 MiB new, 100 MiB stored\n"
        "  saved: 1.7 GiB deduplicated, 200 MiB compressed away\n");

  SECTION("with errors") {
    run.set_error_count(30);
    for (int i = 0; i < 30; ++i) {
      auto* error = run.add_errors();
      error->set_path("/a\n" + std::to_string(i));
      error->set_message("permission denied");
    }
    const std::string errors = summary(run, Terminal{});
    CHECK(errors.find("with errors") != std::string::npos);
    CHECK(errors.find("  /a\\x0a0: permission denied\n") != std::string::npos);
    CHECK(errors.find("and 10 more: garner errors 12") != std::string::npos);
  }
  SECTION("a destination that failed is named") {
    run.add_destinations()->set_destination("usb");
    run.mutable_destinations(1)->set_error("it is away");
    CHECK(summary(run, Terminal{}).find("  usb: it is away\n") != std::string::npos);
    CHECK(state_text(run) == "incomplete");
  }
  SECTION("who supplied its only destination is named") {
    CHECK(text.find("given by") == std::string::npos);
    run.mutable_destinations(0)->add_supplied_from("usb");
    CHECK(summary(run, Terminal{}).find("  disk: 300 MiB new, 100 MiB stored, given by usb\n") !=
          std::string::npos);
  }
  SECTION("that content was named again is said, and what the snapshot is called there") {
    run.set_kind(v1::RUN_KIND_COPY);
    CHECK(summary(run, Terminal{}).find("named again") == std::string::npos);
    run.mutable_destinations(0)->set_renamed(true);
    run.mutable_destinations(0)->set_snapshot_id("0123456789abcdef");
    CHECK(summary(run, Terminal{})
              .find("    content was cut and named again, for disk has other keys or "
                    "sizes of chunks: it is snapshot 0123456789ab there\n") != std::string::npos);
  }
}

TEST_CASE("the summary of a check that found damage") {
  v1::Run run;
  run.set_run_id("3");
  run.set_kind(v1::RUN_KIND_CHECK);
  run.set_state(v1::RUN_STATE_FINISHED);
  run.set_damage_found(true);
  run.mutable_check()->set_packs(2);
  run.mutable_check()->set_problem_count(1);
  run.mutable_check()->add_problems("pack 12ab is missing");
  const std::string text = summary(run, Terminal{});
  CHECK(text.starts_with("Check found damage"));
  CHECK(text.find("pack 12ab is missing") != std::string::npos);
  CHECK(text.find("2 packs") != std::string::npos);
}
