"""Notifications from the real daemon to real servers on this machine."""

import glob
import json
import os
import signal
import subprocess
import unittest

import garner_daemon
import notification_servers as servers
from case import Case

FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
ROOT = os.geteuid() == 0


class NotificationCase(Case):
    def serve(self, server):
        self.addCleanup(server.close)
        return server

    def secret(self, name, content):
        path = self.write(name, content)
        os.chmod(path, 0o600)
        return path

    def with_set(self):
        """A daemon with a set that was backed up once."""
        self.write("source/file", "content")
        daemon = self.ready(self.path("source"))
        daemon.backup("set")
        return daemon

    def breaking(self):
        """Backups fail from now on, for their source is gone; what it returns ends that."""
        os.rename(self.path("source"), self.path("gone"))
        return lambda: os.rename(self.path("gone"), self.path("source"))


class WebTest(NotificationCase):
    def test_failure_and_recovery_by_webhook(self):
        hook = self.serve(servers.WebServer())
        daemon = self.with_set()
        added = daemon.json("notification", "add", "hook", "--webhook", hook.url("/path?token=s3cret"), "--header-file",
                            self.secret("headers", "Authorization: Bearer t0ken\nX-Other: 1\n"), "--on",
                            "failure,errors", "recovery", "success")
        self.assertEqual(["success", "errors", "failure", "recovery"], added["events"])
        mend = self.breaking()
        failed = daemon.backup("set", codes=(1,))
        message = hook.wait_for_event("failure")
        self.assertEqual(("set", "hook", failed["run_id"], "RUN_STATE_FAILED"),
                         (message["set"], message["notification"], message["run"]["run_id"], message["run"]["state"]))
        self.assertIn("Backup of set failed: ", message["text"])
        self.assertIn(failed["message"], message["text"])
        path, headers, _ = hook.kept.items[0]
        self.assertEqual(("/path?token=s3cret", "Bearer t0ken", "application/json", "1"),
                         (path, headers["Authorization"], headers["Content-Type"], headers["X-Other"]))
        mend()
        daemon.backup("set")
        self.assertIn("well again", hook.wait_for_event("recovery")["text"])
        self.assertEqual("RUN_STATE_FINISHED", hook.wait_for_event("success")["run"]["state"])
        self.assertEqual(["failure", "recovery", "success"], [one["event"] for one in hook.messages()])
        # What is secret is neither shown nor logged.
        shown = daemon.run("notification", "show", "hook").stdout + daemon.run("--json", "notification", "list").stdout + \
            daemon.run("notification", "list").stdout + daemon.run("log").stdout + daemon.log()
        for secret in ("s3cret", "t0ken", "/path"):
            self.assertNotIn(secret, shown)
        self.assertIn("127.0.0.1", shown)

    def test_ping(self):
        pinged = self.serve(servers.WebServer())
        daemon = self.with_set()
        daemon.run("notification", "add", "check", "--ping", "@" + self.secret("url", pinged.url("/abc") + "\n"))
        daemon.backup("set")
        pinged.wait_for_path("/abc/start")
        self.assertIn(b"finished without errors", pinged.wait_for_path("/abc")[2])
        self.breaking()
        daemon.backup("set", codes=(1,))
        self.assertIn(b"Backup of set failed", pinged.wait_for_path("/abc/fail")[2])
        self.assertEqual(["/abc/start", "/abc", "/abc/start", "/abc/fail"], [item[0] for item in pinged.kept.items])

    def test_only_the_sets_and_events_that_were_asked_for(self):
        hook, other = self.serve(servers.WebServer()), self.serve(servers.WebServer())
        daemon = self.with_set()
        daemon.run("set", "add", "other", "--source", self.path("source"), "--destination", "disk")
        daemon.run("notification", "add", "all", "--webhook", hook.url(), "--on", "success")
        daemon.run("notification", "add", "other", "--webhook", other.url(), "--on", "success", "--set", "other")
        daemon.backup("set")
        daemon.backup("other")
        hook.kept.wait(lambda item: json.loads(item[2])["set"] == "other")
        other.wait_for_event("success")
        self.assertEqual(["set", "other"], [one["set"] for one in hook.messages()])
        self.assertEqual(["other"], [one["set"] for one in other.messages()])

    def test_retried_also_by_the_next_process_and_gathered(self):
        hook = self.serve(servers.WebServer([500, 503]))
        daemon = self.with_set()
        daemon.run("notification", "add", "hook", "--webhook", hook.url(), "--on", "success")
        daemon.backup("set")
        first = hook.wait_for_event("success")
        self.wait(lambda: daemon.json("notification", "show", "hook")["attempts"] == 1)
        shown = daemon.json("notification", "show", "hook")
        self.assertEqual(("it answers 500: answer 500", "1"), (shown["last_error"], shown["waiting"]))
        self.assertIn("Notification hook could not be delivered; 1 wait: it answers 500", daemon.run("status").stdout)
        self.assertEqual(1, daemon.run("status", "--check", check=False).returncode)
        daemon.kill()
        daemon.start()
        hook.kept.wait(lambda _: len(hook.kept.items) == 2)
        # Six more while it waits: with the first one more than may be sent one by one.
        for _ in range(6):
            daemon.backup("set")
        summary = hook.wait_for_event("summary")
        self.assertEqual(7, len(summary["events"]))
        self.assertEqual(first["text"], summary["events"][0]["text"])
        self.assertTrue(summary["text"].startswith("7 events:\n"))
        self.wait(lambda: daemon.json("notification", "show", "hook")["waiting"] == "0")
        shown = daemon.json("notification", "show", "hook")
        self.assertEqual(("1", "0", ""), (shown["delivered"], shown["given_up"], shown["last_error"]))
        self.assertNotIn("Notice", daemon.run("status").stdout)
        self.assertEqual(3, len(hook.kept.items))

    def test_a_server_that_never_answers_holds_up_nothing(self):
        silent, hook = self.serve(servers.SilentServer()), self.serve(servers.WebServer())
        daemon = self.with_set()
        daemon.run("notification", "add", "silent", "--webhook", silent.url(), "--on", "start,success")
        daemon.run("notification", "add", "works", "--webhook", hook.url(), "--on", "success")
        for _ in range(3):
            daemon.backup("set")
        self.wait(lambda: len(hook.kept.items) == 3)
        waiting = daemon.json("notification", "show", "silent")
        self.assertEqual(("6", "0"), (waiting["waiting"], waiting["delivered"]))
        # And the daemon stops while one is under way.
        self.assertLess(daemon.stop(), 6)
        daemon.start()
        self.wait(lambda: "Timeout" in daemon.json("notification", "show", "silent")["last_error"])
        daemon.run("notification", "remove", "silent")
        self.refused(daemon, 1, "notification", "show", "silent", says="there are: works")

    def test_https_with_certificates_of_its_own(self):
        certificate, key = servers.make_certificate(self.folder)
        hook = self.serve(servers.WebServer(context=servers.server_context(certificate, key)))
        daemon = self.with_set()
        daemon.run("notification", "add", "trusting", "--webhook", hook.url(), "--ca-file", certificate, "--on", "success")
        daemon.run("notification", "add", "doubting", "--webhook", hook.url(), "--on", "success")
        self.assertIn("works", daemon.run("notification", "test", "trusting").stdout)
        self.assertEqual("test", hook.messages()[0]["event"])
        self.refused(daemon, 1, "notification", "test", "doubting", says="certificate")
        daemon.backup("set")
        self.assertEqual("trusting", hook.wait_for_event("success")["notification"])
        self.assertEqual(2, len(hook.kept.items))

    def test_redirects(self):
        last = self.serve(servers.WebServer())
        first = self.serve(servers.WebServer([307, 301, 302], location=last.url("/moved")))
        daemon = self.with_set()
        daemon.run("notification", "add", "follows", "--webhook", first.url())
        for _ in range(3):
            daemon.run("notification", "test", "follows")
        self.assertEqual(["/moved"] * 3, [item[0] for item in last.kept.items])
        self.assertEqual(["test"] * 3, [one["event"] for one in last.messages()])
        # What is meant for one server is not sent to another one.
        first.answers = [307]
        daemon.run("notification", "add", "stays", "--webhook", first.url(), "--header-file", self.secret("headers", "X-Token: 1\n"))
        self.refused(daemon, 1, "notification", "test", "stays", says="redirect")
        circle = self.serve(servers.WebServer([307] * 20, location="/again"))
        daemon.run("notification", "add", "circle", "--webhook", circle.url())
        self.refused(daemon, 1, "notification", "test", "circle", says="redirects")
        self.assertLessEqual(len(circle.kept.items), 5)
        for location in ("file:///etc/passwd", "ftp://127.0.0.1/"):
            away = self.serve(servers.WebServer([307], location=location))
            name = location[:3]
            daemon.run("notification", "add", name, "--webhook", away.url())
            self.refused(daemon, 1, "notification", "test", name, says="was not delivered")
        self.assertEqual(3, len(last.kept.items))


class MailTest(NotificationCase):
    def test_starttls_login_and_content(self):
        certificate, key = servers.make_certificate(self.folder)
        server = self.serve(servers.MailServer(servers.server_context(certificate, key), "garner", "p4ssw0rd"))
        daemon = self.with_set()
        # A name with letters that mail cannot hold as they are.
        name = self.path("source", "Größe")
        os.mkdir(name)
        daemon.run("notification", "add", "mail", "--mail", "ops@example.org", "--smtp", f"smtp://localhost:{server.port}",
                   "--user", "garner", "--password-file", self.secret("password", "p4ssw0rd\n"), "--from",
                   "backup@example.org", "--ca-file", certificate, "--on", "failure,success")
        daemon.backup("set")
        envelope, message = server.kept.wait(lambda item: "finished" in item[1]["Subject"])
        self.assertEqual(("backup@example.org", ["ops@example.org"], True),
                         (envelope.mail_from, envelope.rcpt_tos, envelope.secure))
        self.assertEqual(("backup@example.org", "ops@example.org", "auto-generated"),
                         (message["From"], message["To"], message["Auto-Submitted"]))
        self.assertIn("Backup of set finished without errors", message["Subject"])
        for field in ("Date", "Message-ID", "MIME-Version"):
            self.assertTrue(message[field])
        self.assertIn("Run: 2\n", message.get_content().replace("\r\n", "\n"))
        shown = daemon.run("notification", "show", "mail").stdout + daemon.run("log").stdout + daemon.log()
        self.assertNotIn("p4ssw0rd", shown)
        # A wrong password is told as such.
        daemon.run("notification", "add", "wrong", "--mail", "ops@example.org", "--smtp", f"smtp://localhost:{server.port}",
                   "--user", "garner", "--password-file", self.secret("other", "guess\n"), "--ca-file", certificate)
        self.refused(daemon, 1, "notification", "test", "wrong", says="535")
        # Nor goes it to a server that cannot prove itself.
        daemon.run("notification", "add", "doubting", "--mail", "ops@example.org", "--smtp",
                   f"smtp://mail.localhost:{server.port}")
        self.refused(daemon, 1, "notification", "test", "doubting", says="certificate")

    def test_letters_and_dots(self):
        server = self.serve(servers.MailServer())
        daemon = self.with_set()
        name = "Größe .\n.\nSubject: x"
        os.makedirs(self.path("source", name))
        daemon.run("notification", "add", "mail", "--mail", "ops@example.org", "--smtp", f"smtp://127.0.0.1:{server.port}",
                   "--on", "failure")
        # The failure's text names the source, which has all that a mail could stumble over.
        daemon.run("set", "edit", "set", "--source", self.path("source", name))
        self.breaking()
        daemon.backup("set", codes=(1,))
        envelope, message = server.kept.wait(lambda _: True)
        self.assertFalse(envelope.secure)
        self.assertIn("Backup of set failed", message["Subject"])
        self.assertIsNone(message["Bcc"])
        self.assertEqual(1, len(message.get_all("Subject")))
        content = message.get_content().replace("\r\n", "\n")
        self.assertTrue(content.rstrip().endswith("notification mail"), content)

    def test_tls_is_asked_of_other_machines(self):
        server = self.serve(servers.MailServer())
        daemon = self.with_set()
        arguments = ("--mail", "ops@example.org", "--smtp", f"smtp://mail.localhost:{server.port}")
        daemon.run("notification", "add", "strict", *arguments)
        self.refused(daemon, 1, "notification", "test", "strict", says="was not delivered")
        self.assertEqual([], server.kept.items)
        daemon.run("notification", "add", "plain", *arguments, "--plain-smtp")
        daemon.run("notification", "test", "plain")
        self.assertEqual(1, len(server.kept.items))
        self.refused(daemon, 2, "notification", "add", "both", *arguments, "--plain-smtp", "--user", "u", "--password-file",
                     self.secret("password", "p"), says="not sent in clear")


class CommandTest(NotificationCase):
    def test_command(self):
        daemon = self.with_set()
        out = self.path("out")
        daemon.run("notification", "add", "command", "--command",
                   f"env | sort > '{out}.env'; cat > '{out}'; ls -l /proc/self/fd > '{out}.fds'; mv '{out}' '{out}.done'",
                   "--on", "success")
        run = daemon.backup("set")
        self.wait(lambda: os.path.exists(out + ".done"))
        with open(out + ".done", encoding="utf-8") as file:
            message = json.load(file)
        self.assertEqual(("success", run["run_id"]), (message["event"], message["run"]["run_id"]))
        with open(out + ".env", encoding="utf-8") as file:
            environment = dict(line.rstrip("\n").split("=", 1) for line in file)
        self.assertEqual(("success", "set", run["run_id"], message["text"]),
                         tuple(environment["GARNER_" + name] for name in ("EVENT", "SET", "RUN", "TEXT")))
        self.assertLessEqual({name for name in environment if not name.startswith("GARNER_")},
                             {"PATH", "LANG", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "_", "SHLVL", "OLDPWD"})
        with open(out + ".fds", encoding="utf-8") as file:
            self.assertNotIn(self.folder, file.read().replace(out + ".fds", ""))

    def test_a_command_that_fails(self):
        daemon = self.with_set()
        daemon.run("notification", "add", "command", "--command", "echo no such luck >&2; exit 7")
        self.refused(daemon, 1, "notification", "test", "command", says="it ended with exit code 7: no such luck")
        self.assertEqual(1, daemon.run("--json", "notification", "test", "command", check=False).returncode)

    @unittest.skipUnless(ROOT, "needs another user")
    def test_a_users_daemon_runs_that_users_commands_only(self):
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("user"))
        os.chown(self.path("user"), 65534, 65534)
        program = garner_daemon.for_anyone(garner_daemon.GARNERD, self.folder)
        client = garner_daemon.for_anyone(garner_daemon.GARNER, self.folder)
        state = self.path("user", "state")
        process = subprocess.Popen([program, "--foreground", "--state-dir", state],
                                   preexec_fn=garner_daemon.as_user(65534), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            daemon = garner_daemon.Daemon(state)
            self.wait(lambda: daemon.run("status", check=False).returncode == 0)

            def as_user(*arguments):
                return subprocess.run([client, "--socket", daemon.socket, *arguments], capture_output=True,
                                      preexec_fn=garner_daemon.as_user(65534), check=False).returncode

            def as_root(*arguments):
                return daemon.run(*arguments, check=False).returncode

            # Also what root configures: the daemon is not raised by it.
            for name, ask in (("own", as_user), ("root", as_root)):
                target = self.path("user", name)
                self.assertEqual(0, ask("notification", "add", name, "--command", f"id -u > '{target}'"))
                self.assertEqual(0, ask("notification", "test", name))
                with open(target, encoding="ascii") as file:
                    self.assertEqual("65534\n", file.read())
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


class EventsTest(NotificationCase):
    def test_damage(self):
        hook = self.serve(servers.WebServer())
        daemon = self.with_set()
        daemon.run("notification", "add", "hook", "--webhook", hook.url())
        for pack in glob.glob(self.path("repository", "packs", "*", "*")):
            os.chmod(pack, 0o600)
            with open(pack, "r+b") as file:
                file.seek(-100, os.SEEK_END)
                byte = file.read(1)
                file.seek(-100, os.SEEK_END)
                file.write(bytes([byte[0] ^ 1]))
        self.assertEqual(6, daemon.run("check", "--read-data", check=False).returncode)
        message = hook.wait_for_event("failure")
        self.assertIn("Check of disk found damage: ", message["text"])
        self.assertTrue(message["run"]["damage_found"])
        done = daemon.run("status", "--check", check=False)
        self.assertEqual(2, done.returncode, done.stdout)
        self.assertIn("damage was found at destination disk", done.stdout)

    @unittest.skipIf(garner_daemon.SANITIZED or not FAKETIME, "the clock cannot be moved")
    def test_overdue_is_told_once_and_then_the_recovery(self):
        hook = self.serve(servers.WebServer())
        daemon = self.with_set()
        daemon.run("set", "edit", "set", "--overdue-after", "1d")
        daemon.run("notification", "add", "hook", "--webhook", hook.url())
        for days in (2, 3):
            daemon.stop()
            faked = {"LD_PRELOAD": FAKETIME[0], "FAKETIME": f"+{days * 86400}", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                     "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
            os.environ.update(faked)
            try:
                daemon.start(wait=False)
            finally:
                for name in faked:
                    del os.environ[name]
            daemon.wait_ready()
            message = hook.wait_for_event("overdue")
            self.assertIn("Backup of set is overdue: there has been none without errors since ", message["text"])
            self.assertTrue(daemon.json("status")["sets"][0]["overdue"])
            self.assertEqual(2, daemon.run("status", "--check", check=False).returncode)
        daemon.backup("set")
        hook.wait_for_event("recovery")
        self.assertEqual(["overdue", "recovery"], [one["event"] for one in hook.messages()])


class BadInputTest(NotificationCase):
    def test_bad_input(self):
        daemon = self.with_set()
        for arguments, says in (
                ((), "give --webhook, --ping, --mail or --command"),
                (("--webhook", "https://host", "--ping", "https://host"), "exclude each other"),
                (("--webhook", "ftp://host"), "http://HOST or https://HOST is expected"),
                (("--webhook", "host/path"), "http://HOST or https://HOST is expected"),
                (("--ping", "https://host", "--header-file", "x"), "--header-file is only for --webhook"),
                (("--mail", "ops@example.org"), "--mail needs --smtp"),
                (("--mail", "nobody", "--smtp", "smtp://host"), "no mail address"),
                (("--mail", "a@b", "--smtp", "http://host"), "smtp://HOST or smtps://HOST is expected"),
                (("--mail", "a@b", "--smtp", "smtp://host", "--user", "u"), "belong together"),
                (("--command", "true", "--ca-file", "x"), "--ca-file is only for"),
                (("--command", "true", "--on", "moonrise"), "there is no event 'moonrise'; there are: start, success"),
                (("--command", "true", "--on", "failure,"), "an event is missing"),
                (("--webhook", "http://192.0.2.1/", "--header-file", self.secret("headers", "X: 1\n")), "use https"),
                (("--webhook", "https://host", "--header-file", self.secret("none", "nothing\n")), '"Name: value" is expected'),
                (("--webhook", "https://host", "--ca-file", self.secret("pem", "nothing\n")), "no certificate"),
                (("--ping", "@" + self.write("open", "https://host/s3cret")), "chmod 600")):
            stderr = self.refused(daemon, 2, "notification", "add", "x", *arguments, says=says)
            self.assertNotIn("s3cret", stderr)
        self.refused(daemon, 2, "notification", "add", "bad name", "--command", "true", says="notification's name")
        self.refused(daemon, 1, "notification", "add", "x", "--command", "true", "--set", "dusk", says="no set 'dusk'")
        self.refused(daemon, 1, "notification", "test", "x", says="there is no notification 'x'")
        self.refused(daemon, 1, "notification", "remove", "x", says="there is no notification 'x'")
        daemon.run("notification", "add", "x", "--command", "true")
        self.refused(daemon, 1, "notification", "add", "x", "--command", "true", says="already")
        self.assertEqual(["x"], [one["name"] for one in daemon.json("notification", "list")["notifications"]])
        daemon.run("notification", "remove", "x")
        self.assertEqual([], daemon.json("notification", "list")["notifications"])


if __name__ == "__main__":
    unittest.main()
