"""Sets with several destinations, and copies between them: the real daemon."""

import os
import shutil
import time
import unittest

import compare_trees
from case import Case
from counted_source import counted_source

SETTINGS = 'settling_delay = "0s"\n'


class ManyDestinationsTest(Case):
    def machine(self, *names, settings=SETTINGS):
        daemon = self.daemon(arguments=["--config", self.write("garnerd.toml", settings)])
        for name in names:
            daemon.run("destination", "add", name, self.path(name), "--no-prune-schedule", "--no-check-schedule")
        return daemon

    def fill_source(self, files=40, size=100_000):
        for number in range(files):
            self.write(f"source/{number % 7}/file{number}", os.urandom(size))

    def check_restores(self, daemon, snapshot, only):
        """The snapshot restores to what the source is when this destination alone is there."""
        others = [name for name in ("a", "b", "c") if name != only and os.path.exists(self.path(name))]
        for name in others:
            os.rename(self.path(name), self.path(name + ".away"))
        target = self.path("restored")
        shutil.rmtree(target, ignore_errors=True)
        daemon.run("restore", snapshot, "--to", target)
        for name in others:
            os.rename(self.path(name + ".away"), self.path(name))
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), target))

    def at(self, daemon, snapshot):
        for one in daemon.json("snapshots")["snapshots"]:
            if one["id"] == snapshot:
                return sorted(one["destinations"])
        return []

    def parts(self, run):
        return {part["destination"]: part for part in run["destinations"]}

    def test_one_read(self):
        """Each byte of the source is read once, by the count of the file system that it lies on."""
        daemon = self.machine("a", "b", "c")
        self.fill_source()
        with counted_source(self) as (mount, counted):
            daemon.run("set", "add", "home", "--source", mount, "--destination", "a", "b", "c")
            run = daemon.backup("home")
            self.assertEqual(40 * 100_000, counted())
        self.assertEqual(40 * 100_000, int(run["source_bytes"]))
        self.assertEqual(40 * 100_000, int(run["read_bytes"]))
        self.assertEqual(["a", "b", "c"], self.at(daemon, run["snapshot_id"]))
        for name, part in self.parts(run).items():
            self.assertEqual(run["snapshot_id"], part["snapshot_id"], name)
            self.assertEqual("DESTINATION_RUN_STATE_DONE", part["state"], name)
            self.assertEqual(40 * 100_000, int(part["new_bytes"]), name)
        self.assertEqual(int(run["stored_bytes"]), sum(int(part["stored_bytes"]) for part in run["destinations"]))
        for name in ("a", "b", "c"):
            self.check_restores(daemon, run["snapshot_id"], name)
        daemon.run("check", "--read-data")

    def test_a_slow_one_stalls_nobody(self):
        """One of three takes five minutes for what the others take in seconds, and the spool holds a fifth of it."""
        daemon = self.machine("a", "b", "c", settings=SETTINGS + '[limits]\nspool = "64MiB"\n')
        self.fill_source(files=300, size=1_000_000)
        daemon.run("destination", "edit", "c", "--limit-upload", "1M")
        with counted_source(self) as (mount, counted):
            daemon.run("set", "add", "home", "--source", mount, "--destination", "a", "b", "c")
            number = daemon.json("backup", "home", "--detach")["run_id"]
            made = self.wait(lambda: [one["id"] for one in daemon.json("snapshots")["snapshots"]
                                      if sorted(one["destinations"]) == ["a", "b"]], 200)[0]
            # If they had waited for it, it would have nearly all by now.
            run = daemon.json("run", "show", number)
            self.assertLess(int(self.parts(run)["c"]["stored_bytes"]), 100_000_000)
            self.assertEqual(300_000_000, counted())
            daemon.run("destination", "edit", "c", "--limit-upload", "none")
            self.wait(lambda: self.at(daemon, made) == ["a", "b", "c"])
            # It had the rest from one of the others.
            self.assertEqual(300_000_000, counted())
        self.check_restores(daemon, made, "c")

    def test_one_is_away_and_catches_up_by_itself(self):
        daemon = self.machine("a", "b")
        self.fill_source()
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a", "b")
        daemon.backup("home")
        os.rename(self.path("b"), self.path("b.away"))
        self.write("source/new", os.urandom(500_000))
        done = daemon.run("backup", "home", check=False)
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        self.assertIn("b: ", done.stdout)
        newest = daemon.json("snapshots")["snapshots"][0]["id"]
        self.assertEqual(["a"], self.at(daemon, newest))
        status = daemon.json("status")
        behind = {one["name"]: one for one in status["sets"][0]["destinations"]}
        self.assertFalse(behind["a"]["behind"])
        self.assertTrue(behind["b"]["behind"])
        self.assertEqual(newest, behind["a"]["last_snapshot"])
        self.assertIn("b is behind with home", daemon.run("status").stdout)
        metrics = daemon.run("metrics").stdout
        self.assertIn('garner_set_destination_behind{set="home",destination="b"} 1', metrics)
        self.assertIn('garner_set_destination_behind{set="home",destination="a"} 0', metrics)
        # Also a daemon that was not there meanwhile knows.
        daemon.stop()
        daemon.start()
        os.rename(self.path("b.away"), self.path("b"))
        self.wait(lambda: self.at(daemon, newest) == ["a", "b"])
        self.wait(lambda: not daemon.json("status")["sets"][0]["destinations"][1]["behind"])
        copies = [run for run in daemon.json("runs", "home")["runs"] if run["kind"] == "RUN_KIND_COPY"]
        self.assertEqual(1, len(copies))
        self.assertEqual("RUN_STATE_FINISHED", copies[0]["state"])
        self.assertLess(int(copies[0]["supplied_bytes"]), 1_000_000)
        self.check_restores(daemon, newest, "b")
        self.assertNotIn("is behind", daemon.run("status").stdout)
        self.assertEqual(0, daemon.run("backup", "home").returncode)

    def test_a_destination_that_is_added_is_given_the_newest(self):
        daemon = self.machine("a", "b")
        self.fill_source()
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a")
        daemon.backup("home")
        self.write("source/new", "new")
        newest = daemon.backup("home")["snapshot_id"]
        daemon.run("set", "edit", "home", "--destination", "a", "b")
        self.wait(lambda: self.at(daemon, newest) == ["a", "b"])
        self.check_restores(daemon, newest, "b")

    def test_copy(self):
        daemon = self.machine("a", "b")
        self.fill_source()
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a")
        older = daemon.backup("home")["snapshot_id"]
        self.write("source/new", os.urandom(300_000))
        newest = daemon.backup("home")["snapshot_id"]
        done = daemon.run("copy", "home@latest", "--to", "b")
        self.assertIn("Copy to b finished", done.stdout)
        self.assertIn("given by a", done.stdout)
        self.assertEqual(["a", "b"], self.at(daemon, newest))
        self.assertEqual(["a"], self.at(daemon, older))
        self.check_restores(daemon, newest, "b")
        copied = daemon.json("copy", older[:8], "--to", "b")
        self.assertEqual(older, copied["snapshot_id"])
        # The older one is within the newer one.
        self.assertLess(int(copied["supplied_bytes"]), 100_000)
        self.assertEqual("0", copied["read_bytes"])
        self.assertEqual(["a", "b"], self.at(daemon, older))
        # The newest is what it was.
        self.assertEqual(newest, daemon.json("snapshots")["snapshots"][0]["id"])
        self.refused(daemon, 1, "copy", "home@latest", "--to", "nowhere", says="there are: a, b")
        self.refused(daemon, 1, "copy", "fffff", "--to", "b")
        self.refused(daemon, 2, "copy", "home@latest", says="--to")
        secret = self.write("password", "its own\n")
        os.chmod(secret, 0o600)
        daemon.run("destination", "add", "own", self.path("own"), "--password-file", secret)
        # Content is read, cut and named again.
        done = daemon.run("copy", "home@latest", "--to", "own")
        self.assertIn("named again", done.stdout)
        renamed = daemon.json("copy", "home@latest", "--to", "own")["destinations"][0]
        self.assertEqual("0", renamed["stored_bytes"])
        self.assertNotEqual(newest, renamed["snapshot_id"])
        self.assertEqual(["own"], self.at(daemon, renamed["snapshot_id"]))
        self.check_restores(daemon, renamed["snapshot_id"], "own")
        self.refused(daemon, 2, "set", "edit", "home", "--destination", "a", "own", says="different keys")
        daemon.run("check", "--read-data")

    def test_one_of_them(self):
        daemon = self.machine("a", "b", "c")
        self.fill_source()
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a", "b")
        run = daemon.backup("home", "--destination", "b")
        self.assertEqual(["b"], self.at(daemon, run["snapshot_id"]))
        # It was not due at the other one.
        self.assertFalse(any(one["behind"] for one in daemon.json("status")["sets"][0]["destinations"]))
        self.refused(daemon, 2, "backup", "home", "--destination", "c", says="none of set 'home'")
        self.write("source/new", os.urandom(300_000))
        both = daemon.backup("home")
        parts = self.parts(both)
        self.assertEqual(["a", "b"], self.at(daemon, both["snapshot_id"]))
        # What has changed was read, and fed to "b"; the other one lacked everything, and had it from there.
        self.assertEqual(300_000, int(both["read_bytes"]))
        self.assertEqual(300_000, int(parts["b"]["new_bytes"]))
        self.assertEqual("0", parts["b"]["supplied_bytes"])
        self.assertEqual(4_300_000, int(parts["a"]["new_bytes"]))
        self.assertEqual(["b"], parts["a"]["supplied_from"])

    def kill_again_and_again(self, daemon, number, state, times=8):
        """Whenever one of the run's destinations is in that state, or is not for too long; returns how often one was."""
        met = 0
        for _ in range(times):
            until = time.monotonic() + 10
            is_met = False
            while not is_met and time.monotonic() < until:
                run = daemon.json("run", "show", number)
                if run["state"] == "RUN_STATE_FINISHED":
                    return met
                is_met = any(part.get("state") == state for part in run["destinations"])
                time.sleep(0.05)
            met += is_met
            time.sleep(0.3)
            daemon.kill()
            daemon.start()
        return met

    def check_whole(self, daemon, run, names, snapshots):
        self.assertGreater(run["attempts"], 1)
        self.assertFalse(run["incomplete"], run)
        self.assertEqual(names, self.at(daemon, run["snapshot_id"]))
        self.assertEqual(snapshots, len(daemon.json("snapshots")["snapshots"]))
        for name in names:
            self.check_restores(daemon, run["snapshot_id"], name)
            self.assertEqual([], [file for file in os.listdir(self.path(name, ".staging")) if len(file) > 40])
        self.assertEqual([], os.listdir(os.path.join(daemon.state, "spool")))
        daemon.run("check", "--read-data")

    def test_killed_while_all_are_fed(self):
        """The daemon is killed again and again while it backs up to three destinations, one of them slow."""
        daemon = self.machine("a", "b", "c")
        self.fill_source(files=300, size=200_000)
        daemon.run("destination", "edit", "b", "--limit-upload", "5M")
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a", "b", "c")
        number = daemon.json("backup", "home", "--detach")["run_id"]
        self.assertGreater(self.kill_again_and_again(daemon, number, "DESTINATION_RUN_STATE_FED"), 1)
        daemon.run("destination", "edit", "b", "--limit-upload", "none")
        run = daemon.wait_for_run(number, ["FINISHED"], 120)
        self.check_whole(daemon, run, ["a", "b", "c"], snapshots=1)

    def test_killed_while_one_is_filled(self):
        daemon = self.machine("a", "b", "c")
        self.fill_source(files=200, size=200_000)
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a", "b", "c")
        daemon.backup("home", "--destination", "a")
        self.write("source/new", os.urandom(300_000))
        # The others lack the snapshot that is compared with.
        daemon.run("destination", "edit", "b", "--limit-upload", "10M")
        number = daemon.json("backup", "home", "--detach")["run_id"]
        self.assertGreater(self.kill_again_and_again(daemon, number, "DESTINATION_RUN_STATE_FILLING"), 1)
        daemon.run("destination", "edit", "b", "--limit-upload", "none")
        run = daemon.wait_for_run(number, ["FINISHED"], 120)
        # Whoever is killed may read something again; of what "a" had nothing is.
        self.assertLess(int(run["read_bytes"]), 5_000_000)
        self.check_whole(daemon, run, ["a", "b", "c"], snapshots=2)

    def runs_that_stage_at(self, destination):
        """By the names of their files: two ids, of which the run's is first."""
        return {name[:36] for name in os.listdir(self.path(destination, ".staging")) if len(name) > 40}

    def test_cancelled_while_one_is_filled(self):
        daemon = self.machine("a", "b")
        self.fill_source(files=100, size=200_000)
        daemon.run("destination", "edit", "b", "--limit-upload", "1M")
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a", "b")
        daemon.backup("home", "--destination", "a")
        number = daemon.json("backup", "home", "--detach")["run_id"]
        self.wait(lambda: any(part.get("state") == "DESTINATION_RUN_STATE_FILLING" and int(part["stored_bytes"]) > 0
                              for part in daemon.json("run", "show", number)["destinations"]))
        paused = daemon.json("run", "pause", number)
        self.assertEqual("RUN_STATE_PAUSED", paused["state"])
        staged = self.runs_that_stage_at("b")
        self.assertEqual(1, len(staged))
        daemon.run("run", "resume", number)
        daemon.run("run", "cancel", number)
        run = daemon.wait_for_run(number, ["CANCELLED"], 60)
        self.assertEqual(["a"], self.at(daemon, run["snapshot_id"]))
        self.assertEqual(set(), staged & self.runs_that_stage_at("b"))
        # It is behind, and is there: a copy goes on.
        daemon.run("destination", "edit", "b", "--limit-upload", "none")
        self.wait(lambda: self.at(daemon, run["snapshot_id"]) == ["a", "b"])
        self.check_restores(daemon, run["snapshot_id"], "b")

    def test_a_copy_by_itself_makes_way(self):
        daemon = self.machine("a", "b")
        self.fill_source(files=100, size=200_000)
        daemon.run("set", "add", "home", "--source", self.path("source"), "--destination", "a")
        daemon.backup("home")
        daemon.run("destination", "edit", "b", "--limit-upload", "500K")
        daemon.run("set", "edit", "home", "--destination", "a", "b")
        copy = self.wait(lambda: [run for run in daemon.json("runs", "home")["runs"]
                                  if run["kind"] == "RUN_KIND_COPY" and run["state"] == "RUN_STATE_RUNNING"])[0]
        # Of another set, which waits for nobody.
        self.write("other/file", "other")
        daemon.run("set", "add", "other", "--source", self.path("other"), "--destination", "a")
        begun = time.monotonic()
        daemon.backup("other")
        self.assertLess(time.monotonic() - begun, 20)
        self.assertIn(daemon.json("run", "show", copy["run_id"])["state"],
                      ["RUN_STATE_QUEUED", "RUN_STATE_RUNNING"])
        daemon.run("destination", "edit", "b", "--limit-upload", "none")
        done = daemon.wait_for_run(copy["run_id"], ["FINISHED"], 120)
        self.assertGreater(done["attempts"], 1)


if __name__ == "__main__":
    unittest.main()
