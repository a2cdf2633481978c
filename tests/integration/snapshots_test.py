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

    def test_forget_chooses_the_same(self):
        self.assertEqual(self.made[1:], self.ids(self.garner, "set", "~1..~2"))
        self.garner.run("forget", "set", "~1..~2")
        self.assertEqual([self.etc, self.made[0]], self.ids(self.garner))
        self.garner.run("forget", "set", "an hour ago..now")
        self.assertEqual([self.etc], self.ids(self.garner))


if __name__ == "__main__":
    unittest.main()
