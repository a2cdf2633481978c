"""The configuration as a file: exported, applied, refused, by the real client and daemon."""

import json
import os
import subprocess
import unittest

import garner_daemon
from case import Case


class ConfigTest(Case):
    def secret(self, name, content):
        path = self.write(name, content)
        os.chmod(path, 0o600)
        return path

    def apply(self, daemon, *arguments, code=0, **options):
        done = daemon.run("config", "apply", *arguments, check=False, **options)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr + daemon.log())
        return done

    def example(self, rest=""):
        password = self.secret("password", "a password\n")
        os.makedirs(self.path("source"), exist_ok=True)
        return self.write("garner.toml", f"""
# What this machine backs up.
[destination.disk]
url = "{self.path('repository')}"
password-file = "{password}"
prune-schedule = "Sun 12:00"

[set.home]
source = "{self.path('source')}"
destination = "disk"
schedule = ["daily"]
keep-daily = 7
{rest}""")

    def test_apply_and_export(self):
        daemon = self.daemon()
        file = self.example()
        told = self.apply(daemon, file, "--dry-run").stdout
        self.assertIn('+ destination disk\n    + url = "', told)
        self.assertIn('+ set home\n    + source = "', told)
        self.assertIn("A dry run", told)
        self.assertEqual([], daemon.json("destination", "list")["destinations"])
        told = self.apply(daemon, file).stdout
        self.assertIn("Recovery key:", told)
        self.assertIn("Applied.", told)
        daemon.backup("home")
        # Again: nothing, also without the secret, which is needed no more.
        os.remove(self.path("password"))
        self.assertEqual("Nothing to change.\n", self.apply(daemon, file).stdout)
        exported = daemon.run("config", "export").stdout
        self.assertNotIn("a password", exported)
        self.assertIn('prune-schedule = "Sun 12:00"', exported)
        self.assertEqual("Nothing to change.\n", self.apply(daemon, self.write("exported.toml", exported)).stdout)
        self.assertEqual("", daemon.run("config", "export", self.path("new.toml")).stdout)
        with open(self.path("new.toml"), encoding="utf-8") as written:
            self.assertEqual(exported, written.read())
        self.refused(daemon, 1, "config", "export", self.path("new.toml"))
        # A change tells what was and what is.
        self.write("changed.toml", exported.replace("keep-daily = 7", 'when = "on-ac-power"\nkeep-daily = 14'))
        told = self.apply(daemon, self.path("changed.toml")).stdout
        self.assertEqual('~ set home\n    ~ keep-daily = 14  (was 7)\n    + when = "on-ac-power"\nApplied.\n', told)
        self.assertEqual(14, daemon.json("set", "show", "home")["retention"]["daily"])
        # Another machine with the same repositories is configured alike.
        self.secret("password", "a password\n")
        exported = daemon.run("config", "export").stdout
        other = self.daemon("other")
        self.apply(other, self.write("exported.toml", exported))
        self.assertEqual(exported, other.run("config", "export").stdout)
        other.run("restore", "latest", "--to", self.path("restored"))

    def test_by_hand_then_exported(self):
        """What was configured by commands is in the file, and the file makes it again."""
        daemon = self.ready(self.path("source"))
        key = self.secret("key", os.urandom(64))
        daemon.run("destination", "add", "usb", self.path("usb"), "--key-file", key, "--check-period", "90d")
        daemon.run("set", "add", "mail", "--source", self.path("source"), "--destination", "usb", "--schedule",
                   "usb=every 6h", "--window", "22:00-06:00", "--when", "command:true", "--keep-within", "1y6m",
                   "--overdue-after", "36h", "--random-delay", "90m", "--timezone", "Europe/Berlin")
        exported = daemon.run("config", "export").stdout
        for text in (f'key-file = "{key}"', 'check-period = "12w6d"', 'schedule = "usb=every 6h"',
                     'when = "command:true"', 'keep-within = "1y6m"', 'overdue-after = "1d12h"',
                     'random-delay = "1h30m"', "# To open its repository elsewhere"):
            self.assertIn(text, exported)
        file = self.write("garner.toml", exported)
        self.assertEqual("Nothing to change.\n", self.apply(daemon, file).stdout)
        other = self.daemon("other")
        named = exported.replace(f'url = "{self.path("repository")}"\n',
                                 f'url = "{self.path("repository")}"\n'
                                 f'recovery-key-file = "{self.path("recovery")}"\n')
        self.apply(other, self.write("named.toml", named))
        comment = "".join(line for line in exported.splitlines(True) if line.startswith("#") and "garner" not in line)
        self.assertEqual(named.replace(comment, ""), other.run("config", "export").stdout)

    def test_standard_input_and_json(self):
        daemon = self.daemon()
        with open(self.example(), "rb") as file:
            done = subprocess.run([garner_daemon.GARNER, "--socket", daemon.socket, "--json", "config", "apply", "-"],
                                  stdin=file, capture_output=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        answer = json.loads(done.stdout)
        self.assertTrue(answer["applied"])
        self.assertEqual(["disk", "home"], [change["name"] for change in answer["changes"]])
        self.assertTrue(answer["made"][0]["recovery_key"])
        self.assertIn('[set.home]', daemon.json("config", "export")["toml"])

    def test_credential(self):
        daemon = self.daemon()
        file = self.write("garner.toml", f'[destination.disk]\nurl = "{self.path("repository")}"\ncredential = "disk"\n')
        self.assertIn("CREDENTIALS_DIRECTORY", self.apply(daemon, file, code=2).stderr)
        os.makedirs(self.path("credentials"))
        self.secret("credentials/disk", "a password")
        self.apply(daemon, file, env={**os.environ, "CREDENTIALS_DIRECTORY": self.path("credentials")})
        other = self.daemon("other")
        other.run("destination", "add", "disk", self.path("repository"), "--password-file", self.path("credentials/disk"))
        self.assertIn('credential = "disk"', daemon.run("config", "export").stdout)

    def test_remove_others(self):
        daemon = self.ready(self.path("source"))
        self.write("source/file", "content")
        daemon.backup("set")
        nothing = self.write("nothing.toml", "")
        self.assertEqual("Nothing to change.\n", self.apply(daemon, nothing).stdout)
        told = self.apply(daemon, nothing, "--remove-others", "--dry-run").stdout
        self.assertIn("- destination disk\n", told)
        self.assertIn("- set set\n", told)
        self.assertEqual(1, len(daemon.json("set", "list")["sets"]))
        self.apply(daemon, nothing, "--remove-others")
        self.assertEqual([], daemon.json("set", "list")["sets"])
        self.assertEqual([], daemon.json("destination", "list")["destinations"])
        # Its repository and the keys are there.
        daemon.run("destination", "add", "disk", self.path("repository"))
        daemon.run("restore", "latest", "--to", self.path("restored"))
        self.assertEqual(["file"], os.listdir(self.path("restored")))

    def test_notifications(self):
        """Their secrets are read from the files that are named, and are never written."""
        daemon = self.ready(self.path("source"))
        url = self.secret("url", "https://chat.example.org/hook/SECRET\n")
        header = self.secret("header", "Authorization: Bearer SECRET\n")
        password = self.secret("password", "SECRET\n")
        daemon.run("notification", "add", "chat", "--webhook", "@" + url, "--header-file", header, "--set", "set")
        daemon.run("notification", "add", "literal", "--ping", "https://ping.example.org/SECRET", "--on", "failure")
        daemon.run("notification", "add", "ops", "--mail", "ops@example.org", "--smtp", "smtps://mail.example.org",
                   "--user", "garner", "--password-file", password)
        daemon.run("notification", "add", "log", "--command", "logger backup")
        exported = daemon.run("config", "export").stdout
        self.assertNotIn("SECRET", exported)
        for text in (f'[notification.chat]\nwebhook = "@{url}"\nheader-file = "{header}"\nset = "set"\n',
                     '[notification.literal]\nping = "kept"\non = "failure"\n',
                     f'user = "garner"\npassword-file = "{password}"\n', 'command = "logger backup"\n'):
            self.assertIn(text, exported)
        self.assertIn("read from " + header, daemon.run("notification", "show", "chat").stdout)
        self.assertEqual("Nothing to change.\n", self.apply(daemon, self.write("exported.toml", exported)).stdout)
        # Made again elsewhere, where the one that came from no file has to be named.
        other = self.daemon("other")
        notifications = exported[exported.index("[notification."):].replace('set = "set"\n', "")
        self.refused(other, 2, "config", "apply", self.write("exported.toml", notifications), says="name a file")
        self.assertEqual([], other.json("notification", "list")["notifications"])
        named = notifications.replace('ping = "kept"', f'ping = "@{url}"')
        told = self.apply(other, self.write("named.toml", named)).stdout
        self.assertIn("+ notification chat\n", told)
        self.assertNotIn("SECRET", told)
        self.assertTrue(other.run("config", "export").stdout.endswith(named))
        # A file that is needed is read by the client, and must be secret.
        os.chmod(header, 0o644)
        self.assertEqual("Nothing to change.\n", self.apply(other, self.path("named.toml")).stdout)
        other.run("notification", "remove", "chat")
        self.refused(other, 2, "config", "apply", self.path("named.toml"), says="chmod 600")

    def test_bad_input(self):
        daemon = self.daemon()
        file = self.example('schedul = "daily"\nkeep-weekly = "many"\nwindow = ["22:00-06:00", "always"]\n')
        done = self.apply(daemon, file, code=2)
        lines = done.stderr.splitlines()
        self.assertEqual(3, len(lines), done.stderr)
        self.assertTrue(lines[0].startswith(f"{file}:13:1: there is no key 'schedul' of a set; there are source, "), lines)
        self.assertTrue(lines[1].startswith(f"{file}:14:15: a number from 0 to 100,000 is expected"), lines)
        self.assertTrue(lines[2].startswith(f"{file}:15:26: "), lines)
        self.assertEqual([], daemon.json("destination", "list")["destinations"])
        self.assertFalse(os.path.exists(self.path("repository")))
        self.assertEqual(3, len(json.loads(daemon.run("--json", "config", "apply", file, check=False).stdout)["problems"]))
        for content, says in (("[set.home\n", ":1:"), ("[set.home]\nsource = 'x\n", ":2:"),
                              ("[set.a]\n[set.a]\n", ":2:"), (b"a = '\xff'\n", "not UTF-8"),
                              (b"#" * (1 << 20) + b"#", "larger than 1 MiB"),
                              ('[set.home]\nsource = "/"\ndestination = "nowhere"\n',
                               ":3:15: there is no destination 'nowhere'"),
                              ('[set.home]\nsource = "/"\ndestination = "nowhere"\nschedule = "2026-02-30"\n',
                               ":4:12: '2026-02-30' never comes")):
            self.refused(daemon, 2, "config", "apply", self.write("bad.toml", content), says=says)
        self.refused(daemon, 2, "config", "apply", self.path("missing"), says="No such file")
        self.refused(daemon, 2, "config", "apply", self.path(), says="cannot be read")
        self.refused(daemon, 2, "config", "apply", says="FILE")
        # A secret that others can read is none, and nothing was changed before that was seen.
        file = self.example()
        os.chmod(self.path("password"), 0o644)
        self.refused(daemon, 2, "config", "apply", file, says="chmod 600")
        os.remove(self.path("password"))
        self.refused(daemon, 2, "config", "apply", file, says="No such file")
        self.assertEqual([], daemon.json("destination", "list")["destinations"])


if __name__ == "__main__":
    unittest.main()
