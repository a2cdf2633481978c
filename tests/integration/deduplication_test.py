"""What did not change is not stored again."""

import os
import random
import unittest

from case import Case

MIB = 1 << 20


class Deduplication(Case):
    def make_large_file(self, path, mib):
        rng = random.Random(7)
        with open(path, "wb") as file:
            for _ in range(mib):
                file.write(rng.randbytes(MIB))

    def test_one_byte_of_a_large_file(self):
        mib = 4096
        os.mkdir(self.path("source"))
        large = self.path("source", "large")
        self.make_large_file(large, mib)
        daemon = self.ready(self.path("source"))
        first = daemon.backup("set")
        self.assertEqual(mib * MIB, int(first["new_bytes"]))

        unchanged = daemon.backup("set", "--full-scan")
        self.assertEqual(0, int(unchanged["new_bytes"]))
        self.assertEqual(mib * MIB, int(unchanged["read_bytes"]))
        self.assertLess(int(unchanged["stored_bytes"]), 64 << 10)

        with open(large, "r+b") as file:
            file.seek(mib * MIB // 2)
            byte = file.read(1)
            file.seek(mib * MIB // 2)
            file.write(bytes([byte[0] ^ 1]))
        changed = daemon.backup("set")
        print("one byte changed in the middle stores", changed["stored_bytes"])
        self.assertLess(int(changed["stored_bytes"]), 4 * MIB)
        self.assertGreater(int(changed["new_bytes"]), 0)

        inserted = self.path("source", "inserted")
        with open(large, "rb") as old, open(inserted, "wb") as new:
            new.write(b"!")
            while piece := old.read(64 * MIB):
                new.write(piece)
        os.replace(inserted, large)
        shifted = daemon.backup("set")
        print("one byte inserted at the front stores", shifted["stored_bytes"])
        self.assertLess(int(shifted["stored_bytes"]), 4 * MIB)
        self.assertGreater(int(shifted["new_bytes"]), 0)

    def test_unchanged_tree(self):
        for number in range(2_000):
            self.write(f"source/folder{number % 40}/file{number}", f"content {number}\n" * (number % 50))
        daemon = self.ready(self.path("source"))
        first = daemon.backup("set")
        second = daemon.backup("set")
        self.assertGreater(int(first["new_bytes"]), 0)
        self.assertEqual("0", second["new_bytes"])
        self.assertEqual(2_000, int(second["files"]))
        self.assertNotEqual(first["snapshot_id"], second["snapshot_id"])


if __name__ == "__main__":
    unittest.main()
