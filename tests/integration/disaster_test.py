"""The machine is lost, and then most of the repository: everything comes back from the recovery key and the packs."""

import json
import os
import shutil
import unittest

import compare_trees
from case import Case


class Disaster(Case):
    def setUp(self):
        super().setUp()
        self.first = self.ready(self.path("source"))
        self.kept = {}
        for version in range(3):
            self.write("source/file", f"version {version}\n" * 1000)
            self.write(f"source/only in {version}", b"x" * 100_000)
            run = self.first.backup("set")
            shutil.copytree(self.path("source"), self.path(f"kept{version}"), copy_function=shutil.copy2)
            self.kept[run["snapshot_id"]] = self.path(f"kept{version}")
        self.first.stop()
        shutil.rmtree(self.path("state"))

    def check_all(self, daemon):
        for number, (snapshot, kept) in enumerate(self.kept.items()):
            target = self.path(f"restored{number}")
            daemon.run("restore", snapshot, "--to", target)
            self.assertEqual([], compare_trees.rsync_differences(kept, target))

    def test_state_folder_lost(self):
        daemon = self.daemon("new state")
        added = daemon.json("destination", "add", "disk", self.path("repository"), "--recovery-key-file",
                            self.path("recovery"))
        self.assertFalse(added["created"])
        self.assertEqual("3", added["snapshots"])
        self.check_all(daemon)
        # The set is there again in the snapshots; backing up goes on with what the repository knows.
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        self.assertEqual("0", daemon.backup("set")["new_bytes"])

    def test_only_packs_are_left(self):
        for folder in ("index", "log", "state", "keys"):
            shutil.rmtree(self.path("repository", folder), ignore_errors=True)
        daemon = self.daemon("new state")
        added = daemon.json("destination", "add", "disk", self.path("repository"), "--recovery-key-file",
                            self.path("recovery"))
        self.assertEqual("DESTINATION_STATE_NEEDS_REPAIR", added["destination"]["state"])
        self.refused(daemon, 1, "restore", next(iter(self.kept)), "--to", self.path("early"), says=())
        done = daemon.run("--json", "repair", "--destination", "disk", "--dry-run", check=False)
        self.assertEqual(6, done.returncode)
        dry = json.loads(done.stdout)
        self.assertEqual(3, len(dry["check"]["recovered_snapshots"]))
        self.assertFalse(os.path.exists(self.path("repository", "log")))
        run = daemon.json("repair", "--destination", "disk")
        self.assertEqual(set(self.kept), set(run["check"]["recovered_snapshots"]))
        listed = daemon.json("snapshots")["snapshots"]
        self.assertEqual(set(self.kept), {snapshot["id"] for snapshot in listed})
        self.assertTrue(all(snapshot["recovered"] for snapshot in listed))
        self.check_all(daemon)
        # A recovered snapshot never becomes the latest by itself.
        self.refused(daemon, 1, "restore", "latest", "--to", self.path("latest"), says="recovered")
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        run = daemon.backup("set")
        self.assertEqual("0", run["new_bytes"])
        # Nobody could open it without this machine.
        self.assertIn("key slot", daemon.run("check", "--read-data", check=False).stdout)
        daemon.run("key", "add", "--destination", "disk", "--recovery")
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

    def test_wrong_keys(self):
        daemon = self.daemon("new state")
        wrong = self.write("wrong", "not the password")
        os.chmod(wrong, 0o600)
        self.refused(daemon, 1, "destination", "add", "disk", self.path("repository"), "--password-file", wrong,
                     says="password")
        self.refused(daemon, 1, "destination", "add", "disk", self.path("repository"), says="key")
        with open(self.path("recovery"), encoding="ascii") as file:
            key = file.read()
        typo = self.write("typo", key.replace(key[8], "Q" if key[8] != "Q" else "R", 1))
        os.chmod(typo, 0o600)
        self.refused(daemon, 2, "destination", "add", "disk", self.path("repository"), "--recovery-key-file", typo,
                     says="recovery key")
        self.assertEqual([], daemon.json("destination", "list")["destinations"])


class Damage(Case):
    """The repository is damaged, on a machine that goes on using it."""

    def setUp(self):
        super().setUp()
        for number in range(30):
            self.write(f"source/folder/file{number}", os.urandom(40_000))
        self.garner = self.ready(self.path("source"))
        self.first = self.garner.backup("set")["snapshot_id"]

    def packs(self):
        found = []
        for folder, _, names in os.walk(self.path("repository/packs")):
            found += [os.path.join(folder, name) for name in names]
        return sorted(found, key=os.path.getsize)

    def check(self):
        return self.garner.run("check", "--read-data", check=False).returncode

    def restores(self, snapshot, name):
        target = self.path(name)
        self.garner.run("restore", snapshot, "--to", target)
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), target))

    def test_lost_content_is_named_and_stored_again(self):
        os.remove(self.packs()[-1])  # the largest: data
        self.assertEqual(6, self.check())
        dry = self.garner.run("repair", "--dry-run", check=False)
        self.assertEqual(6, dry.returncode)
        done = self.garner.run("repair", check=False)  # the last check says that it is needed
        self.assertEqual(6, done.returncode, done.stdout + done.stderr)
        self.assertIn(self.path("source/folder/file"), done.stdout)
        self.assertTrue(self.garner.json("snapshots")["snapshots"][0]["recovered"])
        self.refused(self.garner, 1, "restore", "latest", "--to", self.path("latest"), says="recovered")
        run = self.garner.backup("set")
        self.assertGreater(int(run["read_bytes"]), 1_000_000)
        self.assertEqual(0, self.check())
        self.restores(run["snapshot_id"], "new")
        self.restores(self.first, "old")
        self.assertEqual("0", self.garner.backup("set")["read_bytes"])

    def test_another_destination_supplies(self):
        self.garner.json("destination", "add", "second", self.path("second"))
        self.garner.run("set", "add", "other", "--source", self.path("source"), "--destination", "second")
        self.garner.backup("other")
        pack = self.packs()[-1]
        os.remove(pack)
        done = self.garner.run("repair", "--destination", "disk")
        self.assertNotIn("nothing needed repair", done.stdout)
        self.assertEqual(0, self.check())
        self.restores(self.first, "restored")
        self.assertIn("nothing needed repair", self.garner.run("repair", "--destination", "disk").stdout)

    def test_header_lost(self):
        header = self.path("repository/garner.repo")
        with open(header, "rb") as file:
            before = file.read()
        for damage in (None, b"", before[:-1], bytes([before[0] ^ 1]) + before[1:]):
            self.garner.stop()
            os.remove(header)
            if damage is not None:
                with open(header, "wb") as file:
                    file.write(damage)
            self.garner.start()
            self.assertNotEqual(0, self.garner.run("check", check=False).returncode)
            self.garner.run("repair", "--destination", "disk")
            with open(header, "rb") as file:
                self.assertEqual(before, file.read())
        self.assertEqual(0, self.check())
        # Without the copy it is made anew, and pinned.
        self.garner.stop()
        os.remove(header)
        shutil.rmtree(self.path("state/cache"))
        self.garner.start()
        self.garner.run("repair", "--destination", "disk")
        with open(header, "rb") as file:
            self.assertNotEqual(before, file.read())
        self.assertEqual(0, self.check())
        self.restores(self.first, "restored")

    def test_an_empty_folder_is_no_lost_header(self):
        self.garner.stop()
        os.rename(self.path("repository"), self.path("elsewhere"))
        os.mkdir(self.path("repository"))
        self.garner.start()
        self.refused(self.garner, 1, "repair", "--destination", "disk", "--dry-run")
        self.assertEqual([], os.listdir(self.path("repository")))

    def test_rolled_back(self):
        """An old copy of the repository is noticed, and nothing is written to it."""
        shutil.copytree(self.path("repository"), self.path("copy"))
        self.write("source/new", "new")
        self.garner.backup("set")
        self.garner.stop()
        shutil.rmtree(self.path("repository"))
        os.rename(self.path("copy"), self.path("repository"))
        before = sorted(os.listdir(self.path("repository/log")))
        self.garner.start()
        done = self.garner.run("check", check=False)
        self.assertEqual(6, done.returncode, done.stdout + done.stderr)
        self.assertIn("rolled back", done.stdout + done.stderr)
        self.assertNotEqual(0, self.garner.run("backup", "set", check=False).returncode)
        self.assertEqual(before, sorted(os.listdir(self.path("repository/log"))))


if __name__ == "__main__":
    unittest.main()
