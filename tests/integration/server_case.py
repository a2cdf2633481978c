"""What tests of destinations on servers have in common, whatever kind of server it is: the place that they use, and the
tests that each kind must pass."""

import os
import re
import signal
import subprocess
import time

from case import Case
from compare_trees import check_equal
from cuttable_proxy import Proxy
from garner_daemon import GARNER
from patience import PATIENCE

MIB = 1 << 20


class ServerCase(Case):
    """A kind of server says what follows; the destination is called NAME."""
    NAME = "cloud"
    # One of options(), and another value that it may have.
    OTHER_OPTION = ("", "")

    def address(self):
        """HOST:PORT."""
        raise NotImplementedError

    def url(self, address=None):
        raise NotImplementedError

    def options(self):
        """How it is reached: names, without dashes, and values."""
        raise NotImplementedError

    def secrets(self):
        """What nobody may see."""
        raise NotImplementedError

    def objects(self, prefix=""):
        """Keys that begin with it, as the server has them."""
        raise NotImplementedError

    def read(self, key):
        raise NotImplementedError

    def overwrite(self, key, content):
        raise NotImplementedError

    def delete(self, key):
        raise NotImplementedError

    def unfinished(self):
        """What is at the server of packs that are on their way, or were."""
        raise NotImplementedError

    def is_sending(self, _since):
        """Whether a pack is on its way, that began or went on after that time."""
        return bool(self.unfinished())

    # ---- What is done with it ----

    def words(self, changed):
        """The options as they are given; `changed`: other values, by names with underscores."""
        options = {**self.options(), **{name.replace("_", "-"): value for name, value in changed.items()}}
        return [word for name, value in options.items() for word in ("--" + name, value)]

    def add(self, daemon, *more, url=None, **changed):
        return daemon.json("destination", "add", self.NAME, url or self.url(), *self.words(changed), *more)

    def ready(self, *more, **other):
        """A daemon with the destination and the set `set` of the folder `source`."""
        daemon = self.daemon()
        self.write("recovery", self.add(daemon, *more, **other)["recovery_key"])
        os.chmod(self.path("recovery"), 0o600)
        os.makedirs(self.path("source"), exist_ok=True)
        daemon.run("set", "add", "set", "--source", self.path("source"), "--destination", self.NAME)
        return daemon

    def noise(self, name, size):
        return self.write(name, os.urandom(size))

    def fill(self):
        """Files of all sizes; 60 MiB that do not compress."""
        self.noise("source/large", 40 * MIB)
        for number in range(200):
            self.noise(f"source/{number % 7}/{number}", 100_000)
        self.write("source/text", "a line\n" * 100_000)
        os.symlink("text", self.path("source/link"))

    def restored(self, daemon, name, snapshot="latest"):
        daemon.run("restore", snapshot, "--to", self.path(name))
        check_equal(self, self.path("source"), self.path(name))

    def limit(self, daemon, rate):
        daemon.run("destination", "edit", self.NAME, "--limit-upload", rate)

    def running_slowly(self, daemon, rate):
        """A backup of 60 MiB that is on its way; its number."""
        self.fill()
        self.limit(daemon, rate)
        return daemon.json("backup", "set", "--detach")["run_id"]

    def state(self, daemon, number):
        return daemon.json("run", "show", number)["state"].removeprefix("RUN_STATE_")

    def shown(self, daemon):
        return daemon.json("destination", "show", self.NAME)

    def finished(self, daemon, number):
        run = daemon.wait_for_run(number, ("FINISHED", "FAILED"), 300)
        self.assertEqual("RUN_STATE_FINISHED", run["state"], run)
        return run

    def spooled(self):
        return os.listdir(self.path("state", "spool"))

    def refuse(self, daemon, *more, says, url=None, **changed):
        """It cannot be added, for a reason that is told, and is not there then."""
        message = self.refused(daemon, 1, "destination", "add", self.NAME, url or self.url(),
                               *self.words(changed), *more, says=says)
        self.assertEqual([], daemon.json("destination", "list")["destinations"])
        return message

    def check_nothing_is_left(self):
        """Of what was tried when it was added, and of what went through the spool."""
        self.assertEqual([], self.objects("probe"))
        self.assertEqual([], self.unfinished())
        self.assertEqual([], self.spooled())


class LifeTests:
    """Of a ServerCase."""
    LIFE_OPTIONS = ()

    def test_backup_restore_prune_check(self):
        daemon = self.ready(*self.LIFE_OPTIONS)
        self.fill()
        first = daemon.run("backup", "set")
        self.assertRegex(first.stdout,
                         rf"requests to {self.NAME}: \d+ PUT, (\d+ PART, )?\d+ GET, (\d+ HEAD, )?\d+ LIST, 0 DELETE; "
                         r"[\d.]+ MiB sent")
        # Seen at once, though a server is looked at seldom.
        self.assertEqual("1", daemon.json("status")["destinations"][0]["snapshots"])
        self.restored(daemon, "first")
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

        # Little changes, little is sent.
        self.noise("source/3/new", 50_000)
        os.remove(self.path("source", "large"))
        second = daemon.backup("set")
        requests = second["requests"][0]["requests"]
        self.assertLess(int(requests["sent_bytes"]), 4 * MIB)
        self.assertLess(int(requests["puts"]), 10)
        unchanged = daemon.backup("set")["requests"][0]["requests"]
        self.assertLess(int(unchanged["puts"]), 4)
        self.restored(daemon, "second")

        before = self.objects("packs/")
        daemon.run("forget", "set", "--keep-last", "1")
        pruned = daemon.run("prune", "--grace", "0")
        self.assertRegex(pruned.stdout, rf"requests to {self.NAME}: .*[1-9]\d* DELETE")
        self.assertTrue(set(before) - set(self.objects("packs/")))
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)
        self.restored(daemon, "third")
        self.check_nothing_is_left()

    def test_what_is_shown(self):
        daemon = self.ready()
        shown = daemon.run("destination", "show", self.NAME).stdout
        for text in (self.url(), *self.options().values(), "PUT", "ready"):
            self.assertIn(text, shown)
        told = self.shown(daemon)
        self.assertEqual(self.options(), told["options"])
        self.assertGreater(int(told["requests"]["puts"]), 3)
        self.assertIn(self.NAME + ": ", daemon.run("destination", "list").stdout)
        self.assertIn("since the daemon started", daemon.run("status").stdout)
        self.assertRegex(daemon.run("metrics").stdout,
                         rf'garner_destination_requests_total\{{destination="{self.NAME}",kind="put"\}} \d+')
        # No secret, anywhere.
        everything = [shown, str(told), daemon.log(), daemon.run("log").stdout, daemon.run("config", "export").stdout]
        for path, _, names in os.walk(self.path("state")):
            for name in names:
                if os.path.isfile(os.path.join(path, name)):
                    with open(os.path.join(path, name), "rb") as file:
                        everything.append(file.read().decode(errors="replace"))
        everything.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout)
        for secret in self.secrets():
            for text in everything:
                self.assertNotIn(secret, text)

    def test_another_machine_opens_it(self):
        daemon = self.ready()
        self.noise("source/a", 1_000_000)
        daemon.backup("set")
        other = self.daemon("other")
        added = self.add(other, "--recovery-key-file", self.path("recovery"))
        self.assertEqual("1", added["snapshots"])
        other.run("restore", "latest", "--to", self.path("there"))
        check_equal(self, self.path("source"), self.path("there"))
        # Both write; of their records one comes after the other.
        self.noise("elsewhere/b", 1_000_000)
        other.run("set", "add", "other", "--source", self.path("elsewhere"), "--destination", self.NAME)
        other.backup("other")
        self.noise("source/c", 1_000_000)
        daemon.backup("set")
        other.backup("other")
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

    def test_the_configuration_as_a_file(self):
        daemon = self.ready()
        toml = self.path("garner.toml")
        daemon.run("config", "export", toml)
        self.assertIn("Nothing to change", daemon.run("config", "apply", toml).stdout)
        with open(toml, encoding="utf-8") as file:
            text = file.read()
        for name, value in self.options().items():
            self.assertIn(f'{name} = "{value}"', text)
        name, other = self.OTHER_OPTION
        self.write("garner.toml", re.sub(rf"(?m)^{name} = .*\n", f'{name} = "{other}"\n', text))
        self.assertIn(name, daemon.run("config", "apply", toml).stdout)
        self.assertEqual(other, self.shown(daemon)["options"][name])
        # And back, by hand.
        daemon.run("destination", "edit", self.NAME, "--" + name, self.options()[name])
        self.assertEqual(self.options(), self.shown(daemon)["options"])

    def test_damage_is_found(self):
        daemon = self.ready()
        self.fill()
        daemon.backup("set")
        # The largest: half of a small one is padding.
        packs = {key: self.read(key) for key in self.objects("packs/")}
        pack = max(packs, key=lambda key: len(packs[key]))
        content = packs[pack]
        middle = len(content) // 2
        self.overwrite(pack, content[:middle] + bytes(100) + content[middle + 100:])
        self.assertEqual(6, daemon.run("check", "--read-data", check=False).returncode)
        self.overwrite(pack, content[:middle])
        self.assertEqual(6, daemon.run("check", check=False).returncode)
        self.delete(pack)
        self.assertEqual(6, daemon.run("check", check=False).returncode)
        self.overwrite(pack, content)
        self.assertEqual(0, daemon.run("check", "--read-data", check=False).returncode)


class TestTests:
    """Of a ServerCase: `destination test`."""
    OWN_STEP = ""
    # What a write that was killed leaves is removed by the next test; else by the first write a day later.
    UNFINISHED_GOES = True

    def test_it_is_tried_and_measured(self):
        daemon = self.ready()
        self.noise("source/a", 1_000_000)
        daemon.backup("set")
        before = self.objects()
        done = daemon.run("destination", "test", self.NAME)
        for text in ("repository", "reading", "ms a request", "exclusive creation", "of 4 at once one succeeds",
                     self.OWN_STEP, "MB/s", "deleting", f"Destination {self.NAME} does what garner relies on.",
                     "Requests of this test: "):
            self.assertIn(text, done.stdout)
        self.assertNotIn("FAILED", done.stdout)
        self.assertEqual(before, self.objects())
        self.check_nothing_is_left()
        known = self.shown(daemon)["requests"]
        test = daemon.json("destination", "test", self.NAME)
        self.assertTrue(test["finished"] and test["passed"], test)
        self.assertEqual({"TEST_OUTCOME_GOOD"}, {step["outcome"] for step in test["steps"]})
        self.assertEqual("10", test["latency"]["requests"])
        self.assertGreater(test["latency"]["slowest_seconds"], test["latency"]["fastest_seconds"])
        for way in ("upload", "download"):
            self.assertGreaterEqual(int(test[way]["bytes"]), MIB)
            self.assertGreater(test[way]["bytes_per_second"], 0)
        # They are the destination's as well.
        after = self.shown(daemon)["requests"]
        for kind in ("puts", "gets", "lists", "deletes"):
            self.assertGreater(int(test["requests"][kind]), 0)
            self.assertGreaterEqual(int(after[kind]) - int(known[kind]), int(test["requests"][kind]))
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)

    def begin_test(self, daemon):
        """One that takes its time, with something of its own at the server."""
        self.limit(daemon, "100K")
        test = subprocess.Popen([GARNER, "--socket", daemon.socket, "destination", "test", self.NAME],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(test.communicate)
        self.addCleanup(test.kill)
        self.wait(lambda: self.objects("trial/") and self.spooled())
        return test

    def test_one_that_is_stopped_leaves_nothing(self):
        daemon = self.ready()
        test = self.begin_test(daemon)
        self.refused(daemon, 1, "destination", "test", self.NAME, says="is being tested already")
        test.send_signal(signal.SIGINT)
        self.wait(lambda: not self.objects("trial") and not self.spooled())
        self.check_nothing_is_left()

    def test_one_that_is_killed_leaves_nothing_when_the_next_is_over(self):
        daemon = self.ready()
        test = self.begin_test(daemon)
        daemon.kill()
        self.assertNotEqual(0, test.wait(PATIENCE))
        self.assertNotEqual([], self.objects("trial/"))
        daemon.start()
        self.limit(daemon, "none")
        self.assertIn("cut off", daemon.run("destination", "test", self.NAME).stdout)
        self.assertEqual([], self.objects("trial/"))
        self.assertEqual([], self.spooled())
        if self.UNFINISHED_GOES:
            self.check_nothing_is_left()

    def test_what_is_wrong_is_told(self):
        with Proxy(self.address()) as proxy:
            daemon = self.ready(url=self.url(proxy.address))
            proxy.cut()
            done = daemon.run("destination", "test", self.NAME, check=False)
            self.assertEqual(1, done.returncode)
            self.assertRegex(done.stdout, r"repository +FAILED +\S")
            proxy.mend()
            self.assertEqual(0, daemon.run("destination", "test", self.NAME).returncode)
        daemon = self.daemon("other")
        self.refused(daemon, 1, "destination", "test", "nowhere", says="there is no destination 'nowhere'")


class LimitTests:
    """Of a ServerCase: what goes by is bounded, both ways, and who only asks is not kept waiting."""
    # A quarter of a second's goes by at once, and buffers of connections hold what nobody has asked for yet.
    MOST_UNDER_WAY = 16 * MIB

    def check_bounded(self, count, is_over, limit):
        """By no moment until it is over has more gone by than the limit lets by until then. And it is bytes that are
        limited, not bits."""
        before, begun = count(), time.monotonic()
        while not is_over():
            passed = count() - before
            most = limit * (time.monotonic() - begun) * 1.1 + self.MOST_UNDER_WAY  # heads, TLS and SSH are not counted
            self.assertLess(passed, most)
            time.sleep(0.05)
        self.assertGreater(count() - before, limit * (time.monotonic() - begun) / 5)

    def test_limits_hold_on_the_line(self):
        with Proxy(self.address()) as proxy:
            daemon = self.ready(url=self.url(proxy.address))
            self.fill()
            self.limit(daemon, "4M")
            number = daemon.json("backup", "set", "--detach")["run_id"]
            self.wait(lambda: proxy.passed > 2 * MIB)
            waited = []

            def is_over():
                begun = time.monotonic()
                self.assertEqual("DESTINATION_STATE_READY", self.shown(daemon)["state"])
                waited.append(time.monotonic() - begun)
                return self.state(daemon, number) != "RUNNING"
            self.check_bounded(lambda: proxy.passed, is_over, 4_000_000)
            self.finished(daemon, number)
            self.assertLess(sorted(waited)[len(waited) * 9 // 10], 5)

            daemon.run("destination", "edit", self.NAME, "--limit-upload", "none", "--limit-download", "6M")
            restore = subprocess.Popen([GARNER, "--socket", daemon.socket, "restore", "latest", "--to", self.path("there")],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.check_bounded(lambda: proxy.returned, lambda: restore.poll() is not None, 6_000_000)
            restore.communicate()
            self.assertEqual(0, restore.returncode)
            check_equal(self, self.path("source"), self.path("there"))


class InterruptedTests:
    """Of a ServerCase."""

    def wait_until_sending(self, since=0.0):
        self.wait(lambda: self.is_sending(since))

    def test_a_daemon_that_is_killed_goes_on(self):
        daemon = self.ready()
        number = self.running_slowly(daemon, "3M")
        for _ in range(3):
            # In the middle of a large pack.
            since = time.time()
            self.wait(lambda: self.is_sending(since) or self.state(daemon, number) == "FINISHED")
            daemon.kill()
            daemon.start()
            daemon.wait_for_run(number, ("RUNNING", "FINISHED"), 60)
        self.limit(daemon, "none")
        run = self.finished(daemon, number)
        self.assertGreater(run["attempts"], 1)
        self.assertLessEqual(int(run["read_bytes"]), 62 * MIB * run["attempts"])
        self.restored(daemon, "restored")
        self.assertEqual(0, daemon.run("check", "--read-data").returncode)
        # What was on its way when the daemon was killed may be left there, for a while.
        self.assertLess(len(self.unfinished()), 13)
        self.assertEqual([], self.spooled())

    def test_a_network_that_is_cut_for_a_while_is_waited_for(self):
        with Proxy(self.address()) as proxy:
            daemon = self.ready(url=self.url(proxy.address))
            number = self.running_slowly(daemon, "5M")
            self.wait(lambda: proxy.passed > 10 * MIB)
            proxy.cut()
            self.assertEqual("DESTINATION_STATE_AWAY", self.shown(daemon)["state"])
            self.assertEqual("RUNNING", self.state(daemon, number))
            proxy.mend()
            self.limit(daemon, "none")
            run = self.finished(daemon, number)
            self.assertEqual(1, run["attempts"])
            self.restored(daemon, "restored")
            self.assertEqual("DESTINATION_STATE_READY", self.shown(daemon)["state"])

    def test_a_run_is_paused_and_cancelled_soon(self):
        daemon = self.ready()
        number = self.running_slowly(daemon, "1M")
        self.wait_until_sending()
        begun = time.monotonic()
        daemon.run("run", "pause", number)
        run = daemon.wait_for_run(number, ("PAUSED",), 60)
        self.assertEqual("PAUSE_REASON_USER", run["pause_reason"])
        self.assertLess(time.monotonic() - begun, 30)
        daemon.run("run", "cancel", number)
        daemon.wait_for_run(number, ("CANCELLED",), 60)
        self.assertEqual([], self.spooled())
