"""Limits of a destination, and retention and prune as they are set for one, with the real daemon and client."""

import os
import subprocess
import time
import unittest

from case import Case
from compare_trees import check_equal
from garner_daemon import GARNER
from patience import PATIENCE

MIB = 1 << 20


class Limits(Case):
    def noise(self, name, size):
        return self.write(name, os.urandom(size))

    def running(self, daemon, number):
        return daemon.json("run", "show", str(number))

    def wait_until(self, holds, what, seconds=PATIENCE):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = holds()
            if found:
                return found
            time.sleep(0.05)
        self.fail(f"{what}: {self.daemons[0].log()}")

    def test_a_folder_is_tried_and_measured_and_nothing_is_left(self):
        daemon = self.ready(self.path("source"))
        before = sorted(os.listdir(self.path("repository")))
        done = daemon.run("destination", "test", "disk")
        for text in ("exclusive creation", "MB/s", "Destination disk does what garner relies on."):
            self.assertIn(text, done.stdout)
        # A folder is asked by no requests.
        self.assertNotIn("Requests", done.stdout)
        self.assertNotIn("requests", daemon.json("destination", "test", "disk"))
        self.assertNotIn("PUT", daemon.run("destination", "show", "disk").stdout)
        self.assertNotIn('garner_destination_requests_total{destination="disk"', daemon.run("metrics").stdout)
        self.assertEqual(before, sorted(os.listdir(self.path("repository"))))
        self.assertEqual([], os.listdir(self.path("repository", ".staging")))
        # What is measured obeys the limit, and says so.
        daemon.run("destination", "edit", "disk", "--limit-upload", "500K")
        test = daemon.json("destination", "test", "disk")
        self.assertEqual("500000", test["upload"]["limit"])
        self.assertLess(test["upload"]["bytes_per_second"], 700_000)
        # Where its disk is not mounted nothing is written.
        os.rename(self.path("repository"), self.path("elsewhere"))
        os.mkdir(self.path("repository"))
        done = daemon.run("destination", "test", "disk", check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("is its disk mounted?", done.stdout)
        self.assertEqual([], os.listdir(self.path("repository")))

    def begin_slowly(self, daemon):
        """A backup of 24 MiB at 500 kB a second that has begun to write; its number."""
        self.noise("source/large", 24 * MIB)
        daemon.run("destination", "edit", "disk", "--limit-upload", "500K")
        number = daemon.json("backup", "set", "--detach")["run_id"]

        def held():
            run = self.running(daemon, number)
            self.assertIn(run["state"], ("RUN_STATE_QUEUED", "RUN_STATE_RUNNING"))
            return run["progress"]["held_by"]
        self.assertIn("the upload limit of disk", self.wait_until(held, "no limit holds"))
        return number

    def staged(self):
        folder = self.path("repository", ".staging")
        return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))

    def test_a_slow_backup_moves_and_is_cancelled_at_once(self):
        daemon = self.ready(self.path("source"))
        number = self.begin_slowly(daemon)
        first = self.staged()
        self.wait_until(lambda: self.staged() > first, "nothing moves")
        self.assertIn("held back by the upload limit of disk", daemon.run("status").stdout)
        begun = time.monotonic()
        daemon.run("run", "cancel", number)
        self.assertEqual("RUN_STATE_CANCELLED", daemon.wait_for_run(number, ("CANCELLED",), 60)["state"])
        # It would have gone on for most of a minute; a loaded machine gets half of that.
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual([], os.listdir(self.path("repository", ".staging")))
        # The limit is taken away, and the same backup is done.
        daemon.run("destination", "edit", "disk", "--limit-upload", "none")
        daemon.backup("set")
        daemon.run("restore", "latest", "--to", self.path("restored"))
        check_equal(self, self.path("source"), self.path("restored"))

    def test_a_limit_that_is_taken_away_lets_a_run_go_that_waits(self):
        daemon = self.ready(self.path("source"))
        number = self.begin_slowly(daemon)
        daemon.run("run", "pause", number)
        self.assertEqual("PAUSE_REASON_USER", daemon.wait_for_run(number, ("PAUSED",), 60)["pause_reason"])
        daemon.run("run", "resume", number)
        daemon.wait_for_run(number, ("RUNNING",), 60)
        daemon.run("destination", "edit", "disk", "--limit-upload", "none")
        self.assertEqual("RUN_STATE_FINISHED", daemon.wait_for_run(number, ("FINISHED", "FAILED"), 120)["state"])

    def test_a_daemon_with_a_run_that_waits_ends_in_time_and_goes_on(self):
        daemon = self.ready(self.path("source"))
        number = self.begin_slowly(daemon)
        daemon.stop()
        daemon.start()
        self.assertIn(self.running(daemon, number)["state"],
                      ("RUN_STATE_INTERRUPTED", "RUN_STATE_QUEUED", "RUN_STATE_RUNNING"))
        # The limit is still there.
        shown = daemon.json("destination", "show", "disk")
        self.assertEqual((["500K"], "500000"), (shown["settings"]["upload_limits"], shown["upload_rate"]))
        daemon.run("destination", "edit", "disk", "--limit-upload", "none")
        self.assertEqual("RUN_STATE_FINISHED", daemon.wait_for_run(number, ("FINISHED", "FAILED"), 120)["state"])

    def test_a_slow_restore_is_cancelled_at_once_and_people_are_not_held_back(self):
        daemon = self.ready(self.path("source"))
        self.noise("source/large", 24 * MIB)
        daemon.backup("set")
        daemon.run("destination", "edit", "disk", "--limit-download", "200K")
        target = self.path("restored")
        done = daemon.run("--json", "destination", "list")
        self.assertIn("200K", done.stdout)

        with subprocess.Popen([GARNER, "--socket", daemon.socket, "restore", "latest", "--to", target],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
            def held():
                active = daemon.json("status")["active_runs"]
                return active and "the download limit of disk" in active[0]["progress"]["held_by"] and active[0]
            run = self.wait_until(held, "no limit holds")
            self.assertIn("large", daemon.run("ls", "latest").stdout)
            begun = time.monotonic()
            daemon.run("run", "cancel", run["run_id"])
            daemon.wait_for_run(run["run_id"], ("CANCELLED",), 60)
            self.assertLess(time.monotonic() - begun, 20)
            client.wait(PATIENCE)

    def test_shown_and_refused(self):
        daemon = self.ready(self.path("source"))
        daemon.run("destination", "add", "usb", self.path("usb"), "--limit-upload", "2M",
                   "--limit-upload", "00:00..24:00=1500K", "--limit-download", "none", "--max-unused", "20%",
                   "--max-rewrite", "4GiB")
        shown = daemon.run("destination", "show", "usb").stdout
        for text in ("2M", "00:00..24:00=1500K", "now: 1.5 MB/s", "20 %", "4.0 GiB"):
            self.assertIn(text, shown)
        self.assertIn("up 1.5 MB/s", daemon.run("destination", "list").stdout)
        self.assertIn("up 1.5 MB/s", daemon.run("status").stdout)
        told = daemon.json("destination", "show", "usb")
        self.assertEqual({"upload_limits": ["2M", "00:00..24:00=1500K"], "download_limits": [],
                          "max_unused_percent": 20, "max_rewrite_bytes": str(4 << 30)}, told["settings"])
        self.assertEqual(("1500000", "0"), (told["upload_rate"], told["download_rate"]))
        told = daemon.json("destination", "edit", "usb", "--limit-upload", "none", "--max-unused", "default",
                           "--max-rewrite", "default")
        self.assertEqual([], told["settings"]["upload_limits"])
        self.assertNotIn("max_unused_percent", told["settings"])

        self.refused(daemon, 2, "destination", "edit", "usb", says="at least one thing")
        self.refused(daemon, 2, "destination", "edit", "usb", "--limit-upload", "fast", says="'fast' is no rate")
        self.refused(daemon, 2, "destination", "edit", "usb", "--limit-upload", "25:00-26:00=1M", says="character 1")
        self.refused(daemon, 2, "destination", "edit", "usb", "--limit-upload", "999", says="less than 1K")
        self.refused(daemon, 2, "destination", "edit", "usb", "--limit-upload", "1M", "--limit-upload", "2M",
                     says="another rate without a window")
        self.refused(daemon, 2, "destination", "edit", "usb", "--max-unused", "101", says="0 to 100")
        self.refused(daemon, 2, "destination", "edit", "usb", "--max-rewrite", "lots", says="no size")
        self.refused(daemon, 1, "destination", "edit", "none", "--limit-upload", "1M", says="no destination")
        self.refused(daemon, 2, "destination", "add", "third", self.path("third"), "--limit-upload", "fast",
                     says="no rate")
        self.assertFalse(os.path.exists(self.path("third")))


class OfDestinations(Case):
    def snapshots(self, daemon):
        return [snapshot["id"] for snapshot in daemon.json("snapshots", "set")["snapshots"]]

    def back_up(self, daemon, number):
        self.write("source/number", os.urandom(300_000) + str(number).encode())
        daemon.backup("set")

    def wait_for_forget(self, daemon):
        def done():
            runs = [run for run in daemon.json("runs")["runs"] if run["kind"] == "RUN_KIND_FORGET"]
            return all(run["state"] == "RUN_STATE_FINISHED" for run in runs) and len(runs)
        until = time.monotonic() + 60
        while not done():
            self.assertLess(time.monotonic(), until, daemon.log())
            time.sleep(0.05)
        return done()

    def test_a_destinations_own_rules_count_there(self):
        daemon = self.ready(self.path("source"))
        told = daemon.json("set", "edit", "set", "--keep-last", "10", "--keep-last", "disk=2")
        self.assertEqual(10, told["retention"]["last"])
        self.assertEqual([("disk", 2)], [(one["destination"], one["retention"]["last"])
                                         for one in told["destination_retentions"]])
        self.assertIn("at disk: last 2", daemon.run("set", "show", "set").stdout)
        for number in range(4):
            self.back_up(daemon, number)
            self.wait_for_forget(daemon)
        self.assertEqual(2, len(self.snapshots(daemon)))
        # Without them the set's rules count again, by themselves and when somebody asks.
        told = daemon.json("set", "edit", "set", "--keep-last", "disk=0")
        self.assertEqual([], told["destination_retentions"])
        for number in range(4):
            self.back_up(daemon, number)
            self.wait_for_forget(daemon)
        self.assertEqual(6, len(self.snapshots(daemon)))
        daemon.run("forget", "set", "--keep-last", "disk=5", "--keep-daily", "1")
        self.assertEqual(5, len(self.snapshots(daemon)))
        daemon.run("set", "edit", "set", "--keep-last", "0", "--keep-last", "disk=4")
        daemon.run("forget", "set")
        self.assertEqual(4, len(self.snapshots(daemon)))

    def test_refused(self):
        daemon = self.ready(self.path("source"))
        self.refused(daemon, 2, "set", "edit", "set", "--keep-last", "usb=2", says="no destination of the set")
        self.refused(daemon, 2, "set", "edit", "set", "--keep-last", "disk=two", says="two")
        self.refused(daemon, 2, "set", "edit", "set", "--keep-last", "disk=2", "--keep-last", "disk=3", says="twice")
        self.refused(daemon, 2, "set", "add", "two", "--source", self.path("source"), "--destination", "disk",
                     "--keep-daily", "usb=2", says="no destination of the set")
        self.refused(daemon, 2, "forget", "set", "--keep-last", "usb=2", says="no destination of the set")
        # The destination that has rules goes from the set: first the rules.
        daemon.run("set", "edit", "set", "--keep-last", "disk=2")
        daemon.run("destination", "add", "usb", self.path("usb"))
        self.refused(daemon, 2, "set", "edit", "set", "--destination", "usb", says="disk")
        daemon.run("set", "edit", "set", "--destination", "usb", "--keep-last", "disk=0")

    def test_prune_goes_by_its_options_and_by_the_destinations(self):
        daemon = self.ready(self.path("source"))
        for number in range(40):
            self.write(f"source/{number}", os.urandom(200_000))
        daemon.backup("set")
        for number in range(40):
            if number % 3 == 0:
                os.remove(self.path("source", str(number)))
        daemon.backup("set")
        daemon.run("forget", "set~1")

        def told(*arguments):
            result = daemon.json("prune", "--dry-run", "--grace", "0", *arguments)["prune"]
            return int(result["rewritten_packs"]), int(result["unused_in_use_packs"]), int(result["unused_beyond_limit"])
        # A third of the data is unused.
        self.assertGreater(told("--max-unused", "20")[0], 0)
        packs, unused, _ = told("--max-unused", "50")
        self.assertEqual(0, packs)
        self.assertGreater(unused, 2_000_000)
        packs, _, beyond = told("--max-unused", "20", "--max-rewrite", "1K")
        self.assertEqual(0, packs)
        self.assertGreater(beyond, 2_000_000)
        daemon.run("destination", "edit", "disk", "--max-unused", "20")
        self.assertGreater(told()[0], 0)
        daemon.run("destination", "edit", "disk", "--max-rewrite", "1K")
        self.assertEqual(0, told()[0])
        self.assertGreater(told("--max-rewrite", "1G")[0], 0)
        freed = int(daemon.json("prune", "--grace", "0", "--max-rewrite", "1G")["prune"]["freed_bytes"])
        self.assertGreater(freed, 2_000_000)
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)
        self.refused(daemon, 2, "prune", "--max-unused", "some", says="0 to 100")
        self.refused(daemon, 2, "prune", "--max-rewrite", "some", says="no size")


if __name__ == "__main__":
    unittest.main()
