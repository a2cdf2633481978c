"""Destinations that are given what they lack by another one, so that the source is not read again: the real daemon."""

import contextlib
import os
import shutil
import time
import unittest

import compare_trees
from case import Case
from counted_source import counted_source

FILES = 200
SIZE = 100_000


class SupplyTest(Case):
    def setUp(self):
        super().setUp()
        for number in range(FILES):
            self.write_old(f"source/{number % 7}/file{number}")
        self.change(f"{FILES % 7}/last")

    def write_old(self, name):
        """Its content is new, the time of that long past: only then a file system of FUSE is believed."""
        path = self.write(name, os.urandom(SIZE))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        return path

    def change(self, name):
        """A new or changed file, whose times are far enough past that the scan after the next trusts them."""
        path = self.write_old("source/" + name)
        self.wait(lambda: time.time() > os.stat(path).st_ctime + 0.05)

    @contextlib.contextmanager
    def home(self, *options):
        """A daemon with the set `home`, and a function that backs it up to one destination and returns how many files
        were read for that, by the count of the file system that they lie on, and the run."""
        daemon = self.daemon()
        for name in ("disk", "cloud"):
            daemon.run("destination", "add", name, self.path(name), "--no-prune-schedule", "--no-check-schedule")
        with counted_source(self) as (mount, counted):
            daemon.run("set", "add", "home", "--source", mount, "--destination", "disk", "cloud", *options)

            def back_up_to(destination):
                before = counted()
                run = daemon.backup("home", "--destination", destination)
                read = counted() - before
                self.assertEqual(read, int(run["read_bytes"]))
                self.assertEqual([destination], [part["destination"] for part in run["destinations"]])
                self.assertEqual(int(run["supplied_bytes"]), int(run["destinations"][0]["supplied_bytes"]))
                self.assertEqual(0, read % SIZE)
                return read // SIZE, run

            yield daemon, back_up_to

    def check_restores(self, daemon, run, name):
        """The run's snapshot restores to what the source is when this destination alone is there."""
        other = self.path("cloud" if name == "disk" else "disk")
        target = self.path("restored from " + name)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(other, other + ".away")
        daemon.run("restore", run["snapshot_id"], "--to", target)
        os.rename(other + ".away", other)
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), target))

    def test_hourly_to_the_disk_and_weekly_to_the_cloud(self):
        with self.home("--supply-from", "disk") as (daemon, back_up_to):
            self.assertEqual(FILES + 1, back_up_to("disk")[0])
            self.change("0/file0")
            self.change("new")
            self.assertEqual(2, back_up_to("disk")[0])
            # The cloud has nothing yet.
            read, run = back_up_to("cloud")
            self.assertEqual(0, read)
            part = run["destinations"][0]
            self.assertEqual(["disk"], part["supplied_from"])
            # A frame may go over with what has changed since.
            self.assertGreaterEqual(int(part["new_bytes"]), (FILES + 2) * SIZE)
            self.assertLessEqual(int(part["new_bytes"]), (FILES + 3) * SIZE)
            self.assertGreaterEqual(int(part["supplied_bytes"]), (FILES + 2) * SIZE)
            self.assertFalse(run["incomplete"])
            self.check_restores(daemon, run, "cloud")
            # What the disk lacks is read.
            self.change("1/file1")
            read, run = back_up_to("cloud")
            self.assertEqual(1, read)
            self.assertEqual([], run["destinations"][0]["supplied_from"])
            self.check_restores(daemon, run, "cloud")
            # The disk does not profit.
            read, run = back_up_to("disk")
            self.assertEqual(1, read)
            self.assertEqual("0", run["supplied_bytes"])
            self.check_restores(daemon, run, "disk")
            daemon.run("check", "--read-data")

    def test_both_ways(self):
        with self.home("--supply", "both-ways") as (daemon, back_up_to):
            self.assertEqual(FILES + 1, back_up_to("disk")[0])
            self.change("1/file1")
            read, run = back_up_to("cloud")
            self.assertEqual(1, read)
            self.assertEqual(["disk"], run["destinations"][0]["supplied_from"])
            self.check_restores(daemon, run, "cloud")
            read, run = back_up_to("disk")
            self.assertEqual(0, read)
            self.assertEqual(["cloud"], run["destinations"][0]["supplied_from"])
            self.check_restores(daemon, run, "disk")

    def test_the_rule_is_shown_and_changed(self):
        with self.home() as (daemon, back_up_to):
            self.assertEqual({"from": "", "both_ways": False}, daemon.json("set", "show", "home")["supply"])
            self.assertNotIn("supply", daemon.run("set", "show", "home").stdout)
            self.assertEqual(FILES + 1, back_up_to("disk")[0])
            read, run = back_up_to("cloud")
            self.assertEqual(FILES + 1, read)
            self.assertEqual([], run["destinations"][0]["supplied_from"])
            daemon.run("set", "edit", "home", "--supply-from", "cloud")
            self.assertIn("from cloud", daemon.run("set", "show", "home").stdout)
            self.change("2/file2")
            self.assertEqual(1, back_up_to("cloud")[0])
            self.assertEqual(0, back_up_to("disk")[0])
            daemon.run("set", "edit", "home", "--supply", "both-ways")
            self.assertEqual({"from": "", "both_ways": True}, daemon.json("set", "list")["sets"][0]["supply"])
            self.assertIn('supply = "both-ways"', daemon.run("config", "export").stdout)
            # It outlives the daemon.
            daemon.stop()
            daemon.start()
            self.change("3/file3")
            self.assertEqual(1, back_up_to("disk")[0])
            self.assertEqual(0, back_up_to("cloud")[0])
            daemon.run("set", "edit", "home", "--no-supply")
            self.change("4/file4")
            self.assertEqual(1, back_up_to("disk")[0])
            self.assertEqual(1, back_up_to("cloud")[0])

    def test_a_supplier_that_is_away_is_not_needed(self):
        with self.home("--supply-from", "disk") as (daemon, back_up_to):
            back_up_to("disk")
            os.rename(self.path("disk"), self.path("disk.away"))
            read, run = back_up_to("cloud")
            self.assertEqual(FILES + 1, read)
            self.assertFalse(run["incomplete"])
            os.rename(self.path("disk.away"), self.path("disk"))
            self.check_restores(daemon, run, "cloud")

    def test_damage_of_the_supplier_costs_the_files_that_it_touches(self):
        with self.home("--supply-from", "disk") as (daemon, back_up_to):
            snapshot = back_up_to("disk")[1]["snapshot_id"]
            # Whoever has read it before does not know it any more.
            daemon.stop()
            pack = max((os.path.join(folder, name) for folder, _, names in os.walk(self.path("disk", "packs"))
                        for name in names), key=os.path.getsize)
            os.chmod(pack, 0o600)
            with open(pack, "r+b") as file:
                file.seek(os.path.getsize(pack) // 2)
                content = file.read(64)
                file.seek(-64, os.SEEK_CUR)
                file.write(bytes(byte ^ 1 for byte in content))
            daemon.start()
            # Those are what the disk does not give back.
            restored = self.path("from the disk")
            done = daemon.run("restore", snapshot, "--to", restored, check=False)
            self.assertEqual(3, done.returncode, done.stdout + done.stderr)
            touched = self.different(self.path("source"), restored)
            self.assertGreater(touched, 0)
            self.assertLess(touched, FILES)
            read, run = back_up_to("cloud")
            self.assertEqual(touched, read)
            self.assertEqual(["disk"], run["destinations"][0]["supplied_from"])
            self.assertFalse(run["incomplete"])
            self.check_restores(daemon, run, "cloud")
            daemon.run("check", "--destination", "cloud", "--read-data")

    def different(self, folder, restored):
        """How many of the folder's files are not there, or not as they were."""
        count = 0
        for place, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(place, name)
                other = os.path.join(restored, os.path.relpath(path, folder))
                with open(path, "rb") as file:
                    content = file.read()
                if not os.path.exists(other):
                    count += 1
                    continue
                with open(other, "rb") as file:
                    count += file.read() != content
        return count

    def test_what_cannot_be_is_refused(self):
        daemon = self.daemon()
        for name in ("disk", "cloud", "usb"):
            daemon.run("destination", "add", name, self.path(name), "--no-prune-schedule", "--no-check-schedule")
        add = ["set", "add", "home", "--source", self.path("source"), "--destination", "disk"]
        self.refused(daemon, 2, *add, "--supply-from", "disk", says="two destinations")
        self.refused(daemon, 2, *add, "--supply", "both-ways", says="two destinations")
        self.refused(daemon, 2, *add, "cloud", "--supply-from", "usb",
                     says=["has: disk, cloud", "--destination disk cloud usb"])
        daemon.run(*add, "cloud", "--supply-from", "disk")
        self.refused(daemon, 2, "set", "edit", "home", "--destination", "disk", says="--no-supply")
        self.refused(daemon, 2, "set", "edit", "home", "--destination", "cloud", "usb", says="'disk'")
        self.refused(daemon, 1, "destination", "remove", "disk", says="is used by: home")
        self.assertEqual("disk", daemon.json("set", "show", "home")["supply"]["from"])
        daemon.run("set", "edit", "home", "--destination", "cloud", "usb", "--supply-from", "usb")
        daemon.run("destination", "remove", "disk")
        daemon.run("set", "edit", "home", "--destination", "cloud", "--no-supply")


if __name__ == "__main__":
    unittest.main()
