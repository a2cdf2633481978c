"""Folders that hold one another: links in a circle, mounts of a folder above, sources, repositories and the state folder
in each other. Each is noticed, told once where it is told at all, and never followed."""

import os
import shutil
import subprocess
import unittest

import compare_trees
from case import Case


class Circles(Case):
    def test_a_mount_of_a_folder_above(self):
        """The source again, deep within itself, and a folder in the middle of the way."""
        self.write("source/a/b/file", "deep")
        self.write("source/beside", "top")
        for place in ("source/a/b/again", "source/a/b/middle"):
            os.makedirs(self.path(place))
        mounts = " && ".join(f"mount --bind '{self.path(what)}' '{self.path('source/a/b', place)}'"
                             for what, place in (("source", "again"), ("source/a", "middle")))
        wrapper = ["unshare", "--mount", "sh", "-c", mounts + ' && exec "$@"', "sh"]
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this user has no mounts of his own")
        daemon = self.daemon(start=False)
        daemon.start(wrapper=wrapper)
        daemon.run("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        for _ in range(2):
            run = daemon.backup("set", codes=(3,))
            errors = daemon.json("errors", run["run_id"])["errors"]
            self.assertEqual({self.path("source/a/b", place) for place in ("again", "middle")},
                             {error["path"] for error in errors})
            self.assertTrue(all("circle" in error["message"] for error in errors))
        self.assertIn("circle", daemon.json("set", "explain", "set", self.path("source/a/b/again/beside"))["reason"])
        daemon.run("restore", "set@latest", "--to", self.path("restored"))
        for place in ("again", "middle"):
            os.rmdir(self.path("source/a/b", place))
            self.assertFalse(os.path.exists(self.path("restored/a/b", place)))
        self.assertEqual([], [line for line in compare_trees.rsync_differences(self.path("source"), self.path("restored"))
                              if not line.endswith("a/b/")])

    def test_links_in_a_circle_are_links(self):
        self.write("source/file", "x")
        for name, target in (("self", "self"), ("up", ".."), ("one", "two"), ("two", "one"), ("dot", ".")):
            os.symlink(target, self.path("source", name))
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        daemon.run("restore", "set@latest", "--to", self.path("restored"))
        self.assertEqual([], compare_trees.rsync_differences(self.path("source"), self.path("restored")))

    def test_a_source_that_is_a_link(self):
        self.write("real/file", "x")
        self.write("real/below/file", "x")
        os.symlink("real", self.path("link"))
        daemon = self.ready(self.path("link"))
        daemon.backup("set")
        daemon.run("restore", "set@latest", "--to", self.path("restored"))
        self.assertEqual([], compare_trees.rsync_differences(self.path("real"), self.path("restored")))
        # However the path is written, it is the set's.
        for path in ("link/below/file", "real/below/file", "real/below/../below/file"):
            self.assertTrue(daemon.json("set", "explain", "set", self.path(path))["included"], path)
        # A source that has come to be a circle is told as one.
        os.remove(self.path("link"))
        os.symlink("link", self.path("link"))
        run = daemon.json("backup", "set", check=False)
        self.assertIn("symbolic links", str(run) + daemon.log())

    def test_sources_repositories_and_the_state_folder_in_each_other(self):
        """All in one folder, which is the source."""
        self.write("source/file", "x")
        daemon = self.daemon("source/state")
        daemon.run("destination", "add", "disk", self.path("source/repository"))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        daemon.backup("set")
        run = daemon.backup("set")
        self.assertEqual(("1", "0"), (run["files"], run["error_count"]))
        for name in ("state", "repository"):
            answer = daemon.json("set", "explain", "set", self.path("source", name, "file"))
            self.assertFalse(answer["included"])
            self.assertIn(name, answer["reason"])
        os.symlink("source", self.path("link"))
        for place, says in (("source/repository", "repository"), ("source/repository/packs", "repository"),
                            ("source/state", "state folder"), ("link/state/keys", "state folder")):
            self.refused(daemon, 2, "set", "add", "bad", "--source", self.path(place), "--destination", "disk", says=says)
        os.makedirs(self.path("source/below"))
        for inner in ("source/below", "link/below", "link"):
            self.refused(daemon, 2, "set", "add", "bad", "--source", self.path("source"), "--source", self.path(inner),
                         "--destination", "disk", says="inside")

    def test_a_destination_within_another_is_refused(self):
        daemon = self.ready(self.path("source"))
        os.symlink("repository", self.path("link"))
        for place in ("repository/packs/below", "link/below"):
            self.refused(daemon, 2, "destination", "add", "other", self.path(place), says="repository")

    def test_whose_path_it_is(self):
        """Through links into another source the path is that source's; links in a circle name nothing."""
        self.write("one/file", "x")
        self.write("two/file", "x")
        daemon = self.ready(self.path("one"), backup_set="one")
        daemon.run("set", "add", "two", "--source", self.path("two"), "--destination", "disk")
        os.symlink("../two", self.path("one/other"))
        added = daemon.json("ignore", self.path("one/other/file"))["rules"]
        self.assertEqual([("two", self.path("two/file"))], [(rule["set"], rule["path"]) for rule in added])
        # The link itself is the first one's.
        added = daemon.json("ignore", "--dry-run", self.path("one/other"))["rules"]
        self.assertEqual(["one"], [rule["set"] for rule in added])
        os.symlink("round", self.path("one/round"))
        for command in (("ignore",), ("set", "explain", "one")):
            self.refused(daemon, 2, *command, self.path("one/round/file"), says="circle")
        # A set of which this one holds the source has it, too.
        daemon.run("set", "add", "all", "--source", self.folder, "--destination", "disk")
        added = daemon.json("ignore", "--dry-run", self.path("one/file"))["rules"]
        self.assertEqual(["all", "one"], sorted(rule["set"] for rule in added))
        # What is gone is looked up by its letters.
        shutil.rmtree(self.path("two"))
        added = daemon.json("ignore", "--dry-run", self.path("two/gone/file"))["rules"]
        self.assertEqual(["all", "two"], sorted(rule["set"] for rule in added))


if __name__ == "__main__":
    unittest.main()
