"""What backups to an S3 store ask of it, and what is made of a bucket that is not as it was left. GARNER_CEPH names the file
with the facts of the server that the others share."""

import os
import re
import signal
import subprocess
import unittest

from compare_trees import check_equal
from cuttable_proxy import Proxy
from garner_daemon import GARNER
from patience import PATIENCE
from s3_test import S3Case


class Requests(S3Case):
    def files(self, text, count=300):
        for number in range(count):
            self.write(f"source/{number % 7}/{number}", f"{text} {number}")

    def backup(self, daemon, backup_set="set"):
        """What it asked for: PUT, GET, LIST, DELETE."""
        requests = daemon.backup(backup_set)["requests"][0]["requests"]
        return tuple(int(requests[kind]) for kind in ("puts", "gets", "lists", "deletes"))

    def test_ten_days(self):
        daemon = self.ready()
        self.files("first")
        self.backup(daemon)
        for day in range(10):
            self.assertEqual((1, 0, 1, 0), self.backup(daemon), day)
            if day == 4:
                daemon.stop()
                daemon.start()
        # Little changes: what is new is sent, and seen to be there. The first pack that a process makes has it look for
        # the recovery key's slot, which each pack holds.
        self.files("second", 5)
        self.assertEqual((3, 3, 3, 0), self.backup(daemon))
        self.files("third", 5)
        self.assertEqual((3, 2, 2, 0), self.backup(daemon))
        self.assertEqual((1, 0, 1, 0), self.backup(daemon))
        # With retention, a forget looks once more, and where nothing goes that is all.
        daemon.run("set", "edit", "set", "--keep-last", "100")
        self.assertEqual((1, 0, 1, 0), self.backup(daemon))
        daemon.run("restore", "latest", "--to", self.path("restored"))
        check_equal(self, self.path("source"), self.path("restored"))

    def test_a_look_at_many_snapshots_of_a_mount(self):
        with Proxy(self.address()) as proxy:
            daemon = self.ready(url=self.url(proxy.address))
            for number in range(8):
                self.write("source/file", str(number))
                self.backup(daemon)
            target = self.path("mount")
            os.mkdir(target)
            self.addCleanup(subprocess.run, ["umount", "-l", target], stderr=subprocess.DEVNULL, check=False)
            client = subprocess.Popen([GARNER, "--socket", daemon.socket, "mount", target],
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            self.addCleanup(client.wait)
            self.addCleanup(client.kill)
            self.wait(lambda: os.path.ismount(target))
            names = os.listdir(os.path.join(target, "snapshots"))
            self.assertEqual(8, len(names))
            before = proxy.passed
            for name in names:
                os.stat(os.path.join(target, "snapshots", name))
            # A request has some 600 bytes: fewer than one a snapshot.
            self.assertLess(proxy.passed - before, 2500)
            client.send_signal(signal.SIGINT)
            self.assertEqual(0, client.wait(PATIENCE))

    def test_somebody_else_commits(self):
        daemon = self.ready()
        self.files("first")
        self.backup(daemon)
        other = self.daemon("other")
        self.add(other, "--recovery-key-file", self.path("recovery"))
        for number in range(300):
            self.write(f"elsewhere/{number}", f"other {number}")
        other.run("set", "add", "other", "--source", self.path("elsewhere"), "--destination", self.NAME)
        before = len(self.objects("index/"))
        self.backup(other, "other")
        segments = len(self.objects("index/")) - before
        # Its record, and the segment that it names.
        self.assertEqual((1, 1 + segments, 1, 0), self.backup(daemon))
        self.assertEqual("1", self.shown(daemon)["growth"]["records"])
        self.assertEqual((1, 0, 1, 0), self.backup(daemon))

    def objects_now(self):
        return {key: self.read(key) for key in self.objects()}

    def put_back(self, objects):
        for key in set(self.objects()) - set(objects):
            self.delete(key)
        for key, content in objects.items():
            self.overwrite(key, content)

    def refused_and_accepted(self, daemon, says):
        before = self.objects()
        told = self.fails(daemon, "set", "Nothing is written to it", "--accept-log", says)
        self.assertEqual(before, self.objects())
        # At once, though a store is looked at once a minute.
        self.assertIn("REFUSED", self.shown(daemon)["state"])
        newest = re.search("--accept-log ([0-9]+)", told).group(1)
        daemon.run("destination", "edit", self.NAME, "--accept-log", newest)
        self.backup(daemon)
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)
        daemon.run("restore", "latest", "--to", self.path("restored"))
        check_equal(self, self.path("source"), self.path("restored"))

    def test_a_bucket_that_was_rolled_back(self):
        daemon = self.ready()
        self.files("first")
        self.backup(daemon)
        yesterday = self.objects_now()
        self.files("second")
        self.backup(daemon)
        self.put_back(yesterday)
        self.refused_and_accepted(daemon, "rolled back")

    def test_a_bucket_that_was_forked(self):
        daemon = self.ready()
        self.files("first")
        self.backup(daemon)
        yesterday = self.objects_now()
        self.backup(daemon)
        self.put_back(yesterday)
        other = self.daemon("other")
        self.add(other, "--recovery-key-file", self.path("recovery"))
        self.write("elsewhere/file", "other")
        other.run("set", "add", "other", "--source", self.path("elsewhere"), "--destination", self.NAME)
        other.backup("other")
        # The listing shows as many records as there were. Its sum is another.
        self.refused_and_accepted(daemon, "forked")
        other.backup("other")


if __name__ == "__main__":
    unittest.main()
