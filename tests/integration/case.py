"""What every integration test begins with: a folder of its own, and daemons that end with the test. PYTHONPATH holds
tests/support, GARNER_BUILD names the build folder; ctest sets both."""

import os
import shutil
import subprocess
import time
import unittest

import garner_daemon
import hostile_tree
from patience import PATIENCE


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = garner_daemon.scratch()
        self.daemons = []
        self.addCleanup(self.remove_all)

    def remove_all(self):
        try:
            # What a sanitizer has found is told at a program's own end.
            for daemon in self.daemons if garner_daemon.SANITIZED else []:
                daemon.stop()
        finally:
            for daemon in self.daemons:
                daemon.kill()
            hostile_tree.clear_flags(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def daemon(self, name="state", start=True, **options):
        daemon = garner_daemon.Daemon(self.path(name), **options)
        self.daemons.append(daemon)
        if start:
            daemon.start()
        return daemon

    def ready(self, *sources, name="state", repository="repository", backup_set="set"):
        """A daemon with a destination `disk` and a set of the sources; its recovery key stands in `recovery`."""
        for source in sources:
            if not os.path.exists(source):
                os.makedirs(source)
        daemon = self.daemon(name)
        added = daemon.json("destination", "add", "disk", self.path(repository))
        self.write("recovery", added["recovery_key"])
        os.chmod(self.path("recovery"), 0o600)
        daemon.run("set", "add", backup_set, "--source", *sources, "--destination", "disk")
        return daemon

    def daemon_with_members(self):
        """The system's, with a group garner that only it sees, which nobody is a member of; its socket is where others
        get to. And what makes a process one of that member's (preexec_fn)."""
        with open("/etc/group", encoding="utf-8") as file:
            groups = self.write("group", file.read() + "garner:x:54321:nobody\n")
        os.chmod(groups, 0o644)
        os.chmod(self.folder, 0o755)
        wrapper = ["unshare", "--mount", "sh", "-c", f"mount --bind '{groups}' /etc/group && exec \"$@\"", "sh"]
        root = os.geteuid() == 0
        if not root or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("it needs root, and a mount")
        socket = self.path("garnerd.sock")
        daemon = self.daemon(start=False, arguments=["--socket", socket])
        daemon.socket = socket
        daemon.start(wrapper=wrapper)

        def member():
            os.setgroups([54321])
            os.setgid(65534)
            os.setuid(65534)
        return daemon, member

    def scripted_daemon(self):
        """The socket of a daemon that makes up what it answers: many snapshots, and searches that go on."""
        socket = self.path("s")
        program = os.path.join(garner_daemon.BUILD, "tests", "integration", "scripted_daemon")
        daemon = subprocess.Popen([program, socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.stdout.close)
        self.addCleanup(daemon.stdin.close)
        self.assertEqual(b"ready\n", daemon.stdout.readline())
        return socket

    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def wait(self, what, seconds=PATIENCE):
        """What `what` returns, once it returns something."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = what()
            if found:
                return found
            time.sleep(0.1)
        self.fail("it does not come to that")

    def refused(self, daemon, code, *arguments, says=()):
        """The command fails with that exit code and a message that holds each of `says`."""
        done = daemon.run(*arguments, check=False)
        self.assertEqual(code, done.returncode, f"{arguments}: {done.stdout}{done.stderr}{daemon.log()}")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        return done.stderr

    def fails(self, daemon, backup_set, *says):
        """The backup fails, and its summary holds each of `says`."""
        done = daemon.run("backup", backup_set, check=False)
        self.assertEqual(1, done.returncode, f"{done.stdout}{done.stderr}{daemon.log()}")
        for text in says:
            self.assertIn(text, done.stdout)
        return done.stdout
