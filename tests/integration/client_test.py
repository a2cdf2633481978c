"""garner against a daemon that answers by script: progress, endings, Ctrl-C, what is sent, and what is shown."""

import base64
import json
import os
import pty
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

from bare_environment import bare_environment
from patience import PATIENCE

BUILD = os.environ["GARNER_BUILD"]
GARNER = os.path.join(BUILD, "client", "garner")
DAEMON = os.path.join(BUILD, "tests", "integration", "scripted_daemon")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="garner-client-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.socket = os.path.join(self.folder, "s")
        self.daemon = subprocess.Popen([DAEMON, self.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end_daemon)
        self.assertEqual(self.daemon.stdout.readline(), b"ready\n")
        self.environment = bare_environment(HOME=self.folder, GARNER_SOCKET=self.socket, LC_ALL="C.UTF-8", TERM="xterm",
                                            TZ="UTC")

    def end_daemon(self):
        self.daemon.stdin.close()
        self.daemon.wait(PATIENCE)
        self.daemon.stdout.close()

    def garner(self, *arguments, code=0):
        done = subprocess.run([GARNER, *arguments], stdin=subprocess.DEVNULL, capture_output=True, cwd=self.folder,
                              env=self.environment, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done)
        self.assertNotIn(b"\x1b", done.stdout + done.stderr)
        return done

    def json(self, *arguments, code=0):
        done = self.garner("--json", *arguments, code=code)
        self.assertEqual(done.stdout.count(b"\n"), 1)
        return json.loads(done.stdout)


class Terminal:
    """garner on a terminal of 80 columns, as its standard input, output and error."""

    def __init__(self, case, *arguments):
        self.main, child = pty.openpty()
        self.process = subprocess.Popen([GARNER, *arguments], stdin=child, stdout=child, stderr=child, cwd=case.folder,
                                        env=case.environment, start_new_session=True)
        os.close(child)
        self.output = b""
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.main)

    def read_until(self, mark, seconds=PATIENCE):
        """Waits for `mark`, or for the end with None."""
        until = time.monotonic() + seconds
        while mark is None or mark not in self.output:
            if not select.select([self.main], [], [], max(0, until - time.monotonic()))[0]:
                raise AssertionError(f"no {mark!r} in {self.output!r}")
            try:
                self.output += os.read(self.main, 65536)
            except OSError:  # the other side is closed
                if mark is None:
                    return self.output
                raise AssertionError(f"ended without {mark!r}: {self.output!r}") from None
        return self.output

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def type(self, text):
        os.write(self.main, text)

    def end(self):
        self.read_until(None)
        return self.process.wait(PATIENCE)


class Endings(Case):
    def test_exit_codes(self):
        for name, code in (("clean", 0), ("failed", 1), ("errors", 3), ("incomplete", 3), ("unknown", 1)):
            self.garner("backup", name, code=code)
        self.garner("check", "--destination", "clean")
        self.garner("check", "--destination", "damaged", code=6)

    def test_status_codes(self):
        for status, code in ((3, 2), (5, 1), (6, 1), (7, 5), (9, 1), (13, 1), (14, 4), (15, 6), (16, 5)):
            done = self.garner("run", "show", str(status), code=code)
            self.assertEqual(done.stdout, b"")
            self.assertIn(b"asked\\x1b[31m\n", done.stderr)
            self.assertTrue(done.stderr.startswith(b"garner: "))

    def test_summary(self):
        done = self.garner("backup", "errors", code=3)
        self.assertIn(b"Backup of errors finished with errors after 1:15: snapshot 4f2a91c0d7e8 (run 12)\n", done.stdout)
        self.assertIn(b"/a\\x1b[2J: permission denied\n", done.stdout)

    def test_detach(self):
        done = self.garner("backup", "endless", "--detach")
        self.assertEqual(done.stdout, b"Backup of endless goes on as run 12: garner run show 12\n")
        self.assertEqual(self.json("backup", "endless", "--detach")["run_id"], "13")

    def test_json_is_one_object_and_progress_goes_to_standard_error(self):
        done = self.garner("--json", "backup", "clean")
        run = json.loads(done.stdout)
        self.assertEqual((run["state"], run["files"], run["error_count"]), ("RUN_STATE_FINISHED", "2000", "0"))
        self.assertEqual(run["destinations"], [])
        for line in done.stderr.splitlines():
            self.assertEqual(json.loads(line)["state"], "RUN_STATE_RUNNING")

    def test_plain_progress(self):
        done = self.garner("backup", "clean")
        self.assertIn(b"run 12, backup of clean: ", done.stderr)

    def test_a_daemon_that_dies(self):
        done = self.garner("backup", "vanish", code=4)
        self.assertIn(b"went away", done.stderr)
        self.assertIn(b"go on by themselves", done.stderr)

    def test_a_daemon_that_stops(self):
        done = self.garner("backup", "stop", code=4)
        self.assertIn(b"garner run show 12", done.stderr)


class Interrupted(Case):
    def test_without_a_terminal_it_detaches(self):
        process = subprocess.Popen([GARNER, "backup", "endless"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment)
        self.assertIn(b"run 12", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"goes on as run 12", output)

    def ask(self, name="endless"):
        terminal = Terminal(self, "backup", name)
        terminal.read_until(b"file\\x1b[31m3" if name == "endless" else b"is away")
        terminal.interrupt()
        terminal.read_until(b"[D/c] ")
        return terminal

    def test_detach_is_the_default(self):
        for answer in (b"\n", b"d\n", b"what?\n\n", b"\x04"):
            terminal = self.ask()
            terminal.type(answer)
            self.assertEqual(terminal.end(), 0)
            self.assertIn(b"goes on as run", terminal.output)

    def test_a_second_interrupt_detaches(self):
        terminal = self.ask()
        terminal.interrupt()
        self.assertEqual(terminal.end(), 0)

    def test_cancel_waits_for_the_end(self):
        for name in ("endless", "paused"):
            terminal = self.ask(name)
            terminal.type(b"c\n")
            self.assertEqual(terminal.end(), 1)
            self.assertIn(b"was cancelled", terminal.output)


class OnTerminal(Case):
    def test_progress_is_drawn_and_taken_away(self):
        terminal = Terminal(self, "backup", "clean")
        self.assertEqual(terminal.end(), 0)
        text = terminal.output.decode()
        self.assertIn("of 4.0 GiB", text)
        self.assertIn("deduplicated", text)
        # What stands after the last erasure is the summary.
        self.assertTrue(text.split("\x1b[J")[-1].startswith("Backup of clean "), text)
        self.assertNotIn("\x1b[31m3", text)

    def test_a_paused_run_says_why(self):
        terminal = Terminal(self, "backup", "paused")
        terminal.read_until(b"paused: destination disk is away; it goes on by itself when it is back")

    def test_no_colour(self):
        self.environment["NO_COLOR"] = "1"
        terminal = Terminal(self, "backup", "clean")
        terminal.end()
        self.assertNotIn(b"m", b"".join(part[:4] for part in terminal.output.split(b"\x1b[")[1:] if part[:1].isdigit()))


class Sent(Case):
    def test_relative_paths_begin_at_the_working_folder(self):
        made = self.json("set", "add", "home", "--source", "a", "../b", "/c/", "--destination", "x", "y")
        parent = os.path.dirname(self.folder)
        self.assertEqual([base64.b64decode(path).decode() for path in made["source_paths"]],
                         [self.folder + "/a", parent + ("/b" if parent != "/" else "b"), "/c"])
        self.assertEqual(made["destinations"], ["x", "y"])
        self.assertEqual(self.json("destination", "add", "disk", "d")["destination"]["url"], self.folder + "/d")

    def test_edit_sends_only_what_is_given(self):
        self.assertEqual(self.json("set", "edit", "home", "--no-exclude-caches")["name"],
                         'name: "home" exclude_caches: false')
        self.assertEqual(self.json("set", "edit", "home", "--one-file-system", "--destination", "x")["name"],
                         'name: "home" destinations: "x" one_file_system: true')
        self.assertEqual(self.json("set", "edit", "home", "--supply-from", "x")["name"],
                         'name: "home" supply { from: "x" }')
        self.assertEqual(self.json("set", "edit", "home", "--no-supply")["name"], 'name: "home" supply { }')

    def test_restore(self):
        run = self.json("restore", "home@2026-11-22T18:30:/a:b", "--to", "out", "--overwrite", "older", "-n")
        self.assertEqual(run["target"], self.folder + "/out")
        self.assertEqual(run["message"], "home@2026-11-22T18:30|/a:b|OVERWRITE_OLDER|dry")
        self.assertEqual(self.json("restore", "latest", "--to", "/x")["message"], "latest||OVERWRITE_UNSPECIFIED")

    def test_check(self):
        for option, sent in (("--read-data", 100), ("--read-data=2.5", 2.5), ("--destination=clean", 0)):
            self.assertEqual(self.json("check", option)["message"], f"percent {sent:.6f}")

    def test_secrets(self):
        path = os.path.join(self.folder, "secret")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(b"p\n\n")
        answer = self.json("destination", "add", "disk", "/x", "--password-file", path)
        self.assertEqual(answer["notices"], ['password: "p\\n"'])
        done = subprocess.run([GARNER, "--json", "destination", "add", "disk", "/x", "--password-file", "-"], input=b"q\n",
                              capture_output=True, env=self.environment, check=True)
        self.assertEqual(json.loads(done.stdout)["notices"], ['password: "q"'])

    def test_a_password_is_typed_unseen(self):
        terminal = Terminal(self, "destination", "add", "disk", "/x", "--password-file", "-")
        terminal.read_until(b"Password: ")
        terminal.type(b"hidden\n")
        self.assertEqual(terminal.end(), 0)
        self.assertEqual(terminal.output.count(b"hidden"), 1)  # the daemon's echo, not the terminal's


class Shown(Case):
    def test_streams_become_one_object(self):
        self.assertEqual([entry["name"] for entry in self.json("ls", "latest:x")["entries"]], ["ax", "b\x1b[2Jx"])
        lines = self.json("log")["lines"]
        self.assertEqual([line["text"] for line in lines], ["one", 'two "quoted"\x1b[2J'])
        done = self.garner("--json", "log", "--follow")
        self.assertEqual([json.loads(line)["text"] for line in done.stdout.splitlines()], [line["text"] for line in lines])

    def test_ls(self):
        self.assertIn(b" b\\x1b[2Jx/\n", self.garner("ls", "latest:x").stdout)

    def test_log(self):
        self.assertIn(b'2023-11-14 22:13:20 info     two "quoted"\\x1b[2J\n', self.garner("log").stdout)

    def test_the_recovery_key_is_shown(self):
        output = self.garner("destination", "add", "disk", "/x").stdout
        self.assertIn(b"\n    ABCDEFG-HIJKLMN\n", output)
        self.assertIn(b"Keep it", output)

    def test_export_writes_a_file_for_its_owner_and_never_overwrites(self):
        path = os.path.join(self.folder, "key")
        self.garner("key", "export", "--to", "key")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"key\0file")
        done = self.garner("key", "export", "--to", "key", code=1)
        self.assertIn(b"is there already", done.stderr)

    def test_export_that_is_refused_leaves_nothing(self):
        self.garner("key", "export", "--to", "key", "--destination", "locked", code=5)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "key")))

    def test_output_that_nobody_reads(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([GARNER, "ls", "latest"], stdout=full, stderr=subprocess.PIPE, env=self.environment,
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"could not be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
