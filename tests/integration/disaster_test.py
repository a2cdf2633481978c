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


if __name__ == "__main__":
    unittest.main()
