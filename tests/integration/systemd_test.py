"""garnerd as systemd runs it: what it tells the service manager, a socket that it is handed, the lock against sleep, and
what the shipped units say."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import garner_daemon
from case import Case
from patience import PATIENCE

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "systemd")
LOGIND = os.path.join(garner_daemon.BUILD, "tests", "integration", "scripted_logind")


class NotifySocket:
    """The end at which systemd listens (NOTIFY_SOCKET)."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.told = []

    def close(self):
        self.socket.close()

    def wait_for(self, wanted, seconds=PATIENCE):
        """Returns at the first message, from now on, that `wanted` takes."""
        until = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.001, until - time.monotonic()))
            try:
                message = self.socket.recv(4096).decode()
            except TimeoutError as error:
                raise AssertionError(f"it was not told within {seconds} s; before: {self.told}") from error
            self.told.append(message)
            if wanted(message):
                return message


class Notify(Case):
    def setUp(self):
        super().setUp()
        self.manager = NotifySocket(self.path("notify"))
        self.addCleanup(self.manager.close)

    def started(self, **environment):
        daemon = self.daemon(start=False)
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ.update({"NOTIFY_SOCKET": self.manager.path, **environment})
        daemon.start(wait=False)
        return daemon

    def test_ready_status_stopping(self):
        daemon = self.started()
        self.manager.wait_for(lambda message: message == "READY=1")
        # Ready means that the socket takes connections: the first call succeeds.
        daemon.run("status")
        self.assertFalse([m for m in self.manager.told if m.startswith("WATCHDOG")])
        os.makedirs(self.path("source"))
        self.write("source/file", os.urandom(20_000_000))
        daemon.json("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        daemon.backup("set")
        if "STATUS=idle" not in self.manager.told:
            self.manager.wait_for(lambda message: message == "STATUS=idle")
        self.manager.wait_for(lambda message: message.startswith("STATUS=backup of set"))
        self.manager.wait_for(lambda message: message == "STATUS=idle")
        # The same line is not sent twice in a row.
        lines = [m for m in self.manager.told if m.startswith("STATUS=")]
        for one, other in zip(lines, lines[1:]):
            self.assertNotEqual(one, other)
        daemon.process.terminate()
        self.manager.wait_for(lambda message: message == "STOPPING=1")
        self.assertEqual(0, daemon.process.wait(PATIENCE))

    def test_watchdog(self):
        daemon = self.started(WATCHDOG_USEC="400000")
        self.manager.wait_for(lambda message: message == "READY=1")
        times = []
        for _ in range(6):
            self.manager.wait_for(lambda message: message == "WATCHDOG=1", seconds=20)
            times.append(time.monotonic())
        # Twice within the time that is allowed: 5 intervals of 0.2 s, none of them skipped.
        self.assertGreater(times[-1] - times[0], 0.6)
        # A daemon that is stopped in its tracks feeds nothing: the watchdog is what finds that out.
        daemon.process.send_signal(19)
        self.addCleanup(daemon.process.send_signal, 18)
        with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as file:
            while file.read().rsplit(")", 1)[1].split()[0] != "T":
                file.seek(0)
        self.manager.socket.setblocking(False)
        try:
            while True:
                self.manager.socket.recv(4096)
        except BlockingIOError:
            pass
        with self.assertRaises(AssertionError):
            self.manager.wait_for(lambda message: message == "WATCHDOG=1", seconds=1)

    def test_watchdog_of_another_process(self):
        self.started(WATCHDOG_USEC="100000", WATCHDOG_PID="1")
        self.manager.wait_for(lambda message: message == "READY=1")
        with self.assertRaises(AssertionError):
            self.manager.wait_for(lambda message: message == "WATCHDOG=1", seconds=1)

    def test_nobody_listens(self):
        os.unlink(self.manager.path)
        daemon = self.started()
        daemon.wait_ready()
        daemon.run("status")


class Activation(Case):
    def test_a_socket_that_systemd_made(self):
        path = self.path("given.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen()
        os.makedirs(self.path("state"))
        # The client may come before the daemon does: the socket keeps it.
        client = subprocess.Popen([garner_daemon.GARNER, "--socket", path, "--json", "status"], stdout=subprocess.PIPE)
        with open(self.path("state", "output"), "wb") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", 'exec 3<&"$0"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', str(listener.fileno()),
                 garner_daemon.GARNERD, "--foreground", "--state-dir", self.path("state")],
                pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        listener.close()
        self.assertIn(b'"version"', client.communicate(timeout=PATIENCE)[0])
        self.assertEqual(0, client.returncode)
        process.terminate()
        self.assertEqual(0, process.wait(PATIENCE))
        # It is systemd's: the next daemon gets the same one.
        self.assertTrue(os.path.exists(path))


class Sleep(Case):
    def logind(self, *arguments):
        bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(bus.wait)
        self.addCleanup(bus.terminate)
        self.bus_address = bus.stdout.readline().strip()
        self.assertTrue(self.bus_address)
        logind = subprocess.Popen([LOGIND, *arguments], stdout=subprocess.PIPE, text=True,
                                  env={"DBUS_SYSTEM_BUS_ADDRESS": self.bus_address, "PATH": os.environ["PATH"]})
        self.addCleanup(logind.stdout.close)
        self.addCleanup(bus.stdout.close)
        self.addCleanup(logind.wait)
        self.addCleanup(logind.terminate)
        self.assertEqual("ready\n", logind.stdout.readline())
        return logind

    def backed_up(self, address):
        before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address
        try:
            self.write("source/file", os.urandom(100_000))
            daemon = self.ready(self.path("source"))
        finally:
            del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
            if before is not None:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
        return daemon.backup("set")

    def test_no_sleep_while_a_run_commits(self):
        logind = self.logind()
        self.backed_up(self.bus_address)
        self.assertEqual("asked sleep garner block: A backup is being committed\n", logind.stdout.readline())
        self.assertEqual("given back\n", logind.stdout.readline())

    def test_who_may_not_block_delays(self):
        logind = self.logind("refuse")
        self.backed_up(self.bus_address)
        self.assertIn("sleep garner block", logind.stdout.readline())
        self.assertIn("sleep garner delay", logind.stdout.readline())
        self.assertEqual("given back\n", logind.stdout.readline())

    def test_no_bus(self):
        self.assertTrue(self.backed_up("unix:path=" + self.path("nothing"))["snapshot_id"])

    def test_a_bus_that_says_nothing(self):
        """The commit waits for two seconds, and then goes on."""
        silent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(silent.close)
        silent.bind(self.path("silent"))
        silent.listen()
        begun = time.monotonic()
        self.assertTrue(self.backed_up("unix:path=" + self.path("silent"))["snapshot_id"])
        self.assertGreater(time.monotonic() - begun, 2)
        self.assertLess(time.monotonic() - begun, 30)


class Units(unittest.TestCase):
    def test_exposure(self):
        unit = os.path.join(UNITS, "garnerd.service")
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=40", unit],
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        found = re.search(r"exposure level for garnerd.service: ([0-9.]+)", done.stdout)
        self.assertLessEqual(float(found.group(1)), 4.0, done.stdout)

    def test_everything_can_be_read(self):
        """What would hide or protect a part of the file system, or take away what reading and restoring need."""
        with open(os.path.join(UNITS, "garnerd.service"), encoding="utf-8") as file:
            text = file.read()
        for setting in ("ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelModules",
                        "PrivateUsers", "RestrictSUIDSGID", "User", "DynamicUser", "RootDirectory", "InaccessiblePaths",
                        "ReadOnlyPaths", "TemporaryFileSystem", "ProcSubset"):
            self.assertNotRegex(text, rf"(?m)^{setting}=")
        kept = " ".join(re.findall(r"(?m)^CapabilityBoundingSet=(.*)$", text)).split()
        for capability in ("DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "CHOWN", "FSETID", "SETFCAP", "MKNOD",
                           "LINUX_IMMUTABLE", "SYS_ADMIN"):
            self.assertIn("CAP_" + capability, kept)

    def test_units_are_well_formed(self):
        runtime = tempfile.mkdtemp()  # a user's manager has a folder for sockets
        self.addCleanup(shutil.rmtree, runtime)
        for scope, folder in (("--system", UNITS), ("--user", os.path.join(UNITS, "user"))):
            units = [os.path.join(folder, name) for name in ("garnerd.socket", "garnerd.service")]
            done = subprocess.run(["systemd-analyze", scope, "--man=no", "verify", *units], capture_output=True, text=True,
                                  check=False, env={**os.environ, "XDG_RUNTIME_DIR": runtime})
            # What the units start, and what other units of this machine lack, is not their fault.
            complaints = [line for line in (done.stdout + done.stderr).splitlines()
                          if "garnerd." in line and "not executable" not in line]
            self.assertEqual([], complaints)


if __name__ == "__main__":
    unittest.main()
