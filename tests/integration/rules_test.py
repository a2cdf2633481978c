"""Rules and .track files: what is left out, read once, read always; explain and ignore; links in a circle."""

import os
import unittest

from case import Case


class Rules(Case):
    def held(self, daemon, number=[0]):
        """Content of the files of the latest snapshot, by path below the source."""
        number[0] += 1
        target = self.path(f"restored{number[0]}")
        daemon.run("restore", "set@latest", "--to", target)
        found = {}
        for folder, _, files in os.walk(target):
            for name in files:
                with open(os.path.join(folder, name)) as file:
                    found[os.path.relpath(os.path.join(folder, name), target)] = file.read()
        return found

    def explained(self, daemon, path):
        return daemon.json("set", "explain", "set", path)

    def test_classes(self):
        for name in ("plain", "object.o", "photo.jpg", "base.db"):
            self.write("source/" + name, "first")
        self.write("source/below/object.o", "first")
        daemon = self.ready(self.path("source"))
        daemon.run("set", "edit", "set", "--rule", "ignore *.o", "--rule", "once *.jpg", "--rule", "always *.db")
        daemon.backup("set")
        self.assertEqual({"plain", "photo.jpg", "base.db"}, set(self.held(daemon)))
        for name in ("plain", "photo.jpg", "base.db"):
            self.write("source/" + name, "second")
        self.write("source/below/.track", "auto *.o\n")
        second = daemon.backup("set")
        self.assertEqual(0, int(second["error_count"]))
        held = self.held(daemon)
        self.assertEqual({"plain": "second", "photo.jpg": "first", "base.db": "second", "below/object.o": "first",
                          "below/.track": "auto *.o\n"}, held)
        # The rules are the set's own, and stay when the daemon starts again; so does what was read once.
        daemon.stop()
        daemon.start()
        daemon.backup("set", "--full-scan")
        self.assertEqual(held, self.held(daemon))
        self.assertEqual(["ignore *.o", "once *.jpg", "always *.db"], daemon.json("set", "show", "set")["rules"])
        self.assertIn('"once *.jpg"', daemon.run("config", "export").stdout)

    def test_classes_after_renames_and_without_the_state(self):
        for name in ("moved.jpg", "stays.jpg", "one.db", "plain"):
            self.write("source/" + name, "first")
        rules = ("--rule", "once *.jpg", "--rule", "always *.db")
        daemon = self.ready(self.path("source"))
        daemon.run("set", "edit", "set", *rules)
        daemon.backup("set")
        for name in ("moved.jpg", "stays.jpg"):
            self.write("source/" + name, "second")
        # A renamed file is a new file, and new to its class as well.
        for name, new in (("moved.jpg", "renamed.jpg"), ("one.db", "other.db")):
            os.rename(self.path("source", name), self.path("source", new))
        daemon.backup("set")
        expected = {"renamed.jpg": "second", "stays.jpg": "first", "other.db": "first", "plain": "first"}
        self.assertEqual(expected, self.held(daemon))
        self.write("source/renamed.jpg", "third")
        self.assertEqual(len("first"), int(daemon.backup("set")["read_bytes"]))  # of other.db, which is always read
        self.assertEqual(expected, self.held(daemon))
        # On another machine, as it were: what was read once stands in the snapshots.
        daemon.stop()
        other = self.daemon("new state")
        other.run("destination", "add", "disk", self.path("repository"), "--recovery-key-file", self.path("recovery"))
        other.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk", *rules)
        self.assertEqual(len("first"), int(other.backup("set")["read_bytes"]))
        self.assertEqual(expected, self.held(other))
        # Without the rules they are files like others.
        other.run("set", "edit", "set", "--no-rules")
        other.backup("set")
        self.assertEqual(expected | {"renamed.jpg": "third", "stays.jpg": "second"}, self.held(other))

    def test_explain(self):
        self.write("source/.track", "\nignore *.o\n")
        self.write("source/a.o", "")
        daemon = self.ready(self.path("source"))
        daemon.run("set", "edit", "set", "--rule", "auto a.o")
        answer = self.explained(daemon, self.path("source", "a.o"))
        self.assertFalse(answer["included"])
        self.assertEqual(("ignore *.o", self.path("source", ".track"), 2),
                         (answer["decided_by"]["rule"], answer["decided_by"]["file"], answer["decided_by"]["line"]))
        self.assertEqual(["auto a.o"], [rule["rule"] for rule in answer["overridden"]])
        self.assertIn("sources", self.explained(daemon, self.path("elsewhere"))["reason"])
        os.symlink("loop2", self.path("loop1"))
        os.symlink("loop1", self.path("loop2"))
        self.refused(daemon, 2, "set", "explain", "set", self.path("loop1", "x"), says="circle")
        self.refused(daemon, 2, "set", "add", "bad", "--source", self.path("source"), "--destination", "disk",
                     "--rule", "shred *", says="rule 1")

    def test_ignore(self):
        for name in ("a b", "below/c", "below/d"):
            self.write("source/" + name, "x")
        daemon = self.ready(self.path("source"))
        added = daemon.json("ignore", self.path("source", "a b"))["rules"]
        self.assertEqual([("ignore /a\\ b", "")], [(rule["rule"], rule["file"]) for rule in added])
        track = self.write("source/below/.track", "# mine")
        os.chmod(track, 0o640)
        os.symlink("source", self.path("link"))
        tried = daemon.json("ignore", "--dry-run", self.path("link", "below", "c"))["rules"]
        self.assertEqual(("ignore /c", track), (tried[0]["rule"], tried[0]["file"]))
        daemon.run("ignore", self.path("link", "below", "c"))
        with open(track) as file:
            self.assertEqual("# mine\nignore /c\n", file.read())
        self.assertEqual(0o640, os.stat(track).st_mode & 0o7777)
        again = daemon.json("ignore", self.path("source", "below", "c"))["rules"]
        self.assertTrue(again[0]["existed"])
        daemon.backup("set")
        self.assertEqual({"below/d", "below/.track"}, set(self.held(daemon)))
        self.refused(daemon, 1, "ignore", self.path("elsewhere"), says="no set")

    def test_errors_end_after_ignore(self):
        """A line that is no rule, put right."""
        self.write("source/good", "x")
        self.write("source/bad/inside", "x")
        self.write("source/.track", "ignroe x\n")
        daemon = self.ready(self.path("source"))
        run = daemon.backup("set", codes=(3,))
        self.assertEqual(1, int(run["error_count"]))
        # The line is to be put right, not left out.
        self.assertEqual([], daemon.json("ignore", "--all-of", run["run_id"])["rules"])
        self.write("source/.track", "ignore x\n")
        self.assertEqual(0, int(daemon.backup("set")["error_count"]))


if __name__ == "__main__":
    unittest.main()
