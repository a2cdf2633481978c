"""A destination on a server that is reached by SSH, OpenSSH's, through client and daemon. Each test starts a server of its
own (tests/support/openssh_server), whose folders are this machine's."""

import os
import shutil
import subprocess
import unittest
import uuid

from patience import PATIENCE
from server_case import InterruptedTests, LifeTests, LimitTests, MIB, ServerCase, TestTests

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "openssh_server")


class SftpCase(ServerCase):
    NAME = "nas"

    def setUp(self):
        super().setUp()
        self.OTHER_OPTION = ("ssh-key", self.path("another"))
        self.addCleanup(self.run_server, "stop")
        self.run_server("start")
        with open(self.server_file("server"), encoding="utf-8") as file:
            self.host, self.port, self.user = file.read().split()
        with open(self.server_file("host_key.pub"), encoding="utf-8") as file:
            self.host_key = file.read()
        # At each port of the host, for a test that goes by another way.
        self.write("known_hosts", f"[{self.host}]:{self.port} {self.host_key}{self.host} {self.host_key}")
        # Other tests may be giving theirs to ssh-keygen, where everybody sees it.
        self.passphrase = "open " + str(uuid.uuid4())
        self.write_passphrase("passphrase", self.passphrase)
        self.make_key("key", self.passphrase)

    def run_server(self, action, *options):
        subprocess.run([SCRIPT, action, self.path("server"), *options], check=True, timeout=PATIENCE)

    def server_file(self, name):
        return self.path("server", name)

    def write_passphrase(self, name, text):
        self.write(name, text + "\n")
        os.chmod(self.path(name), 0o600)
        return self.path(name)

    def make_key(self, name, passphrase="", known=True):
        """A private key; the server lets it in, where it knows it."""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", self.path(name)], check=True,
                       stdin=subprocess.DEVNULL)
        if known:
            with open(self.server_file("authorized_keys"), "a", encoding="utf-8") as keys, \
                    open(self.path(name + ".pub"), encoding="utf-8") as key:
                keys.write(key.read())
        return self.path(name)

    def address(self):
        return f"{self.host}:{self.port}"

    def url(self, address=None):
        return f"sftp://{self.user}@{address or self.address()}{self.path('far', 'pre')}"

    def options(self):
        return {"known-hosts": self.path("known_hosts"), "ssh-key": self.path("key"),
                "ssh-passphrase-file": self.path("passphrase")}

    def secrets(self):
        with open(self.path("key"), encoding="utf-8") as file:
            return [self.passphrase, file.read().splitlines()[1]]

    def root(self, *parts):
        return self.path("far", "pre", *parts)

    def objects(self, prefix=""):
        found = []
        for folder, _, names in os.walk(self.root()):
            found += [os.path.relpath(os.path.join(folder, name), self.root()) for name in names]
        return sorted(key for key in found if key.startswith(prefix))

    def read(self, key):
        with open(self.root(key), "rb") as file:
            return file.read()

    def overwrite(self, key, content):
        with open(self.root(key), "wb") as file:
            file.write(content)

    def delete(self, key):
        os.remove(self.root(key))

    def unfinished(self):
        return os.listdir(self.root(".staging"))

    def is_sending(self, since):
        def is_new(name):
            try:
                facts = os.stat(self.root(".staging", name))
            except FileNotFoundError:
                return False
            return facts.st_size > MIB and facts.st_mtime >= since
        return any(is_new(name) for name in self.unfinished())


class Life(LifeTests, SftpCase):
    def test_a_server_without_extensions_is_used_and_told_of(self):
        self.run_server("start", "without=hardlink,fsync,statvfs")
        daemon = self.daemon()
        added = self.add(daemon)
        self.assertEqual(1, len(added["notices"]))
        self.assertIn("fsync", added["notices"][0])
        daemon.run("set", "add", "set", "--source", self.write("source/file", "content"), "--destination", self.NAME)
        daemon.backup("set")
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

    def test_an_account_that_may_only_read_restores(self):
        daemon = self.ready()
        self.noise("source/a", 1_000_000)
        daemon.backup("set")
        self.run_server("start", "Subsystem sftp=internal-sftp -R")
        other = self.daemon("other")
        added = self.add(other, "--recovery-key-file", self.path("recovery"))
        self.assertEqual("1", added["snapshots"])
        self.assertEqual(1, len(added["notices"]))
        self.assertIn("can restore from there and not back up to it", added["notices"][0])
        self.restored(other, "there")
        # And it may write again, another day.
        self.run_server("start")
        other.run("set", "add", "other", "--source", self.path("source"), "--destination", self.NAME)
        other.backup("other")

    def test_a_folder_below_that_of_the_login(self):
        self.run_server("start", f"Subsystem sftp=internal-sftp -d {self.path('far')}")
        os.makedirs(self.path("far"))
        daemon = self.daemon()
        added = self.add(daemon, url=f"sftp://{self.user}@{self.address()}/~/pre")
        self.assertEqual(f"sftp://{self.user}@{self.address()}/~/pre", added["destination"]["url"])
        self.assertTrue(os.path.exists(self.root("garner.repo")))


class Test(TestTests, SftpCase):
    OWN_STEP = "durability"
    UNFINISHED_GOES = False

    def test_a_server_that_cannot_make_durable_is_told_of(self):
        self.run_server("start", "without=fsync")
        daemon = self.ready()
        done = daemon.run("destination", "test", self.NAME)
        self.assertRegex(done.stdout, r"durability +note +the server does not tell")
        # An account that may only read.
        self.run_server("start", "Subsystem sftp=internal-sftp -R")
        done = daemon.run("destination", "test", self.NAME, check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout, r"reading +ok")
        self.assertRegex(done.stdout, r"writing +FAILED")


class Limits(LimitTests, SftpCase):
    pass


class Interrupted(InterruptedTests, SftpCase):
    def begin(self):
        """A daemon, and a backup of which a pack is on its way."""
        daemon = self.ready()
        number = self.running_slowly(daemon, "5M")
        self.wait_until_sending()
        return daemon, number

    def test_a_server_that_is_killed_and_comes_back_is_waited_for(self):
        daemon, number = self.begin()
        for _ in range(2):
            self.run_server("kill")
            self.assertEqual("DESTINATION_STATE_AWAY", self.shown(daemon)["state"])
            self.assertEqual("RUNNING", self.state(daemon, number))
            self.run_server("start")
            self.wait(lambda: self.shown(daemon)["state"] == "DESTINATION_STATE_READY")
        self.limit(daemon, "none")
        run = self.finished(daemon, number)
        self.assertEqual(1, run["attempts"])
        self.restored(daemon, "restored")
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)
        # What was half there went when it was sent again.
        self.assertEqual([], self.unfinished())
        self.assertEqual([], self.spooled())

    def test_another_host_key_pauses_a_run_until_it_is_the_known_one_again(self):
        daemon, number = self.begin()
        self.run_server("kill")
        for name in ("host_key", "host_key.pub"):
            shutil.copy(self.server_file(name), self.path(name))
            os.remove(self.server_file(name))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.server_file("host_key")], check=True,
                       stdin=subprocess.DEVNULL)
        self.run_server("start")
        run = daemon.wait_for_run(number, ("PAUSED",), 120)
        self.assertEqual("PAUSE_REASON_DESTINATION_AWAY", run["pause_reason"])
        for text in ("HAS CHANGED", self.path("known_hosts") + ", line 1", "SHA256:"):
            self.assertIn(text, run["message"])
        self.assertIn("HAS CHANGED", daemon.run("destination", "show", self.NAME).stdout)
        objects = self.objects("packs/")
        # It is told nothing: nobody has been let in.
        self.run_server("kill")
        for name in ("host_key", "host_key.pub"):
            shutil.copy(self.path(name), self.server_file(name))
        self.limit(daemon, "none")
        self.assertEqual(objects, self.objects("packs/"))
        self.run_server("start")
        self.finished(daemon, number)
        self.restored(daemon, "restored")

    def test_a_key_that_is_replaced_lets_a_run_go_on(self):
        daemon, number = self.begin()
        # The account lets in another one from now on.
        self.make_key("new", self.passphrase)
        shutil.copy(self.path("new.pub"), self.server_file("authorized_keys"))
        self.run_server("cut")
        run = daemon.wait_for_run(number, ("PAUSED",), 120)
        self.assertEqual("PAUSE_REASON_DESTINATION_AWAY", run["pause_reason"])
        self.assertIn("the server lets nobody in", run["message"])
        self.assertIn(self.path("key") + " (refused)", run["message"])
        self.limit(daemon, "none")
        os.rename(self.path("new"), self.path("key"))
        self.finished(daemon, number)
        self.restored(daemon, "restored")

    def test_how_it_is_reached_is_changed_under_a_run(self):
        daemon, number = self.begin()
        daemon.run("destination", "edit", self.NAME, "--ssh-key", self.make_key("plain"), "--ssh-passphrase-file",
                   "default", "--limit-upload", "none")
        self.assertEqual({"known-hosts": self.path("known_hosts"), "ssh-key": self.path("plain")},
                         self.shown(daemon)["options"])
        os.remove(self.path("key"))
        self.assertEqual(1, self.finished(daemon, number)["attempts"])
        self.restored(daemon, "restored")

    def test_a_folder_that_is_gone_is_away_and_not_made_again(self):
        daemon = self.ready()
        self.noise("source/a", 1_000_000)
        daemon.backup("set")
        os.rename(self.path("far"), self.path("elsewhere"))
        os.makedirs(self.root())
        self.assertIn("was the disk that holds it unmounted?", self.shown(daemon)["detail"])
        number = daemon.json("backup", "set", "--detach")["run_id"]
        daemon.wait_for_run(number, ("PAUSED",), 60)
        self.assertEqual([], os.listdir(self.root()))
        os.rmdir(self.root())
        self.assertEqual("DESTINATION_STATE_AWAY", self.shown(daemon)["state"])
        os.rmdir(self.path("far"))
        os.rename(self.path("elsewhere"), self.path("far"))
        self.finished(daemon, number)


class Refused(SftpCase):
    def test_what_is_wrong_is_told(self):
        daemon = self.daemon()
        self.refuse(daemon, says=("the server lets nobody in", "(refused)"), ssh_key=self.make_key("stranger", known=False),
                    ssh_passphrase_file="default")
        self.refuse(daemon, says="No such file", ssh_key=self.path("missing"))
        self.refuse(daemon, says="its passphrase is another one",
                    ssh_passphrase_file=self.write_passphrase("wrong", "close sesame"))
        os.chmod(self.path("key"), 0o644)
        self.refuse(daemon, says="chmod 600")
        os.chmod(self.path("key"), 0o600)
        self.write("known_hosts", "")
        self.refuse(daemon, says=("is not known", "SHA256:", f"ssh-keyscan -p {self.port}", self.path("known_hosts")))
        self.write("known_hosts", f"[{self.host}]:{self.port} {self.host_key}")
        self.refuse(daemon, says="127.0.0.1", url=f"sftp://{self.user}@127.0.0.1:1/pre")
        self.write("far/pre/Photos/1.jpg", b"jpg")
        self.refuse(daemon, says=("not empty", "Photos"))
        shutil.rmtree(self.root("Photos"))
        self.assertEqual([], os.listdir(self.root()))
        self.add(daemon)

    def test_usage(self):
        daemon = self.daemon()
        for url in ("sftp:host", "sftp:ann:SECRET@host:/x", "sftp://host", "sftp://ann:SECRET@host/x",
                    "sftp://ann:SECRET@host"):
            message = self.refused(daemon, 2, "destination", "add", self.NAME, url, says="sftp://USER@HOST/PATH")
            self.assertNotIn("SECRET", message)
        for url, option in ((self.url(), "--region"), (self.path("disk"), "--ssh-key"),
                            ("s3:https://host/bucket", "--known-hosts")):
            self.refused(daemon, 2, "destination", "add", self.NAME, url, option, "value", says="has no " + option)
        self.refused(daemon, 2, "destination", "add", self.NAME, self.url(), "--ssh-key", "agent",
                     "--ssh-passphrase-file", self.path("passphrase"), says="an agent needs no")
        self.assertEqual([], daemon.json("destination", "list")["destinations"])
        self.assertFalse(os.path.exists(self.path("far")))


if __name__ == "__main__":
    unittest.main()
