"""Retention, pins and prune with the real daemon: what is forgotten, what stays, and what people are told."""

import os
import unittest

import compare_trees
from case import Case


def stored(folder):
    return sum(os.path.getsize(os.path.join(parent, name)) for parent, _, names in os.walk(folder) for name in names)


class Retention(Case):
    def snapshots(self, daemon):
        return [snapshot["id"] for snapshot in daemon.json("snapshots", "set")["snapshots"]]

    def new_content(self, number):
        for name in ("a", "b", "c"):
            self.write(f"source/{name}", os.urandom(300_000))
        self.write("source/number", str(number))

    def fails(self, daemon, *arguments, says):
        """The run fails, and its summary says why."""
        done = daemon.run(*arguments, check=False)
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn(says, done.stdout)

    def test_forget_and_prune(self):
        daemon = self.ready(self.path("source"))
        for number in range(5):
            self.new_content(number)
            daemon.backup("set")
        ids = self.snapshots(daemon)
        self.assertEqual(5, len(ids))

        # A dry run tells why, and forgets nothing.
        told = daemon.json("forget", "set", "--keep-last", "2", "--dry-run")["forget"]
        self.assertEqual([False, False, True, True, True], [one["forgotten"] for one in told["snapshots"]])
        self.assertEqual(["last snapshot"], told["snapshots"][0]["reasons"])
        self.assertEqual(("2", "3"), (told["kept"], told["forgotten"]))
        text = daemon.run("forget", "set", "--keep-last", "2", "--dry-run").stdout
        self.assertIn("last snapshot", text)
        self.assertIn("dry run", text)
        self.assertEqual(ids, self.snapshots(daemon))

        # A pin keeps, and says so; it outlives the daemon's state.
        daemon.run("pin", ids[4])
        self.fails(daemon, "forget", ids[4], says="pinned")
        self.assertEqual([ids[4]], [one["id"] for one in daemon.json("snapshots")["snapshots"] if one["pinned"]])
        daemon.run("forget", "set", "--keep-last", "2")
        self.assertEqual([ids[0], ids[1], ids[4]], self.snapshots(daemon))
        daemon.run("unpin", ids[4])
        daemon.run("forget", "set~2")
        self.assertEqual(ids[:2], self.snapshots(daemon))

        before = stored(self.path("repository", "packs"))
        told = daemon.json("prune", "--dry-run")["prune"]
        self.assertEqual(before, stored(self.path("repository", "packs")))
        done = daemon.json("prune", "--grace", "0")["prune"]
        after = stored(self.path("repository", "packs"))
        self.assertEqual(before - after, int(done["freed_bytes"]))
        self.assertEqual(told["dead_packs"], done["dead_packs"])
        # Three of five backups of noise are gone.
        self.assertLess(after, before * 0.6)
        self.assertIn("freed", daemon.run("prune", "--grace", "0").stdout)
        daemon.run("restore", "set@latest", "--to", self.path("restored"))
        compare_trees.check_equal(self, self.path("source"), self.path("restored"))
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

    def test_by_itself_after_a_backup(self):
        daemon = self.ready(self.path("source"))
        self.assertEqual(2, daemon.json("set", "edit", "set", "--keep-last", "2")["retention"]["last"])
        for number in range(4):
            self.new_content(number)
            daemon.backup("set")
            forget = [run for run in daemon.json("runs")["runs"] if run["kind"] == "RUN_KIND_FORGET"]
            self.assertEqual(number + 1, len(forget))
            daemon.wait_for_run(forget[0]["run_id"], ("FINISHED",))
        self.assertEqual(2, len(self.snapshots(daemon)))
        self.assertIn("last 2", daemon.run("set", "show", "set").stdout)
        daemon.stop()
        daemon.start()
        self.assertIn("last 2", daemon.run("set", "show", "set").stdout)
        daemon.run("set", "edit", "set", "--keep-last", "0")
        self.assertIn("everything", daemon.run("set", "show", "set").stdout)
        daemon.backup("set")
        self.assertEqual(3, len(self.snapshots(daemon)))

    def test_ranges(self):
        daemon = self.ready(self.path("source"))
        for number in range(6):
            self.new_content(number)
            daemon.backup("set")
        ids = self.snapshots(daemon)
        daemon.run("forget", "set", "~2..~3")
        self.assertEqual(ids[:2] + ids[4:], self.snapshots(daemon))
        daemon.run("forget", "2020-01-01..2021-01-01", check=False)
        self.refused(daemon, 1, "forget", "2020-01-01..2021-01-01", says="no snapshot is in the range")
        # One that is typed wrong forgets nothing of the others.
        self.refused(daemon, 1, "forget", ids[0], "ffffffffffff", says="ffffffffffff")
        self.assertEqual(ids[:2] + ids[4:], self.snapshots(daemon))

    def test_refused(self):
        daemon = self.ready(self.path("source"))
        self.new_content(0)
        daemon.backup("set")
        self.refused(daemon, 2, "forget")
        self.refused(daemon, 2, "forget", "set", says="everything would be forgotten")
        self.refused(daemon, 2, "forget", "set", "--keep-last", "0", says="everything would be forgotten")
        self.refused(daemon, 2, "forget", "set", "--keep-last", "two", says="two")
        self.refused(daemon, 2, "forget", "set", "--keep-within", "1x", says="1x")
        self.refused(daemon, 2, "forget", "latest", "--keep-last", "1")
        self.refused(daemon, 2, "prune", "--grace", "soon", says="soon")
        self.refused(daemon, 1, "pin", "set~7")
        self.assertEqual(1, len(self.snapshots(daemon)))
        # Another machine may only add.
        other = self.daemon("other")
        other.run("destination", "add", "disk", self.path("repository"), "--recovery-key-file", self.path("recovery"))
        self.fails(other, "forget", "latest", says="may only add")
        self.fails(other, "prune", says="may only add")
        self.assertEqual(1, len(self.snapshots(daemon)))


if __name__ == "__main__":
    unittest.main()
