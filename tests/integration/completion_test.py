"""What a shell offers for a word that is being typed: each with its completion, as somebody types, before a real daemon."""

import concurrent.futures
import os
import pty
import select
import shutil
import signal
import string
import subprocess
import time
import unittest

from bare_environment import bare_environment
from case import Case
from garner_daemon import GARNER
from patience import PATIENCE

COMPLETIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "completions")
NAMES = ("plain", "two words", "it's", 'a "quote"', "$HOME", "$(touch made)", "`touch made`", "a;touch made", "back\\slash",
         "co:lon", "star*", "ünï", "list@home", "br[a]{ck}et",
         "a!echo", "end!")


class CompletionTest(Case):
    def setUp(self):
        super().setUp()
        # The command that the shell finds says which arguments it has got.
        self.program = self.write("bin/garner", f'#!/bin/sh\ncase " $* " in *" complete "*) exec {GARNER} "$@" ;; esac\n'
                                                'printf "<%s>" "$@"; echo; echo done\n')
        os.chmod(self.program, 0o755)
        self.elsewhere = self.path("elsewhere")
        os.mkdir(self.elsewhere)

    def environment(self, daemon):
        return bare_environment(PATH=self.path("bin") + ":/usr/bin:/bin", GARNER_SOCKET=daemon.socket, TERM="dumb", PS1="> ",
                                HISTFILE="", LANG="C.UTF-8", HOME=self.elsewhere)

    def offered(self, daemon, line):
        """What is offered for the last word of the line, as it would be typed."""
        script = 'source "$1"; COMP_LINE=$2; COMP_POINT=${#2}; _garner; ((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, "bash", os.path.join(COMPLETIONS, "garner.bash"), line],
                              capture_output=True, cwd=self.elsewhere, env=self.environment(daemon), check=True, timeout=PATIENCE)
        self.assertEqual(b"", done.stderr)
        return done.stdout.decode().splitlines()

    def offered_by_fish(self, daemon, line):
        done = subprocess.run([shutil.which("fish"), "--no-config", "-c", "source $argv[1]; complete --do-complete $argv[2]",
                               os.path.join(COMPLETIONS, "garner.fish"), line], capture_output=True, cwd=self.elsewhere,
                              env=self.environment(daemon), check=True, timeout=PATIENCE)
        self.assertEqual(b"", done.stderr)
        return [offered.split("\t")[0] for offered in done.stdout.decode().splitlines()]

    def typed(self, daemon, line):
        """The arguments with which the command runs when somebody types the line, with tabs in it, and then Enter."""
        return self.typed_in(daemon, ["bash", "--norc", "--noprofile", "-i"],
                             f"bind 'set bell-style none'; source {COMPLETIONS}/garner.bash", line)

    def typed_in_zsh(self, daemon, line):
        return self.typed_in(daemon, [shutil.which("zsh"), "-f", "-i"],
                             f"fpath=({COMPLETIONS} $fpath); autoload -Uz compinit; compinit -u -D", line)

    def typed_in(self, daemon, shell, preparation, line):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.elsewhere)
            os.execvpe(shell[0], shell, self.environment(daemon))
        output = b""

        def read(until):
            nonlocal output
            end = time.monotonic() + 30
            while until not in output:
                self.assertLess(time.monotonic(), end, output)
                if select.select([terminal], [], [], 1)[0]:
                    output += os.read(terminal, 4096)

        try:
            os.write(terminal, f"{preparation}; echo rea''dy\n".encode())
            read(b"ready\r\n")
            output = b""
            os.write(terminal, line.encode() + b"\n")
            read(b"\r\ndone\r\n")
        finally:
            os.close(terminal)
            os.waitpid(pid, 0)
        words = output[output.index(b"\r\n<") + 3:output.index(b">\r\ndone")]
        return words.decode().split("><")

    def test_snapshots(self):
        daemon = self.ready(self.path("source"))
        ids = []
        for number in range(3):
            self.write("source/file", str(number))
            ids.insert(0, daemon.backup("set")["snapshot_id"])
        known = ["set@latest", "set~1", *[one[:12] for one in ids]]
        for command in ("ls", "restore", "diff", "copy", "pin", "unpin", "diff latest", "mount x"):
            self.assertEqual(["latest", *known], self.offered(daemon, f"garner {command} "), command)
        for command in ("snapshots", "forget", "tag", "versions x", "find x --in", "find x --in home --in"):
            self.assertEqual(["latest", "set", *known], self.offered(daemon, f"garner {command} "), command)
        self.assertEqual([ids[1][:12]], self.offered(daemon, "garner ls " + ids[1][:5]))
        self.assertEqual(["latest"], self.offered(daemon, "garner ls la"))
        # Of what readline takes for words of their own only the last is replaced.
        self.assertEqual(["~1", "~2"], [text.removeprefix("set") for text in self.offered(daemon, "garner ls set~")])
        self.assertEqual(["@latest"], self.offered(daemon, "garner ls set@"))
        self.assertEqual([], self.offered(daemon, "garner ls latest "))
        self.assertEqual([], self.offered(daemon, "garner ls other"))
        self.assertEqual(["ls", "set@latest"], self.typed(daemon, "garner ls se\t@\t"))
        self.assertEqual(["diff", "set@latest", "set~1"], self.typed(daemon, "garner diff set@latest set~1\t"))

    def test_paths(self):
        for number, name in enumerate(NAMES):
            self.write(f"source/letters/{string.ascii_lowercase[number]} {name}", "")
        self.write("source/letters/y\nend", "")
        self.write("source/letters/zone/deep/file", "")
        self.write("source/music/song", "")
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        self.assertEqual(["letters/", "music/"], self.offered(daemon, "garner ls set@latest:"))
        self.assertEqual(["letters/"], self.offered(daemon, "garner restore latest:le"))
        self.assertEqual(["letters/zone/deep/"], self.offered(daemon, "garner diff latest latest:letters/zone/"))
        self.assertEqual(len(NAMES) + 1, len(self.offered(daemon, "garner ls latest:letters/")))
        for line in ("ls latest:nowhere/", "ls latest:letters/zone/nowhere", "ls other@latest:", "pin latest:le"):
            self.assertEqual([], self.offered(daemon, "garner " + line), line)
        # From the root on.
        root = self.path("source")
        self.assertEqual([root.split("/")[1]], [text.strip("/") for text in self.offered(daemon, "garner ls latest:/")])
        self.assertEqual([root + "/letters/"], self.offered(daemon, f"garner ls latest:{root}/l"))
        # Whatever a name holds: what is typed then means it, and does nothing else.
        for number, name in enumerate(NAMES):
            for quote in ("", '"', "'"):
                first = string.ascii_lowercase[number]
                with self.subTest(name=name, quote=quote):
                    self.assertEqual(["ls", f"set@latest:letters/{first} {name}"],
                                     self.typed(daemon, f"garner ls {quote}set@latest:letters/{first}\t"))
        self.assertEqual(["ls", "set@latest:letters/b two words"], self.typed(daemon, "garner ls set@latest:let\tb\t"))
        self.assertEqual(["ls", "set@latest:letters/b two words"], self.typed(daemon, 'garner ls "set@latest:let\tb\t'))
        self.assertEqual([], os.listdir(self.elsewhere))

    def test_paths_of_several_sources(self):
        self.write("sources/one/file", "")
        self.write("sources/two/file", "")
        daemon = self.ready(self.path("sources/one"), self.path("sources/two"))
        daemon.backup("set")
        self.assertEqual(["/"], self.offered(daemon, "garner ls latest:"))
        sources = self.path("sources")
        self.assertEqual([f"{sources}/one/", f"{sources}/two/"], self.offered(daemon, f"garner ls latest:{sources}/"))
        self.assertEqual([f"{sources}/two/file"], self.offered(daemon, f"garner ls latest:{sources}/two/"))

    def test_a_source_whose_path_is_odd(self):
        for name in (b"back\\slash", b"l\xe9vres"):
            self.write(f"sources/{os.fsdecode(name)}/file", "")
        odd = self.path("sources", "back\\slash")
        daemon = self.ready(odd, self.path("sources", os.fsdecode(b"l\xe9vres")))
        daemon.backup("set")
        for typed, names in ((self.path("sources/"), [b"back\\slash/", b"l\xe9vres/"]), (odd + "/", [b"back\\slash/file"])):
            done = subprocess.run([GARNER, "--socket", daemon.socket, "complete", "path", "latest:" + typed],
                                  capture_output=True, check=True)
            start = b"latest:" + os.fsencode(self.path("sources/"))
            self.assertEqual([start + name for name in names], done.stdout.splitlines())
        self.assertEqual(["ls", f"latest:{odd}/file"], self.typed(daemon, f"garner ls latest:{self.path('sources/b')}\t\t"))

    def named(self):
        """A daemon, and of lines to type the names that are offered for them."""
        daemon = self.ready(self.path("source"))
        made = daemon.backup("set")
        daemon.run("tag", made["snapshot_id"], "--add", "before-move", "--add", "kept:2026")
        daemon.run("notification", "add", "mine", "--command", "true")
        key = daemon.json("key", "list")["keys"][0]["id"][:12]
        runs = [run["run_id"] for run in daemon.json("runs")["runs"]]
        return daemon, {
            "garner backup ": ["set"], "garner set show s": ["set"], "garner destination show ": ["disk"],
            "garner prune --destination ": ["disk"], "garner run show ": runs, "garner errors ": runs,
            "garner forget --tag ": ["before-move", "kept:2026"], "garner tag latest --remove b": ["before-move"],
            "garner key remove ": [key], "garner notification show ": ["mine"], "garner status x": []}

    def test_names(self):
        daemon, lines = self.named()
        for line, names in lines.items():
            self.assertEqual(names, self.offered(daemon, line), line)
        self.assertEqual(["kept:2026"], daemon.run("complete", "tag", "kept:").stdout.splitlines())

    @unittest.skipUnless(shutil.which("fish"), "without fish")
    def test_names_in_fish(self):
        daemon, lines = self.named()
        for line, names in lines.items():
            self.assertEqual(names, self.offered_by_fish(daemon, line), line)
        self.assertEqual(["latest", "set@latest"], self.offered_by_fish(daemon, "garner ls ")[:2])

    @unittest.skipUnless(shutil.which("zsh"), "without zsh")
    def test_names_in_zsh(self):
        daemon, lines = self.named()
        for line, names in lines.items():
            if len(names) == 1:
                self.assertEqual(line.split()[1:-1] + names if line[-1] != " " else line.split()[1:] + names,
                                 self.typed_in_zsh(daemon, line + "\t"), line)

    def test_the_socket_that_is_named(self):
        """The daemon that is asked is the one of the line that is typed, whatever stands in the environment."""
        usual = self.ready(self.path("source"))
        other = self.ready(self.path("source"), name="other", repository="another", backup_set="theirs")
        other.backup("theirs")
        for option in (f"--socket {other.socket}", f"--socket={other.socket}"):
            self.assertEqual(["theirs"], self.offered(usual, f"garner {option} backup "))
            self.assertEqual(["theirs@latest"], self.offered(usual, f"garner {option} ls th"))
            if shutil.which("fish"):
                self.assertEqual(["theirs"], self.offered_by_fish(usual, f"garner {option} backup "))
                self.assertEqual(["theirs@latest"], self.offered_by_fish(usual, f"garner {option} ls th"))
            if shutil.which("zsh"):
                for command in ("backup", "set show"):
                    self.assertEqual(option.split() + command.split() + ["theirs"],
                                     self.typed_in_zsh(usual, f"garner {option} {command} \t"))
        self.assertEqual(["set"], self.offered(usual, "garner backup "))

    def test_a_daemon_that_is_stuck(self):
        """Nobody waits for it with his hands on the keys."""
        daemon = self.ready(self.path("source"))
        lines = [f"garner {line} " for line in ("backup", "destination show", "run show", "forget --tag", "key remove",
                                               "notification show", "ls", "snapshots", "ls latest:")]
        offers = [self.offered] + ([self.offered_by_fish] if shutil.which("fish") else [])
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(len(lines)) as pool:
                for offered in [pool.submit(offer, daemon, line) for offer in offers for line in lines]:
                    self.assertEqual([], offered.result())
            self.assertLess(time.monotonic() - begun, 60)
        finally:
            daemon.process.send_signal(signal.SIGCONT)

    def test_it_is_silent(self):
        daemon = self.ready(self.path("source"))
        for number in range(20):
            self.write(f"source/{number}", "")
        daemon.backup("set")
        self.assertEqual(11, len(daemon.run("complete", "path", "latest:1").stdout.splitlines()))
        self.assertEqual(2, daemon.run("complete", "something", "", check=False).returncode)
        daemon.stop()
        for kind in ("snapshot", "selector", "path", "set", "destination", "run", "tag", "key", "notification"):
            done = daemon.run("complete", kind, "latest:", check=False)
            self.assertEqual((4, "", ""), (done.returncode, done.stdout, done.stderr))

    @unittest.skipUnless(shutil.which("zsh"), "without zsh")
    def test_zsh_takes_it(self):
        subprocess.run(["zsh", "-n", os.path.join(COMPLETIONS, "_garner")], check=True)

    @unittest.skipUnless(shutil.which("fish"), "without fish")
    def test_fish_takes_it(self):
        subprocess.run(["fish", "--no-execute", os.path.join(COMPLETIONS, "garner.fish")], check=True)


if __name__ == "__main__":
    unittest.main()
