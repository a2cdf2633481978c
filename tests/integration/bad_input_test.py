"""Bad input, bad luck and bad callers: each gets a clear error, and nothing is lost."""

import glob
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import time
import unittest

import compare_trees
import garner_daemon
from case import Case
from patience import PATIENCE

ROOT = os.geteuid() == 0
MIB = 1 << 20


class Keys(Case):
    def test_key_files(self):
        daemon = self.daemon()
        key = self.write("key", os.urandom(32))
        os.chmod(key, 0o644)
        self.refused(daemon, 2, "destination", "add", "disk", self.path("repository"), "--key-file", key,
                     says=("chmod 600", key))
        os.chmod(key, 0o600)
        daemon.run("destination", "add", "disk", self.path("repository"), "--key-file", key)
        short = self.write("short", b"x")
        os.chmod(short, 0o600)
        self.refused(daemon, 2, "destination", "add", "other", self.path("other"), "--key-file", short, says="32 bytes")
        self.assertFalse(os.path.exists(self.path("other", "garner.repo")))
        # Another machine opens it with the key file, and with a password that is added later.
        second = self.daemon("second")
        second.run("destination", "add", "disk", self.path("repository"), "--key-file", key)
        password = self.write("password", "a password")
        os.chmod(password, 0o600)
        second.run("key", "add", "--password-file", password)
        third = self.daemon("third")
        third.run("destination", "add", "disk", self.path("repository"), "--password-file", password)
        types = sorted(slot["type"] for slot in third.json("key", "list")["keys"])
        self.assertEqual(["key file", "password", "recovery key"], types)

    def test_rotation(self):
        daemon = self.ready(self.path("source"))
        self.write("source/one", "one")
        before = daemon.backup("set")["snapshot_id"]
        self.assertEqual(2, daemon.json("key", "rotate")["epoch"])
        self.write("source/two", "two")
        after = daemon.backup("set")["snapshot_id"]
        other = self.daemon("other")
        other.run("destination", "add", "disk", self.path("repository"), "--recovery-key-file", self.path("recovery"))
        self.assertEqual(2, other.json("key", "list")["epoch"])
        for number, snapshot in enumerate((before, after)):
            other.run("restore", snapshot, "--to", self.path(f"restored{number}"))
        self.assertEqual(["one", "two"], sorted(os.listdir(self.path("restored1"))))

    def test_unencrypted(self):
        daemon = self.daemon()
        os.makedirs(self.path("source"))
        added = daemon.json("destination", "add", "disk", self.path("repository"), "--no-encryption")
        self.assertFalse(added["destination"]["encrypted"])
        self.assertTrue(added["notices"])
        self.write("source/file", "plain")
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        daemon.backup("set")
        # Another machine takes it for unencrypted only when it is told so.
        other = self.daemon("other")
        self.refused(other, 2, "destination", "add", "disk", self.path("repository"), says="--no-encryption")
        other.run("destination", "add", "disk", self.path("repository"), "--no-encryption")
        other.run("restore", "latest", "--to", self.path("restored"))
        self.assertEqual(["file"], os.listdir(self.path("restored")))


class Repositories(Case):
    def test_not_a_repository(self):
        daemon = self.daemon()
        self.write("photos/photo", "no repository")
        self.refused(daemon, 1, "destination", "add", "disk", self.path("photos"), says=self.path("photos"))
        self.assertEqual(["photo"], os.listdir(self.path("photos")))
        self.refused(daemon, 2, "destination", "add", "disk", "ftp://host/path", says="ftp")

    def test_newer_format_and_damaged_header(self):
        self.write("source/file", "content")
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        header = self.path("repository", "garner.repo")
        with open(header, "rb") as file:
            content = bytearray(file.read())
        # Behind the magic and a length: field 1, the format version.
        self.assertEqual(b"\x08\x01", content[12:14])
        content[13] = 2
        with open(header, "wb") as file:
            file.write(content)
        other = self.daemon("other")
        self.refused(other, 1, "destination", "add", "disk", self.path("repository"), "--recovery-key-file",
                     self.path("recovery"), says="format version 2")

    def test_missing_header_is_never_an_initialisation(self):
        self.write("source/file", "content")
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        os.rename(self.path("repository"), self.path("away"))
        os.mkdir(self.path("repository"))
        daemon.stop()
        daemon.start()
        number = daemon.json("backup", "set", "--detach")["run_id"]
        run = daemon.wait_for_run(number, ("PAUSED",), 60)
        self.assertEqual("PAUSE_REASON_DESTINATION_AWAY", run["pause_reason"])
        self.assertEqual([], os.listdir(self.path("repository")))
        os.rmdir(self.path("repository"))
        os.rename(self.path("away"), self.path("repository"))
        daemon.wait_for_run(number, ("FINISHED",), 120)

    def test_rolled_back(self):
        self.write("source/file", "content")
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        shutil.copytree(self.path("repository"), self.path("yesterday"))
        self.write("source/file", "changed")
        daemon.backup("set")
        daemon.stop()
        shutil.rmtree(self.path("repository"))
        shutil.copytree(self.path("yesterday"), self.path("repository"))
        daemon.start()
        done = daemon.run("backup", "set", check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("rolled back", done.stdout + done.stderr)

    def test_damaged_objects(self):
        rng_files = {f"source/file{number}": os.urandom(50_000) for number in range(20)}
        for name, content in rng_files.items():
            self.write(name, content)
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)
        packs = sorted(glob.glob(self.path("repository", "packs", "*", "*")), key=os.path.getsize)
        with open(packs[-1], "r+b") as file:
            file.seek(300_000)
            byte = file.read(1)
            file.seek(300_000)
            file.write(bytes([byte[0] ^ 0x10]))
        done = daemon.run("check", "--read-data", check=False)
        self.assertEqual(6, done.returncode, done.stdout + done.stderr)
        self.assertIn("file", done.stdout + done.stderr)
        done = daemon.run("restore", "latest", "--to", self.path("restored"), check=False)
        self.assertEqual(3, done.returncode, done.stdout + done.stderr)
        for name in os.listdir(self.path("restored")):
            with open(self.path("restored", name), "rb") as file:
                self.assertEqual(rng_files["source/" + name], file.read())
        os.unlink(packs[0])
        self.assertEqual(6, daemon.run("check", check=False).returncode)


class Sources(Case):
    def test_sources(self):
        daemon = self.ready(self.path())
        self.refused(daemon, 1, "set", "add", "gone", "--source", self.path("no such folder"), "--destination", "disk",
                     says=self.path("no such folder"))
        self.refused(daemon, 2, "set", "add", "bad name", "--source", self.path(), "--destination", "disk", says="name")
        self.refused(daemon, 1, "set", "add", "x", "--source", self.path(), "--destination", "dusk", says="dusk")

    @unittest.skipUnless(ROOT, "needs another user")
    def test_unreadable(self):
        os.chmod(self.folder, 0o755)
        self.write("source/readable", "yes")
        self.write("source/secret", "no")
        self.write("source/closed/inside", "no")
        os.chmod(self.path("source", "secret"), 0)
        os.chmod(self.path("source", "closed"), 0)
        os.mkdir(self.path("user"))
        os.chown(self.path("user"), 65534, 65534)
        state = self.path("user", "state")
        become = garner_daemon.as_user(65534)
        program = garner_daemon.for_anyone(garner_daemon.GARNERD, self.folder)
        process = subprocess.Popen([program, "--foreground", "--state-dir", state], preexec_fn=become,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            daemon = garner_daemon.Daemon(state)
            daemon.process = process
            self.addCleanup(process.kill)
            until = 200
            while daemon.run("status", check=False).returncode != 0 and until:
                until -= 1
                signal.sigtimedwait([], 0.05)
            daemon.run("destination", "add", "disk", self.path("user", "repository"))
            daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
            done = daemon.run("--json", "backup", "set", check=False)
            self.assertEqual(3, done.returncode, done.stdout + done.stderr)
            done = daemon.run("restore", "latest", "--to", self.path("user", "restored"), check=False)
            self.assertIn("readable", os.listdir(self.path("user", "restored")))
            # Another user's daemon serves root and that user, nobody else.
            client = garner_daemon.for_anyone(garner_daemon.GARNER, self.folder)
            other = subprocess.run([client, "--socket", daemon.socket, "status"], capture_output=True,
                                   preexec_fn=garner_daemon.as_user(12345), check=False)
            self.assertIn(other.returncode, (4, 5))
        finally:
            process.kill()
            process.wait()

    def test_unknown_snapshot_and_path(self):
        self.write("source/letters/readme.txt", "x")
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        self.refused(daemon, 1, "ls", "sett@latest", says="set")
        self.refused(daemon, 1, "ls", "latest:letters/raedme.txt", says="readme.txt")
        self.refused(daemon, 1, "restore", "0123456789", "--to", self.path("restored"), says="0123456789")
        self.assertFalse(os.path.exists(self.path("restored")))


@unittest.skipUnless(ROOT, "needs to mount")
class FullAndGone(Case):
    def mount(self, name, size):
        path = self.path(name)
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)
        self.addCleanup(lambda: subprocess.run(["umount", "-l", path], check=False, stderr=subprocess.DEVNULL))
        return path

    def test_full_destination(self):
        disk = self.mount("disk", "24m")
        source = {f"source/file{number}": os.urandom(MIB) for number in range(40)}
        for name, content in source.items():
            self.write(name, content)
        daemon = self.ready(self.path("source"), repository="disk/repository")
        number = daemon.json("backup", "set", "--detach")["run_id"]
        run = daemon.wait_for_run(number, ("PAUSED", "FAILED", "FINISHED"), 120)
        self.assertEqual(("RUN_STATE_PAUSED", "PAUSE_REASON_DESTINATION_FULL"), (run["state"], run["pause_reason"]))
        subprocess.run(["mount", "-o", "remount,size=120m", disk], check=True)
        run = daemon.wait_for_run(number, ("FINISHED", "FAILED"), 120)
        self.assertEqual("RUN_STATE_FINISHED", run["state"], run["message"])
        daemon.run("restore", "latest", "--to", self.path("restored"))
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), self.path("restored")))
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

    def test_full_state_folder(self):
        state = self.mount("state", "200m")
        for number in range(40):
            self.write(f"source/file{number}", os.urandom(MIB))
        daemon = self.ready(self.path("source"))
        daemon.run("destination", "add", "other", self.path("other"))
        # Packs for several destinations are made in the spool.
        daemon.run("set", "edit", "set", "--destination", "disk", "other")
        filler = os.path.join(state, "filler")
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(state).free - 8 * MIB)
        number = daemon.json("backup", "set", "--detach")["run_id"]
        run = daemon.wait_for_run(number, ("PAUSED", "FAILED", "FINISHED"), 120)
        self.assertEqual(("RUN_STATE_PAUSED", "PAUSE_REASON_STATE_FULL"), (run["state"], run["pause_reason"]))
        self.assertIn("spool", run["message"])
        self.assertIn("it goes on by itself when there is room", daemon.run("status").stdout)
        os.remove(filler)
        run = daemon.wait_for_run(number, ("FINISHED", "FAILED"), 120)
        self.assertEqual("RUN_STATE_FINISHED", run["state"], run["message"])
        daemon.run("restore", "latest", "--to", self.path("restored"))
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), self.path("restored")))
        for destination in ("disk", "other"):
            self.assertEqual(0, daemon.run("check", "--destination", destination, "--read-data").returncode)

    def test_destination_vanishes(self):
        for number in range(60):
            self.write(f"source/file{number}", os.urandom(4 * MIB))
        daemon = self.ready(self.path("source"))
        number = daemon.json("backup", "set", "--detach")["run_id"]
        os.rename(self.path("repository"), self.path("away"))
        run = daemon.wait_for_run(number, ("PAUSED", "FAILED", "FINISHED"), 120)
        if run["state"] != "RUN_STATE_FINISHED":
            self.assertEqual("PAUSE_REASON_DESTINATION_AWAY", run["pause_reason"], run)
            self.assertFalse(os.path.exists(self.path("repository")))
        os.rename(self.path("away"), self.path("repository"))
        run = daemon.wait_for_run(number, ("FINISHED",), 120)
        daemon.run("restore", "latest", "--to", self.path("restored"))
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), self.path("restored")))

    def test_restore_targets(self):
        self.write("source/file", os.urandom(30 * MIB))
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        self.write("occupied/something", "here")
        self.refused(daemon, 1, "restore", "latest", "--to", self.path("occupied"), says="not empty")
        self.assertEqual(["something"], os.listdir(self.path("occupied")))
        small = self.mount("small", "10m")
        done = daemon.run("restore", "latest", "--to", small, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("space", done.stdout + done.stderr)
        subprocess.run(["mount", "-o", "remount,size=60m", small], check=True)
        daemon.run("restore", "latest", "--to", small)
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), small))
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        done = daemon.run("restore", "latest", "--to", os.path.join(small, "below"), check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("below", done.stdout + done.stderr)


class Daemons(Case):
    def test_one_daemon_a_state_folder(self):
        daemon = self.daemon()
        second = subprocess.run([garner_daemon.GARNERD, "--foreground", "--state-dir", daemon.state, "--socket",
                                 self.path("other.sock")], capture_output=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(0, second.returncode)
        self.assertIn(str(daemon.process.pid), second.stderr.decode() + second.stdout.decode())
        self.assertEqual(0, daemon.run("status").returncode)

    def test_stale_socket(self):
        daemon = self.daemon()
        daemon.kill()
        self.assertTrue(stat.S_ISSOCK(os.stat(daemon.socket).st_mode))
        daemon.start()
        self.assertEqual(0, daemon.run("status").returncode)

    def test_socket_that_somebody_else_serves(self):
        os.mkdir(self.path("state"))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.path("state", "garnerd.sock"))
            server.listen()
            done = subprocess.run([garner_daemon.GARNERD, "--foreground", "--state-dir", self.path("state")],
                                  capture_output=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("garnerd.sock", done.stderr.decode() + done.stdout.decode())

    def test_stops_within_five_seconds_with_a_checkpoint(self):
        for number in range(200):
            self.write(f"source/file{number}", os.urandom(3 * MIB))
        daemon = self.ready(self.path("source"))
        number = daemon.json("backup", "set", "--detach")["run_id"]
        until = 400
        while until and not int(daemon.json("run", "show", number)["read_bytes"]):
            until -= 1
        self.assertLess(daemon.stop(), 5)
        self.assertEqual(0, daemon.process.returncode)
        daemon.start()
        run = daemon.wait_for_run(number, ("FINISHED",), 120)
        self.assertEqual(600 * MIB, int(run["source_bytes"]))
        self.assertLessEqual(int(run["read_bytes"]), 600 * MIB + 16 * MIB)

    def test_pause_resume_cancel(self):
        for number in range(150):
            self.write(f"source/file{number}", os.urandom(3 * MIB))
        daemon = self.ready(self.path("source"))
        number = daemon.json("backup", "set", "--detach")["run_id"]
        daemon.run("run", "pause", number)
        run = daemon.wait_for_run(number, ("PAUSED", "FINISHED"), 60)
        self.assertEqual("RUN_STATE_PAUSED", run["state"])
        daemon.stop()
        daemon.start()
        self.assertEqual("RUN_STATE_PAUSED", daemon.json("run", "show", number)["state"])
        daemon.run("run", "resume", number)
        run = daemon.wait_for_run(number, ("FINISHED",), 120)
        self.write("source/more", os.urandom(200 * MIB))
        number = daemon.json("backup", "set", "--detach")["run_id"]
        daemon.run("run", "cancel", number)
        run = daemon.wait_for_run(number, ("CANCELLED", "FINISHED"), 60)
        self.assertEqual("RUN_STATE_CANCELLED", run["state"])
        self.assertEqual(1, len(daemon.json("snapshots")["snapshots"]))
        self.assertEqual([], os.listdir(self.path("repository", ".staging")))


class Restores(Case):
    def test_a_restore_that_might_replace_something_does_not_let_the_next_one_do_so(self):
        for name in ("kept", "way"):
            self.write(f"source/{name}", "of the snapshot")
        daemon = self.ready(self.path("source"))
        arguments = ["restore", daemon.backup("set")["snapshot_id"], "--to", self.path("target")]
        # Ends incomplete, for a folder that is not empty is in a file's way.
        self.write("target/way/mine", "mine")
        self.assertEqual(3, daemon.run(*arguments, "--overwrite", "always", check=False).returncode)
        self.write("target/kept", "mine since")
        self.refused(daemon, 1, *arguments, says=("is not empty", "--overwrite"))
        with open(self.path("target", "kept")) as kept:
            self.assertEqual("mine since", kept.read())


class Catalogs(Case):
    def setUp(self):
        super().setUp()
        self.write("source/file", "content")
        self.first = self.ready(self.path("source"))
        self.snapshot = self.first.backup("set")["snapshot_id"]
        self.first.stop()
        [self.catalog] = glob.glob(self.path("state", "catalog*.sqlite"))

    def check_rebuilt(self):
        self.first.start()
        status = self.first.json("status")
        self.assertIn("catalog", " ".join(status["notices"]))
        self.assertTrue(glob.glob(self.catalog + ".*"), os.listdir(self.path("state")))
        self.assertEqual([self.snapshot], [s["id"] for s in self.first.json("snapshots")["snapshots"]])
        self.back_up_again()

    def back_up_again(self):
        """The set is found again in the snapshots, soon after the daemon has started."""
        until = time.monotonic() + 30
        while time.monotonic() < until and not self.first.json("set", "list")["sets"]:
            time.sleep(0.05)
        self.assertEqual("0", self.first.backup("set")["new_bytes"])

    def test_torn(self):
        for rest in glob.glob(self.catalog + "-*"):
            os.unlink(rest)
        with open(self.catalog, "r+b") as file:
            file.truncate(os.path.getsize(self.catalog) // 2)
        self.check_rebuilt()

    def test_garbage(self):
        with open(self.catalog, "r+b") as file:
            file.write(os.urandom(4096))
        self.check_rebuilt()

    def test_newer(self):
        with sqlite3.connect(self.catalog) as database:
            database.execute("PRAGMA user_version = 4000")
        self.check_rebuilt()

    def test_missing(self):
        os.unlink(self.catalog)
        self.first.start()
        self.assertEqual([self.snapshot], [s["id"] for s in self.first.json("snapshots")["snapshots"]])
        self.back_up_again()

    def test_restored_from_yesterday(self):
        kept = self.path("yesterday.sqlite")
        shutil.copy(self.catalog, kept)
        self.first.start()
        self.write("source/file", "changed")
        self.snapshot = self.first.backup("set")["snapshot_id"]
        self.first.run("run", "show", "1")
        self.first.stop()
        for rest in glob.glob(self.catalog + "-*"):
            os.unlink(rest)
        shutil.copy(kept, self.catalog)
        self.first.start()
        self.assertIn("catalog", " ".join(self.first.json("status")["notices"]))
        self.assertEqual(2, len(self.first.json("snapshots")["snapshots"]))
        self.back_up_again()


if __name__ == "__main__":
    unittest.main()
