"""Two daemons write into one repository at the same time, and a third opens it with the password."""

import os
import threading
import unittest

import compare_trees
from case import Case

BACKUPS = 10


class ManyWriters(Case):
    def test_two_daemons_one_repository(self):
        password = self.write("password", "correct horse battery staple\n")
        os.chmod(password, 0o600)
        daemons = []
        for name in ("one", "two"):
            self.write(f"{name}-source/shared", b"the same on both machines" * 10_000)
            daemon = self.daemon(name)
            daemon.run("destination", "add", "disk", self.path("repository"), "--password-file", password)
            daemon.run("set", "add", name, "--source", self.path(f"{name}-source"), "--destination", "disk")
            daemons.append((name, daemon))

        failures = []
        versions = {}

        def work(name, daemon):
            try:
                for number in range(BACKUPS):
                    content = f"{name} version {number}\n" * 5_000
                    self.write(f"{name}-source/changing", content)
                    run = daemon.backup(name)
                    versions[run["snapshot_id"]] = (name, content)
            except Exception as error:  # noqa: BLE001: it is reported by the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=pair) for pair in daemons]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        self.assertEqual(2 * BACKUPS, len(versions))

        third = self.daemon("three")
        added = third.json("destination", "add", "disk", self.path("repository"), "--password-file", password)
        self.assertFalse(added["created"])
        listed = {snapshot["id"] for snapshot in third.json("snapshots")["snapshots"]}
        self.assertEqual(set(versions), listed)
        for number, (identity, (name, content)) in enumerate(versions.items()):
            target = self.path(f"restored{number}")
            third.run("restore", identity, "--to", target)
            with open(os.path.join(target, "changing"), encoding="utf-8") as file:
                self.assertEqual(content, file.read())
            self.assertEqual(["changing", "shared"], sorted(os.listdir(target)))
        last = self.path("restored-last")
        third.run("restore", "one@latest", "--to", last)
        compare_trees.check_equal(self, self.path("one-source"), last)
        self.assertEqual(0, third.run("check", "--read-data").returncode)


if __name__ == "__main__":
    unittest.main()
