"""garner versions: what has stood at a path, what differs between two versions, and a restore of one."""

import os
import unittest

from case import Case


class Versions(Case):
    def setUp(self):
        super().setUp()
        self.garner = self.ready(self.path("source"))
        self.made = []

    def put(self, content, name="source/list.txt", seconds=0):
        path = self.write(name, content)
        os.utime(path, (1_700_000_000 + seconds,) * 2)
        return path

    def back_up(self, **options):
        self.made.append(self.garner.backup("set", **options)["snapshot_id"])

    def history(self):
        """Version 3, seen twice; 2, with nothing between it and 1; and 1, with nothing after it."""
        self.file = self.put("one\ntwo\n")
        self.back_up()
        self.put("other", "source/other")
        self.back_up()
        self.put("one\n2\n", seconds=5)
        self.back_up()
        os.remove(self.file)
        self.back_up()
        self.put("one\n2\nthree\n", seconds=9)
        self.back_up()
        os.remove(self.file)
        self.back_up()

    def test_listed(self):
        self.history()
        found = self.garner.json("versions", self.file)
        one, two, three = found["versions"]
        self.assertEqual([1, 2, 3], [version["number"] for version in (one, two, three)])
        self.assertEqual((self.made[0], self.made[1], 2),
                         (three["first_snapshot"], three["last_snapshot"], int(three["snapshots"])))
        self.assertEqual((8, ["disk"], "file"),
                         (int(three["entry"]["size"]), three["destinations"], three["entry"]["type"]))
        self.assertEqual(self.made[4], one["last_snapshot"])
        since, between = found["gaps"]
        self.assertEqual((self.made[5], False), (since["first_snapshot"], since["ended"]))
        self.assertEqual((self.made[3], True), (between["first_snapshot"], between["ended"]))
        self.assertEqual((6, []), (int(found["snapshots"]), found["errors"]))
        lines = self.garner.run("versions", self.file).stdout.splitlines()
        self.assertEqual(["#", "-", "1", "-", "2", "3"], [line.split()[0] for line in lines])
        self.assertIn("gone", lines[1])
        # Relative to the client's folder.
        there = self.garner.run("versions", "list.txt", cwd=self.path("source")).stdout
        self.assertEqual(lines, there.splitlines())
        # Of a folder, all that is in it counts.
        self.assertEqual(6, len(self.garner.json("versions", self.path("source"))["versions"]))

    def test_chosen(self):
        self.history()
        numbers = lambda *arguments: [version["number"]
                                      for version in self.garner.json("versions", self.file, *arguments)["versions"]]
        self.assertEqual([3], numbers(self.made[0][:12]))
        self.assertEqual([2, 3], numbers("set", "~3..~5"))
        self.assertEqual([1], numbers("set@latest", "set~1"))
        self.assertEqual([1, 2, 3], numbers("--since", "an hour ago"))
        self.assertEqual([], numbers("--until", "an hour ago"))
        empty = self.garner.run("versions", self.file, "latest")
        self.assertEqual(("", "None of these snapshots has anything there.\n"), (empty.stdout, empty.stderr))
        self.refused(self.garner, 1, "versions", self.path("source", "othr"), says=("no snapshot has it", "mean other"))
        self.refused(self.garner, 1, "versions", self.path("elsewhere"), says="in its sources")
        self.refused(self.garner, 1, "versions", self.file, "set~9", says="set~5")

    def test_restored(self):
        self.history()
        for number, content in ((1, "one\n2\nthree\n"), (2, "one\n2\n"), (3, "one\ntwo\n")):
            target = self.path(f"target {number}")
            done = self.garner.run("restore", "--version", str(number), self.file, "--to", target)
            self.assertIn(f"version {number}", done.stderr)
            with open(os.path.join(target, "list.txt"), encoding="utf-8") as file:
                self.assertEqual(content, file.read())
        self.refused(self.garner, 1, "restore", "--version", "4", self.file, "--to", self.path("target 4"),
                     says=("has no version 4", "1 to 3"))
        self.assertFalse(os.path.exists(self.path("target 4")))
        self.refused(self.garner, 1, "restore", "--version", "1", self.path("elsewhere"), "--to", self.path("target 5"),
                     says="in its sources")

    def test_compared(self):
        self.history()
        diff = self.garner.run("versions", self.file, "--diff", "3", "2").stdout.splitlines()
        self.assertTrue(diff[0].startswith(f"--- {self.file} (version 3, last seen "), diff)
        self.assertTrue(diff[1].startswith(f"+++ {self.file} (version 2, last seen "), diff)
        self.assertEqual([" one", "-two", "+2"], diff[3:])
        back = self.garner.run("versions", self.file, "--diff", "1", "2").stdout.splitlines()
        self.assertEqual([" one", " 2", "-three"], back[3:])
        same = self.garner.run("versions", self.file, "--diff", "2", "2")
        self.assertEqual(("", "Both have the same content.\n"), (same.stdout, same.stderr))
        self.refused(self.garner, 1, "versions", self.file, "--diff", "1", "4", says="has no version 4")
        self.refused(self.garner, 1, "versions", self.path("source"), "--diff", "1", "2", says=("is a folder", "garner diff"))

    def test_what_is_no_text_or_too_long(self):
        binary = self.put(b"\0one", "source/binary")
        long = self.put("x" * (8 * 1024 * 1024 + 1), "source/long")
        limit = self.put("y" * (8 * 1024 * 1024 - 1) + "\n", "source/limit")
        self.back_up()
        self.put(b"\0two", "source/binary")
        self.put("x", "source/long")
        self.put("y\n", "source/limit")
        self.back_up()
        self.assertEqual("They differ, and are no text.\n", self.garner.run("versions", binary, "--diff", "2", "1").stdout)
        self.refused(self.garner, 1, "versions", long, "--diff", "2", "1", says=("version 2", "8.0 MiB are compared"))
        self.assertTrue(self.garner.run("versions", limit, "--diff", "2", "1").stdout.endswith("\n+y\n"))

    def test_several_destinations(self):
        self.garner.run("destination", "add", "other", self.path("other disk"))
        self.garner.run("set", "edit", "set", "--destination", "disk", "other")
        file = self.put("one")
        self.garner.backup("set", "--destination", "disk")
        self.put("other", "source/other")
        self.garner.backup("set", "--destination", "other")
        version, = self.garner.json("versions", file)["versions"]
        self.assertEqual((["disk", "other"], 2), (version["destinations"], int(version["snapshots"])))
        os.rename(self.path("other disk"), self.path("away"))
        version, = self.garner.json("versions", file, check=False)["versions"]
        self.assertIn("disk", version["destinations"])


if __name__ == "__main__":
    unittest.main()
