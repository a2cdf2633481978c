"""Commands around a backup, and commands whose output is backed up: the real daemon, its client and /bin/sh."""

import os
import shlex
import signal
import subprocess
import time
import unittest

import garner_daemon
from case import Case
from patience import PATIENCE

ROOT = os.geteuid() == 0


def is_dead(pid):
    """Gone, or a zombie that nobody waits for."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def dies(pid, seconds=PATIENCE):
    """What was killed takes a moment."""
    until = time.monotonic() + seconds
    while not is_dead(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return is_dead(pid)


class HooksCase(Case):
    def configured(self, *options, source=True):
        """A daemon with a set of a file and these options."""
        daemon = self.daemon()
        daemon.json("destination", "add", "disk", self.path("repository"))
        if source:
            self.write("source/file", "content")
            options = ("--source", self.path("source"), *options)
        daemon.run("set", "add", "set", "--destination", "disk", *options)
        return daemon

    def marks(self):
        if not os.path.exists(self.path("marks")):
            return []
        with open(self.path("marks"), encoding="utf-8") as file:
            return file.read().split()

    def mark(self, word):
        """A command that leaves the word behind."""
        return f"echo {word} >> {shlex.quote(self.path('marks'))}"

    def pid(self, name="pid"):
        """The number that a command has written there by now."""
        def read():
            try:
                with open(self.path(name), encoding="ascii") as file:
                    return int(file.read() or 0)
            except FileNotFoundError:
                return 0
        return self.wait(read)

    def failed(self, daemon):
        run = daemon.backup("set", codes=(1,))
        self.assertEqual("RUN_STATE_FAILED", run["state"])
        self.assertEqual([], daemon.json("snapshots")["snapshots"])
        return run

    def log(self, daemon, run):
        return [(line["origin"], line["text"]) for line in daemon.json("run", "show", run["run_id"])["log"]]

    def start_rebooted(self, daemon):
        """As after a restart of the machine; whether this user may pretend that."""
        boot = self.write("boot_id", "11111111-2222-3333-4444-555555555555\n")
        wrapper = ["unshare", "--mount", "sh", "-c",
                   f"mount --bind '{boot}' /proc/sys/kernel/random/boot_id && exec \"$@\"", "sh"]
        may = subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode == 0
        daemon.start(wrapper=wrapper if may else ())
        return may


class Hooks(HooksCase):
    def test_order_environment_and_log(self):
        daemon = self.configured(
            "--before", self.mark("before") + "; echo before; echo to errors >&2; printf 'no \\377 end'",
            "--after", self.mark("after") + "; env | grep ^GARNER | sort",
            "--on-failure", self.mark("failure"))
        run = daemon.backup("set")
        self.assertEqual(["before", "after"], self.marks())
        self.assertEqual(
            [("before", "before"), ("before", "to errors"), ("before", "no \\xff end"), ("after", "GARNER_ERRORS=0"),
             ("after", "GARNER_EVENT=after"), ("after", f"GARNER_RUN={run['run_id']}"), ("after", "GARNER_SET=set"),
             ("after", f"GARNER_SNAPSHOT={run['snapshot_id']}"), ("after", "GARNER_STATE=clean")], self.log(daemon, run))
        shown = daemon.run("run", "show", run["run_id"]).stdout
        self.assertIn("Its commands wrote:", shown)
        self.assertIn(" before: to errors\n", shown)
        self.assertIn(f"run {run['run_id']}: before: to errors", daemon.run("log").stdout)
        # Lists of runs are without.
        self.assertEqual([], daemon.json("runs")["runs"][0]["log"])

    def test_options(self):
        daemon = self.configured("--before", "true", "--after", "true", "--hook-timeout", "90s", "--command", "echo a",
                                 "--as", "a", "--command", "echo b", "--as", "b")
        self.assertEqual({"before": "true", "after": "true", "on_failure": "", "hook_timeout_seconds": "90",
                          "sources": [{"name": "a", "command": "echo a"}, {"name": "b", "command": "echo b"}],
                          "command_timeout_seconds": "86400"}, daemon.json("set", "show", "set")["commands"])
        daemon.stop()
        daemon.start()
        shown = daemon.run("set", "show", "set").stdout
        for text in ("a: echo a", "b: echo b", "1m 30s", "before", "1d"):
            self.assertIn(text, shown)
        edited = daemon.json("set", "edit", "set", "--no-before", "--command", "echo c", "--as", "c", "--command-timeout", "1h",
                             "--hook-timeout", "0")["commands"]
        self.assertEqual(("", "true", "3600", "3600"), (edited["before"], edited["after"], edited["hook_timeout_seconds"],
                                                        edited["command_timeout_seconds"]))
        self.assertEqual([{"name": "c", "command": "echo c"}], edited["sources"])
        alone = daemon.json("set", "edit", "set", "--no-source")
        self.assertEqual(([], 1), (alone["sources"], len(alone["commands"]["sources"])))
        daemon.run("set", "edit", "set", "--source", self.path("source"))
        self.assertEqual([], daemon.json("set", "edit", "set", "--no-command", "--no-after")["commands"]["sources"])

    def test_bad_input(self):
        daemon = self.configured("--command", "true", "--as", "a")
        edit = ("set", "edit", "set")
        self.refused(daemon, 2, *edit, "--command", "true", says="has no --as")
        self.refused(daemon, 2, *edit, "--as", "a", says="has no --command")
        for name in ("a/b", "/a", "..", "", "x" * 256):
            self.refused(daemon, 2, *edit, "--command", "true", "--as", name, says="cannot be the name of a file")
        self.refused(daemon, 2, *edit, "--command", "true", "--as", "a", "--command", "true", "--as", "a",
                     says="give each another name")
        self.refused(daemon, 2, *edit, "--command", "true", "--as", "a\nb", says="a\\x0ab")
        self.refused(daemon, 2, *edit, "--command", " ", "--as", "a", says="empty command")
        self.refused(daemon, 2, *edit, "--before", "", says="--no-before")
        self.refused(daemon, 2, *edit, "--before", "true", "--no-before", says="exclude each other")
        self.refused(daemon, 2, *edit, "--command", "true", "--as", "a", "--no-command", says="exclude each other")
        self.refused(daemon, 2, *edit, "--source", "/", "--no-source", says="exclude each other")
        self.refused(daemon, 2, *edit, "--hook-timeout", "soon", says="soon")
        self.refused(daemon, 2, *edit, "--hook-timeout", "8d", says="at most 7 days")
        self.refused(daemon, 2, *edit, "--before", "x" * 20_000, says="put it in a script")
        self.refused(daemon, 2, "set", "add", "none", "--destination", "disk", says="--source")
        daemon.run("set", "add", "alone", "--destination", "disk", "--command", "true", "--as", "a")
        self.refused(daemon, 2, "set", "edit", "alone", "--no-command", says="at least one source")
        self.assertEqual("true", daemon.json("set", "show", "alone")["commands"]["sources"][0]["command"])

    def test_before_fails(self):
        daemon = self.configured("--before", "echo first; echo no such volume >&2; exit 3", "--after", self.mark("after"),
                                 "--on-failure", self.mark("$GARNER_EVENT-$GARNER_STATE"))
        run = self.failed(daemon)
        self.assertIn("`before` ended with exit code 3: first | no such volume", run["message"])
        self.assertEqual("0", run["read_bytes"])
        self.assertEqual(["on-failure-failed"], self.marks())
        daemon.run("set", "edit", "set", "--before", "kill -9 $$", "--on-failure", "echo helpless; false")
        self.assertIn("killed by signal 9", self.failed(daemon)["message"])
        self.assertIn("on-failure ended with exit code 1: helpless", daemon.run("log").stdout)

    def test_after_fails(self):
        daemon = self.configured("--after", "echo full; exit 7", "--on-failure", self.mark("failure"))
        run = daemon.backup("set", codes=(3,))
        self.assertEqual(("RUN_STATE_FINISHED", "1"), (run["state"], run["error_count"]))
        self.assertEqual("the command after the backup ended with exit code 7: full", run["errors"][0]["message"])
        self.assertEqual(run["snapshot_id"], daemon.json("snapshots")["snapshots"][0]["id"])
        self.assertEqual([], self.marks())

    def test_a_hook_that_hangs(self):
        daemon = self.configured("--before", f"echo begun; sleep 1000 & echo $! > {self.path('pid')}; wait", "--hook-timeout",
                                 "1s")
        self.assertIn("did not end within 1s and was stopped: begun", self.failed(daemon)["message"])
        self.assertTrue(dies(self.pid()))

    def test_a_hook_that_writes_without_end(self):
        daemon = self.configured("--before", "yes 0123456789012345678901234567890123456789 | head -c 1000000000; echo; echo last")
        run = daemon.backup("set")
        shown = daemon.json("run", "show", run["run_id"])
        self.assertLessEqual(len(shown["log"]), 1000)
        self.assertEqual("last", shown["log"][-1]["text"])
        self.assertEqual(1_000_000_000 // 41 + 2, int(shown["log_lines_dropped"]) + len(shown["log"]))
        self.assertIn("The last 20 lines of ", daemon.run("run", "show", run["run_id"]).stdout)
        # The daemon's log has the beginning of it.
        with open(os.path.join(daemon.state, "garnerd.log"), encoding="utf-8") as file:
            log = file.read()
        self.assertLess(len(log), 1_000_000)
        self.assertIn("what else it writes is in the run's own log", log)
        if not garner_daemon.SANITIZED:
            self.assertLess(daemon.peak_memory(), 400 << 20)

    def test_a_child_that_holds_the_pipe(self):
        daemon = self.configured("--before", f"sleep 1000 & echo $! > {self.path('pid')}", "--hook-timeout", "1h",
                                 "--command", f"echo output; sleep 1000 & echo $! > {self.path('pid2')}", "--as", "out")
        daemon.backup("set")
        self.assertTrue(dies(self.pid()))
        self.assertTrue(dies(self.pid("pid2")))
        self.assertEqual(b"output\n", self.restored(daemon, "out"))

    def restored(self, daemon, name):
        target = self.path(f"restored-{time.monotonic_ns()}")
        daemon.run("restore", f"latest:{name}", "--to", target)
        with open(os.path.join(target, name), "rb") as file:
            return file.read()

    def test_nothing_of_the_daemon_is_handed_on(self):
        daemon = self.configured("--before", "readlink /proc/self/fd/* ; env; id -u")
        lines = [text for _, text in self.log(daemon, daemon.backup("set"))]
        for text in lines:
            self.assertNotIn(daemon.state, text)
        self.assertEqual("/dev/null", lines[0])
        self.assertEqual(str(os.geteuid()), lines[-1])
        names = {text.split("=")[0] for text in lines if "=" in text}
        self.assertEqual({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "PWD", "GARNER_SET", "GARNER_RUN",
                          "GARNER_EVENT"}, names)

    # ---- Runs that are interrupted, paused and cancelled ----

    def held(self, *options):
        """A daemon whose backup is under way, and stays so until let_go(): its run."""
        go = shlex.quote(self.path("go"))
        daemon = self.configured("--command", f"echo $$ > {self.path('pid')}; while ! test -e {go}; do sleep 0.05; done; echo x",
                                 "--as", "held", "--before", self.mark("before"), "--after", self.mark("after-$GARNER_STATE"),
                                 "--on-failure", self.mark("on-failure-$GARNER_STATE"), *options)
        run = daemon.json("backup", "set", "--detach")
        self.pid()
        self.assertEqual(["before"], self.marks())
        return daemon, run["run_id"]

    def let_go(self):
        self.write("go", "")

    def test_killed_and_resumed(self):
        daemon, run = self.held()
        held = self.pid()
        daemon.kill()
        self.assertTrue(dies(held))
        os.unlink(self.path("pid"))
        daemon.start()
        self.pid()
        self.let_go()
        done = daemon.wait_for_run(run, ("FINISHED",))
        self.assertEqual(("0", 2), (done["error_count"], done["attempts"]))
        self.assertEqual(["before", "after-clean"], self.marks())
        self.assertEqual(b"x\n", self.restored(daemon, "held"))

    def test_before_runs_again_after_a_restart_of_the_machine(self):
        daemon, run = self.held()
        daemon.kill()
        rebooted = self.start_rebooted(daemon)
        self.let_go()
        daemon.wait_for_run(run, ("FINISHED",))
        self.assertEqual(["before", "before", "after-clean"] if rebooted else ["before", "after-clean"], self.marks())

    def test_stopped_in_before(self):
        daemon = self.configured("--before", self.mark("before") + f"; echo $$ > {self.path('pid')}; "
                                 f"test -e {self.path('go')} || exec sleep 1000", "--on-failure", self.mark("failure"))
        run = daemon.json("backup", "set", "--detach")["run_id"]
        begun = self.pid()
        self.assertLess(daemon.stop(), 6)
        self.assertTrue(dies(begun))
        daemon.start()
        self.wait(lambda: self.marks() == ["before"] * 2)
        # Paused: it is ended as well, and begins again.
        self.assertEqual("RUN_STATE_PAUSED", daemon.json("run", "pause", run)["state"])
        self.let_go()
        daemon.run("run", "resume", run)
        daemon.wait_for_run(run, ("FINISHED",))
        self.assertEqual(["before"] * 3, self.marks())

    def test_cancelled(self):
        daemon, run = self.held()
        held = self.pid()
        self.assertEqual("RUN_STATE_CANCELLED", daemon.json("run", "cancel", run)["state"])
        self.assertTrue(dies(held))
        self.assertEqual(["before", "on-failure-cancelled"], self.marks())
        # So it is with one that is paused.
        os.unlink(self.path("pid"))
        run = daemon.json("backup", "set", "--detach")["run_id"]
        self.pid()
        daemon.run("run", "pause", run)
        self.assertEqual(3, len(self.marks()))
        daemon.run("run", "cancel", run)
        self.assertEqual(["before", "on-failure-cancelled"] * 2, self.marks())

    def test_stopped_in_after(self):
        daemon = self.configured("--before", self.mark("before"), "--after", self.mark("after") +
                                 f"; echo $$ > {self.path('pid')}; test -e {self.path('go')} || exec sleep 1000")
        run = daemon.json("backup", "set", "--detach")["run_id"]
        held = self.pid()
        daemon.kill()
        self.assertTrue(dies(held))
        self.let_go()
        # Also after a restart of the machine: the backup is made, and nothing is to be prepared.
        self.start_rebooted(daemon)
        done = daemon.wait_for_run(run, ("FINISHED",))
        self.assertEqual(["before", "after", "after"], self.marks())
        self.assertEqual([done["snapshot_id"]], [one["id"] for one in daemon.json("snapshots")["snapshots"]])

    def test_the_destination_may_be_there_by_before_only(self):
        daemon = self.configured("--before", f"mv {self.path('away')} {self.path('repository')}")
        os.rename(self.path("repository"), self.path("away"))
        self.assertEqual("0", daemon.backup("set")["error_count"])

    # ---- Whose commands they are ----

    def test_a_users_own_daemon(self):
        if not ROOT:
            self.skipTest("only root can be another user")
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("user"))
        os.chown(self.path("user"), 65534, 65534)
        program = garner_daemon.for_anyone(garner_daemon.GARNERD, self.folder)
        daemon = garner_daemon.Daemon(self.path("user", "state"))
        daemon.process = subprocess.Popen([program, "--foreground", "--state-dir", daemon.state],
                                          preexec_fn=garner_daemon.as_user(65534), stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)
        self.addCleanup(daemon.kill)
        self.wait(lambda: daemon.run("status", check=False).returncode == 0)
        daemon.run("destination", "add", "disk", self.path("user", "repository"))
        # Root configures; the command is that user's all the same.
        daemon.run("set", "add", "set", "--destination", "disk", "--command", "id -u", "--as", "who", "--when", "command:true")
        daemon.backup("set")
        daemon.run("restore", "latest:who", "--to", self.path("user", "restored"))
        with open(self.path("user", "restored", "who"), encoding="ascii") as file:
            self.assertEqual("65534\n", file.read())
        self.assertEqual(65534, os.stat(self.path("user", "restored", "who")).st_uid)

    def test_members_of_the_group_may_not_configure_commands(self):
        daemon, member = self.daemon_with_members()
        daemon.json("destination", "add", "disk", self.path("repository"))
        daemon.run("set", "add", "set", "--destination", "disk", "--command", "echo secret >&2; id -u", "--as", "who")
        client = garner_daemon.for_anyone(garner_daemon.GARNER, self.folder)

        def ask(*arguments):
            return subprocess.run([client, "--socket", daemon.socket, "--json", *arguments], capture_output=True, text=True,
                                  preexec_fn=member, check=False)
        for arguments in (("edit", "set", "--before", "true"), ("edit", "set", "--command", "true", "--as", "x"),
                          ("add", "other", "--destination", "disk", "--command", "true", "--as", "x"), ("show", "set")):
            done = ask("set", *arguments)
            self.assertEqual(5, done.returncode, done.stdout + done.stderr)
        # He may start it, as ever; what its commands write is not for him.
        done = ask("backup", "set")
        self.assertEqual(0, done.returncode, done.stderr)
        run = daemon.json("runs")["runs"][0]["run_id"]
        shown = ask("run", "show", run)
        self.assertEqual(0, shown.returncode, shown.stderr)
        self.assertNotIn("secret", shown.stdout + done.stdout + done.stderr)
        self.assertIn("secret", daemon.run("--json", "run", "show", run).stdout)

    def test_a_command_that_cannot_be_signalled(self):
        wrapper = ["setpriv", "--bounding-set", "-kill", "--inh-caps", "-kill"]
        if not ROOT or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("only root can do without a capability")
        daemon = self.daemon(start=False)
        daemon.start(wrapper=wrapper)
        daemon.json("destination", "add", "disk", self.path("repository"))
        os.chmod(self.folder, 0o755)
        pid = self.write("pid", "")
        os.chown(pid, 65534, 65534)
        daemon.run("set", "add", "set", "--destination", "disk", "--hook-timeout", "1s", "--command", "true", "--as", "x",
                   "--before", f"exec setpriv --reuid 65534 --clear-groups sh -c 'echo $$ > {pid}; exec sleep 1000'")
        self.addCleanup(lambda: os.kill(self.pid(), signal.SIGKILL))
        # It is left behind, and the run does not wait for it.
        self.assertIn("did not end within 1s", self.failed(daemon)["message"])
        self.assertFalse(is_dead(self.pid()))


class CommandSources(HooksCase):
    def test_a_failing_command_and_its_last_good_output(self):
        state = self.write("text", "good")
        daemon = self.configured("--command", f"cat {state}; test -s {state}", "--as", "out")
        daemon.backup("set")
        self.write("text", "")
        run = daemon.backup("set", codes=(3,))
        self.assertIn("/command/out", run["errors"][0]["path"])
        entries = daemon.json("ls", "latest")["entries"]
        self.assertEqual([(self.path("source"), False), ("/command/out", True)],
                         [(entry["name"], entry["stale"]) for entry in entries])
        daemon.run("restore", "latest", "--to", self.path("all"))
        with open(self.path("all", "command", "out"), encoding="ascii") as file:
            self.assertEqual("good", file.read())
        self.assertTrue(os.path.exists(self.path("all") + self.path("source", "file")))
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

    def test_a_command_that_hangs(self):
        daemon = self.configured("--command", f"echo $$ > {self.path('pid')}; echo partly; exec sleep 1000", "--as", "out",
                                 "--command-timeout", "1s", source=False)
        self.assertIn("did not end within 1s and was stopped", self.failed(daemon)["message"])
        self.assertTrue(dies(self.pid()))

    def test_a_large_output_is_streamed_and_stored_once(self):
        """Killed in its middle, it begins again, and what was stored is not stored again."""
        pause = self.path("pause")
        command = (f"head -c 150000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null; "
                   f"test -e {pause} && echo $$ > {self.path('pid')} && exec sleep 1000; "
                   f"head -c 10000000 /dev/zero | openssl enc -aes-128-ctr -K 01 -iv 00 2>/dev/null")
        self.write("pause", "")
        daemon = self.configured("--command", command, "--as", "noise", source=False)
        run = daemon.json("backup", "set", "--detach")["run_id"]
        self.pid()
        # All of it has been taken: nobody reads what is not stored.
        self.wait(lambda: int(daemon.json("run", "show", run)["source_bytes"]) == 150_000_000)
        daemon.stop()
        os.unlink(pause)
        daemon.start()
        done = daemon.wait_for_run(run, ("FINISHED",))
        self.assertEqual(2, done["attempts"])
        self.assertEqual("160000000", done["source_bytes"])
        self.assertEqual("310000000", done["read_bytes"])
        self.assertLess(int(done["stored_bytes"]), 170_000_000)
        daemon.run("restore", "latest:noise", "--to", self.path("restored"))
        with open(self.path("restored", "noise"), "rb") as file:
            self.assertEqual(subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout, file.read())
        again = daemon.backup("set")
        self.assertEqual("0", again["new_bytes"])
        self.assertLess(int(again["stored_bytes"]), 100_000)
        # Nothing lay in a file on the way.
        self.assertEqual([], os.listdir(os.path.join(daemon.state, "spool")))


if __name__ == "__main__":
    unittest.main()
