"""The list of snapshots with the real daemon: chosen by SELECTORs and times, in order, with columns, as JSON."""

import os
import unittest

from case import Case


class Snapshots(Case):
    def ids(self, daemon, *arguments, **options):
        return [one["id"] for one in daemon.json("snapshots", *arguments, **options)["snapshots"]]

    def setUp(self):
        super().setUp()
        self.garner = self.ready(self.path("source"))
        self.write("other/file", "x")
        self.garner.run("set", "add", "etc", "--source", self.path("other"), "--destination", "disk")
        made = []
        for size in (10, 1000, 100):
            self.write("source/file", os.urandom(size))
            made.append(self.garner.backup("set")["snapshot_id"])
        self.etc = self.garner.backup("etc")["snapshot_id"]
        self.made = made[::-1]  # newest first
        self.all = [self.etc, *self.made]

    def test_chosen(self):
        self.assertEqual(self.all, self.ids(self.garner))
        self.assertEqual(self.made, self.ids(self.garner, "set"))
        self.assertEqual(self.made[1:], self.ids(self.garner, "set", "~1..~9"))
        self.assertEqual(self.made[:2], self.ids(self.garner, "set~1..~0"))
        self.assertEqual([self.etc, self.made[2]], self.ids(self.garner, "etc@latest", self.made[2][:12]))
        self.assertEqual(self.all, self.ids(self.garner, "an hour ago..now"))
        self.assertEqual(self.made, self.ids(self.garner, "set", "1 year ago..now"))
        self.assertEqual([self.made[0]], self.ids(self.garner, "set@now"))
        self.refused(self.garner, 1, "snapshots", "set", "~7", says="the oldest is set~2")
        self.refused(self.garner, 1, "snapshots", "1999-01-01..2 weeks ago", says="no snapshot is in the range")
        self.refused(self.garner, 2, "snapshots", "sett", says=("chooses no snapshot", "did you mean set"))
        self.refused(self.garner, 2, "snapshots", "teatime..now", says=("is no range", "2 weeks ago"))
        self.refused(self.garner, 2, "snapshots", "~0..~1", says="write SET~0..~1")

    def test_bounded(self):
        self.assertEqual(self.all, self.ids(self.garner, "--since", "an hour ago", "--until", "now"))
        self.assertEqual([], self.ids(self.garner, "--until", "an hour ago"))
        self.assertEqual([], self.ids(self.garner, "--host", "nowhere"))
        self.assertEqual([self.etc], self.ids(self.garner, "--path", self.path("other/file")))
        self.assertEqual(self.all[:2], self.ids(self.garner, "--limit", "2"))
        self.assertEqual([self.made[1]], self.ids(self.garner, "--sort", "bytes", "--limit", "1"))
        self.assertEqual(self.all, self.ids(self.garner, "--sort", "set"))
        self.refused(self.garner, 2, "snapshots", "--since", "teatime", says=("\"teatime\" is no time", "2 weeks ago"))
        self.refused(self.garner, 2, "snapshots", "--since", "now", "--until", "a day ago", says="later")
        empty = self.garner.run("snapshots", "--until", "an hour ago")
        self.assertEqual(("", "No snapshot is like that.\n"), (empty.stdout, empty.stderr))

    def test_zone(self):
        """Times are those of who asks, not of the daemon."""
        def listed(zone):
            done = self.garner.run("snapshots", "set", "--columns", "time", "--limit", "1", env={**os.environ, "TZ": zone})
            return done.stdout.splitlines()[1]
        there = {**os.environ, "TZ": "Pacific/Kiritimati"}
        shown = listed("Pacific/Kiritimati")
        self.assertNotEqual(listed("UTC"), shown)
        # What is shown there chooses the same there, to the second.
        self.assertEqual([self.made[0]], self.ids(self.garner, "set@" + shown, env=there))
        self.refused(self.garner, 1, "snapshots", "set@" + listed("Pacific/Pago_Pago"), says="at or before")
        self.assertNotEqual([], self.garner.json("ls", f"set@{shown}:{self.path('source')}", env=there)["entries"])
        nowhere = {**os.environ, "TZ": "Mars/Olympus"}
        self.assertEqual(self.made, self.ids(self.garner, "set", env=nowhere))
        done = self.garner.run("snapshots", "--since", "today", check=False, env=nowhere)
        self.assertEqual(2, done.returncode)
        self.assertIn("'Mars/Olympus' is no time zone", done.stderr)

    def test_shown(self):
        lines = self.garner.run("snapshots", "etc", "--columns", "set,id,files,at").stdout.splitlines()
        self.assertEqual(["SET", "ID", "FILES", "AT"], lines[0].split())
        self.assertEqual(["etc", self.etc[:12], "1", "disk"], lines[1].split())
        grouped = self.garner.run("snapshots", "set", "--columns", "id", "--group-by", "month").stdout.splitlines()
        self.assertRegex(grouped[1], r"\A[A-Z][a-z]+ 20\d\d\Z")
        self.assertLessEqual({one[:12] for one in self.made}, set(grouped))

    def test_tags(self):
        daemon = self.garner
        oldest, middle, newest = self.made[::-1]
        self.assertNotIn("TAGS", daemon.run("snapshots").stdout)
        told = daemon.json("tag", "set~2..~1", oldest, "--add", "draft", "--add", "before:upgrade")["snapshots"]
        self.assertEqual([oldest, middle], sorted((one["id"] for one in told), key=[oldest, middle].index))
        self.assertEqual([(["before:upgrade", "draft"], True)] * 2, [(one["tags"], one["changed"]) for one in told])
        self.assertIn("had and has before:upgrade, draft", daemon.run("tag", oldest, "--add", "draft").stdout)
        daemon.run("tag", newest, "--set", "before:upgrade")
        self.assertEqual(self.made, self.ids(daemon, "--tag", "before:upgrade"))
        self.assertEqual([middle, oldest], self.ids(daemon, "--tag", "draft", "--tag", "before:upgrade"))
        self.assertEqual([oldest], self.ids(daemon, "set", "~2", "--tag", "draft"))
        self.assertEqual([], self.ids(daemon, "--tag", "Draft"))
        table = daemon.run("snapshots", "set").stdout.splitlines()
        self.assertIn("TAGS", table[0])
        self.assertIn("before:upgrade, draft", table[3])
        # They are in the repository: another machine reads them with the log, and may not change them.
        other = self.daemon("other")
        other.run("destination", "add", "disk", self.path("repository"), "--recovery-key-file", self.path("recovery"))
        self.assertEqual([middle, oldest], self.ids(other, "--tag", "draft"))
        self.refused(other, 5, "tag", newest, "--clear", says="may only add")
        daemon.stop()
        daemon.start()

        # What is not found forgets nothing, though the set has a rule of its own.
        daemon.run("set", "edit", "set", "--keep-last", "1")
        self.refused(daemon, 1, "forget", "set", "--tag", "daft", says="has these tags")
        self.refused(daemon, 1, "forget", newest, "--tag", "draft", says="has these tags")
        self.assertEqual(self.all, self.ids(daemon))
        told = daemon.json("forget", "set", "--tag", "draft", "--dry-run")["forget"]
        self.assertEqual({middle, oldest}, {one["id"] for one in told["snapshots"]})
        self.assertEqual(self.all, self.ids(daemon))
        self.assertIn("had and has before:upgrade", daemon.run("tag", newest, "--remove", "draft").stdout)
        self.assertIn("now has no tag", daemon.run("tag", middle, "--clear").stdout)
        daemon.run("forget", "--tag", "draft")
        self.assertEqual([self.etc, newest, middle], self.ids(daemon))
        self.refused(daemon, 1, "tag", newest, "ffffffffffff", "--add", "x", says="ffffffffffff")
        self.assertEqual([], self.ids(daemon, "--tag", "x"))
        self.assertEqual(0, daemon.run("check").returncode)

    def test_forget_chooses_the_same(self):
        self.assertEqual(self.made[1:], self.ids(self.garner, "set", "~1..~2"))
        # The latest of all is another set's; forget's is the set's own, and no other one can be named.
        self.assertEqual(self.made[:1], self.ids(self.garner, "set", "latest"))
        self.refused(self.garner, 2, "forget", "set", self.etc, says='of the set "etc"')
        told = self.garner.json("forget", "set", "latest", "--dry-run")["forget"]
        self.assertEqual(self.made[:1], [one["id"] for one in told["snapshots"] if one["forgotten"]])
        self.garner.run("forget", "set", "~1..~2")
        self.assertEqual([self.etc, self.made[0]], self.ids(self.garner))
        self.garner.run("forget", "set", "an hour ago..now")
        self.assertEqual([self.etc], self.ids(self.garner))


if __name__ == "__main__":
    unittest.main()
