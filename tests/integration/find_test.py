"""garner find: what has a name or path like that in any snapshot, as text and as JSON."""

import os
import re
import shutil
import unittest

from case import Case


class Find(Case):
    def found(self, daemon, *arguments):
        """Paths below the source, with the size and in how many snapshots; they are sorted as they come."""
        answer = daemon.json("find", *arguments)
        source = self.path("source")
        return [(match["path"].removeprefix(source), int(match["size"]), int(match["snapshots"]))
                for match in answer["matches"]]

    def three(self):
        """A daemon with three snapshots; `list` has two versions, `gone` is in the first two only."""
        for name in ("list", "gone", "docs/a.txt", "docs/old/B.TXT"):
            self.write("source/" + name, "first")
        os.symlink("list", self.path("source", "link"))
        daemon = self.ready(self.path("source"))
        self.ids = [daemon.backup("set")["snapshot_id"]]
        self.write("source/list", "second, and longer")
        self.ids.append(daemon.backup("set")["snapshot_id"])
        os.remove(self.path("source", "gone"))
        self.write("source/[x]", "brackets")
        self.ids.append(daemon.backup("set")["snapshot_id"])
        return daemon

    def test_names_and_paths(self):
        daemon = self.three()
        self.assertEqual([("/list", 5, 1), ("/list", 18, 2)], self.found(daemon, "list"))
        self.assertEqual([("/gone", 5, 2)], self.found(daemon, "g?ne"))
        self.assertEqual([("/docs/a.txt", 5, 3)], self.found(daemon, "*.txt"))
        both = [("/docs/a.txt", 5, 3), ("/docs/old/B.TXT", 5, 3)]
        self.assertEqual(both, self.found(daemon, "*.txt", "--ignore-case"))
        self.assertEqual(both, self.found(daemon, "B.*", "a.*"))
        self.assertEqual(both[:1], self.found(daemon, "docs/*.txt"))
        self.assertEqual(both, self.found(daemon, "docs/**", "--type", "f"))
        self.assertEqual(both[1:], self.found(daemon, "*", "--path", self.path("source", "docs", "old"), "--type", "f"))
        self.assertEqual(["/link"], [path for path, _, _ in self.found(daemon, "l*", "--type", "l")])
        # A pattern in brackets is no list to the command line.
        self.assertEqual([("/[x]", 8, 1)], self.found(daemon, "[[][x]]"))
        self.assertEqual([("/[x]", 8, 1), ("/list", 18, 2)], self.found(daemon, "*", "--size", "6..", "--type", "f"))

    def test_snapshots(self):
        daemon = self.three()
        first, second, third = self.ids
        match, = daemon.json("find", "gone")["matches"]
        self.assertEqual((first, second, "set", "file"),
                         (match["first_snapshot"], match["last_snapshot"], match["set"], match["type"]))
        self.assertEqual([("/list", 18, 1)], self.found(daemon, "list", "--in", "set", "--in", "~0"))
        self.assertEqual([("/list", 5, 1), ("/list", 18, 1)], self.found(daemon, "--in", "set~1..~2", "list"))
        self.assertEqual([("/list", 5, 1)], self.found(daemon, "list", "--in", first[:8]))
        self.assertEqual([("/list", 5, 1), ("/list", 18, 2)], self.found(daemon, "list", "--since", "1 hour ago"))
        self.refused(daemon, 1, "find", "list", "--until", "yesterday", says="no snapshot to search")
        self.refused(daemon, 1, "find", "list", "--in", "other@latest", says="other")
        # What is found is got back.
        daemon.run("restore", f"{match['last_snapshot']}:{match['path']}", "--to", self.path("back"))
        self.assertEqual(["gone"], os.listdir(self.path("back")))

    def test_text_and_exit_codes(self):
        daemon = self.three()
        text = daemon.run("find", "list", "docs/").stdout.splitlines()
        self.assertEqual([self.path("source", "docs") + "/", self.path("source", "list")],
                         [line for line in text if not line.startswith(" ")])
        facts = [line for line in text if line.startswith(" ")]
        self.assertEqual(3, len(facts))
        self.assertRegex(facts[1], rf"^    5 B  [-0-9]+ [0-9:]+  1 snapshot of set: {self.ids[0][:12]} ")
        self.assertRegex(facts[2], rf"2 snapshots of set: {self.ids[1][:12]} .* \.\. {self.ids[2][:12]} ")
        self.refused(daemon, 1, "find", "nothing*", says="Nothing is like that in 3 snapshots")
        self.refused(daemon, 2, "find", "[a", says="[ has no ]")
        limited = daemon.run("find", "*", "--limit", "2")
        self.assertIn("--limit", limited.stderr)
        self.assertEqual(2, len(re.findall(r"^    ", limited.stdout, re.MULTILINE)))
        nothing = daemon.run("--json", "find", "nothing", check=False)
        self.assertEqual((1, ""), (nothing.returncode, nothing.stderr))
        self.assertIn('{"matches":[],"errors":[],"summary":{"snapshots":"3"', nothing.stdout)

    def test_many(self):
        """More than a page, over a folder that is renamed with all that is in it."""
        for i in range(1500):
            self.write(f"source/folder/{i:04}", str(i))
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        os.rename(self.path("source", "folder"), self.path("source", "other"))
        daemon.backup("set")
        shutil.rmtree(self.path("source", "other"))
        self.write("source/other/0007", "anew")
        daemon.backup("set")
        found = self.found(daemon, "0*", "1*")
        self.assertEqual(3001, len(found))
        self.assertEqual([("/other/0007", 1, 1), ("/other/0007", 4, 1)],
                         [match for match in found if match[0] == "/other/0007"])

    def test_other_destinations_and_sets(self):
        self.write("source/a", "of both")
        daemon = self.ready(self.path("source"))
        daemon.run("destination", "add", "other", self.path("other"))
        daemon.run("set", "edit", "set", "--destination", "disk", "other")
        daemon.backup("set", "--destination", "disk")
        daemon.backup("set", "--destination", "other")
        self.assertEqual([("/a", 7, 2)], self.found(daemon, "a"))
        daemon.run("set", "add", "again", "--source", self.path("source"), "--destination", "disk")
        daemon.backup("again")
        self.assertEqual(["again", "set"], [match["set"] for match in daemon.json("find", "a")["matches"]])
        self.assertEqual([("/a", 7, 1)], self.found(daemon, "a", "--in", "again"))

    def test_noted_by_itself_and_again_what_was_removed(self):
        daemon = self.three()
        folder = os.path.join(daemon.state, "history")
        noted = lambda: [name for name in os.listdir(folder) if name.endswith(".sqlite")]
        self.wait(lambda: os.path.isdir(folder) and noted())
        shutil.rmtree(folder)
        self.assertEqual([("/gone", 5, 2)], self.found(daemon, "g?ne"))
        self.assertEqual(1, len(noted()))
        daemon.run("forget", self.ids[0])
        self.assertEqual([("/gone", 5, 1)], self.found(daemon, "g?ne"))
        self.assertEqual([("/list", 18, 2)], self.found(daemon, "list"))


if __name__ == "__main__":
    unittest.main()
