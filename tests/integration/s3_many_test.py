"""A large tree goes to an S3 store whose gateway is killed, and so is the daemon; many daemons share a bucket.
GARNER_CEPH names the file with the facts of the server that the others share."""

import os
import subprocess
import threading
import unittest

import garner_daemon
from compare_trees import check_equal
from s3_client import Server
from s3_test import S3Case

MIB = 1 << 20
GATEWAY = os.path.join(os.path.dirname(garner_daemon.__file__), "ceph_gateway")
# Large enough to be killed in, of files as they are found on machines.
LARGE_TREE = "/usr/share"


class Killed(S3Case):
    """With a gateway of its own, since it is killed."""

    def start_server(self):
        folder = self.path("ceph")
        subprocess.run([GATEWAY, "start", folder], check=True)
        self.addCleanup(subprocess.run, [GATEWAY, "stop", folder], check=True)
        return Server(os.path.join(folder, "server"))

    def run_gateway(self, action):
        subprocess.run([GATEWAY, action, self.path("ceph")], check=True)

    def test_a_large_tree_though_gateway_and_daemon_are_killed_twice(self):
        daemon = self.ready()
        daemon.run("set", "add", "large", "--source", LARGE_TREE, "--destination", self.NAME)
        number = daemon.json("backup", "large", "--detach")["run_id"]

        def sent(packs):
            # What is read is read ahead of what is sent.
            run = daemon.json("run", "show", number)
            self.assertNotIn(run["state"], ("RUN_STATE_FINISHED", "RUN_STATE_FAILED"))
            return len(self.objects("packs/")) >= packs

        for packs in (1, 3):
            self.wait(lambda packs=packs: sent(packs))
            self.run_gateway("kill-gateway")
            self.assertEqual("DESTINATION_STATE_AWAY", self.shown(daemon)["state"])
            self.run_gateway("start-gateway")
            self.wait(lambda packs=packs: sent(packs + 1))
            daemon.kill()
            daemon.start()
        run = self.finished(daemon, number)
        self.assertEqual(3, run["attempts"], run)
        self.assertEqual("0", run["error_count"])
        daemon.run("restore", "latest", "--to", self.path("restored"))
        check_equal(self, LARGE_TREE, self.path("restored"))
        self.assertEqual(0, daemon.run("check").returncode)
        self.assertEqual([], self.spooled())


class Shared(S3Case):
    DAEMONS = ("one", "two", "three", "four")
    BACKUPS = 4

    def test_four_daemons_write_to_one_bucket_at_once(self):
        self.write("password", "correct horse battery staple\n")
        os.chmod(self.path("password"), 0o600)
        shared = {f"shared/{number}": os.urandom(MIB) for number in range(20)}
        sources = {}
        daemons = {}
        for name in self.DAEMONS:
            sources[name] = f"{name}-source"
            for path, content in shared.items():
                self.write(os.path.join(sources[name], path), content)
            for number in range(20):
                self.noise(f"{sources[name]}/own/{number}", MIB)
            daemons[name] = self.daemon(name)
            self.add(daemons[name], "--password-file", self.path("password"))
            daemons[name].run("set", "add", name, "--source", self.path(sources[name]), "--destination", self.NAME)

        late = os.urandom(10 * MIB + 1)  # comes to the first, and to the others when it has committed it
        committed = threading.Event()
        failures = []
        runs = {}
        changing = {}

        def work(name):
            try:
                for number in range(self.BACKUPS):
                    if number == 1:
                        if name != self.DAEMONS[0]:
                            self.assertTrue(committed.wait(300))
                        self.write(f"{sources[name]}/late", late)
                    changing[name, number] = os.urandom(1000 + number)
                    self.write(f"{sources[name]}/changing", changing[name, number])
                    runs[name, number] = daemons[name].backup(name)
                    if number == 1:
                        committed.set()
            except Exception as error:  # noqa: BLE001: it is reported by the test's own thread
                failures.append(error)

        threads = [threading.Thread(target=work, args=[name]) for name in self.DAEMONS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)

        # No commit is lost, and each machine sees those of all.
        ids = {run["snapshot_id"] for run in runs.values()}
        self.assertEqual(len(self.DAEMONS) * self.BACKUPS, len(ids))
        reader = self.daemon("reader")
        self.add(reader, "--password-file", self.path("password"))
        self.assertEqual(ids, {snapshot["id"] for snapshot in reader.json("snapshots")["snapshots"]})
        for (name, number), run in runs.items():
            target = self.path("restored")
            reader.run("restore", run["snapshot_id"], "--to", target)
            for folder in ("shared", "own"):
                check_equal(self, self.path(sources[name], folder), os.path.join(target, folder))
            for file, content in (("changing", changing[name, number]), ("late", late)):
                if file == "late" and number == 0:
                    self.assertFalse(os.path.exists(os.path.join(target, file)))
                    continue
                with open(os.path.join(target, file), "rb") as there:
                    self.assertEqual(content, there.read())
            subprocess.run(["rm", "-r", target], check=True)
        self.assertEqual(0, reader.run("check", "--read-data").returncode)

        # What all have is there once, within what raced: all four may store what none has committed yet. What one had
        # committed before the others met it, none of them stored again, though all wrote at the same time.
        for name in self.DAEMONS[1:]:
            self.assertLess(int(runs[name, 1]["new_bytes"]), MIB)
        self.assertGreater(int(runs[self.DAEMONS[0], 1]["new_bytes"]), 10 * MIB)


if __name__ == "__main__":
    unittest.main()
