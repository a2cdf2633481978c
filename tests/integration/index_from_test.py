"""Where a repository's index is read from, and a log that is taken as it is, through client and daemon."""

import os
import shutil
import unittest

from case import Case
from compare_trees import check_equal


class IndexFromTest(Case):
    def setUp(self):
        super().setUp()
        self.garner = self.daemon()
        self.write("recovery", self.garner.json("destination", "add", "far", self.path("far"))["recovery_key"])
        os.chmod(self.path("recovery"), 0o600)
        self.garner.json("destination", "add", "near", self.path("near"))
        for number in range(400):
            self.write(f"source/{number % 9}/{number}", f"file {number}")
        self.garner.run("set", "add", "set", "--source", self.path("source"), "--destination", "far")

    def shown(self, daemon=None):
        return (daemon or self.garner).json("destination", "show", "far")

    def shelf(self):
        return self.path("near", "indexes", self.shown()["repository_id"])

    def index(self):
        return sorted(os.listdir(self.path("far", "index")))

    def change(self, number):
        for name in range(400):
            self.write(f"source/{name % 9}/{name}", f"file {name}, {number}")
        self.garner.backup("set")

    def without_cache(self):
        self.garner.stop()
        shutil.rmtree(self.path("state", "cache"))
        self.garner.start()

    def test_another_destination(self):
        self.change(1)
        self.assertEqual("", self.shown()["index_from"])
        self.garner.run("destination", "edit", "far", "--index-from", "near")
        shown = self.shown()
        self.assertEqual("near", shown["index_from_name"])
        self.assertIn("near", self.garner.run("destination", "show", "far").stdout)
        # What there was, and what comes.
        self.assertTrue(self.index())
        self.assertEqual(self.index(), sorted(os.listdir(self.shelf())))
        self.change(2)
        self.assertEqual(self.index(), sorted(os.listdir(self.shelf())))
        # Nothing of the destination's own is read, also when all that is local is lost.
        os.rename(self.path("far", "index"), self.path("aside"))
        self.without_cache()
        self.assertEqual("DESTINATION_STATE_READY", self.shown()["state"])
        self.garner.run("restore", "latest", "--to", self.path("restored"))
        check_equal(self, self.path("source"), self.path("restored"))
        os.rename(self.path("aside"), self.path("far", "index"))
        self.assertEqual(0, self.garner.run("check", "--read-data").returncode)
        self.assertEqual(0, self.garner.run("check", "--destination", "near", "--read-data").returncode)
        self.garner.run("prune", "--destination", "near", "--grace", "0")
        self.assertEqual(self.index(), sorted(os.listdir(self.shelf())))
        # Away, it is done without, also for some minutes after it is back.
        before = sorted(os.listdir(self.shelf()))
        self.assertTrue(before)
        os.rename(self.path("near"), self.path("elsewhere"))
        self.change(3)
        self.without_cache()
        self.change(4)
        os.rename(self.path("elsewhere"), self.path("near"))
        self.change(5)
        self.assertEqual(before, sorted(os.listdir(self.shelf())))
        self.assertLess(set(before), set(before) | set(self.index()))
        self.garner.run("prune", "--destination", "far")
        self.assertEqual(self.index(), sorted(os.listdir(self.shelf())))
        self.garner.run("destination", "edit", "far", "--index-from", "local")
        self.assertEqual("", self.shown()["index_from"])

    def test_another_machine_obeys(self):
        self.change(1)
        self.garner.run("destination", "edit", "far", "--index-from", "near")
        other = self.daemon("other")
        other.run("destination", "add", "far", self.path("far"), "--recovery-key-file", self.path("recovery"))
        self.assertEqual("", self.shown(other)["index_from_name"])
        self.assertIn("not one of this machine's", other.run("destination", "show", "far").stdout)
        other.run("destination", "add", "disk", self.path("near"))
        self.assertEqual("disk", self.shown(other)["index_from_name"])
        # It may only add.
        self.refused(other, 5, "destination", "edit", "far", "--index-from", "self", says="may only add")
        self.write("more/file", "x" * 1000)
        other.run("set", "add", "more", "--source", self.path("more"), "--destination", "far")
        other.backup("more")
        shown = self.shown()
        self.assertEqual("1", shown["growth"]["records"])
        self.assertEqual("1", shown["growth"]["snapshots"])
        self.assertRegex(self.garner.run("destination", "show", "far").stdout, r"grown +\S+ \S+: 1 record of ")

    def test_itself(self):
        self.change(1)
        self.garner.run("destination", "edit", "far", "--index-from", "self")
        self.assertEqual("self", self.shown()["index_from"])
        self.garner.stop()
        self.garner.start()
        self.change(2)
        self.assertEqual(0, self.garner.run("check").returncode)

    def test_bad_input(self):
        self.refused(self.garner, 1, "destination", "edit", "far", "--index-from", "nowhere", says="there is no destination")
        self.refused(self.garner, 2, "destination", "edit", "far", "--index-from", "far", says="self")
        self.refused(self.garner, 2, "destination", "edit", "far", "--index-from", "a/b", says="a/b")
        self.refused(self.garner, 2, "destination", "edit", "far", "--index-from", "self", "--limit-upload", "1M",
                     says="by itself")
        self.assertNotIn("1M", self.garner.run("destination", "show", "far").stdout)
        newest = self.shown()["generation"]
        self.refused(self.garner, 1, "destination", "edit", "far", "--accept-log", newest, says="nothing to accept")
        for number in ("", "x", "-1", "1e3", "99999999999999999999"):
            self.refused(self.garner, 2, "destination", "edit", "far", "--accept-log", number, says="--accept-log")
        self.refused(self.garner, 1, "destination", "edit", "nowhere", "--accept-log", "1", says="there is no destination")
        os.rename(self.path("near"), self.path("elsewhere"))
        self.refused(self.garner, 1, "destination", "edit", "far", "--index-from", "near", says="near")
        self.assertEqual("", self.shown()["index_from"])


class AcceptLogTest(Case):
    def setUp(self):
        super().setUp()
        self.garner = self.daemon()
        self.garner.json("destination", "add", "disk", self.path("repository"))
        self.write("source/file", os.urandom(100_000))
        self.garner.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        self.first = self.garner.backup("set")["snapshot_id"]
        shutil.copytree(self.path("repository"), self.path("copy"))

    def put_copy_back(self):
        self.garner.stop()
        shutil.rmtree(self.path("repository"))
        shutil.copytree(self.path("copy"), self.path("repository"))
        self.garner.start()

    def accept(self):
        """With the number that the refusal names."""
        shown = self.garner.json("destination", "show", "disk")
        self.assertEqual("DESTINATION_STATE_REFUSED", shown["state"])
        number = shown["detail"].rsplit(" ", 1)[1]
        self.assertIn("--accept-log " + number, shown["detail"])
        wrong = str(int(number) + 1)
        self.refused(self.garner, 1, "destination", "edit", "disk", "--accept-log", wrong, says="and not " + wrong)
        done = self.garner.run("destination", "edit", "disk", "--accept-log", number)
        self.assertIn("ready", done.stdout)

    def test_rolled_back(self):
        self.write("source/new", os.urandom(50_000))
        self.garner.backup("set")
        self.put_copy_back()
        self.fails(self.garner, "set", "--accept-log")
        self.accept()
        self.assertEqual([self.first], [one["id"] for one in self.garner.json("snapshots")["snapshots"]])
        # What was lost with the disk is stored again.
        run = self.garner.backup("set")
        self.assertGreaterEqual(int(run["read_bytes"]), 50_000)
        self.garner.run("restore", "latest", "--to", self.path("restored"))
        check_equal(self, self.path("source"), self.path("restored"))
        self.assertEqual(0, self.garner.run("check", "--read-data").returncode)

    def test_copy_that_lacks_packs(self):
        for pack in os.listdir(self.path("copy", "packs")):
            shutil.rmtree(self.path("copy", "packs", pack))
            break
        self.write("source/new", os.urandom(50_000))
        self.garner.backup("set")
        self.put_copy_back()
        number = self.garner.json("destination", "show", "disk")["detail"].rsplit(" ", 1)[1]
        self.refused(self.garner, 6, "destination", "edit", "disk", "--accept-log", number, says="garner repair")
        self.fails(self.garner, "set", "--accept-log")
        self.garner.run("repair", "--destination", "disk", check=False)  # it tells what snapshots lack
        self.garner.backup("set")
        self.garner.run("restore", "latest", "--to", self.path("restored"))
        check_equal(self, self.path("source"), self.path("restored"))
        self.assertEqual(0, self.garner.run("check", "--read-data").returncode)

    def test_forked(self):
        other = self.daemon("other")
        self.garner.run("key", "add", "--key-file", self.key_file())
        shutil.copytree(self.path("repository"), self.path("copy"), dirs_exist_ok=True)
        self.write("source/new", os.urandom(50_000))
        self.garner.backup("set")
        self.put_copy_back()
        other.run("destination", "add", "disk", self.path("repository"), "--key-file", self.path("key"))
        other.run("set", "add", "other", "--source", self.path("source"), "--destination", "disk")
        for _ in range(3):
            other.backup("other")
        self.fails(self.garner, "set", "--accept-log")
        self.accept()
        self.garner.backup("set")
        self.assertEqual(5, len(self.garner.json("snapshots")["snapshots"]))
        other.backup("other")
        self.assertEqual(0, self.garner.run("check", "--read-data").returncode)

    def key_file(self):
        self.write("key", os.urandom(32))
        os.chmod(self.path("key"), 0o600)
        return self.path("key")


if __name__ == "__main__":
    unittest.main()
