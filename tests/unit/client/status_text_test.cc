// The status on one screen.
#include "status_text.h"

#include <catch2/catch.hpp>

#include "shown_text.h"
#include "text.h"

using namespace garner::client;
namespace v1 = garner::v1;

namespace {

v1::Status sample_status() {
  v1::Status status;
  status.set_version("0.1.0");
  status.set_pid(4242);
  status.set_state_folder("/var/lib/garner/with/a/long/name/that/goes/on/and/on");
  status.add_notices(
      "the catalog was damaged and rebuilt from what the destinations know; check that your sets are right");
  auto* run = status.add_active_runs();
  run->set_run_id("12");
  run->set_kind(v1::RUN_KIND_BACKUP);
  run->set_state(v1::RUN_STATE_RUNNING);
  run->set_set("home");
  run->mutable_progress()->set_total_bytes(100 << 20);
  run->mutable_progress()->set_done_bytes(52 << 20);
  auto* set = status.add_sets();
  set->set_name("home");
  set->mutable_last_run()->set_state(v1::RUN_STATE_FINISHED);
  set->mutable_last_run()->mutable_queued()->set_seconds(1700000000);
  status.add_sets()->set_name("a-set-whose-name-is-longer-than-anybody-would-want-to-type-each-day");
  auto* disk = status.add_destinations();
  disk->set_name("disk");
  disk->set_state(v1::DESTINATION_STATE_READY);
  disk->set_url("/mnt/backup/some/where/deep/below/a/folder/with/a/name");
  disk->set_free_bytes(5ull << 30);
  disk->set_total_bytes(50ull << 30);
  auto* usb = status.add_destinations();
  usb->set_name("usb");
  usb->set_state(v1::DESTINATION_STATE_AWAY);
  usb->set_detail("there is no repository at /media/usb: is the disk mounted?\x1b[2J");
  return status;
}

}  // namespace

TEST_CASE("the status tells runs, sets, destinations and notices") {
  REQUIRE(kLocale);
  const std::string text = status_text(sample_status(), Terminal{});
  for (const char* part : {"garnerd 0.1.0", "4242", "the catalog was damaged", "backup of home", "52%",
                           "never", "away", "is the disk mounted?", "5.0 GiB"}) {
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("the status fits a terminal") {
  for (std::size_t width = 70; width <= 140; ++width) {
    for (const bool colour : {false, true}) {
      for (const std::string& line : lines_of(status_text(
               sample_status(),
               Terminal{.interactive = true, .colour = colour, .unicode = true, .width = width}))) {
        CHECK(display_width(line) <= width);
      }
    }
  }
}

TEST_CASE("the status of an installation with nothing in it says what to do") {
  const std::string text = status_text(v1::Status(), Terminal{});
  CHECK(text.find("garner destination add") != std::string::npos);
  CHECK(text.find("garner set add") != std::string::npos);
}

TEST_CASE("limits that hold are shown of all destinations, and what they hold back") {
  v1::Status status = sample_status();
  const Terminal terminal{.width = 200};
  CHECK(status_text(status, terminal).find("LIMIT") == std::string::npos);
  status.mutable_destinations(0)->set_upload_rate(2'000'000);
  status.mutable_destinations(0)->set_download_rate(1'572'864);
  status.mutable_active_runs(0)->mutable_progress()->set_held_by("the upload limit of disk, 2M a second");
  const std::string text = status_text(status, terminal);
  CHECK(text.find("LIMIT") != std::string::npos);
  CHECK(text.find("up 2 MB/s, down 1.5 MiB/s") != std::string::npos);
  CHECK(text.find("held back by the upload limit of disk, 2M a second") != std::string::npos);
}
