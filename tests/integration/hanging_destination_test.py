"""A destination in a folder whose file system hangs, as on a server that was switched off: nobody waits for it. The
file system is a program's (bindfs), which is stopped."""

import os
import signal
import subprocess
import unittest
from unittest import mock

import compare_trees
from case import Case
from patience import PATIENCE

SETTINGS = """settling_delay = "0s"
[limits]
destination_timeout = "2s"
"""


class HangingDestinationTest(Case):
    def setUp(self):
        super().setUp()
        if not os.path.exists("/dev/fuse") or os.geteuid() != 0:
            self.skipTest("needs /dev/fuse and root")
        for name in ("served", "nas"):
            os.makedirs(self.path(name))
        self.program = self.show("served", "nas")
        # Who looks for leaks when a program ends waits for all its threads, and those may wait for the file system.
        options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.enterContext(mock.patch.dict(os.environ, ASAN_OPTIONS=options))
        self.daemon(arguments=["--config", self.write("garnerd.toml", SETTINGS)])
        self.garner = self.daemons[0]
        for name, url in (("nas", self.path("nas/repository")), ("disk", self.path("disk"))):
            self.garner.run("destination", "add", name, url, "--no-prune-schedule", "--no-check-schedule")
        for number in range(20):
            self.write(f"source/{number}", os.urandom(100_000))

    def show(self, folder, place):
        """The program that shows the folder at that place."""
        program = subprocess.Popen(["bindfs", "-f", self.path(folder), self.path(place)])

        def end():
            program.send_signal(signal.SIGCONT)
            subprocess.run(["umount", "-l", self.path(place)], check=False)
            program.kill()
            program.wait()
        self.addCleanup(end)
        self.wait(lambda: os.path.ismount(self.path(place)))
        return program

    def add_set(self, name, *destinations):
        self.garner.run("set", "add", name, "--source", self.path("source"), "--destination", *destinations)

    def state(self, name):
        found = [one for one in self.garner.json("destination", "list", timeout=PATIENCE)["destinations"]
                 if one["name"] == name]
        return found[0]["state"].removeprefix("DESTINATION_STATE_"), found[0]["detail"]

    def finished(self, backup_set):
        return [run for run in self.garner.json("runs", backup_set)["runs"] if run["state"] == "RUN_STATE_FINISHED"]

    def check_restores(self, snapshot):
        target = self.path("restored " + snapshot[:8])
        self.garner.run("restore", snapshot, "--to", target)
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), target))

    def test_others_go_on_and_it_catches_up(self):
        self.add_set("both", "nas", "disk")
        self.add_set("other", "disk")
        self.garner.backup("both")
        self.program.send_signal(signal.SIGSTOP)
        state, detail = self.state("nas")
        self.assertEqual("AWAY", state)
        self.assertIn("its file system does not answer", detail)
        self.refused(self.garner, 1, "destination", "add", "more", self.path("nas/more"), says="does not answer")
        self.assertEqual("READY", self.state("disk")[0])
        # What is left out of sources is looked for in all local destinations.
        said = self.garner.run("set", "explain", "other", self.path("source/1"), timeout=PATIENCE).stdout
        self.assertIn("backed up", said)
        # Its prune is due, and a set waits for it to be plugged in: other sets do not wait for the one who looks.
        self.garner.run("destination", "edit", "nas", "--prune-schedule", "*:*:*", timeout=PATIENCE)
        self.add_set("nas", "nas")
        self.garner.run("set", "edit", "nas", "--schedule", "*:*:*", "--when", "destination")
        self.garner.run("set", "edit", "other", "--schedule", "*:*:*")
        self.wait(lambda: len(self.finished("other")) >= 2)
        self.garner.run("set", "edit", "other", "--no-schedule")
        self.garner.run("set", "edit", "nas", "--no-schedule")
        self.garner.run("destination", "edit", "nas", "--no-prune-schedule", timeout=PATIENCE)
        self.assertEqual([], self.garner.json("runs", "nas")["runs"])
        self.write("source/new", os.urandom(500_000))
        done = self.garner.run("backup", "both", check=False, timeout=PATIENCE)
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        self.assertIn("nas: ", done.stdout)
        newest = self.garner.json("snapshots", "both", timeout=PATIENCE)["snapshots"][0]
        self.assertEqual(["disk"], newest["destinations"])

        self.program.send_signal(signal.SIGCONT)

        def all_have_it():
            return sorted(self.garner.json("snapshots", "both")["snapshots"][0]["destinations"]) == ["disk", "nas"]
        self.wait(all_have_it)
        self.assertEqual("READY", self.state("nas")[0])
        os.rename(self.path("disk"), self.path("disk.away"))
        self.check_restores(newest["id"])
        self.garner.run("check", "--destination", "nas", "--read-data")

    def test_a_run_whose_only_destination_hangs_waits_and_goes_on(self):
        self.add_set("only", "nas")
        for number in range(40):
            self.write(f"source/large {number}", os.urandom(5_000_000))
        self.garner.run("destination", "edit", "nas", "--limit-upload", "20M")
        run = self.garner.json("backup", "only", "--detach")["run_id"]
        self.wait(lambda: int(self.garner.json("run", "show", run)["stored_bytes"]) > 20_000_000)
        self.program.send_signal(signal.SIGSTOP)
        self.garner.run("destination", "edit", "nas", "--limit-upload", "none", timeout=PATIENCE)
        self.wait(lambda: self.garner.json("run", "show", run)["state"] == "RUN_STATE_PAUSED")
        # Nor does a new daemon wait, and what the old one has left behind went with it.
        self.garner.stop()
        self.garner.start()
        self.assertIn("nas", self.garner.run("status", timeout=PATIENCE).stdout)
        self.program.send_signal(signal.SIGCONT)
        self.wait(lambda: self.garner.json("run", "show", run)["state"] == "RUN_STATE_FINISHED")
        done = self.garner.json("run", "show", run)
        self.assertEqual("0", done["error_count"])
        self.check_restores(done["snapshot_id"])
        self.garner.run("check", "--read-data")

    def test_a_daemon_that_the_kernel_cannot_end_leaves_its_state_folder_to_the_next(self):
        # Whoever asks `far` waits for its program, which has read the question: not even SIGKILL ends that. The
        # program itself waits for `nas`.
        os.makedirs(self.path("far"))
        os.makedirs(self.path("nas/shown"))
        self.show("nas/shown", "far")
        self.garner.run("destination", "add", "far", self.path("far/repository"))
        self.add_set("far", "far")
        self.garner.stop()
        self.write("garnerd.toml", SETTINGS.replace("2s", "5m"))
        self.garner.start()
        self.program.send_signal(signal.SIGSTOP)
        run = self.garner.json("backup", "far", "--detach")["run_id"]
        self.wait(lambda: self.garner.json("run", "show", run)["state"] == "RUN_STATE_RUNNING")
        old = self.garner.process
        old.terminate()
        with open(self.path("state/garnerd.log"), encoding="utf-8") as log:
            self.wait(lambda: "garnerd ends without waiting any longer" in log.read())
        self.assertRaises(subprocess.TimeoutExpired, old.wait, 1)
        self.garner.start()
        self.program.send_signal(signal.SIGCONT)
        self.assertEqual(0, old.wait(PATIENCE))
        self.wait(lambda: self.garner.json("run", "show", run)["state"] == "RUN_STATE_FINISHED")


if __name__ == "__main__":
    unittest.main()
