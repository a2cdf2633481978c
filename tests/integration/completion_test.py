"""What a shell offers for a word that is being typed: bash with its completion, as somebody types, before a real daemon."""

import os
import pty
import select
import shutil
import string
import subprocess
import time
import unittest

from case import Case
from garner_daemon import GARNER

COMPLETIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "completions")
NAMES = ("plain", "two words", "it's", 'a "quote"', "$HOME", "$(touch made)", "`touch made`", "a;touch made", "back\\slash",
         "co:lon", "star*", "ünï", "list@home", "br[a]{ck}et")


class CompletionTest(Case):
    def setUp(self):
        super().setUp()
        # The command that the shell finds says which arguments it has got.
        self.program = self.write("bin/garner", f'#!/bin/sh\n[ "$1" = complete ] || [ "$1" = --json ] || '
                                                f'{{ printf "<%s>" "$@"; echo; echo done; exit; }}\nexec {GARNER} "$@"\n')
        os.chmod(self.program, 0o755)
        self.elsewhere = self.path("elsewhere")
        os.mkdir(self.elsewhere)

    def environment(self, daemon):
        return {"PATH": self.path("bin") + ":/usr/bin:/bin", "GARNER_SOCKET": daemon.socket, "TERM": "dumb", "PS1": "> ",
                "HISTFILE": "", "LANG": "C.UTF-8", "HOME": self.elsewhere}

    def offered(self, daemon, line):
        """What is offered for the last word of the line, as it would be typed."""
        script = 'source "$1"; COMP_LINE=$2; COMP_POINT=${#2}; _garner; ((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, "bash", os.path.join(COMPLETIONS, "garner.bash"), line],
                              capture_output=True, cwd=self.elsewhere, env=self.environment(daemon), check=True)
        self.assertEqual(b"", done.stderr)
        return done.stdout.decode().splitlines()

    def typed(self, daemon, line):
        """The arguments with which the command runs when somebody types the line, with tabs in it, and then Enter."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.elsewhere)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], self.environment(daemon))
        output = b""

        def read(until):
            nonlocal output
            end = time.monotonic() + 30
            while until not in output:
                self.assertLess(time.monotonic(), end, output)
                if select.select([terminal], [], [], 1)[0]:
                    output += os.read(terminal, 4096)

        try:
            os.write(terminal, f"bind 'set bell-style none'; source {COMPLETIONS}/garner.bash; echo rea''dy\n".encode())
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

    def test_it_is_silent(self):
        daemon = self.ready(self.path("source"))
        for number in range(20):
            self.write(f"source/{number}", "")
        daemon.backup("set")
        self.assertEqual(11, len(daemon.run("complete", "path", "latest:1").stdout.splitlines()))
        self.assertEqual(2, daemon.run("complete", "something", "", check=False).returncode)
        daemon.stop()
        for kind in ("snapshot", "selector", "path"):
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
