"""garner find --content, --blob and --pack: what points at something; and what only some snapshots hold: snapshots --sizes
and forget, against what a prune then takes."""

import glob
import os
import random
import unittest

from case import Case


class References(Case):
    def noise(self, size, seed):
        return random.Random(seed).randbytes(size)

    def below(self, answer):
        return [match["found"]["path"].removeprefix(self.path("source")) for match in answer["matches"]]

    def packs(self):
        return sorted(os.path.basename(path) for path in glob.glob(self.path("repository", "packs", "*", "*")))

    def test_content(self):
        large = self.noise(3_000_000, 1)
        self.write("source/large", large)
        self.write("source/docs/letter", "dear reader")
        daemon = self.ready(self.path("source"))
        first = daemon.backup("set")["snapshot_id"]
        changed = large[:1_500_000] + b"something else" + large[1_500_000:]
        self.write("source/large", changed)
        second = daemon.backup("set")["snapshot_id"]

        copy = self.write("copy", large)
        done = daemon.run("find", "--content", copy)
        self.assertEqual("Yes: 1 file in 1 snapshot has exactly this content.", done.stdout.splitlines()[0])
        answer = daemon.json("find", "--content", copy)
        self.assertEqual(["/large"], self.below(answer))
        match = answer["matches"][0]
        self.assertEqual((first, "1", "3000000", ["disk"]),
                         (match["found"]["last_snapshot"], match["found"]["snapshots"], match["bytes"],
                          match["destinations"]))
        self.assertEqual({"bytes": "3000000", "found_bytes": "3000000", "files": "1", "snapshots": "1"},
                         answer["content"])
        self.assertEqual("2", answer["summary"]["snapshots"])
        # What it was changed into, also where that is stored as differences.
        answer = daemon.json("find", "--content", self.path("source", "large"))
        self.assertEqual([second], [match["found"]["first_snapshot"] for match in answer["matches"]])
        # By a path from the working folder, and through a link.
        os.symlink(self.path("source", "docs", "letter"), self.path("link"))
        done = daemon.run("find", "--content", "link", cwd=self.folder)
        self.assertIn("/docs/letter", done.stdout)
        self.assertIn("2 snapshots", done.stdout)
        # Only the second snapshot.
        self.assertEqual(1, daemon.run("find", "--content", copy, "--in", "latest", check=False).returncode)

        # Partly there, and not at all.
        part = self.write("part", large[:2_000_000] + self.noise(1_000_000, 2))
        done = daemon.run("find", "--content", part, check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stdout.splitlines()[0],
                         r"^No file has exactly this content; [56]\d % of it \(1\.\d MiB\) is in backups, most of it in /.*/large\.$")
        answer = daemon.json("find", "--content", part, check=False)
        self.assertEqual(["/large"], self.below(answer))
        self.assertEqual(answer["content"]["found_bytes"], answer["matches"][0]["bytes"])
        other = self.write("other", self.noise(1_000_000, 3))
        done = daemon.run("find", "--content", other, check=False)
        self.assertEqual((1, "None of it is in any backup.\n"), (done.returncode, done.stdout))
        done = daemon.run("find", "--content", self.write("empty", ""), check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("is empty", done.stdout)

        self.refused(daemon, 1, "find", "--content", self.path("missing"), says="there is no file")
        self.refused(daemon, 2, "find", "--content", self.folder, says="is a folder")
        self.refused(daemon, 2, "find", "--content", "/dev/null", says="no regular file")

        # What only a forgotten snapshot had is found no more.
        daemon.run("forget", first)
        self.assertEqual("0", daemon.json("find", "--content", copy, check=False)["content"]["files"])
        daemon.run("prune", "--grace", "0")
        self.assertEqual("0", daemon.json("find", "--content", copy, check=False)["content"]["files"])

    def test_blobs_and_packs(self):
        self.write("source/small", "a small file")
        self.write("source/large", self.noise(3_000_000, 4))
        daemon = self.ready(self.path("source"))
        snapshot = daemon.backup("set")["snapshot_id"]
        self.assertTrue(self.packs())
        seen = set()
        for name in self.packs():
            answer = daemon.json("find", "--pack", name)["pack"]
            self.assertEqual((name, "disk"), (answer["name"], answer["destination"]))
            size = os.path.getsize(self.path("repository", "packs", name[:2], name))
            self.assertEqual(size, int(answer["stored_bytes"]))
            for part in answer["parts"]:
                seen.add(part["kind"])
                self.assertEqual((part["blobs"], part["bytes"]), (part["referenced_blobs"], part["referenced_bytes"]))
        self.assertLessEqual({"data", "tree page", "content list"}, seen)
        # As a file of the repository, and by its first digits.
        whole = daemon.json("find", "--pack", self.path("repository", "packs", name[:2], name))
        self.assertEqual(whole, daemon.json("find", "--pack", name[:8]))

        itself = daemon.run("find", "--blob", snapshot)
        self.assertEqual(f"It is a snapshot: garner ls {snapshot[:16]} shows what is in it.", itself.stdout.splitlines()[0])
        data = [name for name in self.packs()
                if {part["kind"] for part in daemon.json("find", "--pack", name)["pack"]["parts"]} == {"data"}]
        answer = daemon.json("find", "--pack", data[0])
        self.assertEqual(["/large", "/small"], self.below(answer))
        self.assertTrue(daemon.run("find", "--pack", data[0]).stdout.startswith(
            "2 files and folders in 1 snapshot have a part of it; all of its content is pointed at.\n"))

        missing = daemon.run("find", "--blob", "0" * 64, check=False)
        self.assertEqual(1, missing.returncode)
        self.assertIn("No destination that can be asked has blob", missing.stdout)
        self.refused(daemon, 1, "find", "--blob", "0" * 16, says="no destination that can be asked has a blob")
        self.refused(daemon, 1, "find", "--pack", "0" * 8, says="lists a pack")

        # A pack that is gone still tells what is lost with it.
        os.remove(self.path("repository", "packs", data[0][:2], data[0]))
        lost = daemon.run("find", "--pack", data[0]).stdout
        self.assertIn("its directory cannot be read", lost)
        self.assertIn(self.path("source", "large"), lost)

    def test_sizes(self):
        """What a snapshot alone holds is what forgetting it and a prune give back."""
        daemon = self.ready(self.path("source"))
        self.write("source/always", self.noise(200_000, 5))
        ids = []
        for number in range(3):
            self.write("source/changing", self.noise(1_500_000 + number, 6 + number))
            ids.append(daemon.backup("set")["snapshot_id"])
        plain = daemon.json("snapshots")
        self.assertNotIn("sizes", plain)
        self.assertNotIn("only_bytes", plain["snapshots"][0])
        listed = daemon.json("snapshots", "--sizes")
        self.assertEqual({ids[number]: str(1_500_000 + number) for number in range(3)},
                         {one["id"]: one["only_bytes"] for one in listed["snapshots"]})
        total = str(200_000 + 3 * 1_500_000 + 3)
        self.assertEqual({"held_bytes": total, "only_bytes": total}, listed["sizes"])
        text = daemon.run("snapshots", "--sizes", "set", "~1..~2").stdout
        self.assertRegex(text.splitlines()[0], r" NEW +ONLY ")
        self.assertIn("Together they hold 3.1 MiB of content; what no other snapshot holds of it is 2.9 MiB.", text)
        self.assertIn("ONLY", daemon.run("snapshots", "--columns", "id,only").stdout)

        def trial():
            return daemon.json("forget", ids[0], ids[1], "--dry-run")["forget"]

        self.assertEqual("3000001", trial()["only_bytes"])
        before = self.stored(daemon)
        forgotten = daemon.run("forget", ids[0], ids[1])
        self.assertIn("2.9 MiB of content is held by no snapshot any more", forgotten.stdout)
        # So much of the pack that the first one shares with the last that it is rewritten.
        daemon.run("prune", "--grace", "0", "--max-unused", "0")
        self.assertEqual(3_000_001, before - self.stored(daemon))
        self.assertEqual("1700002", daemon.json("snapshots", "--sizes")["snapshots"][0]["only_bytes"])

    def stored(self, daemon):
        """Raw bytes of content that are in packs, as their own directories have it."""
        return sum(int(part["bytes"]) for name in self.packs()
                   for part in daemon.json("find", "--pack", name, check=False)["pack"]["parts"]
                   if part["kind"] == "data")


if __name__ == "__main__":
    unittest.main()
