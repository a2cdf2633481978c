"""status --check, metrics, and the run on each of its lines in the log."""

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

from case import Case
from patience import PATIENCE

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:  # a python that is not Debian's; the package is plain Python
    sys.path.append("/usr/lib/python3/dist-packages")
    from prometheus_client.parser import text_string_to_metric_families


def parse(test, text):
    """Samples by name and sorted labels. Fails for what a strict reader would not take."""
    samples = {}
    families = list(text_string_to_metric_families(text))
    test.assertEqual(len(families), len({family.name for family in families}), "a family comes twice")
    for family in families:
        test.assertIn(family.type, ("gauge", "counter"), family.name)
        test.assertTrue(family.documentation, family.name)
        test.assertTrue(family.samples, family.name)
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            test.assertNotIn(key, samples)
            test.assertEqual(family.type == "counter", sample.name.endswith("_total"), sample.name)
            samples[key] = sample.value
    test.assertTrue(text.endswith("\n"))
    for line in text.splitlines():
        test.assertRegex(line, r"^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+=\".*\"\})? \S+)$")
    return samples


class CheckTest(Case):
    def check(self, daemon, code, says, *sets):
        done = daemon.run("status", "--check", *sets, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertEqual(1, done.stdout.count("\n"))
        self.assertEqual("", done.stderr)
        self.assertTrue(done.stdout.startswith(f"GARNER {('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[code]} - "), done.stdout)
        self.assertIn(says, done.stdout)
        return done.stdout

    def test_check(self):
        self.write("source/file", "content")
        daemon = self.daemon()
        self.check(daemon, 0, "0 sets")
        daemon.run("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        self.check(daemon, 1, "set has no backup yet")
        daemon.backup("set")
        line = self.check(daemon, 0, "1 set, the oldest clean backup is of set")
        data = dict(part.split("=") for part in line.split("|")[1].split())
        self.assertLessEqual({"'set_age'", "'set_new'", "'set_errors'", "'disk_free'"}, set(data))
        self.assertRegex(data["'set_age'"], r"^\d+s;;;0$")
        self.check(daemon, 3, "there is no set other", "other")
        self.check(daemon, 3, "name", "bad name")
        os.rename(self.path("repository"), self.path("away"))
        os.mkdir(self.path("repository"))
        daemon.stop()
        daemon.start()
        self.check(daemon, 1, "destination disk is away")
        self.refused(daemon, 2, "status", "set", says="only given with --check")
        self.refused(daemon, 2, "status", "--check", "--watch", says="exclude each other")
        daemon.stop()
        self.check(daemon, 2, "is not running")


class MetricsTest(Case):
    def test_metrics(self):
        self.write("source/file", b"x" * 1000)
        daemon = self.ready(self.path("source"))
        daemon.run("set", "edit", "set", "--schedule", "daily", "--overdue-after", "1w")
        daemon.run("notification", "add", "ops", "--command", "true", "--on", "failure")
        before = parse(self, daemon.run("metrics").stdout)
        self.assertNotIn(("garner_set_last_files", (("set", "set"),)), before)
        daemon.backup("set")
        daemon.run("check")
        text = daemon.run("metrics").stdout
        self.assertEqual(text.split("# HELP process_")[0], daemon.json("metrics")["text"].split("# HELP process_")[0])
        samples = parse(self, text)
        of_set, of_disk = (("set", "set"),), (("destination", "disk"),)
        for name, labels, value in (
                ("garner_runs_total", (("kind", "backup"), ("state", "finished")), 1),
                ("garner_runs_total", (("kind", "check"), ("state", "finished")), 1),
                ("garner_set_last_files", of_set, 1), ("garner_set_last_source_bytes", of_set, 1000),
                ("garner_set_last_read_bytes", of_set, 1000), ("garner_set_last_new_bytes", of_set, 1000),
                ("garner_set_last_errors", of_set, 0), ("garner_set_last_failed", of_set, 0),
                ("garner_set_overdue", of_set, 0), ("garner_set_snapshots", of_set, 1),
                ("garner_destination_state", (("destination", "disk"), ("state", "ready")), 1),
                ("garner_destination_state", (("destination", "disk"), ("state", "away")), 0),
                ("garner_destination_snapshots", of_disk, 1), ("garner_destination_damaged", of_disk, 0),
                ("garner_notification_waiting", (("notification", "ops"),), 0)):
            self.assertEqual(value, samples[name, labels], name)
        self.assertGreater(samples["garner_set_next_run_timestamp_seconds", of_set],
                           samples["garner_set_last_clean_timestamp_seconds", of_set])
        self.assertGreaterEqual(samples["garner_destination_last_check_timestamp_seconds", of_disk],
                                samples["garner_set_last_end_timestamp_seconds", of_set])
        self.assertGreater(samples["process_resident_memory_bytes", ()], 1 << 20)
        for name in ("garner_destination_free_bytes", "garner_destination_size_bytes", "garner_destination_blobs",
                     "garner_destination_generation"):
            self.assertGreater(samples[name, of_disk], 0, name)

    def test_endpoint(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        config = self.write("garnerd.toml", f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
        daemon = self.daemon(arguments=["--config", config])
        url = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(url + "/metrics", timeout=PATIENCE) as answer:
            self.assertEqual("text/plain; version=0.0.4; charset=utf-8", answer.headers["Content-Type"])
            samples = parse(self, answer.read().decode())
        self.assertEqual(1, len([name for name, _ in samples if name == "garner_build_info"]))
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(url + "/", timeout=PATIENCE)
        self.assertEqual(404, raised.exception.code)
        raised.exception.close()
        other = self.daemon("other", start=False, arguments=["--config", config])
        other.start(wait=False)
        other.process.wait(PATIENCE)
        self.assertIn(f"listening for metrics on 127.0.0.1:{port}", other.log())
        daemon.stop()
        with self.assertRaises(OSError):
            urllib.request.urlopen(url + "/metrics", timeout=PATIENCE)


class LogTest(Case):
    def test_each_line_of_a_run_names_it(self):
        self.write("source/file", "content")
        config = self.write("garnerd.toml", 'log_target = "file"\n')
        daemon = self.daemon(arguments=["--config", config])
        daemon.run("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        first, second = daemon.backup("set")["run_id"], daemon.backup("set")["run_id"]
        lines = daemon.json("log", "--run", first)["lines"]
        self.assertGreaterEqual(len(lines), 3)
        for line in lines:
            self.assertEqual((first, "set"), (line["run_id"], line["set"]))
            self.assertTrue(line["text"].startswith(f"run {first}: "), line)
        everything = daemon.json("log")["lines"]
        self.assertEqual({"", first, second}, {line["run_id"] for line in everything})
        for line in everything:
            self.assertEqual(line["text"].startswith("run "), line["run_id"] != "", line)
        # The daemon's own log has the same.
        with open(os.path.join(daemon.state, "garnerd.log"), encoding="utf-8") as file:
            written = file.read()
        for line in lines:
            self.assertIn(" " + line["text"] + "\n", written)
        self.assertIn(f"run {second}: ", daemon.run("log", "--run", second).stdout)
        self.assertNotIn(f"run {first}: ", daemon.run("log", "--run", second).stdout)
        self.refused(daemon, 2, "log", "--run", "first", says="runs have numbers")

    def test_the_journal_has_the_run_as_a_field(self):
        # A journal of the test's own, where the daemon believes the system's to be.
        journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(journal.close)
        os.mkdir(self.path("journal"))
        journal.bind(self.path("journal", "socket"))
        journal.settimeout(60)
        wrapper = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && "
                   f"mount --bind '{self.path('journal')}' /run/systemd/journal && exec \"$@\"", "sh"]
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this user has no mounts of his own")
        self.write("source/file", "content")
        config = self.write("garnerd.toml", 'log_target = "journald"\n')
        daemon = self.daemon(start=False, arguments=["--config", config])
        entries = []

        def read_until(text):
            while not any(text in entry["MESSAGE"] for entry in entries):
                lines = journal.recv(1 << 16).decode().rstrip("\n").split("\n")
                entries.append(dict(line.split("=", 1) for line in lines))

        daemon.start(wrapper=wrapper)
        read_until(" serves, process ")
        daemon.run("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        run = daemon.backup("set")["run_id"]
        read_until(f"run {run}: finished")
        for entry in entries:
            self.assertEqual("garnerd", entry["SYSLOG_IDENTIFIER"])
            self.assertIn(entry["PRIORITY"], "34567")
            of_run = entry["MESSAGE"].startswith(f"run {run}: ")
            self.assertEqual((run, "set") if of_run else (None, None), (entry.get("GARNER_RUN"), entry.get("GARNER_SET")))
        self.assertGreaterEqual(len([entry for entry in entries if "GARNER_RUN" in entry]), 3)


class ManyRuns(Case):
    def test_they_are_listed_whole_and_the_newest_first(self):
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        daemon.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(daemon.state, "catalog.sqlite"))) as catalog, catalog:
            columns = [row[1] for row in catalog.execute("PRAGMA table_info(runs)")][2:]
            for number in range(2, 451):
                catalog.execute(f"INSERT INTO runs SELECT ?, randomblob(16), {', '.join(columns)} FROM runs WHERE number = 1",
                                (number,))
            catalog.execute("UPDATE facts SET value = 451 WHERE name = 'next_run'")
        daemon.start()
        listed = daemon.json("runs")
        self.assertEqual([str(number) for number in range(450, 0, -1)], [run["run_id"] for run in listed["runs"]])
        self.assertFalse(listed["more"])
        listed = daemon.json("runs", "set", "--limit", "250")
        self.assertEqual((250, "201", True), (len(listed["runs"]), listed["runs"][-1]["run_id"], listed["more"]))
        self.refused(daemon, 2, "runs", "--limit", "0", says="1 or more")
        self.assertEqual("451", daemon.backup("set")["run_id"])


if __name__ == "__main__":
    unittest.main()
