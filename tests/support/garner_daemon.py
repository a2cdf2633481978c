"""Starts a real garnerd in a folder of its own and drives it with the real client."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from patience import PATIENCE

BUILD = os.environ.get("GARNER_BUILD", "")
GARNER = os.path.join(BUILD, "client", "garner")
GARNERD = os.path.join(BUILD, "daemon", "garnerd")
# A sanitizer's own memory counts to the program's.
SANITIZED = bool(os.environ.get("GARNER_SANITIZE"))
# With what a program ends in which it found something: CMakePresets.json.
SANITIZER_FOUND = 66


class Failed(Exception):
    def __init__(self, arguments, code, stdout, stderr):
        super().__init__(f"garner {' '.join(map(str, arguments))} gave {code}:\n{stdout}{stderr}")
        self.code, self.stdout, self.stderr = code, stdout, stderr


class Daemon:
    """A daemon with the state folder `state`. Use as a context: it is stopped at the end, however the test ends."""

    def __init__(self, state, arguments=()):
        self.state = str(state)
        self.socket = os.path.join(self.state, "garnerd.sock")
        self.arguments = list(arguments)
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, error, *_):
        if error is None:
            self.stop()
        else:
            self.kill()

    def start(self, wait=True, wrapper=()):
        """`wrapper`: a program that becomes the daemon when it is done, with its arguments."""
        os.makedirs(self.state, mode=0o700, exist_ok=True)
        with open(os.path.join(self.state, "output"), "ab") as output:
            self.process = subprocess.Popen([*wrapper, GARNERD, "--foreground", "--state-dir", self.state, *self.arguments],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds=PATIENCE):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"garnerd ended with {self.process.returncode}: {self.log()}")
            if self.run("status", check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError("garnerd does not answer: " + self.log())

    def stop(self, seconds=PATIENCE):
        """SIGTERM; returns the seconds it took to end. It must end well: that is when a sanitizer tells of leaks."""
        if self.process is None:
            return 0.0
        if self.process.poll() is not None:
            if self.process.returncode == SANITIZER_FOUND:
                raise AssertionError("garnerd has ended: " + self.log())
            return 0.0
        begun = time.monotonic()
        self.process.terminate()
        if self.process.wait(seconds) != 0:
            raise AssertionError(f"garnerd, told to end, ended with {self.process.returncode}: {self.log()}")
        return time.monotonic() - begun

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def peak_memory(self):
        """Bytes: the most that was resident at any time, anonymous and file."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def log(self):
        with open(os.path.join(self.state, "output"), encoding="utf-8", errors="replace") as file:
            return file.read()[-5000:]

    def run(self, *arguments, check=True, timeout=3600, **options):
        done = subprocess.run([GARNER, "--socket", self.socket, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout, check=False, **options)
        done.stdout = done.stdout.decode(errors="backslashreplace")
        done.stderr = done.stderr.decode(errors="backslashreplace")
        if check and done.returncode != 0:
            raise Failed(arguments, done.returncode, done.stdout, done.stderr + self.log())
        return done

    def json(self, *arguments, check=True, **options):
        done = self.run("--json", *arguments, check=check, **options)
        return json.loads(done.stdout)

    def backup(self, name, *arguments, codes=(0,)):
        done = self.run("--json", "backup", name, *arguments, check=False)
        if done.returncode not in codes:
            raise Failed(("backup", name), done.returncode, done.stdout, done.stderr + self.log())
        return json.loads(done.stdout)

    def wait_for_run(self, number, states, seconds=3600):
        """The run, once its state is one of `states` (without RUN_STATE_)."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            run = self.json("run", "show", str(number))
            if run["state"].removeprefix("RUN_STATE_") in states:
                return run
            time.sleep(0.1)
        raise AssertionError(f"run {number} is {run['state']}, not {states}: {run.get('message')} {self.log()}")


def scratch(prefix="garner-test-"):
    """A new folder on the disk that TMPDIR names."""
    return tempfile.mkdtemp(prefix=prefix)


def for_anyone(program, folder):
    """A copy of the program that every user can run, wherever it was built; the folder is to be open to all."""
    copy = os.path.join(folder, os.path.basename(program))
    if not os.path.exists(copy):
        shutil.copy(program, copy)
        os.chmod(copy, 0o755)
    return copy


def as_user(uid):
    """For subprocess's preexec_fn: becomes that user."""
    def become():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    return become
