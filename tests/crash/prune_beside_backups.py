#!/usr/bin/env python3
"""Prunes a repository while two other machines back up into it, and take for known what is being removed.

Three daemons share one repository: two back up sources whose files come and go and come again, so that blobs which a
prune is about to condemn are referred to anew; the third, which made the repository, forgets and prunes with no grace
period. In some rounds the pruning daemon is killed in the middle, in others one that backs up. After every round each
snapshot that was not forgotten has the content it had; at the end everything is forgotten but the newest snapshots, and
what is stored is what a new repository with the same content takes, give or take padding.

    prune_beside_backups.py [--rounds 200] [--kills 50] [--seed N] [--restore-every N]"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import garner_daemon  # noqa: E402

OVER = ("FINISHED", "FAILED", "CANCELLED")


def content_of(rng, size):
    half = rng.randbytes(size // 4 + 1).hex().encode()[:size // 2]
    return half + rng.randbytes(size - len(half))


def digest_of(folder):
    """Names and contents of everything below."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def stored_bytes(repository):
    total = 0
    for folder in ("packs", "index"):
        for parent, _, names in os.walk(os.path.join(repository, folder)):
            total += sum(os.path.getsize(os.path.join(parent, name)) for name in names)
    return total


class Machine:
    """A daemon, its source, and what each of its snapshots held."""

    def __init__(self, folder, name, rng, pool):
        self.name, self.rng, self.pool = name, rng, pool
        self.source = os.path.join(folder, name + "-source")
        os.makedirs(self.source)
        self.daemon = garner_daemon.Daemon(os.path.join(folder, name))
        self.held = {}

    def change(self):
        """Most files come from a pool that both machines use: what one removed comes again, here or there."""
        for number in range(len(self.pool)):
            path = os.path.join(self.source, f"folder{number % 5}", f"file{number}")
            choice = self.rng.random()
            if choice < 0.35:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(self.pool[number])
            elif choice < 0.6 and os.path.exists(path):
                os.unlink(path)
        with open(os.path.join(self.source, "own"), "wb") as file:
            file.write(content_of(self.rng, 200_000))

    def back_up(self):
        run = self.daemon.json("backup", self.name)
        assert run["state"] == "RUN_STATE_FINISHED" and run["error_count"] == "0", run
        self.held[run["snapshot_id"]] = digest_of(self.source)


def start_and_kill(daemon, rng, *arguments):
    """Starts a run, kills the daemon at any moment of it and starts it again. The run's number, if it came to one."""
    known = {run["run_id"] for run in daemon.json("runs")["runs"]}
    with subprocess.Popen([garner_daemon.GARNER, "--socket", daemon.socket, *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(rng.random() * 0.4)  # not for a state: any moment will do
        daemon.kill()
        process.wait()
    daemon.start()
    # Only this one can be new: a forget by itself needs a retention.
    new = [run["run_id"] for run in daemon.json("runs")["runs"] if run["run_id"] not in known]
    return new[0] if new else None


class Rounds:
    def __init__(self, folder, seed):
        self.folder = folder
        self.rng = random.Random(seed)
        self.repository = os.path.join(folder, "repository")
        password = os.path.join(folder, "password")
        with open(password, "w", encoding="ascii") as file:
            file.write("correct horse battery staple\n")
        os.chmod(password, 0o600)
        pool = [content_of(self.rng, self.rng.choice([3_000, 30_000, 120_000])) for _ in range(60)]
        self.pruner = garner_daemon.Daemon(os.path.join(folder, "pruner"))
        self.machines = [Machine(folder, name, random.Random(seed + number + 1), pool)
                         for number, name in enumerate(("one", "two"))]
        self.daemons = [self.pruner, *(machine.daemon for machine in self.machines)]
        for daemon in self.daemons:
            daemon.start()
            daemon.run("destination", "add", "disk", self.repository, "--password-file", password)
        for machine in self.machines:
            machine.daemon.run("set", "add", machine.name, "--source", machine.source, "--destination", "disk")
            machine.change()
            machine.back_up()
        self.password = password
        self.freed = 0
        self.killed = 0

    def close(self):
        for daemon in self.daemons:
            daemon.kill()

    def held(self):
        return {identity: held for machine in self.machines for identity, held in machine.held.items()}

    def forget_some(self):
        """Any but the newest of each machine."""
        listed = self.pruner.json("snapshots")["snapshots"]
        newest = {}
        for snapshot in reversed(listed):
            newest[snapshot["set"]] = snapshot["id"]
        for snapshot in listed:
            if snapshot["id"] in newest.values() or self.rng.random() < 0.4:
                continue
            self.pruner.run("forget", snapshot["id"])
            for machine in self.machines:
                machine.held.pop(snapshot["id"], None)

    def prune(self, kill):
        if kill:
            number = start_and_kill(self.pruner, self.rng, "prune", "--grace", "0")
            self.killed += 1
            run = self.pruner.wait_for_run(number, OVER) if number else None
        else:
            run = self.pruner.json("prune", "--grace", "0")
        if run is not None:
            assert run["state"] == "RUN_STATE_FINISHED" and not run["damage_found"], run
            self.freed += int(run["prune"]["freed_bytes"])

    def round(self, kill_pruner, kill_backup):
        for machine in self.machines:
            machine.change()
        self.forget_some()
        failures = []

        def guarded(work, *arguments):
            try:
                work(*arguments)
            except BaseException as error:  # noqa: B902: it is raised by the test's own thread
                failures.append(error)

        victim = self.rng.choice(self.machines) if kill_backup else None

        def cut_off(machine):
            number = start_and_kill(machine.daemon, machine.rng, "backup", machine.name)
            self.killed += 1
            if not number:
                return
            run = machine.daemon.wait_for_run(number, OVER)
            assert run["state"] == "RUN_STATE_FINISHED", run
            machine.held[run["snapshot_id"]] = digest_of(machine.source)

        threads = [threading.Thread(target=guarded, args=(cut_off, machine) if machine is victim
                                    else (machine.back_up,)) for machine in self.machines]
        threads.append(threading.Thread(target=guarded, args=(self.prune, kill_pruner)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in failures:
            raise failure

    def check(self, everything):
        """Everything is whole by check; some snapshots, or all, are restored and compared."""
        done = self.pruner.run("check", "--read-data", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        listed = {snapshot["id"] for snapshot in self.pruner.json("snapshots")["snapshots"]}
        held = self.held()
        assert listed == set(held), (sorted(listed ^ set(held)), len(listed), len(held))
        chosen = sorted(held) if everything else self.rng.sample(sorted(held), min(2, len(held)))
        for identity in chosen:
            target = os.path.join(self.folder, "restored")
            self.pruner.run("restore", identity, "--to", target)
            assert digest_of(target) == held[identity], identity
            shutil.rmtree(target)

    def finish(self):
        """What is left is what is needed: the newest of each, beside a new repository of the same."""
        for machine in self.machines:
            machine.back_up()
        self.pruner.run("forget", "one", "--keep-last", "1")
        self.pruner.run("forget", "two", "--keep-last", "1")
        newest = {snapshot["id"] for snapshot in self.pruner.json("snapshots")["snapshots"]}
        assert len(newest) == 2, newest
        for machine in self.machines:
            machine.held = {identity: held for identity, held in machine.held.items() if identity in newest}
        # Packs of which more than half is in use stay as they are.
        for _ in range(2):
            self.prune(False)
        self.check(True)
        left = stored_bytes(self.repository)
        fresh = os.path.join(self.folder, "fresh")
        daemon = garner_daemon.Daemon(os.path.join(self.folder, "fresh-state"))
        self.daemons.append(daemon)
        daemon.start()
        daemon.run("destination", "add", "disk", fresh, "--password-file", self.password)
        for machine in self.machines:
            daemon.run("set", "add", machine.name, "--source", machine.source, "--destination", "disk")
            daemon.json("backup", machine.name)
        needed = stored_bytes(fresh)
        return left, needed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--restore-every", type=int, default=10, metavar="N",
                        help="restore all snapshots every Nth round; in the others two")
    arguments = parser.parse_args()
    print("seed", arguments.seed, flush=True)
    folder = garner_daemon.scratch("garner-prune-")
    rounds = None
    begun = time.monotonic()
    try:
        rounds = Rounds(folder, arguments.seed)
        kills = set(rounds.rng.sample(range(arguments.rounds), min(arguments.kills, arguments.rounds)))
        for number in range(arguments.rounds):
            kill_backup = number in kills and rounds.rng.random() < 0.3
            rounds.round(number in kills and not kill_backup, kill_backup)
            rounds.check(number % arguments.restore_every == arguments.restore_every - 1)
            if number % 20 == 19:
                print(f"round {number + 1}, {time.monotonic() - begun:.0f} s", flush=True)
        left, needed = rounds.finish()
        print({"rounds": arguments.rounds, "kills": rounds.killed, "freed_bytes": rounds.freed, "left_bytes": left,
               "needed_bytes": needed, "seconds": round(time.monotonic() - begun)})
        # A pack of which half is in use may stay; small packs are padded to 128 KiB.
        assert left <= 2 * needed + (4 << 20), f"{left} bytes are left, {needed} are needed"
    finally:
        if rounds:
            rounds.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
