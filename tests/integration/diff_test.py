"""garner diff: what changed between two snapshots, as text and as JSON."""

import os
import shutil
import unittest

from case import Case


class Diff(Case):
    def lines(self, daemon, *arguments):
        """The changes, without the summary, with paths below the source."""
        text = daemon.run("diff", *arguments).stdout.replace(self.path("source"), "")
        changes = text.split("\n\n")[0] if "\n\n" in text else ""
        return changes.splitlines()

    def changed(self):
        """A daemon with two snapshots, between which each kind of change has happened."""
        for name in ("same", "content", "gone", "moved/old name", "mode", "type", "folder/a", "folder/b"):
            self.write("source/" + name, "first " + name)
        os.symlink("a", self.path("source", "link"))
        daemon = self.ready(self.path("source"))
        self.before = daemon.backup("set")["snapshot_id"]
        self.write("source/content", "second, and longer")
        os.remove(self.path("source", "gone"))
        os.makedirs(self.path("source", "there"))
        os.rename(self.path("source", "moved", "old name"), self.path("source", "there", "new name"))
        os.chmod(self.path("source", "mode"), 0o600)
        os.remove(self.path("source", "type"))
        self.write("source/type/inside", "in a folder now")
        shutil.rmtree(self.path("source", "folder"))
        self.write("source/new", "new")
        os.remove(self.path("source", "link"))
        os.symlink("b", self.path("source", "link"))
        self.after = daemon.backup("set")["snapshot_id"]
        return daemon

    def test_changes(self):
        daemon = self.changed()
        wanted = ["M /content", "- /folder/", "- /folder/a", "- /folder/b", "- /gone", "M /link", "+ /new", "+ /there/",
                  "R /moved/old name -> /there/new name", "T /type/ (file -> folder)", "+ /type/inside"]
        self.assertEqual(wanted, self.lines(daemon, "set~1", "set@latest"))
        self.assertEqual(wanted, self.lines(daemon, self.before, self.after[:8]))
        with_metadata = self.lines(daemon, "set~1", "set@latest", "--metadata")
        self.assertIn("m /mode (mode)", with_metadata)
        self.assertIn("m /moved/ (mtime)", with_metadata)
        # The other way round it is all the other way round.
        back = self.lines(daemon, "set@latest", "set~1")
        self.assertIn("R /there/new name -> /moved/old name", back)
        self.assertIn("+ /folder/a", back)
        self.assertIn("- /new", back)
        # The summary alone, and of what is the same.
        summary = daemon.run("diff", "set~1", "latest", "--summary").stdout
        self.assertNotIn(self.path("source"), summary)
        self.assertIn("Renamed", summary)
        self.assertEqual("Nothing has changed.\n", daemon.run("diff", "latest", "set@latest").stdout)

    def test_json(self):
        daemon = self.changed()
        answer = daemon.json("diff", "set~1", "set@latest")
        self.assertEqual({"changes", "errors", "summary"}, set(answer))
        self.assertEqual([], answer["errors"])
        by_kind = {}
        for change in answer["changes"]:
            by_kind.setdefault(change["kind"].removeprefix("DIFF_KIND_"), []).append(change)
        self.assertNotIn("METADATA", by_kind)
        renamed, = by_kind["RENAMED"]
        self.assertEqual((self.path("source", "moved", "old name"), self.path("source", "there", "new name")),
                         (renamed["old_path"], renamed["path"]))
        content = by_kind["CHANGED"][0]
        self.assertEqual((13, 18, "file"), (int(content["old_size"]), int(content["size"]), content["type"]))
        self.assertEqual(["target"], [field for field in by_kind["CHANGED"][1]["fields"] if field == "target"])
        self.assertEqual("file", by_kind["TYPE"][0]["old_type"])
        summary = answer["summary"]
        self.assertEqual((2, 2, 4, 1), (int(summary["added"]["files"]), int(summary["added"]["folders"]),
                                        int(summary["removed"]["files"]), int(summary["removed"]["folders"])))
        self.assertEqual((2, 1, 1, 0), tuple(int(summary[key]) for key in ("changed", "renamed", "type_changed", "errors")))
        kinds = {change["kind"] for change in daemon.json("diff", "set~1", "latest", "--metadata")["changes"]}
        self.assertIn("DIFF_KIND_METADATA", kinds)
        alone = daemon.json("diff", "set~1", "latest", "--summary")
        self.assertEqual(([], summary), (alone["changes"], alone["summary"]))

    def test_paths(self):
        daemon = self.changed()
        # Relative to the only source, in either or both; as a path of the machine.
        for one, other in (("set~1:folder", "set~1:folder"), ("set~1", "latest:same"), ("set~1:same", "latest:same")):
            self.assertEqual("Nothing has changed.\n", daemon.run("diff", one, other).stdout)
        self.assertEqual(["M /content"], self.lines(daemon, "set~1:" + self.path("source", "content"), "latest"))
        # One folder with another one.
        self.assertEqual(["+ /type/inside", "- /moved/old name"], self.lines(daemon, "set~1:moved", "latest:type"))
        self.refused(daemon, 1, "diff", "set~1", "latest:folder", says=(self.after[:12], "folder"))
        self.refused(daemon, 1, "diff", "set~1", "sett@latest", says="set")

    def test_another_destination(self):
        """The older snapshot is at one destination, the newer one at another."""
        self.write("source/a", "first")
        daemon = self.ready(self.path("source"))
        daemon.run("destination", "add", "other", self.path("other"))
        daemon.run("set", "edit", "set", "--destination", "disk", "other")
        daemon.backup("set", "--destination", "disk")
        self.write("source/b", "second")
        daemon.backup("set", "--destination", "other")
        self.assertEqual(["+ /b"], self.lines(daemon, "set~1", "latest"))

    def test_many(self):
        """More than a page, and a folder that was renamed with all that is in it."""
        self.write("source/a", "x")
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        names = [f"folder{i % 7}/{i:05}" for i in range(3000)]
        for name in names:
            self.write("source/" + name, name)
        daemon.backup("set")
        wanted = sorted(["+ /" + name for name in names] + [f"+ /folder{i}/" for i in range(7)])
        self.assertEqual(wanted, self.lines(daemon, "set~1", "latest"))
        os.rename(self.path("source", "folder3"), self.path("source", "renamed"))
        daemon.backup("set")
        moved = self.lines(daemon, "set~1", "latest")
        self.assertEqual(["- /folder3/", "+ /renamed/"], [line for line in moved if not line.startswith("R ")])
        self.assertEqual(sum(name.startswith("folder3") for name in names), len(moved) - 2)


if __name__ == "__main__":
    unittest.main()
