"""Snapshots on a full screen: the real client in a terminal of tmux's, with keys sent to it and its screen read."""

import fcntl
import itertools
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from bare_environment import bare_environment
from case import Case
from garner_daemon import GARNER

SERVERS = itertools.count()
COLOUR = re.compile(r"\x1b\[[0-9;]*3[1-6]m")


class Terminal:
    """garner browse on a screen of 80 columns and 24 lines."""

    def __init__(self, case, socket, *arguments, environment=()):
        self.case = case
        self.server = ["tmux", "-u", "-S", case.path(f"tmux{next(SERVERS)}"), "-f", "/dev/null"]
        variables = bare_environment(HOME=case.folder, LC_ALL="C.UTF-8", TZ="UTC", TERM="xterm")
        command = ["env", *environment, GARNER, "--socket", socket, "browse", *arguments]
        line = " ".join(f"'{word}'" for word in command) + "; echo left with $?; cat"
        case.addCleanup(subprocess.run, [*self.server, "kill-server"], stderr=subprocess.DEVNULL, check=False)
        subprocess.run([*self.server, "new-session", "-d", "-x", "80", "-y", "24", line], env=variables, cwd=case.folder,
                       check=True)

    def tmux(self, *arguments):
        return subprocess.run([*self.server, *arguments], capture_output=True, check=True).stdout.decode()

    def keys(self, *names):
        """As tmux calls them: "Enter", "Down"."""
        self.tmux("send-keys", *names)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def text(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def wait(self, *texts, without=()):
        """Until the screen has all of the texts, and then none of the others; the screen."""
        def seen():
            screen = self.text()
            return screen if all(text in screen for text in texts) and not any(text in screen for text in without) else None

        until = time.monotonic() + 30
        while time.monotonic() < until:
            if screen := seen():
                return screen
            time.sleep(0.02)
        self.case.fail(f"{texts} without {without} is not to be seen:\n{self.text()}")

    def wait_for_line(self, pattern):
        self.case.wait(lambda: re.search(pattern, self.text(), re.MULTILINE), 30)

    def quit(self):
        self.keys("q")
        self.wait("left with 0")


class BrowseTest(Case):
    def history(self):
        """A daemon with three snapshots."""
        self.write("source/letters/list.txt", "the first list\n")
        self.write("source/letters/old.txt", "old text\n")
        self.write("source/letters/quiet.txt", "quiet\n")
        self.write("source/letters/same.txt", "same\n")
        self.write("source/notes.txt", "notes\n")
        daemon = self.ready(self.path("source"))
        self.runs = [daemon.backup("set")]
        self.write("source/letters/list.txt", "the second list, which is longer\n\tand has a \x1b[2J in it\n")
        self.write("source/letters/new.txt", "new\n")
        os.unlink(self.path("source/letters/old.txt"))
        os.chmod(self.path("source/letters/quiet.txt"), 0o600)
        self.runs.append(daemon.backup("set"))
        os.rename(self.path("source/letters"), self.path("source/post"))
        self.runs.append(daemon.backup("set"))
        return daemon

    def test_time_and_folders(self):
        terminal = Terminal(self, self.history().socket)
        newest, second, first = (run["snapshot_id"][:12] for run in reversed(self.runs))
        terminal.wait(newest, "/source", "   notes.txt", "+  post/", "-  letters/", "▾ 2")
        # The snapshots of the newest day are seen, by their times.
        self.assertEqual(3, len(re.findall(r"^ +\d\d:\d\d:\d\d set", terminal.text(), re.MULTILINE)))

        terminal.keys("[")
        terminal.wait(second, "M  letters/", "   notes.txt", without=["post/"])
        terminal.keys("Tab", "Home", "Enter")
        terminal.wait("source/letters", "M  list.txt", "+  new.txt", "-  old.txt", "m  quiet.txt", "   same.txt",
                      without=["notes.txt"])
        # Time goes by, the folder stays, and the name.
        terminal.keys("Down", "Down", "Down")
        terminal.wait("-rw-------")
        terminal.keys("[")
        terminal.wait(first, "source/letters", "   list.txt", "   old.txt", "the first of its set", "-rw-r--r--",
                      without=["new.txt"])
        terminal.keys("[")
        terminal.wait("This is the oldest snapshot of set.")
        terminal.keys("]", "]")
        terminal.wait(newest, "source/letters", "This folder is not in this snapshot.")
        terminal.keys("]")
        terminal.wait("This is the newest snapshot of set.")
        terminal.keys("[")
        terminal.wait(second, "m  quiet.txt", "-rw-------")
        # Up again, to the name of where one was.
        terminal.keys("BSpace")
        terminal.wait("M  letters/", "drwxr-xr-x", "notes.txt")
        terminal.quit()

    def test_the_timeline_folds(self):
        terminal = Terminal(self, self.history().socket)
        newest = self.runs[-1]["snapshot_id"]
        terminal.wait(newest[:8], "post/")
        terminal.keys("Left")
        terminal.wait("3 snapshots", "▾")
        terminal.keys("Left")
        terminal.wait("▸")
        self.assertNotRegex(terminal.text(), r"\d\d:\d\d:\d\d set *<")
        terminal.keys("Home", "Enter")
        self.assertEqual(1, len(re.findall("[▸▾]", terminal.wait("▸ 2", without=["▾"]))))
        terminal.keys("Right", "Right", "Right", "Right", "Right")
        terminal.wait_for_line(r"^ +\d\d:\d\d:\d\d set *<")
        # The tree goes with the snapshot that the cursor is on.
        terminal.keys("End")
        terminal.wait(self.runs[0]["snapshot_id"][:12], "letters/", without=["post/"])
        # Words of time, set and id.
        terminal.type("nothing like that")
        terminal.wait("Filter: nothing like that", "No snapshot is like that.", "(0 of 3")
        terminal.keys("C-u")
        terminal.type(newest[:8] + " set")
        terminal.wait("(1 of 3", newest[:12], "post/")
        terminal.keys("Escape")
        terminal.wait(newest[:12], without=["(1 of 3"])
        self.assertEqual(3, len(re.findall(r"^ +\d\d:\d\d:\d\d set", terminal.text(), re.MULTILINE)))
        terminal.quit()

    def test_filter_preview_and_restore(self):
        self.write("source/letters/\xff\xfe", "")
        self.write("source/letters/日本語", b"\x7fELF\0\1")
        daemon = self.history()
        terminal = Terminal(self, daemon.socket, "set", "--path", self.path("source/letters"))
        terminal.wait("This folder is not in this snapshot.")
        terminal.keys("[", "Tab")
        terminal.wait("m  quiet.txt", "日本語")
        terminal.type("LIST")
        terminal.wait("Filter: LIST", "list.txt", without=["quiet.txt"])
        terminal.keys("Enter")
        screen = terminal.wait("the second list", "        and has a \\x1b[2J in it", "source/letters/list.txt")
        self.assertNotIn("quiet.txt", screen)
        terminal.keys("q", "Escape")
        terminal.wait("quiet.txt", "日本語", without=["the second list"])
        terminal.type("/")
        terminal.type("日")
        terminal.wait("Filter: 日", without=["quiet.txt"])
        terminal.keys("Enter")
        terminal.wait("This is no text", "7f 45 4c 46 00 01", ".ELF..")
        terminal.keys("q", "Escape")
        # What was removed since can be looked at, and restored with something else, by its name.
        terminal.type("/old")
        terminal.wait("Filter: old", "-  old.txt", without=["list.txt"])
        terminal.keys("Enter")
        terminal.wait("old text")
        terminal.keys("q")
        terminal.wait("removed since the snapshot before", without=["old text"])
        terminal.keys("Space", "Escape")
        terminal.wait("-* old.txt", "1 marked")
        terminal.type("list")
        terminal.wait("Filter: list")
        terminal.keys("Down", "Space", "Escape")
        terminal.wait("M* list.txt", "2 marked")
        terminal.keys("R")
        terminal.wait("Restore 2 things to:")
        terminal.keys("C-u")
        terminal.type(self.path("restored"))
        terminal.keys("Enter")
        terminal.wait("Restored 2 things to")
        self.assertEqual(["list.txt", "old.txt"], sorted(os.listdir(self.path("restored"))))
        with open(self.path("restored/old.txt"), encoding="ascii") as file:
            self.assertEqual("old text\n", file.read())
        with open(self.path("restored/list.txt"), encoding="ascii") as file:
            self.assertIn("the second list", file.read())
        # Nothing is overwritten, and an error ends nothing.
        self.write("restored/list.txt", "mine")
        terminal.keys("R")
        terminal.wait("Restore list.txt to:")
        terminal.keys("C-u")
        terminal.type(self.path("restored"))
        terminal.keys("Enter")
        terminal.wait("That did not work", "Name another folder")
        terminal.keys("Enter")
        terminal.wait("quiet.txt", without=["That did not work"])
        with open(self.path("restored/list.txt"), encoding="ascii") as file:
            self.assertEqual("mine", file.read())
        # A folder.
        terminal.keys("BSpace")
        terminal.wait("M  letters/")
        terminal.keys("R")
        terminal.wait("Restore letters to:")
        terminal.keys("C-u")
        terminal.type("restored too")
        terminal.keys("Enter")
        terminal.wait("Restored 6 files to")
        self.assertEqual(6, len(os.listdir(self.path("restored too/letters"))))
        terminal.quit()

    def test_help_size_and_what_goes_away(self):
        daemon = self.history()
        terminal = Terminal(self, daemon.socket)
        terminal.wait("post/", "?:help", "q:quit")
        terminal.keys("?")
        screen = terminal.wait("garner browse: keys", "Filtering")
        self.assertNotIn("post/", screen)
        terminal.keys("End")
        terminal.wait("quits; restores go on")
        terminal.keys("q")
        terminal.wait("post/", without=["Filtering"])
        terminal.tmux("resize-window", "-x", "40", "-y", "6")
        terminal.wait("The terminal is too small")
        terminal.tmux("resize-window", "-x", "120", "-y", "40")
        terminal.wait("post/", "drwxr-xr-x")
        # Names come before times.
        terminal.tmux("resize-window", "-x", "50", "-y", "24")
        terminal.wait("+  post/", "-  letters/", "   notes.txt", "6 B")
        terminal.tmux("resize-window", "-x", "80", "-y", "24")
        terminal.wait("post/", without=["drwxr-xr-x"])
        # A daemon that is away is told, and all goes on when it is back.
        daemon.stop()
        terminal.keys("[")
        terminal.wait("That did not work", "When it is back")
        # Where no box fits.
        terminal.tmux("resize-window", "-x", "4", "-y", "24")
        terminal.wait("Tha")
        terminal.tmux("resize-window", "-x", "80", "-y", "24")
        terminal.wait("That did not work", "When it is back")
        terminal.keys("Enter")
        terminal.wait("It could not be read", without=["That did not work"])
        daemon.start()
        terminal.keys("C-l")
        terminal.wait("letters/", self.runs[1]["snapshot_id"][:12])
        self.assertRegex(terminal.text("-e"), COLOUR)
        terminal.quit()

    def test_a_restore_by_a_daemon_that_was_started_again(self):
        daemon = self.history()
        terminal = Terminal(self, daemon.socket)
        terminal.wait("+  post/", without=["comparing"])
        terminal.keys("Tab", "End")
        terminal.wait("drwxr-xr-x")
        daemon.stop()
        daemon.start()
        for answer in (["That did not work", "the daemon went away", "garner runs"], ["Restored 4 files to"]):
            terminal.keys("R")
            terminal.wait("Restore post to:")
            terminal.keys("C-u")
            terminal.type(self.path("restored"))
            terminal.keys("Enter")
            terminal.wait(*answer)
            terminal.keys("Enter")
        terminal.quit()

    def test_what_a_filter_keeps_out(self):
        daemon = self.history()
        newest, second, first = (run["snapshot_id"] for run in reversed(self.runs))
        daemon.run("tag", first, second, "--add", "keep")
        terminal = Terminal(self, daemon.socket)
        terminal.wait(newest[:12], "post/")
        terminal.type("keep")
        terminal.wait("(2 of 3: keep)", second[:12], without=["post/"])
        # It is seen all the same, until the cursor moves.
        terminal.keys("F5", "]")
        terminal.wait(newest[:12], "post/", without=["Filter"])
        terminal.keys("F5")
        terminal.tmux("resize-window", "-x", "90", "-y", "30")
        terminal.keys("?")
        terminal.wait("Filtering")
        terminal.keys("q")
        terminal.wait(newest[:12], "post/", without=["Filtering"])
        terminal.keys("Down")
        terminal.wait(first[:12], "letters/", without=["post/"])
        # What is forgotten is marked no more, and the newest that passes is seen instead.
        terminal.keys("Tab", "Space")
        terminal.wait("1 marked")
        terminal.keys("Tab")
        daemon.run("forget", first)
        terminal.keys("C-l")
        terminal.wait("(1 of 2: keep)", second[:12], without=["post/", "1 marked"])
        terminal.keys("R")
        terminal.wait("Mark what to restore")
        terminal.quit()

    def test_without_colours(self):
        daemon = self.history()
        for environment in (["TERM=vt100"], ["NO_COLOR=1"], ["LC_ALL=C"]):
            with self.subTest(environment=environment):
                terminal = Terminal(self, daemon.socket, environment=environment)
                terminal.wait("+  post/", "-  letters/", "   notes.txt")
                if environment != ["LC_ALL=C"]:
                    self.assertNotRegex(terminal.text("-e"), COLOUR)
                self.assertIn("\x1b[7m", terminal.text("-e"))
                terminal.keys("[", "Tab", "Home", "Enter")
                screen = terminal.wait("M  list.txt", "-  old.txt")
                if environment == ["LC_ALL=C"]:
                    self.assertTrue(screen.isascii(), screen)
                terminal.quit()

    def test_it_needs_a_terminal_and_snapshots(self):
        daemon = self.ready(self.path("source"))
        self.refused(daemon, 2, "browse", says=["browse needs a terminal", "garner snapshots"])
        terminal = Terminal(self, daemon.socket)
        terminal.wait("There is no snapshot yet", "left with 0")


class ManySnapshots(Case):
    """10,000 of 20 sets, by a daemon that makes them up."""

    def setUp(self):
        super().setUp()
        self.socket = self.scripted_daemon()

    def opened(self):
        """The client on a terminal of its own, drawn to the tree's last row; its process and the terminal."""
        child, main = pty.fork()
        if child == 0:
            os.environ.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC"})
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.execv(GARNER, [GARNER, "--socket", self.socket, "browse"])
        fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        output = b""
        while b"wide" not in output:
            self.assertTrue(select.select([main], [], [], 30)[0], output)
            output += os.read(main, 65536)
        self.assertIn(b"7,631", output)  # of the newest year
        return child, main

    def test_they_open(self):
        child, main = self.opened()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(main)

    def test_a_terminal_that_goes_away(self):
        """It ends, also where the signal of that is ignored."""
        child, main = self.opened()
        os.close(main)
        try:
            self.wait(lambda: os.waitpid(child, os.WNOHANG)[0])
        except AssertionError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise

    def test_a_restore_that_begins_in_part(self):
        terminal = Terminal(self, self.socket)
        terminal.wait("line\\x0aend", "z plain")
        terminal.keys("Tab", "Home", "Down", "Down", "Space", "Space")
        terminal.wait(" * line", " * z plain", "2 marked")
        terminal.keys("R")
        terminal.wait("Restore 2 things to:")
        terminal.keys("C-u")
        terminal.type(self.path("restored"))
        terminal.keys("Enter")
        terminal.wait("That did not work", "z plain is never restored", "1 of 2 has begun, and goes on.")
        terminal.keys("Enter")
        terminal.wait("Restored 2,000 files to", " * z plain", without=[" * line", "That did not work"])
        terminal.keys("F5")
        terminal.wait("1 marked")
        terminal.quit()

    def test_folders_with_many_names(self):
        terminal = Terminal(self, self.socket, "--path", "/home/ann/many")
        terminal.wait("100000", "100010")
        terminal.keys("Tab", "End")
        terminal.wait("199999")
        terminal.type("9876")
        terminal.wait("(20 of 100,000: 9876)", "109876", "198769")
        terminal.type("x")
        terminal.wait("Nothing here is like that.")
        terminal.keys("Escape")
        terminal.quit()
        # Of one that takes too much memory it is told what is not looked through, also while somebody types.
        terminal = Terminal(self, self.socket, "--path", "/home/ann/long")
        terminal.wait("100000")
        terminal.keys("Tab", "Home")
        terminal.wait("only the first 3")
        terminal.type("x")
        terminal.wait("Nothing among the first 3", "is like that.", "Filter: x")
        terminal.keys("Escape")
        terminal.quit()

    def test_names_act_on_nothing_and_columns_stay_straight(self):
        terminal = Terminal(self, self.socket)
        screen = terminal.wait("a\\x1b[2Jb", "bytes\\xff", "line\\x0aend", "日本 wide", "z plain")
        rows = [line for line in screen.splitlines() if "12.1 KiB" in line]
        self.assertEqual(5, len(rows))
        # A wide character is one of Python's and two columns.
        self.assertEqual({row.index("12.1 KiB") + 2 * ("日本" in row) for row in rows}, {rows[0].index("12.1 KiB")})
        terminal.type("set-7 ")
        terminal.wait("(500 of 10,000", "set-7 ")
        terminal.keys("End")
        terminal.wait("▾ September")
        terminal.quit()


if __name__ == "__main__":
    unittest.main()
