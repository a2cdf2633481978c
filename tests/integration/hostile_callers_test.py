"""Callers that mean no good, or are broken, at the real daemon's socket; and where its secrets can be seen."""

import json
import os
import random
import re
import socket
import struct
import time
import unittest

from case import Case
from garner_daemon import SANITIZED, as_user
from patience import PATIENCE
from raw_caller import DATA, HEADERS, PREFACE, SETTINGS, Caller, allow_files, frame, methods

MIB = 1 << 20
INVALID_ARGUMENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNIMPLEMENTED = 3, 7, 8, 12
NOBODY = 65534


def resident(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


def connections(daemon):
    """Descriptors of the daemon that are sockets."""
    folder = f"/proc/{daemon.process.pid}/fd"
    count = 0
    for name in os.listdir(folder):
        try:
            count += os.readlink(os.path.join(folder, name)).startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def as_nobody(work, become=as_user(NOBODY)):
    """What `work` returns, or the name of its exception, done by another user in a process of his."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become()
            told = work()
        except BaseException as error:  # pylint: disable=broad-except
            told = type(error).__name__
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        told = json.load(pipe)
    os.waitpid(child, 0)
    return told


class HostileCallers(Case):
    def answers(self, daemon):
        self.assertIsNone(daemon.process.poll(), daemon.log())
        self.assertEqual(0, daemon.run("status", timeout=PATIENCE).returncode)

    def test_a_message_that_is_too_large_is_refused(self):
        daemon = self.daemon()
        before = resident(daemon)
        # Any number of bytes may be announced: what counts is what the daemon takes.
        with Caller(daemon.socket) as caller:
            sent = caller.greet().begin("AddSet").send_without_end(512 * MIB)
        self.assertLess(sent, 256 * MIB)
        if not SANITIZED:
            self.assertLess(daemon.peak_memory() - before, 128 * MIB)
        with Caller(daemon.socket) as caller:
            self.assertEqual(RESOURCE_EXHAUSTED, caller.greet().call("AddSet", bytes(5 * MIB)).status())
        with Caller(daemon.socket) as caller:
            self.assertEqual(INVALID_ARGUMENT, caller.greet().call("AddSet").status())
        self.answers(daemon)

    def test_bytes_that_are_no_protocol(self):
        daemon = self.daemon()
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        openings = [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + bytes(100), PREFACE[:10],
                    PREFACE + frame(HEADERS, 4, 1, b"\xff" * 50), PREFACE + frame(SETTINGS, 0, 0, b"odd"),
                    PREFACE + b"\xff\xff\xff" + bytes(6), PREFACE + frame(SETTINGS) + frame(DATA, 1, 9, b"x" * 100)]
        for _ in range(100):
            opening = rng.choice(openings) + rng.randbytes(rng.randrange(2000))
            with socket.socket(socket.AF_UNIX) as raw:
                raw.connect(daemon.socket)
                try:
                    raw.sendall(opening)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # told by then that it is none
        with self.subTest(seed=seed):
            self.answers(daemon)
        self.wait(lambda: connections(daemon) < 30)  # none of them is kept

    def test_many_idle_clients_and_streams_that_nobody_reads(self):
        daemon = self.ready(self.path("source"))
        for number in range(300):
            self.write(f"source/{number}", os.urandom(20_000))
        daemon.backup("set")
        before = resident(daemon)
        allow_files(1200)
        callers = []
        try:
            for _ in range(1000):
                callers.append(Caller(daemon.socket).greet())
            for _ in range(50):
                callers.append(Caller(daemon.socket, receive_buffer=4096).greet().call("WatchStatus"))
            for number in range(300):
                self.write(f"source/{number}", os.urandom(20_000))
            told = daemon.backup("set")
            self.assertEqual("RUN_STATE_FINISHED", told["state"])
            self.answers(daemon)
            if not SANITIZED:
                self.assertLess(resident(daemon) - before, 64 * MIB)
        finally:
            for caller in callers:
                caller.close()
        self.wait(lambda: connections(daemon) < 30)
        self.answers(daemon)

    def test_calls_without_end_end_the_connection(self):
        """Nothing is read, so that no bound of the protocol is agreed on: neither answers nor refusals are taken."""
        daemon, member = self.daemon_with_members()
        before = resident(daemon)

        def flood(ask):
            with Caller(daemon.socket, receive_buffer=4096) as caller:
                caller.greet()
                for _ in range(100_000):
                    ask(caller, "WatchStatus")
        # Without its message, by a member; and with it, also by who may do everything.
        for ask in (Caller.begin, Caller.call):
            self.assertIn(as_nobody(lambda ask=ask: flood(ask), member), ("BrokenPipeError", "ConnectionResetError"))
            self.answers(daemon)
        if not SANITIZED:
            self.assertLess(daemon.peak_memory() - before, 32 * MIB)
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            flood(Caller.call)
        self.wait(lambda: daemon.run("status", check=False).returncode == 0)
        if not SANITIZED:
            self.assertLess(daemon.peak_memory() - before, 192 * MIB)
        self.wait(lambda: connections(daemon) < 30)

    def test_a_member_has_few_calls_and_connections(self):
        daemon, member = self.daemon_with_members()

        def few_calls():
            callers = [Caller(daemon.socket).greet().call("WatchStatus") for _ in range(64)]
            watching = [caller.first_message() for caller in callers]
            with Caller(daemon.socket) as caller:
                refused = caller.greet().call("GetStatus").status()
            callers.pop().close()
            until = time.monotonic() + PATIENCE
            again = None
            while again != 0 and time.monotonic() < until:
                with Caller(daemon.socket) as caller:
                    again = caller.greet().call("GetStatus").status()
            for caller in callers:
                caller.close()
            return [sum(watching), refused, again]

        def few_connections():
            callers = [Caller(daemon.socket) for _ in range(300)]
            served = sum(len(caller.socket.recv(100)) > 0 for caller in callers)
            for caller in callers:
                caller.close()
            return served

        self.assertEqual([64, RESOURCE_EXHAUSTED, 0], as_nobody(few_calls, member))
        self.answers(daemon)
        # The system's own user has more.
        callers = [Caller(daemon.socket).greet().call("WatchStatus") for _ in range(100)]
        self.assertTrue(all(caller.first_message() for caller in callers))
        for caller in callers:
            caller.close()
        self.wait(lambda: connections(daemon) < 30)
        self.assertEqual(256, as_nobody(few_connections, member))
        self.wait(lambda: connections(daemon) < 30)
        self.assertEqual(256, as_nobody(few_connections, member))
        self.answers(daemon)

    def test_a_caller_who_takes_all_descriptors_leaves_when_he_leaves(self):
        daemon = self.daemon(start=False)
        daemon.start(wrapper=("prlimit", "--nofile=128:128"))
        callers = []
        try:
            for _ in range(300):
                callers.append(Caller(daemon.socket))
        except OSError:
            pass  # the daemon takes no more
        finally:
            for caller in callers:
                caller.close()
        self.wait(lambda: daemon.run("status", check=False).returncode == 0)

    @unittest.skipUnless(os.geteuid() == 0, "becomes another user")
    def test_another_user_may_call_nothing(self):
        daemon = self.daemon()
        # He does not get to the socket; and if he did, because somebody opened it to all, he is refused every call.
        for folder in (self.folder, daemon.state):
            os.chmod(folder, 0o711)
        def ask_everything():
            answers = {}
            for name in names:
                with Caller(daemon.socket) as caller:
                    answers[name] = caller.greet().call(name).status()
            return answers
        names = methods()
        self.assertEqual("PermissionError", as_nobody(ask_everything))
        os.chmod(daemon.socket, 0o777)
        answers = as_nobody(ask_everything)
        self.assertEqual(set(names), set(answers))
        # What this version does not serve it refuses to everybody.
        allowed = {name: code for name, code in answers.items() if code not in (PERMISSION_DENIED, UNIMPLEMENTED)}
        self.assertEqual({}, allowed)
        self.assertEqual(PERMISSION_DENIED, answers["GetStatus"])
        self.assertEqual(PERMISSION_DENIED, answers["WatchStatus"])
        self.answers(daemon)


class Secrets(Case):
    def secret_file(self, name, content):
        os.chmod(self.write(name, content), 0o600)

    def test_secrets_are_in_no_log_process_list_core_dump_or_swap(self):
        password = "correct-horse-battery-staple-7041"
        daemon = self.daemon()
        self.secret_file("password", password + "\n")
        added = daemon.json("destination", "add", "disk", self.path("repository"), "--password-file",
                            self.path("password"))
        self.write("source/file", os.urandom(100_000))
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        daemon.backup("set")
        # A wrong one, too, is nobody else's business.
        self.secret_file("wrong", "wrong-" + password)
        daemon.run("destination", "add", "again", self.path("repository"), "--password-file", self.path("wrong"),
                   check=False)
        process = f"/proc/{daemon.process.pid}"
        secrets = [password] + ([added["recovery_key"]] if added.get("recovery_key") else [])
        places = [f"{process}/cmdline", f"{process}/environ", os.path.join(daemon.state, "output")]
        for folder, _, names in os.walk(daemon.state):
            if os.path.basename(folder) != "keys":
                places += [os.path.join(folder, name) for name in names if not name.endswith(".sock")]
        for place in places:
            with open(place, "rb") as file:
                content = file.read()
            for secret in secrets:
                self.assertNotIn(secret.encode(), content, place)

        with open(f"{process}/limits", encoding="ascii") as file:
            core = next(line for line in file if line.startswith("Max core file size"))
        self.assertEqual(["0", "0"], core.split()[4:6])
        # Keys lie in pages that are locked (lo) and left out of dumps (dd).
        with open(f"{process}/smaps", encoding="ascii") as file:
            flags = [line.split()[1:] for line in file if line.startswith("VmFlags:")]
        if not SANITIZED:
            self.assertTrue(any("lo" in one and "dd" in one for one in flags), "no key is in locked memory")
            self.assertFalse([one for one in flags if "lo" in one and "dd" not in one])

    def test_no_other_process_of_its_user_looks_into_the_daemon(self):
        """Nor would a dump be written where a program takes them, for which the size that is allowed does not count."""
        if os.geteuid() != 0:
            self.skipTest("needs root")
        nobody = 65534
        os.chmod(self.folder, 0o755)
        os.makedirs(self.path("state"), mode=0o700)
        os.chown(self.path("state"), nobody, nobody)
        daemon = self.daemon(start=False)
        daemon.start(wrapper=["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"])
        process = f"/proc/{daemon.process.pid}"
        self.assertEqual(nobody, os.stat(daemon.socket).st_uid)
        # What may not be dumped is root's there.
        self.assertEqual(0, os.stat(f"{process}/environ").st_uid)

    def assert_master_keys_are_locked(self, daemon):
        """Each is in memory that is locked and left out of dumps, and nowhere else."""
        folder = os.path.join(daemon.state, "keys")
        masters = set()
        for name in os.listdir(folder):
            if name.startswith("keyring-"):
                with open(os.path.join(folder, name), "rb") as file:
                    # An epoch's number, and its 32 bytes.
                    masters |= set(re.findall(rb"\x08.\x12\x20(.{32})", file.read(), re.DOTALL))
        self.assertTrue(masters)
        seen = set()
        process = f"/proc/{daemon.process.pid}"
        with open(f"{process}/smaps", encoding="ascii", errors="replace") as maps, open(f"{process}/mem", "rb", 0) as memory:
            for line in maps:
                if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
                    place = line
                    begin, end = (int(text, 16) for text in line.split()[0].split("-"))
                if not line.startswith("VmFlags:") or not place.split()[1].startswith("rw"):
                    continue
                flags = line.split()
                try:
                    memory.seek(begin)
                    content = memory.read(end - begin)
                except OSError:
                    continue  # given back meanwhile
                for master in masters:
                    if master in content:
                        self.assertTrue("lo" in flags and "dd" in flags, place)
                        seen.add(master)
        self.assertEqual(masters, seen)

    def test_master_keys_are_nowhere_in_memory_that_is_swapped_or_dumped(self):
        if SANITIZED or os.geteuid() != 0:
            self.skipTest("needs root, and memory that is the program's alone")
        self.write("source/file", os.urandom(100_000))
        daemon = self.ready(self.path("source"))
        daemon.run("destination", "add", "other", self.path("other"))
        daemon.backup("set")
        self.assert_master_keys_are_locked(daemon)
        daemon.run("restore", "set@latest", "--to", self.path("restored"))
        daemon.run("key", "rotate", "--destination", "disk")
        daemon.backup("set")
        daemon.run("check", "--read-data")
        self.assert_master_keys_are_locked(daemon)
        daemon.stop()
        daemon.start()
        daemon.backup("set")
        self.assert_master_keys_are_locked(daemon)
        daemon.stop()
        # One that has them from a recovery key.
        other = self.daemon("new state")
        other.run("destination", "add", "disk", self.path("repository"), "--recovery-key-file", self.path("recovery"))
        other.run("set", "add", "set", "--source", self.path("source"), "--destination", "disk")
        other.backup("set")
        self.assert_master_keys_are_locked(other)


if __name__ == "__main__":
    unittest.main(verbosity=2)
