"""What cannot be read: kept as it was last known, listed, and nothing that a run waits for."""

import os
import shutil
import subprocess
import threading
import time
import unittest

import garner_daemon
from case import Case
from patience import PATIENCE

FAULTY_FS = os.path.join(garner_daemon.BUILD, "tests", "faulty_fs")


class Faulty(Case):
    """A source that holds a file system with faults."""

    def setUp(self):
        super().setUp()
        if not os.path.exists("/dev/fuse") or os.geteuid() != 0:
            self.skipTest("needs /dev/fuse and root")
        self.write("real/local/file", "stays")
        for name in ("a/good", "a/bad", "a/worse", "b/one", "b/two", "c/deep/file"):
            self.write("real/" + name, name + " as it was\n" * 1000)
        os.symlink("good", self.path("real/a/link"))
        os.makedirs(self.path("source/mounted"))
        self.write("source/beside", "beside")
        self.mount()
        settings = self.write("garnerd.toml", '[limits]\nsource_timeout = "1s"\n')
        self.daemon("state", arguments=["--config", settings])
        self.garner = self.daemons[0]
        added = self.garner.json("destination", "add", "disk", self.path("repository"))
        self.assertTrue(added["created"])
        self.garner.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")

    def mount(self):
        self.faults("")
        process = subprocess.Popen([FAULTY_FS, self.path("real"), self.path("source/mounted"), self.path("faults")])

        def unmount():
            self.faults("")
            subprocess.run(["umount", "-l", self.path("source/mounted")], check=False)
            # Whoever has a mount namespace of its own by now still holds the mount: this ends it for all.
            process.kill()
            process.wait()

        self.addCleanup(unmount)
        self.wait(lambda: os.path.exists(self.path("source/mounted/a/good")))

    def faults(self, text):
        """Replaced whole, so that nobody reads half of it."""
        self.write("faults.new", text)
        os.rename(self.path("faults.new"), self.path("faults"))

    def errors(self, *arguments):
        prefix = self.path("source") + "/"
        return {error["path"].removeprefix(prefix): error
                for error in self.garner.json("errors", *arguments)["errors"]}

    def restored(self, snapshot):
        target = self.path("restored " + snapshot[:8])
        self.garner.run("restore", snapshot, "--to", target)
        found = {}
        for folder, _, names in os.walk(target):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    with open(path, encoding="ascii", errors="replace") as file:
                        found[os.path.relpath(path, target)] = file.read()
        return found

    def change_all(self, text):
        for name in ("a/bad", "a/good", "b/one", "c/deep/file"):
            self.write("real/" + name, text)


class FailingReads(Faulty):
    def test_what_fails_keeps_its_last_version(self):
        self.garner.backup("set")
        self.assertEqual({}, self.errors())
        self.change_all("new\n")
        self.write("real/a/fresh", "never seen before")
        self.faults("read EIO /a/bad\nopen EACCES /a/fresh\nlist ESTALE /b\nstatus ESTALE /c/deep/file\n")
        run = self.garner.backup("set", codes=(3,))
        failing = self.errors()
        self.assertEqual({"mounted/a/bad", "mounted/a/fresh", "mounted/b", "mounted/c/deep/file"}, set(failing))
        self.assertEqual("4", run["error_count"])
        self.assertEqual([True, False, True, True],
                         [failing["mounted/" + name]["stale"] for name in ("a/bad", "a/fresh", "b", "c/deep/file")])
        self.assertIn("Input/output error", failing["mounted/a/bad"]["message"])
        found = self.restored(run["snapshot_id"])
        self.assertEqual("new\n", found["mounted/a/good"])
        for name in ("a/bad", "b/one", "b/two", "c/deep/file"):
            self.assertIn("as it was", found["mounted/" + name], name)
        self.assertNotIn("mounted/a/fresh", found)
        self.assertIn("stale", self.garner.run("ls", run["snapshot_id"] + ":mounted/a").stdout)

        # A second run tells since when; a third, where all is well, takes what is new.
        again = self.garner.backup("set", codes=(3,))
        self.assertEqual({2}, {error["runs"] for error in self.errors().values()})
        self.assertEqual({1}, {error["runs"] for error in self.errors(run["run_id"]).values()})
        text = self.garner.run("errors", again["run_id"]).stdout
        self.assertIn("an older version", text)
        self.assertIn("2 runs", text)
        self.faults("")
        run = self.garner.backup("set")
        self.assertEqual({}, self.errors())
        found = self.restored(run["snapshot_id"])
        self.assertEqual("new\n", found["mounted/a/bad"])
        self.assertEqual("never seen before", found["mounted/a/fresh"])
        self.assertEqual("new\n", found["mounted/b/one"])

    def test_what_heals_in_time_is_no_error(self):
        self.garner.backup("set")
        self.change_all("new\n")
        self.faults("read EIO /a/bad\nlist EIO /b\nstatus EIO /c/deep/file\n")
        self.garner.run("backup", "set", "--detach")
        time.sleep(0.5)  # the faults are there for part of the run, whichever
        self.faults("")
        number = self.garner.json("runs")["runs"][0]["run_id"]
        run = self.garner.wait_for_run(number, ("FINISHED",))
        self.assertEqual("0", run["error_count"], run)
        found = self.restored(run["snapshot_id"])
        for name in ("a/bad", "b/one", "c/deep/file"):
            self.assertEqual("new\n", found["mounted/" + name])

    def test_a_longer_name_than_can_be_stored_is_told_and_can_be_ignored(self):
        """As NTFS, exFAT and servers have them: of a file, of a folder, and of a source."""
        self.write("real/a/long", "x")
        self.write("real/c/long/file", "x")
        run = self.garner.backup("set", codes=(3,))
        failing = {"mounted/a/" + "n" * 300, "mounted/c/" + "n" * 300}
        self.assertEqual(failing, set(self.errors(run["run_id"])))
        for error in self.errors().values():
            self.assertIn("300 bytes", error["message"])
            self.assertFalse(error["stale"])
        found = self.restored(run["snapshot_id"])
        for name in ("a/good", "b/one", "c/deep/file"):
            self.assertIn("mounted/" + name, found)
        self.garner.run("set", "add", "named", "--source", self.path("source/mounted/c", "n" * 300), "--source",
                        self.path("source/mounted/b"), "--destination", "disk")
        named = self.garner.backup("named", codes=(3,))
        self.assertIn("one", " ".join(self.restored(named["snapshot_id"])))
        self.garner.run("ignore", "--all-of", run["run_id"])
        self.assertEqual("0", self.garner.backup("set")["error_count"])

    def test_a_source_that_is_not_mounted_is_kept_as_it_was(self):
        mounted = self.path("source/mounted")
        self.garner.run("set", "add", "whole", "--source", mounted, "--destination", "disk")
        self.garner.backup("whole")
        subprocess.run(["umount", "-l", mounted], check=True)
        self.assertEqual([], os.listdir(mounted))
        for _ in range(2):
            run = self.garner.backup("whole", codes=(3,))
            (error,) = self.garner.json("errors", run["run_id"])["errors"]
            self.assertEqual((mounted, True), (error["path"], error["stale"]))
            self.assertIn("is its file system mounted?", error["message"])
            self.assertIn("a/good", self.restored(run["snapshot_id"]))
        self.mount()
        self.change_all("new\n")
        run = self.garner.backup("whole")
        self.assertEqual("new\n", self.restored(run["snapshot_id"])["a/good"])

    def backup_that_is_answered(self):
        """What hung takes a moment to return, and nothing more is asked until it has."""
        deadline = time.monotonic() + PATIENCE
        run = self.garner.backup("set", codes=(0, 3))
        while run["error_count"] != "0" and time.monotonic() < deadline:
            run = self.garner.backup("set", codes=(0, 3))
        self.assertEqual("0", run["error_count"], run)
        return run

    def hangs(self, fault, kept=("a/bad", "b/one", "c/deep/file")):
        self.garner.backup("set")
        self.change_all("new\n")
        self.write("source/beside", "new beside")
        self.faults(fault)
        begun = time.monotonic()
        run = self.garner.backup("set", codes=(3,))
        self.assertLess(time.monotonic() - begun, 20)
        failing = self.errors()
        self.assertEqual({"mounted"}, set(failing))
        self.assertIn("does not answer", failing["mounted"]["message"])
        self.assertTrue(failing["mounted"]["stale"])
        # The snapshot is whole: what lies beside is new, what hangs is there as it was.
        found = self.restored(run["snapshot_id"])
        self.assertEqual("new beside", found["beside"])
        self.assertEqual("stays", found["mounted/local/file"])
        for name in kept:
            self.assertTrue(found["mounted/" + name] == "new\n" or "as it was" in found["mounted/" + name])
        self.assertEqual("mounted/a/bad" in found, True)
        # Somebody who asks how things stand is answered, and the daemon ends in time.
        self.garner.run("status")
        self.faults("")
        run = self.backup_that_is_answered()
        self.assertEqual("new\n", self.restored(run["snapshot_id"])["mounted/a/bad"])

    def test_hanging_reads(self):
        self.hangs("read hang /a/bad\n")

    def test_hanging_open(self):
        self.hangs("open hang /a/bad\n")

    def test_hanging_status(self):
        self.hangs("status hang /b\n")

    def test_hanging_list(self):
        self.hangs("list hang /a\n")

    def test_hanging_root(self):
        self.hangs("status hang /\n")

    def test_a_run_that_waits_for_what_hangs_can_be_cancelled(self):
        self.garner.backup("set")
        self.garner.stop()
        # With the limit that is the default.
        self.garner.arguments = []
        self.garner.start()
        self.change_all("new\n")
        self.faults("read hang /a/bad\n")
        number = self.garner.json("backup", "set", "--detach")["run_id"]
        self.garner.wait_for_run(number, ("RUNNING",))
        begun = time.monotonic()
        self.garner.run("run", "cancel", number)
        self.garner.wait_for_run(number, ("CANCELLED",), 20)
        self.assertLess(time.monotonic() - begun, 20)
        # A read that FUSE has handed on cannot be called back by anybody, not even by the end of the process.
        self.faults("")
        self.assertLess(self.garner.stop(), 20)

    def test_many_runs_leave_few_threads_behind(self):
        def threads():
            return len(os.listdir(f"/proc/{self.garner.process.pid}/task"))

        self.garner.backup("set")
        before = threads()
        self.faults("status hang /\n")
        for _ in range(4):
            self.garner.backup("set", codes=(3,))
        # Some that wait for more to do are kept, and gRPC's come and go.
        self.assertLess(threads(), before + 10)
        self.faults("")
        self.backup_that_is_answered()
        self.wait(lambda: threads() < before + 10)


class HangingSources(Faulty):
    def test_nobody_waits_for_a_configuration_whose_source_hangs(self):
        self.faults("status hang /b\n")
        os.mkdir(self.path("good"))
        file = self.write("garner.toml", f"""
[set.hanging]
source = ["{self.path('source')}", "{self.path('source/mounted/b')}"]
destination = ["disk"]
[set.good]
source = ["{self.path('good')}"]
destination = ["disk"]
[destination.silent]
url = "{self.path('source/mounted/b/repository')}"
""")
        applying = subprocess.Popen([garner_daemon.GARNER, "--socket", self.garner.socket, "config", "apply", file],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(applying.kill)
        self.wait(lambda: "calls ApplyConfiguration" in self.garner.run("log", timeout=10).stdout)
        # It looks for 20 s; what the others wait for is the catalog.
        for _ in range(20):
            self.garner.run("set", "edit", "set", "--keep-last", "3", timeout=10)
            self.garner.run("status", timeout=10)
        self.assertIsNone(applying.poll(), "it was over before anybody could wait for it")
        said, _ = applying.communicate(timeout=PATIENCE)
        self.assertEqual(2, applying.returncode, said)
        self.assertIn(b"garner.toml:3:", said)
        self.assertIn(b"does not answer", said)
        # Where repositories do not answer, either, that is not held against sources that do.
        self.assertNotIn(b"garner.toml:6:", said)
        self.refused(self.garner, 1, "set", "show", "hanging", says="there is no set")


class EverythingAtOnce(Faulty):
    def test_exactly_what_fails_is_listed_and_can_be_ignored(self):
        """Reads that fail in each way, files that change meanwhile, a file system that hangs, mounts and links in circles."""
        self.write("source/circle/below/file", "x")
        for name in ("above", "self"):
            os.makedirs(self.path("source/circle/below", name))
        self.write("elsewhere/real/file", "x")
        os.makedirs(self.path("source/hanging"))
        os.makedirs(self.path("source/a b"))
        self.write("source/a b/not mine", "x")
        for name, target in (("one", "two"), ("two", "one"), ("up", ".."), ("out", "/")):
            os.symlink(target, self.path("source", name))
        binds = [("source/circle", "source/circle/below/above"), ("source/circle/below", "source/circle/below/self")]
        for what, place in binds:
            subprocess.run(["mount", "--bind", self.path(what), self.path(place)], check=True)
            self.addCleanup(subprocess.run, ["umount", "-l", self.path(place)], check=False)
        self.write("other faults", "")
        other = subprocess.Popen([FAULTY_FS, self.path("elsewhere"), self.path("source/hanging"), self.path("other faults")])

        def end():
            self.write("other faults", "")
            subprocess.run(["umount", "-l", self.path("source/hanging")], check=False)
            other.kill()
            other.wait()

        self.addCleanup(end)
        self.wait(lambda: os.path.exists(self.path("source/hanging/real")))
        self.write("other faults", "list hang /real\n")
        self.faults("read EIO /a/bad\nopen EACCES /a/good\nstatus ESTALE /a/worse\nlist EIO /b\nread ESTALE /c/deep/file\n")
        changing = self.write("source/changing", "x" * 100)
        ending = threading.Event()

        def change():
            """Grows, shrinks, is replaced, vanishes."""
            while not ending.is_set():
                for size in (200_000, 10, 0, 400_000):
                    with open(changing, "wb") as file:
                        file.write(os.urandom(size))
                self.write("replacement", "y" * 100)
                os.rename(self.path("replacement"), changing)
                os.remove(changing)

        changer = threading.Thread(target=change)
        changer.start()
        try:
            run = self.garner.backup("set", codes=(3,))
            failing = {"mounted/a/bad", "mounted/a/good", "mounted/a/worse", "mounted/b", "mounted/c/deep/file",
                       "circle/below/above", "circle/below/self", "hanging"}
            self.assertEqual(failing, set(self.errors(run["run_id"])))
            self.assertEqual(str(len(failing)), run["error_count"])
            # While it still hangs.
            rules = self.garner.json("ignore", "--all-of", run["run_id"])["rules"]
            self.assertEqual({self.path("source", name) for name in failing}, {rule["path"] for rule in rules})
            self.assertFalse(any(rule["existed"] for rule in rules))
            again = self.garner.backup("set")
            self.assertEqual("0", again["error_count"])
            self.assertEqual({}, self.errors())
        finally:
            ending.set()
            changer.join()
        for path in ("one/x", "two/x/y"):
            self.refused(self.garner, 2, "ignore", self.path("source", path), says="circle")
        held = self.restored(again["snapshot_id"])
        self.assertEqual("stays", held["mounted/local/file"])
        self.assertEqual("x", held["circle/below/file"])


if __name__ == "__main__":
    unittest.main()
