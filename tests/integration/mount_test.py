"""Snapshots as folders of this machine: what the real client mounts of the real daemon, read by real programs."""

import concurrent.futures
import contextlib
import ctypes
import errno
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import threading
import unittest

import compare_trees
import hostile_tree
from case import Case
from garner_daemon import GARNER, SANITIZED, as_user
from patience import PATIENCE

MEMORY = 256 << 20 if not SANITIZED else 4 << 30
STRANGER = 54_321


def facts(root, leave_out=()):
    """Of each path below `root` what a program can know without reading it; and which of them are hard links of each
    other."""
    found, links, folders = {}, {}, [b""]
    while folders:
        folder = folders.pop()
        for name in os.listdir(os.path.join(root, folder)):
            path = os.path.join(folder, name)
            status = os.lstat(os.path.join(root, path))
            found[path] = [oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns]
            if stat.S_ISDIR(status.st_mode):
                if path not in leave_out:
                    folders.append(path)
                continue
            found[path] += [status.st_size, status.st_nlink, status.st_rdev]
            if status.st_nlink > 1:
                links.setdefault(status.st_ino, []).append(path)
            if stat.S_ISLNK(status.st_mode):
                found[path].append(os.readlink(os.path.join(root, path)))
    return found, sorted(sorted(paths) for paths in links.values())


class MountTest(Case):
    def setUp(self):
        super().setUp()
        self.target = self.path("mount")
        os.mkdir(self.target)
        self.addCleanup(subprocess.run, ["umount", "-l", self.target], stderr=subprocess.DEVNULL, check=False)

    def begin(self, daemon, *arguments):
        """The client that has mounted at `target`."""
        with open(self.path("mount.output"), "ab") as output:
            client = subprocess.Popen([GARNER, "--socket", daemon.socket, "mount", self.target, *arguments],
                                      stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                      preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)

        def is_mounted():
            self.assertIsNone(client.poll(), self.output())
            return os.path.ismount(self.target)

        self.wait(is_mounted)
        return client

    def output(self):
        with open(self.path("mount.output"), encoding="utf-8", errors="replace") as file:
            return file.read()

    @contextlib.contextmanager
    def mounted(self, daemon, *arguments):
        client = self.begin(daemon, *arguments)
        yield self.target
        client.send_signal(signal.SIGINT)
        self.assertEqual(0, client.wait(PATIENCE), self.output())
        self.assertFalse(os.path.ismount(self.target))

    def snapshot(self, run):
        return os.path.join(self.target, "snapshots", run["snapshot_id"][:8])

    def names(self, *parts):
        return sorted(os.listdir(os.path.join(self.target, *parts)))

    def read(self, *parts):
        with open(os.path.join(*parts), "rb") as file:
            return file.read()

    def test_it_is_what_a_restore_gives(self):
        source = self.path("source")
        hostile_tree.make(source, entries=3_000, sparse_bytes=64 << 20)
        daemon = self.ready(source)
        run = daemon.backup("set")
        daemon.run("restore", "set@latest", "--to", self.path("restored"))
        with self.mounted(daemon):
            snapshot = self.snapshot(run)
            self.assertEqual([], compare_trees.rsync_differences(snapshot, self.path("restored")))
            expected = facts(os.fsencode(self.path("restored")), leave_out=(b"deep",))
            actual = facts(os.fsencode(snapshot), leave_out=(b"deep",))
            self.assertEqual(expected[1], actual[1])
            self.assertEqual(expected[0].keys(), actual[0].keys())
            self.assertEqual([], [(path, expected[0][path], actual[0][path]) for path in expected[0]
                                  if expected[0][path] != actual[0][path]][:5])
            self.assertEqual(stat.S_IMODE(os.stat(source).st_mode), stat.S_IMODE(os.stat(snapshot).st_mode))
            # Again, with what the kernel has kept of it.
            self.assertEqual(actual, facts(os.fsencode(snapshot), leave_out=(b"deep",)))
            # What no path can name at once.
            folder = os.open(os.path.join(snapshot, "deep"), os.O_RDONLY)
            depth = 0
            while b"bottom" not in (inside := os.listdir(os.fsencode(f"/proc/self/fd/{folder}"))):
                deeper = os.open(next(name for name in inside if name != b"half way"), os.O_RDONLY, dir_fd=folder)
                os.close(folder)
                folder, depth = deeper, depth + 1
            with os.fdopen(os.open("bottom", os.O_RDONLY, dir_fd=folder), "rb") as file:
                self.assertIn(b"the bottom", file.read())
            os.close(folder)
            self.assertGreater(depth, 20)
        self.assertLessEqual(daemon.peak_memory(), MEMORY)

    def test_programs_that_read_it(self):
        for number in range(300):
            self.write(f"source/{number % 7}/file {number}", f"line of {number}\n" * 50)
        self.write("source/3/wanted", "a needle in it\n")
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")
        with self.mounted(daemon):
            snapshot = self.snapshot(run)
            listed = subprocess.run(["ls", "-lR", snapshot + "/"], capture_output=True, check=True)
            self.assertEqual(b"", listed.stderr)
            self.assertEqual(301, listed.stdout.count(b"\n-rw"))
            found = subprocess.run(["grep", "-r", "needle", snapshot + "/"], capture_output=True, check=True)
            self.assertEqual(f"{snapshot}/3/wanted:a needle in it\n", found.stdout.decode())
            subprocess.run(["cp", "-a", snapshot, self.path("copy")], check=True)
            self.assertEqual([], compare_trees.rsync_differences(self.path("source"), self.path("copy")))
            subprocess.run(["rsync", "-a", self.target + "/sets/set/latest/", self.path("synchronized")], check=True)
            self.assertEqual([], compare_trees.rsync_differences(self.path("source"), self.path("synchronized")))
            for change in (lambda: os.unlink(snapshot + "/3/wanted"), lambda: os.mkdir(snapshot + "/new"),
                           lambda: open(snapshot + "/3/wanted", "ab"), lambda: os.mkdir(self.target + "/new")):
                with self.assertRaises(OSError) as raised:
                    change()
                self.assertEqual(errno.EROFS, raised.exception.errno)

    def test_several_sources_keep_their_paths(self):
        self.write("sources/one/file", "one")
        self.write("sources/two/deep/file", "two")
        daemon = self.ready(self.path("sources/one"), self.path("sources/two/deep"))
        run = daemon.backup("set")
        self.write("alone", "a file")
        daemon.run("set", "add", "alone", "--source", self.path("alone"), "--destination", "disk")
        alone = daemon.backup("alone")
        with self.mounted(daemon):
            snapshot = self.snapshot(run)
            for source in ("sources/one", "sources/two/deep"):
                self.assertEqual([], compare_trees.rsync_differences(self.path(source), snapshot + self.path(source)))
            self.assertEqual(["one", "two"], sorted(os.listdir(snapshot + self.path("sources"))))
            self.assertEqual(["deep"], os.listdir(snapshot + self.path("sources/two")))
            self.assertEqual(0o755, stat.S_IMODE(os.stat(snapshot + self.path("sources")).st_mode))
            self.assertEqual(["alone"], os.listdir(self.snapshot(alone)))
            self.assertEqual(b"a file", self.read(self.snapshot(alone), "alone"))

    def test_snapshots_come_and_go(self):
        self.write("source/file", "first")
        daemon = self.ready(self.path("source"))
        first = daemon.backup("set")
        with self.mounted(daemon):
            self.assertEqual(["sets", "snapshots", "versions"], self.names())
            self.assertEqual([first["snapshot_id"][:8]], self.names("snapshots"))
            self.assertEqual(["set"], self.names("sets"))
            time, latest = self.names("sets", "set")
            self.assertEqual("latest", latest)
            self.assertRegex(time, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")
            self.assertEqual(b"first", self.read(self.target, "sets/set/latest/file"))
            self.assertEqual(b"first", self.read(self.target, "sets/set", time, "file"))
            self.write("source/file", "second, longer")
            second = daemon.backup("set")
            self.wait(lambda: self.read(self.target, "sets/set/latest/file") == b"second, longer")
            self.assertEqual(b"first", self.read(self.snapshot(first), "file"))
            self.assertEqual(b"second, longer", self.read(self.snapshot(second), "file"))
            self.assertEqual(b"first", self.read(self.target, "sets/set", time, "file"))
            self.assertEqual(3, len(self.names("sets", "set")))
            for name in ("00000000", first["snapshot_id"], first["snapshot_id"][:7]):
                self.assertFalse(os.path.exists(os.path.join(self.target, "snapshots", name)))
            daemon.run("forget", first["snapshot_id"])
            self.wait(lambda: not os.path.exists(self.snapshot(first)))
            self.assertEqual([second["snapshot_id"][:8]], self.names("snapshots"))
            self.assertEqual(2, len(self.names("sets", "set")))

    def test_snapshots_that_are_named_and_no_others(self):
        self.write("source/file", "first")
        daemon = self.ready(self.path("source"))
        first = daemon.backup("set")
        self.write("source/file", "second, longer")
        daemon.backup("set")
        with self.mounted(daemon, "set~1"):
            self.assertEqual([first["snapshot_id"][:8]], self.names("snapshots"))
            self.assertEqual(b"first", self.read(self.target, "sets/set/latest/file"))
        self.refused(daemon, 1, "mount", self.target, "set~7")
        self.refused(daemon, 2, "mount", self.path("nowhere"), says="mkdir")
        self.refused(daemon, 2, "mount", self.write("file", ""), says="no folder")
        self.assertFalse(os.path.ismount(self.target))

    def test_versions_of_a_file(self):
        source = self.path("source")
        contents = (b"first", b"second, longer", b"third")
        daemon = self.ready(source)
        for number, content in enumerate(contents):
            os.utime(self.write("source/letters/list", content), ns=(0, (1_700_000_000 + number) * 10**9 + 123_456_789))
            if number == 0:
                self.write("source/letters/gone", "gone")
                self.write("source/old/deep/file", "in a folder that is gone")
                os.symlink("letters", self.path("source/link"))
            elif number == 1:
                os.unlink(self.path("source/letters/gone"))
                shutil.rmtree(self.path("source/old"))
            daemon.backup("set")
            daemon.backup("set")  # in which nothing is new
        with self.mounted(daemon):
            versions = os.path.join(self.target, "versions")
            shown = versions + source
            names = sorted(os.listdir(shown + "/letters/list"))
            self.assertEqual(3, len(names), names)
            for name in names:
                self.assertRegex(name, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
            self.assertCountEqual(contents, [self.read(shown, "letters/list", name) for name in names])
            copies = {}
            for name in names:
                subprocess.run(["cp", "-p", f"{shown}/letters/list/{name}", self.path("copy")], check=True)
                copies[os.stat(self.path("copy")).st_mtime_ns] = self.read(self.path("copy"))
            self.assertEqual({(1_700_000_000 + number) * 10**9 + 123_456_789: content
                              for number, content in enumerate(contents)}, copies)
            # Of what is gone: its path still leads to it, and a folder's content is as it was seen last.
            self.assertEqual(["list"], os.listdir(shown + "/letters"))
            (gone,) = os.listdir(shown + "/letters/gone")
            self.assertEqual(b"gone", self.read(shown, "letters/gone", gone))
            self.assertEqual(["letters", "link"], sorted(os.listdir(shown)))
            self.assertEqual(["deep"], os.listdir(shown + "/old"))
            (old,) = os.listdir(shown + "/old/deep/file")
            self.assertEqual(b"in a folder that is gone", self.read(shown, "old/deep/file", old))
            (link,) = os.listdir(shown + "/link")
            self.assertEqual("letters", os.readlink(f"{shown}/link/{link}"))
            # The way to the source, and what is on none.
            folder = versions
            for name in source.split("/")[1:]:
                self.assertEqual([name], os.listdir(folder))
                folder = os.path.join(folder, name)
            for path in ("/nowhere", source + "/never", source + "/letters/list/2020-01-01T00:00:00"):
                self.assertFalse(os.path.lexists(versions + path), path)
            listed = subprocess.run(["ls", "-lR", versions], capture_output=True, check=True)
            self.assertEqual(b"", listed.stderr)
            self.assertEqual(3, listed.stdout.count(b"\n-rw"))
            # That something is not there is no trouble that would have to be told.
            self.assertNotIn("no snapshot", self.output())

    def test_versions_from_several_sets(self):
        self.write("sources/one/file", "one")
        self.write("sources/one/two/file", "two")
        self.write("sources/other", "other")
        daemon = self.ready(self.path("sources/one"))
        daemon.run("set", "add", "more", "--source", self.path("sources/one/two"), self.path("sources/other"),
                   "--destination", "disk")
        first = daemon.backup("set")
        os.unlink(self.path("sources/one/two/file"))
        self.write("sources/one/two/new", "new")
        daemon.backup("more")
        self.write("sources/one/2026-11-29T07:55:00", "a file that is named as versions are")
        for number in range(2_000):
            self.write(f"sources/one/many/{number}", "")
        third = daemon.backup("set")
        with self.mounted(daemon):
            shown = os.path.join(self.target, "versions") + self.path("sources")
            self.assertEqual(["one", "other"], sorted(os.listdir(shown)))
            self.assertEqual(["2026-11-29T07:55:00", "file", "many", "two"], sorted(os.listdir(shown + "/one")))
            self.assertEqual(["new"], os.listdir(shown + "/one/two"))
            self.assertEqual(sorted(str(number) for number in range(2_000)), sorted(os.listdir(shown + "/one/many")))
            (name,) = os.listdir(shown + "/one/two/file")
            self.assertEqual(b"two", self.read(shown, "one/two/file", name))
            (name,) = os.listdir(shown + "/one/2026-11-29T07:55:00")
            self.assertIn(b"named as versions are", self.read(shown, "one/2026-11-29T07:55:00", name))
        with self.mounted(daemon, first["snapshot_id"], third["snapshot_id"]):
            daemon.run("forget", third["snapshot_id"])
            self.wait(lambda: len(self.names("snapshots")) == 1)
            shown = os.path.join(self.target, "versions") + self.path("sources")
            self.assertEqual(["one"], os.listdir(shown))
            self.assertEqual(["file", "two"], sorted(os.listdir(shown + "/one")))
            self.assertEqual(["file"], os.listdir(shown + "/one/two"))
            self.assertFalse(os.path.exists(shown + "/one/two/new"))

    def test_a_large_file_is_read_from_anywhere_by_many_at_once(self):
        content = random.Random(4).randbytes(100_000_000)
        self.write("source/large", content)
        for number in range(32):
            self.write(f"source/small {number}", content[number * 1000:number * 1000 + 70_000])
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")
        with self.mounted(daemon):
            snapshot = self.snapshot(run)
            with open(os.path.join(snapshot, "large"), "rb") as file:
                file.seek(51_234_567)
                self.assertEqual(content[51_234_567:52_234_567], file.read(1_000_000))
                file.seek(-10, os.SEEK_END)
                self.assertEqual(content[-10:], file.read())
                file.seek(200_000_000)
                self.assertEqual(b"", file.read())

            def read(number):
                rng = random.Random(number)
                self.assertEqual(content[number * 1000:number * 1000 + 70_000], self.read(snapshot, f"small {number}"))
                with open(os.path.join(snapshot, "large"), "rb", buffering=0) as file:
                    for _ in range(10):
                        begin, length = rng.randrange(len(content)), rng.randrange(1, 500_000)
                        self.assertEqual(content[begin:begin + length], os.pread(file.fileno(), length, begin))

            with concurrent.futures.ThreadPoolExecutor(32) as readers:
                for done in [readers.submit(read, number) for number in range(32)]:
                    done.result(300)
            self.assertEqual(content, self.read(snapshot, "large"))
        self.assertLessEqual(daemon.peak_memory(), MEMORY)

    def test_it_ends_while_somebody_reads(self):
        self.write("source/large", random.Random(5).randbytes(50_000_000))
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")
        for end in ("interrupt", "unmount"):
            client = self.begin(daemon)
            path = os.path.join(self.snapshot(run), "large")
            reading, stopped = threading.Event(), threading.Event()
            error = []

            def read():
                fd = os.open(path, os.O_RDONLY)
                try:
                    while not stopped.is_set():
                        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                        for begin in range(0, 50_000_000, 1 << 20):
                            os.pread(fd, 1 << 20, begin)
                            reading.set()
                except OSError as raised:
                    error.append(raised)
                finally:
                    with contextlib.suppress(OSError):  # the file system may be gone
                        os.close(fd)

            reader = threading.Thread(target=read)
            reader.start()
            self.assertTrue(reading.wait(PATIENCE))
            if end == "interrupt":
                client.send_signal(signal.SIGINT)
                reader.join(PATIENCE)
                self.assertFalse(reader.is_alive())
                self.assertTrue(error)
            else:
                busy = subprocess.run(["umount", self.target], capture_output=True, check=False)
                self.assertNotEqual(0, busy.returncode)
                subprocess.run(["umount", "-l", self.target], check=True)
                # Who has it open reads on; the mount is gone for all others, and ends with him.
                self.assertFalse(os.path.ismount(self.target))
                self.assertIsNone(client.poll())
                stopped.set()
                reader.join(PATIENCE)
                self.assertEqual([], error)
            self.assertEqual(0, client.wait(PATIENCE), self.output())
            self.assertFalse(os.path.ismount(self.target))

    @contextlib.contextmanager
    def hung(self, daemon):
        """Who asks the daemon meanwhile waits."""
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            daemon.process.send_signal(signal.SIGCONT)

    def test_a_signal_that_is_caught_ends_nothing(self):
        self.write("source/file", "content")
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")
        caught = threading.Event()
        before = signal.signal(signal.SIGALRM, lambda *_: caught.set())
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        with self.mounted(daemon):
            path = os.path.join(self.snapshot(run), "file").encode()
            # Python's own functions would ask again after EINTR.
            library = ctypes.CDLL(None, use_errno=True)
            with self.hung(daemon):
                going_on = threading.Timer(1, daemon.process.send_signal, [signal.SIGCONT])
                going_on.start()
                signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
                found = library.access(path, os.R_OK)
                signal.setitimer(signal.ITIMER_REAL, 0)
                going_on.join()
            self.assertEqual((0, "Success"), (found, os.strerror(ctypes.get_errno() if found else 0)))
            self.assertTrue(caught.wait(PATIENCE))

    def test_a_daemon_that_hangs_keeps_nobody_who_is_killed(self):
        """However many wait."""
        # Of those who look into one folder the kernel may let only one ask.
        names = [os.path.join(f"folder {number}", "file") for number in range(100)]
        for name in names:
            self.write(f"source/{name}", name)
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")

        def is_waiting(reader):
            with open(f"/proc/{reader.pid}/stat", encoding="ascii") as file:
                program, state = file.read().rsplit(")", 1)
            return program.endswith("(stat") and state.split()[0] == "S"

        with self.mounted(daemon):
            for name in names:
                os.stat(os.path.dirname(os.path.join(self.snapshot(run), name)))
            with self.hung(daemon):
                readers = [subprocess.Popen(["stat", os.path.join(self.snapshot(run), name)],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for name in names]
                self.wait(lambda: all(is_waiting(reader) for reader in readers))
                for reader in readers:
                    reader.kill()
                for reader in readers:
                    self.assertEqual(-signal.SIGKILL, reader.wait(PATIENCE))
            self.assertEqual(names[7].encode(), self.read(self.snapshot(run), names[7]))

    def test_a_daemon_that_goes_away_and_comes_back(self):
        for name in ("one", "two", "three"):
            self.write(f"source/folder/{name}", name)
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")
        with self.mounted(daemon):
            folder = os.path.join(self.snapshot(run), "folder")
            self.assertEqual(b"one", self.read(folder, "one"))
            daemon.stop()
            with self.assertRaises(OSError) as raised:
                self.read(folder, "two")
            self.assertEqual(errno.EIO, raised.exception.errno)
            daemon.start()
            self.assertEqual(b"two", self.read(folder, "two"))
            # Between two calls.
            daemon.stop()
            daemon.start()
            self.assertEqual(b"three", self.read(folder, "three"))
        self.assertEqual(1, len(re.findall("is not running", self.output())), self.output())

    def test_a_destination_that_goes_away_and_comes_back(self):
        for name in ("one", "two"):
            self.write(f"source/{name}", os.urandom(3_000_000))
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")
        with self.mounted(daemon):
            self.assertEqual(self.read(self.path("source/one")), self.read(self.snapshot(run), "one"))
            os.rename(self.path("repository"), self.path("elsewhere"))
            with self.assertRaises(OSError) as raised:
                self.read(self.snapshot(run), "two")
            self.assertEqual(errno.EIO, raised.exception.errno)
            os.rename(self.path("elsewhere"), self.path("repository"))
            self.assertEqual(self.read(self.path("source/two")), self.read(self.snapshot(run), "two"))

    def test_others_see_nothing_or_what_modes_and_lists_allow(self):
        os.chmod(self.folder, 0o755)
        os.chmod(self.target, 0o755)
        for name, mode in (("open", 0o644), ("closed", 0o600), ("listed", 0o600)):
            path = self.write("source/" + name, name)
            os.chown(path, 0, STRANGER)
            os.chmod(path, mode)
        # Its group's bits are the mask now, while the group may do nothing.
        subprocess.run(["setfacl", "-m", "u:1:rw", self.path("source/listed")], check=True)
        self.assertEqual(0o660, stat.S_IMODE(os.stat(self.path("source/listed")).st_mode))
        os.chmod(self.path("source"), 0o755)
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set")

        def may_read(name, user=STRANGER):
            done = subprocess.run(["cat", os.path.join(self.snapshot(run), name)], preexec_fn=as_user(user),
                                  capture_output=True, check=False)
            return done.stdout == name.encode()

        with self.mounted(daemon):
            self.assertFalse(may_read("open"))
        with self.mounted(daemon, "--allow-other"):
            self.assertTrue(may_read("open"))
            self.assertFalse(may_read("closed"))
            self.assertFalse(may_read("listed"))
            self.assertTrue(may_read("listed", user=1))
            # Below versions/ no modes of folders would guard anything.
            versions = os.path.join(self.target, "versions")
            self.assertNotEqual([], os.listdir(versions))
            listed = subprocess.run(["ls", versions], preexec_fn=as_user(STRANGER), capture_output=True, check=False)
            self.assertNotEqual(0, listed.returncode)
            self.assertEqual(b"", listed.stdout)


if __name__ == "__main__":
    unittest.main()
