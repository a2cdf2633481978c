"""garner without a daemon: what is refused before anything is sent, what --help says, and how a missing daemon is told.

Every refusal runs against a socket that listens and must see no connection."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

import garner_daemon
from patience import PATIENCE

GARNER = garner_daemon.GARNER

COMMANDS = [
    "status", "destination add", "destination list", "destination show", "destination edit",
    "destination claim", "destination test", "destination remove", "config export", "config apply", "set add", "set list",
    "set show", "set edit", "set remove", "backup", "runs", "run show", "run pause", "run resume", "run cancel",
    "snapshots", "ls", "diff", "find", "versions", "browse", "mount", "restore", "copy", "tag", "forget", "prune", "pin", "unpin", "check", "repair",
    "key list", "key add", "key remove", "key export", "key rotate", "log", "notification add", "notification list",
    "notification show", "notification test", "notification remove", "metrics", "errors", "ignore", "set explain"]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="garner-usage-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.socket = os.path.join(self.folder, "garnerd.sock")

    def garner(self, *arguments, environment=None, program=GARNER, **options):
        variables = {"PATH": "/usr/bin:/bin", "HOME": self.folder, "GARNER_SOCKET": self.socket}
        variables.update(environment or {})
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([program, *arguments], capture_output=True, cwd=self.folder, env=variables, timeout=PATIENCE,
                              check=False, **options)

    def secret(self, name="secret", content=b"correct horse\n", mode=0o600):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def listen(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(self.socket)
        listener.listen()
        listener.setblocking(False)
        return listener


class Refused(Case):
    """Exit code 2, a message, and not even a connection."""

    def refuse(self, *arguments, says=None, **options):
        if not hasattr(self, "listener"):
            self.listener = self.listen()
        with self.subTest(arguments=arguments):
            done = self.garner(*arguments, **options)
            self.assertEqual(done.returncode, 2, done)
            self.assertEqual(done.stdout, b"")
            self.assertTrue(done.stderr.startswith(b"garner: "), done.stderr)
            if says is not None:
                self.assertIn(says.encode(), done.stderr)
            with self.assertRaises(BlockingIOError):
                self.listener.accept()

    def test_commands(self):
        self.refuse(says="give a command")
        self.refuse("bakcup", "home", says="no command bakcup")
        self.refuse("destination", says="needs a command")
        self.refuse("destination", "make", says="no command destination make")
        self.refuse("--jsn", "status", says="no option --jsn")
        self.refuse("--json=no", "status")
        self.refuse("status", "now")
        self.refuse("backup", "home", "--full", says="no option --full")
        self.refuse("backup", "home", "--detach=no")
        self.refuse("backup")
        self.refuse("backup", "a", "b")
        self.refuse("runs", "a", "b")
        self.refuse("log", "--follow", "50")
        self.refuse("status", "--socket")

    def test_names(self):
        for name in ("", ".hidden", "-x", "a b", "a/b", "a:b", "a@b", "ü", "a\nb", "_x", "a~1"):
            if not name.startswith("-"):
                self.refuse("backup", name, says="cannot be a set's name")
                self.refuse("set", "show", name)
                self.refuse("set", "remove", name)
                self.refuse("runs", name)
                if "@" not in name and "~" not in name:
                    self.refuse("snapshots", name, says="neither a set nor a SELECTOR")
                self.refuse("destination", "show", name, says="cannot be a destination's name")
                self.refuse("destination", "remove", name)
            self.refuse("check", "--destination=" + name)
            self.refuse("repair", "--destination=" + name)
            self.refuse("key", "list", "--destination=" + name)
        self.refuse("destination", "add", "a b", "/x")
        self.refuse("set", "add", "a b", "--source", "/x", "--destination", "d")
        self.refuse("set", "add", "home", "--source", "/x", "--destination", "d", "e f")
        self.refuse("set", "edit", "home", "--destination", "")

    def test_snapshots(self):
        self.refuse("snapshots", "--columns", "id,size", says="id, set, time, host, sources, files, bytes, new")
        self.refuse("snapshots", "--sort", "size", says="time, files, bytes")
        self.refuse("snapshots", "--group-by", "year", says="none, day, week, month")
        self.refuse("snapshots", "--group-by", "day", "--sort", "bytes", says="order of time")
        self.refuse("snapshots", "--limit", "0", says="1 or more")
        self.refuse("snapshots", "--limit", "few")
        self.refuse("snapshots", "--since", b"\xff", says="UTF-8")
        self.refuse("snapshots", "--tag", "a,b", says="is no tag")
        self.refuse("forget", "--tag", "a b", says="is no tag")
        self.refuse("forget", "home", "--tag", "a", "--keep-last", "3", says="Give one of them")

    def test_tags(self):
        self.refuse("tag", "--clear")
        self.refuse("tag", "latest", says="give --add, --remove, --set or --clear")
        self.refuse("tag", "latest", "--add", "a", "--clear", says="exclude each other")
        self.refuse("tag", "latest", "--remove", "a", "--set", "b", says="exclude each other")
        self.refuse("tag", "latest", "--set", "a", "--clear", says="exclude each other")
        self.refuse("tag", "latest", "--add", "a", "--remove", "a", says="give it once")
        self.refuse("tag", b"\xff", "--clear", says="UTF-8")
        for tag in ("", ".a", "a b", "a,b", "ü", "a\nb", "x" * 65):
            self.refuse("tag", "latest", "--add", tag, says="is no tag")
        self.refuse("snapshots", "--until", "", says="empty")

    def test_destination_add_options_that_exclude_each_other(self):
        file = self.secret()
        keys = [["--password-file", file], ["--key-file", file], ["--recovery-key-file", file], ["--no-encryption"]]
        for i, one in enumerate(keys):
            for other in keys[i + 1:]:
                self.refuse("destination", "add", "disk", "/x", *one, *other, says="exclude each other")
        self.refuse("destination", "add", "disk", "/x", "--no-encryption", "--share-keyring", says="exclude each other")
        self.refuse("destination", "add", "disk", "/x", "--share-keyring", says="needs --password-file or --key-file")
        self.refuse("destination", "add", "disk", "/x", "--share-keyring", "--recovery-key-file", file)

    def test_destination_add_arguments(self):
        self.refuse("destination", "add")
        self.refuse("destination", "add", "disk")
        self.refuse("destination", "add", "disk", "")
        self.refuse("destination", "add", "disk", "/x", "/y")
        self.refuse("destination", "add", "disk", b"/\xff", says="UTF-8")
        self.refuse("destination", "add", "disk", "/x", "--password-file")
        self.refuse("destination", "add", "disk", "/x", "--password-file", self.secret(), "--password-file",
                    self.secret("other"))

    def test_secret_files(self):
        for option in ("--password-file", "--key-file", "--recovery-key-file"):
            add = ("destination", "add", "disk", "/x", option)
            for mode in (0o640, 0o604, 0o644, 0o660, 0o610, 0o601):
                path = self.secret("open", b"x" * 40, mode)
                self.refuse(*add, path, says="chmod 600 " + path)
            self.refuse(*add, os.path.join(self.folder, "missing"), says="cannot be opened")
            self.refuse(*add, self.folder, says="is a folder")
            self.refuse(*add, "", says="is empty")
            self.refuse(*add, self.secret("empty", b""))
            self.refuse(*add, self.secret("large", b"x" * (1 << 17)), says="too large")
            self.refuse(*add, "-")  # standard input is empty
        self.refuse("destination", "add", "disk", "/x", "--password-file", self.secret("line", b"\n"))
        self.refuse("destination", "add", "disk", "/x", "--key-file", self.secret("short", b"x" * 31))
        self.refuse("destination", "add", "disk", "/x", "--recovery-key-file", self.secret("blank", b" \n\t "))
        self.refuse("destination", "add", "disk", "/x", "--recovery-key-file", self.secret("binary", b"\xff" * 32))
        self.refuse("key", "add", "--password-file", self.secret("open", b"x", 0o644), says="chmod 600")

    def test_a_refused_recovery_key_is_not_shown(self):
        done = self.garner("destination", "add", "disk", "/x", "--recovery-key-file", self.secret("k", b"ABCDEF\xff"))
        self.assertEqual(done.returncode, 2)
        self.assertNotIn(b"ABCDEF", done.stderr + done.stdout)

    def test_set(self):
        self.refuse("set", "add", "home")
        self.refuse("set", "add", "home", "--source", "/x")
        self.refuse("set", "add", "home", "--destination", "d")
        self.refuse("set", "add", "home", "--source", "--destination", "d")
        self.refuse("set", "add", "home", "--source", "", "--destination", "d", says="--source is empty")
        self.refuse("set", "add", "home", "--source", "/x", "", "--destination", "d", says="--source is empty")
        self.refuse("set", "edit", "home", says="at least one thing to change")
        self.refuse("set", "edit", "home", "--source", "", says="--source is empty")
        self.refuse("set", "edit", "home", "--one-file-system", "--no-one-file-system", says="exclude each other")
        self.refuse("set", "edit", "home", "--exclude-caches", "--no-exclude-caches", says="exclude each other")
        for command in (["set", "edit", "home"], ["set", "add", "home", "--source", "/x", "--destination", "d", "e"]):
            self.refuse(*command, "--supply-from", "d", "--supply", "both-ways", says="exclude each other")
            self.refuse(*command, "--supply", "d", says="both-ways")
            self.refuse(*command, "--supply-from", "a/b")
        self.refuse("set", "edit", "home", "--supply-from", "d", "--no-supply", says="exclude each other")
        self.refuse("set", "add", "home", "--source", "/x", "--destination", "d", "--no-supply")
        os.symlink("/usr/share", os.path.join(self.folder, "link"))
        self.refuse("set", "add", "home", "--source", "link/..", "--destination", "d", says="symbolic link")

    def test_restore(self):
        self.refuse("restore")
        self.refuse("restore", "latest", says="--to")
        self.refuse("restore", "--to", "/x")
        self.refuse("restore", "latest", "--to", "", says="--to is empty")
        self.refuse("restore", "latest", "--to", "/x", "--to", "/y")
        self.refuse("restore", "latest", "--to", "/x", "--overwrite", "newer", says="never, older or always")
        self.refuse("restore", "latest", "--to", "/x", "--overwrite", "")
        self.refuse("restore", "latest", "--to", "/x", "--overwrite")
        self.refuse("restore", ":/etc", "--to", "/x", says="no snapshot")
        self.refuse("restore", "", "--to", "/x", says="no snapshot")
        self.refuse("restore", b"\xff", "--to", "/x", says="UTF-8")
        self.refuse("ls")
        self.refuse("ls", ":x")
        self.refuse("diff", "latest")
        self.refuse("diff", "latest", ":x", says="no snapshot")
        for number in ("0", "", "-1", "latest"):
            self.refuse("restore", "--version=" + number, "/x", "--to", "/y", says="--version")
        self.refuse("restore", "--version", "1", "--to", "/x")

    def test_find(self):
        self.refuse("find")
        self.refuse("find", "", says="PATTERN is empty")
        self.refuse("find", "x", "--in", "a b", says="neither a set nor a SELECTOR")
        self.refuse("find", "x", "--size", "10M", says="range of sizes")
        self.refuse("find", "x", "--size", "2K..1K", says="nothing is between")
        self.refuse("find", "x", "--type", "file", says="f (file), d (folder)")
        self.refuse("find", "x", "--limit", "0", says="1 or more")
        self.refuse("find", "x", "--mtime-after", "", says="empty")
        self.refuse("find", "x", "--since", b"\xff", says="UTF-8")
        self.refuse("find", "x", "--content", "y", says="no PATTERN")
        self.refuse("find", "--content", "y", "--type", "f", says="no PATTERN")
        self.refuse("find", "--content", "y", "--path", "/x", says="no PATTERN")
        self.refuse("find", "--content", "y", "--blob", "0" * 16, says="exclude each other")
        self.refuse("find", "--blob", "0" * 15, says="16 to 64 hexadecimal digits")
        self.refuse("find", "--blob", "g" * 16, says="16 to 64 hexadecimal digits")
        self.refuse("find", "--pack", "1234567", says="8 to 64 hexadecimal digits")
        self.refuse("find", "--in", "home", says="give a PATTERN, or one of --content, --blob and --pack")

    def test_versions(self):
        self.refuse("versions")
        self.refuse("versions", "", says="PATH is empty")
        self.refuse("versions", "/x", "a b", says="neither a set nor a SELECTOR")
        self.refuse("versions", "/x", "--since", "", says="empty")
        self.refuse("versions", "/x", "--until", b"\xff", says="UTF-8")
        self.refuse("versions", "/x", "--diff", "1", says="two versions")
        self.refuse("versions", "/x", "--diff", "1", "2", "3", says="two versions")
        self.refuse("versions", "/x", "--diff", "0", "1", says="numbered from 1")
        self.refuse("versions", "/x", "home", "--diff", "1", "2", says="of all versions")
        self.refuse("--json", "versions", "/x", "--diff", "1", "2", says="without --json")

    def test_check(self):
        for value in ("101", "x", "-1", "1e1", "nan", "inf", "50%", "100.1", " 5", "0x5"):
            self.refuse("check", "--read-data=" + value, says="0 to 100")
        self.refuse("check", "--read-data", "50")
        self.refuse("check", "disk")
        self.refuse("repair", "disk")

    def test_run(self):
        for word in ("show", "pause", "resume", "cancel"):
            self.refuse("run", word)
            for run in ("", "x", "1x", "1 ", "+1", "9" * 30):
                self.refuse("run", word, run, says="is not a run")

    def test_key(self):
        file = self.secret()
        self.refuse("key", "add")
        self.refuse("key", "add", "--password-file", file, "--key-file", file, says="exclude each other")
        self.refuse("key", "add", "--password-file", file, "--recovery", says="exclude each other")
        self.refuse("key", "add", "--key-file", file, "--recovery", says="exclude each other")
        self.refuse("key", "add", "--recovery", "--label", b"\xff")
        self.refuse("key", "remove")
        for key in ("", "abc", "xyzw", "abcd-"):
            self.refuse("key", "remove", key, says="at least four of its digits")
        self.refuse("key", "export")
        self.refuse("key", "export", "--to", "")

    def test_control_characters_do_not_reach_the_terminal(self):
        done = self.garner("backup", "a\x1b[31mb\x07\u202e")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"a\\x1b[31mb\\x07\\xe2\\x80\\xae", done.stderr)
        self.assertNotIn(b"\x1b", done.stderr)


class Accepted(Case):
    """Usages that are right come as far as the daemon that is not there."""

    def accept(self, *arguments, **options):
        with self.subTest(arguments=arguments):
            done = self.garner(*arguments, **options)
            self.assertEqual(done.returncode, 4, done)

    def test_all(self):
        file = self.secret("key", b"x" * 64)
        self.accept("status")
        self.accept("--json", "status", "--watch")
        self.accept("status", "--json")
        self.accept("destination", "add", "disk", "/x")
        self.accept("destination", "add", "disk", "relative", "--password-file", file, "--share-keyring")
        self.accept("destination", "add", "disk", "/x", "--key-file", file)
        self.accept("destination", "add", "disk", "/x", "--recovery-key-file", file)
        self.accept("destination", "add", "disk", "/x", "--no-encryption")
        self.accept("destination", "add", "disk", "/x", "--password-file", "-", stdin=None, input=b"secret\n")
        self.accept("set", "add", "home", "--source", "/x", "y", "--source", "..", "--destination", "a", "b")
        self.accept("set", "edit", "home", "--no-exclude-caches")
        self.accept("set", "edit", "home", "--supply-from", "d")
        self.accept("set", "edit", "home", "--supply", "both-ways")
        self.accept("set", "edit", "home", "--no-supply")
        self.accept("backup", "2nd.set_a-b", "--detach", "--full-scan")
        # Names that are commands too.
        self.accept("backup", "status")
        self.accept("set", "add", "add", "--source", "runs", "--destination", "list")
        self.accept("runs")
        self.accept("runs", "home")
        self.accept("run", "show", "12")
        self.accept("ls", "home@2026-11-22T18:30:/etc")
        self.accept("snapshots", "home", "~0..~5", "yesterday 9:00..now", "--since", "2 weeks ago", "--until", "monday",
                    "--limit", "3", "--host", "h", "--path", "x", "--sort", "time", "--columns", "id,note",
                    "--group-by", "day")
        self.accept("diff", "home@2026-11-22T18:30:/etc", "latest", "--metadata")
        self.accept("restore", "latest", "--to", "x", "--overwrite", "older", "-n")
        self.accept("restore", "--version", "3", "notes.txt", "--to", "x")
        self.accept("find", "[a]", b"\xff*", "--in", "home", "--in", "~0..~5", "--since", "2 weeks ago", "--until", "now",
                    "--path", "x", "--type", "f", "--type", "d", "--size=-10M", "--mtime-after", "monday",
                    "--mtime-before", "today", "--ignore-case", "--limit", "5")
        self.accept("find", "--in", "home", "*.odt")
        self.accept("find", "--content", "y", "--in", "home", "--since", "today", "--until", "now", "--limit", "3")
        self.accept("find", "--blob", "0" * 64)
        self.accept("find", "--pack", "packs/ab/" + "ab" * 32)
        self.accept("versions", "notes.txt", "home", "~0..~5", "--since", "2 weeks ago", "--until", "monday")
        self.accept("versions", "notes.txt", "--diff", "2", "1")
        self.accept("check", "--read-data")
        self.accept("check", "--read-data=0")
        self.accept("check", "--read-data=12.5", "--destination", "disk")
        self.accept("repair", "--dry-run")
        self.accept("key", "add", "--recovery", "--label", "paper")
        self.accept("key", "remove", "91C04f2a")
        self.accept("key", "rotate", "--destination", "disk")
        self.accept("log", "--follow")

    def test_export_leaves_no_file_behind(self):
        self.accept("key", "export", "--to", "new.key")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "new.key")))


class Unreachable(Case):
    def test_no_socket(self):
        done = self.garner("status")
        self.assertEqual(done.returncode, 4)
        self.assertIn(self.socket.encode(), done.stderr)
        self.assertIn(b"Start your own with: garnerd", done.stderr)

    def test_stale_socket(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.socket)
        listener.close()
        done = self.garner("status")
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"nothing listens", done.stderr)

    def test_named_socket(self):
        done = self.garner("status", "--socket", "/nowhere/x.sock")
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"garnerd --socket /nowhere/x.sock", done.stderr)

    def test_state_folder(self):
        done = self.garner("status", environment={"GARNER_SOCKET": "", "GARNER_STATE_DIR": "/nowhere/state"})
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"/nowhere/state/garnerd.sock", done.stderr)

    def test_a_path_that_is_too_long_for_a_socket(self):
        self.assertEqual(self.garner("--socket", "/" + "x" * 108, "status").returncode, 2)

    def test_somebody_elses_socket(self):
        os.chmod(self.folder, 0o755)
        listener = self.listen()
        os.chmod(self.socket, 0)
        # Root may connect to anything.
        options = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = self.garner("status", program=garner_daemon.for_anyone(GARNER, self.folder), **options)
        self.assertEqual(done.returncode, 5, done)
        with self.assertRaises(BlockingIOError):
            listener.accept()

    def test_a_daemon_that_hangs_up(self):
        listener = self.listen()
        listener.setblocking(True)
        process = subprocess.Popen([GARNER, "--socket", self.socket, "status"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        listener.accept()[0].close()
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 4, errors)


class Help(Case):
    def check(self, *arguments):
        done = self.garner(*arguments)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stderr, b"")
        text = done.stdout.decode()
        for line in text.splitlines():
            if not line.startswith("  garner"):  # an example is not broken
                self.assertLessEqual(len(line), 80, line)
        return text

    def test_every_command(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                words = command.split()
                text = self.check(*words, "--help")
                usage = " ".join(text.split("\n\n")[0].split())
                self.assertTrue(usage.startswith(f"Usage: garner [--socket PATH] [--json] {command}"), usage)
                self.assertIn("\nExample", text)
                self.assertIn("\n  garner ", text.split("\nExample")[1])
                self.assertEqual(text, self.check(*words, "-h"))
                # Every option that the list explains is in the usage line, and the other way round, but for those that
                # every command has.
                options = text.split("\nOptions:\n")[1].split("\n\n")[0]
                names = {word.strip(",").split("[")[0] for line in options.splitlines() if line.startswith("  -")
                         for word in line.split() if word.startswith("--")}
                used = {word.strip("[]{},().").split("[")[0] for word in usage.split() if "--" in word}
                self.assertEqual(names - {"--help", "--no-pager"}, used)

    def test_program_names_every_command(self):
        text = self.check("--help")
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", text)

    def test_groups(self):
        for group in sorted({command.split()[0] for command in COMMANDS if " " in command}):
            text = self.check(group, "--help")
            self.assertIn("Usage: garner", text)
            self.assertIn("Example", text)
            for command in COMMANDS:
                self.assertEqual(command.startswith(group + " "), f"\n  {command}" in text, command)

    def test_version(self):
        self.assertRegex(self.check("--version"), r"\Agarner \d+\.\d+\.\d+\n\Z")

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([GARNER, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"could not be written", done.stderr)


class Documentation(Case):
    """Completions and the manual name every command and option that --help does."""

    def setUp(self):
        super().setUp()
        self.packaging = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging")
        self.options = {}
        for command in COMMANDS:
            text = self.garner(*command.split(), "--help").stdout.decode()
            self.options[command] = set(re.findall(r"(?m)^  (?:-\w, )?--([a-z-]+)", text))

    def read(self, name):
        with open(os.path.join(self.packaging, name), encoding="utf-8") as file:
            return file.read()

    def test_manual(self):
        manual = self.read("man/garner.1")
        for command, options in self.options.items():
            self.assertRegex(manual, rf"(?m)^\.It Ic {command}( |$)")
            for option in options:
                self.assertIn(f"-{option}", manual)

    def test_bash(self):
        def complete(*words):
            script = ('source "$1"; shift; printf -v COMP_LINE "%q " "$@"; COMP_LINE=${COMP_LINE% }; '
                      'COMP_POINT=${#COMP_LINE}; _garner; printf "%s\\n" "${COMPREPLY[@]}"')
            done = subprocess.run(["bash", "-c", script, "bash", os.path.join(self.packaging, "completions/garner.bash"),
                                   "garner", *words], capture_output=True, cwd=self.folder, check=True,
                                  env={"PATH": os.path.dirname(GARNER) + ":/usr/bin:/bin", "GARNER_SOCKET": self.socket})
            self.assertEqual(done.stderr, b"")
            return {word for word in done.stdout.decode().split("\n") if word}

        self.assertEqual(complete(""), {command.split()[0] for command in COMMANDS})
        self.assertEqual(complete("--json", "st"), {"status"})
        self.assertEqual(complete("set", ""), {"add", "list", "show", "edit", "explain", "remove"})
        for command, options in self.options.items():
            offered = {word.strip("-=") for word in complete(*command.split(), "--")}
            self.assertEqual(offered, options, command)
        self.assertEqual(complete("restore", "latest", "--overwrite", ""), {"never", "older", "always"})
        self.assertEqual(complete("restore", "latest", "--overwrite=ne"), {"never"})
        os.mkdir(os.path.join(self.folder, "target"))
        self.assertEqual(complete("restore", "latest", "--to", "ta"), {"target"})
        for command in ("backup", "ls", "snapshots"):
            self.assertEqual(complete(command, ""), set())  # no daemon: no names, and no noise

    def test_zsh_and_fish(self):
        for name, mark in (("_garner", "--{}"), ("garner.fish", "--long {}")):
            text = self.read("completions/" + name)
            for command, options in self.options.items():
                for word in command.split():
                    self.assertRegex(text, rf"\b{word}\b")
                for option in options:
                    self.assertRegex(text, re.escape(mark.format(option)) + r"\b", command)


if __name__ == "__main__":
    unittest.main()
