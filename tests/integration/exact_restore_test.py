"""What is restored is what was there: /usr/share and a tree of everything that is hostile, compared by rsync and beyond."""

import os
import unittest

import compare_trees
import garner_daemon
import hostile_tree
from case import Case

FULL = os.environ.get("GARNER_TEST_FULL") == "1"
MEMORY = 256 << 20 if not garner_daemon.SANITIZED else 4 << 30


class ExactRestore(Case):
    def back_up_and_compare(self, source):
        daemon = self.ready(source)
        run = daemon.backup("set")
        self.assertEqual("RUN_STATE_FINISHED", run["state"])
        self.assertEqual("0", run["error_count"], run["errors"])
        os.mkdir(self.path("restored"))
        daemon.run("restore", "set@latest", "--to", self.path("restored"))
        compare_trees.check_equal(self, source, self.path("restored"))
        print(f"{source}: peak memory {daemon.peak_memory() >> 20} MiB, {run['source_bytes']} bytes, "
              f"{run['stored_bytes']} stored")
        self.assertLessEqual(daemon.peak_memory(), MEMORY)
        done = daemon.run("check", "--read-data", check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return daemon

    def test_hostile_tree(self):
        source = self.path("source")
        hostile_tree.make(source, entries=100_000 if FULL else 20_000, sparse_bytes=(10 << 30) if FULL else (1 << 30))
        daemon = self.back_up_and_compare(source)
        again = daemon.backup("set")
        self.assertEqual("0", again["new_bytes"])

    def test_usr_share(self):
        self.back_up_and_compare("/usr/share")


if __name__ == "__main__":
    unittest.main()
