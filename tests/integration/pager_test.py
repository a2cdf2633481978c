"""Long output on a terminal goes through the user's pager: the real client on a pseudo-terminal, before a real daemon."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unittest

from bare_environment import bare_environment
from case import Case
from garner_daemon import GARNER

ROWS, COLUMNS = 12, 90


class PagerCase(Case):
    socket = None  # the daemon's

    def on_terminal(self, *arguments, **variables):
        """The exit code, and what stands on the terminal."""
        environment = bare_environment(**{"TERM": "xterm", "LANG": "C.UTF-8", "HOME": self.folder, "NO_COLOR": "1",
                                          **variables})
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execve(GARNER, [GARNER, "--socket", self.socket, *arguments], environment)
        output = b""
        end = time.monotonic() + 120
        try:
            while True:
                if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    self.fail(f"it does not end: {output}")
                if not (piece := os.read(terminal, 1 << 16)):
                    break
                output += piece
        except OSError:  # the last one has closed it
            pass
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.decode().replace("\r\n", "\n")


class PagerTest(PagerCase):
    def setUp(self):
        super().setUp()
        for number in range(30):
            self.write(f"source/file {number}", str(number))
        self.daemon = self.ready(self.path("source"))
        self.socket = self.daemon.socket
        self.daemon.backup("set")
        self.pager = self.write("pager", '#!/bin/sh\necho "$LESS" >"$0.less"\nexec cat >"$0.record"\n')
        os.chmod(self.pager, 0o755)

    def recorded(self):
        """What the pager has got since this was asked last; None where it was not there."""
        path = self.pager + ".record"
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            text = file.read()
        os.unlink(path)
        return text

    def test_what_is_longer_than_the_screen(self):
        for arguments in (("ls", "latest"), ("find", "file*"), ("diff", "latest", "latest:" + self.path("source"))):
            plain = self.daemon.run(*arguments, check=False)
            code, screen = self.on_terminal(*arguments, PAGER=self.pager)
            self.assertEqual(plain.returncode, code, arguments)
            if plain.stdout.count("\n") < ROWS:
                self.assertIsNone(self.recorded(), arguments)
                continue
            shown = self.recorded()
            self.assertIsNotNone(shown, arguments)
            self.assertGreaterEqual(shown.count("\n"), plain.stdout.count("\n"), arguments)
            self.assertIn("file 29", shown)
            self.assertNotIn("file 7", screen)
        for _ in range(ROWS):
            self.daemon.backup("set")
        for arguments in (("snapshots",), ("runs",)):
            self.assertEqual((0, ""), self.on_terminal(*arguments, GARNER_PAGER=self.pager, PAGER="false"))
            shown = self.recorded()
            self.assertGreater(shown.count("\n"), ROWS)
            # It is as wide as the terminal.
            self.assertGreater(max(map(len, shown.splitlines())), 50)
            self.assertLessEqual(max(map(len, shown.splitlines())), COLUMNS)
        with open(self.pager + ".less", encoding="utf-8") as file:
            self.assertEqual("FRX\n", file.read())
        self.on_terminal("ls", "latest", PAGER=self.pager, LESS="S")
        with open(self.pager + ".less", encoding="utf-8") as file:
            self.assertEqual("S\n", file.read())

    def test_what_goes_through_none(self):
        shown = [["snapshots"], ["--no-pager", "ls", "latest"], ["ls", "latest", "--no-pager"], ["--json", "ls", "latest"]]
        for arguments in shown:
            code, screen = self.on_terminal(*arguments, PAGER=self.pager)
            self.assertEqual(0, code, screen)
            self.assertIsNone(self.recorded(), arguments)
            self.assertNotEqual("", screen)
        for variables in ({"PAGER": ""}, {"PAGER": "cat"}, {"GARNER_PAGER": "", "PAGER": self.pager},
                          {"PAGER": self.pager, "TERM": "dumb"}):
            code, screen = self.on_terminal("ls", "latest", **variables)
            self.assertEqual(0, code, screen)
            self.assertEqual(30, screen.count("file "), variables)
            self.assertIsNone(self.recorded(), variables)
        self.assertEqual(30, self.daemon.run("ls", "latest", env={**os.environ, "PAGER": self.pager}).stdout.count("file "))
        self.assertIsNone(self.recorded())

    def test_a_pager_that_ends_early_or_is_not_there(self):
        for number in range(3_000):
            self.write(f"source/{'long ' * 20}{number}", "")
        self.daemon.backup("set")
        code, screen = self.on_terminal("ls", "latest", PAGER="head -n 2")
        self.assertEqual(0, code, screen)
        self.assertEqual(2, screen.count("file "), screen)
        self.assertEqual(2, screen.count("\n"), screen)
        code, screen = self.on_terminal("find", "long*", PAGER="true")
        self.assertEqual((0, ""), (code, screen))
        code, screen = self.on_terminal("ls", "latest", PAGER="no-such-pager")
        self.assertEqual(0, code, screen)
        self.assertRegex(screen, r"the pager no-such-pager cannot be run")

    def test_notes_come_when_the_pager_has_ended(self):
        pager = self.write("slow pager", "#!/bin/sh\ncat\necho end of the pager\n")
        os.chmod(pager, 0o755)
        code, screen = self.on_terminal("find", "file*", "--limit", "20", PAGER=f"'{pager}'")
        self.assertEqual(0, code, screen)
        self.assertTrue(re.search(r"(?s)file.*end of the pager\n.*These are the first 20", screen), screen)


class SlowSearch(PagerCase):
    """A daemon that finds a hundred files and goes on searching."""

    def setUp(self):
        super().setUp()
        self.socket = self.scripted_daemon()

    def test_the_command_ends_with_its_pager(self):
        """However long the next file would take to be found."""
        code, screen = self.on_terminal("find", "*", PAGER="head -n 2")
        self.assertEqual((0, 2), (code, screen.count("\n")), screen)


if __name__ == "__main__":
    unittest.main()
