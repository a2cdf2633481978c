"""The backup tools that are compared, each behind the same steps. A step returns what it took."""

import dataclasses
import json
import os
import shutil
import stat
import subprocess
import tempfile
import time

import garner_daemon

PASSWORD = "correct horse battery staple"


@dataclasses.dataclass
class Cost:
    wall: float      # seconds
    cpu: float       # seconds, user and system
    memory: int      # bytes, the most that was resident at any time
    files: int = -1  # regular files in the snapshot, where the tool tells


class Refused(Exception):
    """The comparison would not be fair."""


def measure(command, environment=None):
    """Runs it to its end. Returns what it took, and its standard output."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                   env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
        if process.returncode != 0:
            errors.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command,
                                                (text + errors.read().decode(errors="replace"))[-4000:])
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024), text


def stored_size(folder):
    total = 0
    for parent, _, files in os.walk(folder):
        total += sum(os.path.getsize(os.path.join(parent, name)) for name in files)
    return total


def further_names(folders):
    """How many names of regular files are not the first of their file."""
    names, files = 0, set()
    for folder in folders:
        for parent, _, entries in os.walk(folder):
            for entry in entries:
                status = os.lstat(os.path.join(parent, entry))
                if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                    names += 1
                    files.add((status.st_dev, status.st_ino))
    return names - len(files)


class Tool:
    """Keeps its repository, and all else that it keeps, in `folder`."""
    name = ""

    def __init__(self, folder):
        self.folder = os.path.join(folder, self.name)
        self.repository = os.path.join(self.folder, "repository")
        self.target = os.path.join(self.folder, "target")
        self.away = os.path.join(folder, "restored")

    def begin(self, sources):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.sources = sources
        self.create()

    def end(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def restore(self):
        os.makedirs(self.target)
        return self.restore_to(self.target)

    def put_away_restored(self):
        """Until the last round is over: for minutes ext4 looks past each inode that was just freed when it makes a file,
        where it has no journal, and whoever comes next would pay for it."""
        os.makedirs(self.away, exist_ok=True)
        os.rename(self.target, tempfile.mkdtemp(dir=self.away))

    def stored(self):
        return stored_size(self.repository)


class Garner(Tool):
    name = "garner"

    def create(self):
        self.daemon = garner_daemon.Daemon(os.path.join(self.folder, "state"))
        self.daemon.start()
        self.daemon.run("destination", "add", "disk", self.repository)
        if not self.daemon.json("destination", "show", "disk")["encrypted"]:
            raise Refused("garner's repository is not encrypted")
        self.daemon.run("set", "add", "set", "--source", *self.sources, "--destination", "disk")

    def end(self):
        self.daemon.stop()
        super().end()

    def version(self):
        return subprocess.run([garner_daemon.GARNER, "--version"], capture_output=True, text=True,
                              check=True).stdout.strip()

    def costs(self, *arguments):
        """What the daemon and the client took together."""
        pid = self.daemon.process.pid
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")  # the peak is counted from here
        before = self.daemon_cpu(pid)
        cost, text = measure([garner_daemon.GARNER, "--socket", self.daemon.socket, "--json", *arguments])
        cost.cpu += self.daemon_cpu(pid) - before
        cost.memory += self.daemon.peak_memory()
        return cost, json.loads(text)

    @staticmethod
    def daemon_cpu(pid):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def backup(self, full_scan=False):
        cost, run = self.costs("backup", "set", *(["--full-scan"] if full_scan else []))
        cost.files = int(run["files"])
        return cost

    def restore_to(self, target):
        return self.costs("restore", "set@latest", "--to", target)[0]

    def check(self):
        return self.costs("check", "--read-data")[0]


class Restic(Tool):
    name = "restic"

    def run(self, *arguments):
        return measure(["restic", "--repo", self.repository, *arguments],
                       {"RESTIC_PASSWORD": PASSWORD, "RESTIC_CACHE_DIR": os.path.join(self.folder, "cache")})

    def create(self):
        self.run("init")

    def version(self):
        return " ".join(subprocess.run(["restic", "version"], capture_output=True, text=True,
                                       check=True).stdout.split()[:2])

    def backup(self, full_scan=False):
        cost, text = self.run("backup", "--json", *(["--force"] if full_scan else []), *self.sources)
        cost.files = json.loads(text.strip().splitlines()[-1])["total_files_processed"]
        return cost

    def restore_to(self, target):
        return self.run("restore", "latest", "--target", target)[0]

    def check(self):
        return self.run("check", "--read-data")[0]


class Borg(Tool):
    name = "borg"

    def run(self, *arguments):
        return measure(["borg", *arguments], {"BORG_PASSPHRASE": PASSWORD,
                                              "BORG_BASE_DIR": os.path.join(self.folder, "base"),
                                              "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"})

    def create(self):
        self.number = 0
        self.run("init", "--encryption", "repokey-blake2", self.repository)

    def version(self):
        return subprocess.run(["borg", "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def backup(self, full_scan=False):
        self.number += 1
        cost, text = self.run("create", "--json", "--compression", "zstd,3",
                              *(["--files-cache", "disabled"] if full_scan else []),
                              f"{self.repository}::{self.number}", *self.sources)
        # Which does not count a hard-linked file's further names.
        cost.files = json.loads(text)["archive"]["stats"]["nfiles"] + further_names(self.sources)
        return cost

    def restore_to(self, target):
        before = os.getcwd()
        os.chdir(target)
        try:
            return self.run("extract", f"{self.repository}::{self.number}")[0]
        finally:
            os.chdir(before)

    def check(self):
        return self.run("check", "--verify-data", self.repository)[0]


ALL = [Garner, Restic, Borg]
