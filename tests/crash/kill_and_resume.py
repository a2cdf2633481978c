#!/usr/bin/env python3
"""Kills a backup with SIGKILL again and again, starts the daemon each time with no command given, and checks that the run
ends by itself, what it read in all, that the snapshot equals the source, and that the repository is clean.

    kill_and_resume.py --kind many --bytes 5G --kills 20 [--count]      (--count: through a counting FUSE file system)

Ends with a line of figures; exit code 0 if everything held. GARNER_BUILD names the build folder."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import compare_trees  # noqa: E402
import garner_daemon  # noqa: E402
from patience import PATIENCE  # noqa: E402

MIB = 1 << 20
AHEAD = 256 * MIB  # what a killed run may read again


def size_of(text):
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def random_piece(rng, size):
    """Half compressible, half not."""
    text = rng.randbytes(size // 4 + 1).hex().encode()[:size // 2]
    return text + rng.randbytes(size - len(text))


def make_source(folder, kind, total, rng):
    os.makedirs(folder)
    if kind == "one":
        with open(os.path.join(folder, "large"), "wb") as file:
            left = total
            while left > 0:
                left -= file.write(random_piece(rng, min(left, 8 * MIB)))
        return
    made = number = 0
    while made < total:
        size = min(total - made, int(rng.choice([2_000, 20_000, 200_000, 2_000_000, 10_000_000]) * (0.5 + rng.random())))
        path = os.path.join(folder, f"folder{number // 100:04}", f"sub{number % 7}")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, f"file{number}"), "wb") as file:
            file.write(random_piece(rng, size))
        made += size
        number += 1


def age(source):
    """Sets the times of all files into the past: on a file system of FUSE younger ones are not believed."""
    for folder, _, names in os.walk(source):
        for name in names:
            os.utime(os.path.join(folder, name), (1_700_000_000, 1_700_000_000))


class CountingFileSystem:
    def __init__(self, source, mount, counter):
        self.source, self.mount, self.counter = source, mount, counter

    def __enter__(self):
        os.makedirs(self.mount)
        program = os.path.join(garner_daemon.BUILD, "tests", "counting_fs")
        self.process = subprocess.Popen([program, self.source, self.mount, self.counter])
        until = time.monotonic() + PATIENCE
        while not os.path.ismount(self.mount):
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError("the counting file system did not start")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.mount], check=False)
        self.process.wait(PATIENCE)

    def bytes_read(self):
        with open(self.counter, "rb") as file:
            return int.from_bytes(file.read(8), "little")


def kill_and_resume(folder, kind, total, kills, seed, count):
    """Raises AssertionError with what did not hold; returns the figures."""
    rng = random.Random(seed)
    real = os.path.join(folder, "source")
    make_source(real, kind, total, rng)
    age(real)
    counting = CountingFileSystem(real, os.path.join(folder, "mount"), os.path.join(folder, "counter")) if count else None
    source = counting.mount if counting else real
    if counting:
        counting.__enter__()
    daemon = garner_daemon.Daemon(os.path.join(folder, "state"))
    peak = 0
    killed = 0
    try:
        daemon.start()
        daemon.run("destination", "add", "disk", os.path.join(folder, "repository"))
        daemon.run("set", "add", "set", "--source", source, "--destination", "disk")
        number = daemon.json("backup", "set", "--detach")["run_id"]

        def look():
            return daemon.json("run", "show", number)

        # Each kill comes at a random moment: when the run has done a random share of what is left to do.
        while killed < kills:
            run = look()
            if run["state"] in ("RUN_STATE_FINISHED", "RUN_STATE_FAILED"):
                break
            done = int(run["progress"]["done_bytes"]) if run.get("progress") else 0
            target = done + rng.random() * 2 * (total - done) / (kills - killed + 1)
            until = time.monotonic() + rng.random() * 20
            while time.monotonic() < until:
                run = look()
                if run["state"] == "RUN_STATE_FINISHED":
                    break
                if run.get("progress") and int(run["progress"]["done_bytes"]) >= target:
                    break
                time.sleep(rng.random() * 0.05)
            if run["state"] == "RUN_STATE_FINISHED":
                break
            peak = max(peak, daemon.peak_memory())
            daemon.kill()
            killed += 1
            daemon.start()

        run = daemon.wait_for_run(number, ("FINISHED", "FAILED", "CANCELLED"))
        peak = max(peak, daemon.peak_memory())
        assert run["state"] == "RUN_STATE_FINISHED" and run["error_count"] == "0", run
        bound = int(run["source_bytes"]) + killed * AHEAD
        assert int(run["read_bytes"]) <= bound, f"read_bytes {run['read_bytes']} is above {bound}"
        counted = counting.bytes_read() if counting else None
        if counted is not None:
            assert counted <= bound, f"{counted} bytes were read, which is above {bound}"
        assert len(daemon.json("snapshots")["snapshots"]) == 1
        target = os.path.join(folder, "restored")
        daemon.run("restore", "set@latest", "--to", target)
        found = compare_trees.rsync_differences(real, target)
        assert not found, found[:10]
        shutil.rmtree(target)
        check = daemon.run("check", "--read-data", check=False)
        assert check.returncode == 0, check.stdout + check.stderr
        peak = max(peak, daemon.peak_memory())
        stray = os.listdir(os.path.join(folder, "repository", ".staging"))
        assert not stray, stray
        return {"kills": killed, "attempts": run["attempts"], "source_bytes": int(run["source_bytes"]),
                "read_bytes": int(run["read_bytes"]), "counted_bytes": counted, "bound": bound,
                "peak_memory_mib": peak >> 20}
    finally:
        daemon.kill()
        if counting:
            counting.__exit__()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("many", "one"), default="many")
    parser.add_argument("--bytes", type=size_of, default=5 << 30)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--most-memory", type=size_of, default=256 << 20)
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)
    folder = garner_daemon.scratch("garner-crash-")
    try:
        figures = kill_and_resume(folder, arguments.kind, arguments.bytes, arguments.kills, arguments.seed,
                                  arguments.count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(figures)
    if not garner_daemon.SANITIZED and figures["peak_memory_mib"] << 20 > arguments.most_memory:
        sys.exit(f"the daemon took {figures['peak_memory_mib']} MiB")


if __name__ == "__main__":
    main()
