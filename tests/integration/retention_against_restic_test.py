"""Retention keeps what `restic forget` keeps, on random histories. Skipped where restic is not on PATH.

The histories are written straight into a restic repository, as snapshots of one host each: restic itself would take
most of a second for each. A snapshot is JSON, sealed with AES-256-CTR and Poly1305-AES as restic's design document
says, under the keys that `restic cat masterkey` prints."""

import base64
import ctypes
import ctypes.util
import datetime
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import unittest
import zoneinfo

BUILD = os.environ["GARNER_BUILD"]
TOOL = os.path.join(BUILD, "tests", "retention_tool")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
POLICIES = 20
HISTORIES_OF_A_POLICY = 10


class Sealer:
    def __init__(self, keys):
        self.key = base64.b64decode(keys["encrypt"])
        self.k = base64.b64decode(keys["mac"]["k"])
        self.r = int.from_bytes(base64.b64decode(keys["mac"]["r"]), "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
        self.library = ctypes.CDLL(ctypes.util.find_library("crypto"))
        for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_ctr", "EVP_aes_128_ecb"):
            getattr(self.library, name).restype = ctypes.c_void_p

    def aes(self, cipher, key, iv, data):
        library = self.library
        context = ctypes.c_void_p(library.EVP_CIPHER_CTX_new())
        output = ctypes.create_string_buffer(len(data) + 32)
        length = ctypes.c_int()
        done = library.EVP_EncryptInit_ex(context, ctypes.c_void_p(getattr(library, cipher)()), None, key, iv)
        done = done and library.EVP_EncryptUpdate(context, output, ctypes.byref(length), data, len(data))
        library.EVP_CIPHER_CTX_free(context)
        assert done == 1
        return output.raw[:len(data)]

    def seal(self, plain):
        iv = os.urandom(16)
        sealed = self.aes("EVP_aes_256_ctr", self.key, iv, plain)
        s = int.from_bytes(self.aes("EVP_aes_128_ecb", self.k, None, iv), "little")
        accumulator = 0
        for at in range(0, len(sealed), 16):
            block = sealed[at:at + 16]
            accumulator = (accumulator + int.from_bytes(block + b"\1", "little")) * self.r % ((1 << 130) - 5)
        return iv + sealed + ((accumulator + s) & ((1 << 128) - 1)).to_bytes(16, "little")


def random_times(rng):
    """Seconds, distinct: bursts, gaps and years, so that every rule has something to choose from."""
    times = set()
    now = rng.randrange(1_500_000_000, 1_800_000_000)
    for _ in range(rng.randrange(1, 45)):
        times.add(now)
        now += int(rng.choice([60, 1800, 3600, 7200, 43_200, 86_400, 200_000, 900_000, 4_000_000, 20_000_000])
                   * (0.3 + rng.random()))
    return sorted(times)


def random_policy(rng):
    counts = [rng.choice([0, 0, 0, 1, 2, 3, 7, 12]) for _ in range(6)]
    within = "-"
    if rng.random() < 0.4:
        within = "".join(f"{rng.randrange(1, 9)}{unit}" for unit in "ymdh" if rng.random() < 0.4) or "5d"
    if within == "-" and not any(counts):
        counts[rng.randrange(6)] = rng.randrange(1, 9)
    return counts, within


@unittest.skipUnless(shutil.which("restic"), "restic is not on PATH")
class AgainstRestic(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="garner-retention-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.repository = os.path.join(self.folder, "repository")
        self.environment = {**os.environ, "RESTIC_PASSWORD": "password", "RESTIC_REPOSITORY": self.repository,
                            "RESTIC_CACHE_DIR": os.path.join(self.folder, "cache")}
        self.restic("init", "-q")
        self.sealer = Sealer(json.loads(self.restic("cat", "masterkey")))

    def restic(self, *arguments, zone="UTC"):
        return subprocess.run(["restic", *arguments], env={**self.environment, "TZ": zone}, check=True,
                              capture_output=True, text=True).stdout

    def write_snapshot(self, host, seconds, zone):
        time = datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone))
        sealed = self.sealer.seal(json.dumps({"time": time.isoformat(), "tree": "00" * 32, "paths": ["/x"],
                                              "hostname": host, "username": "root"}).encode())
        with open(os.path.join(self.repository, "snapshots", hashlib.sha256(sealed).hexdigest()), "wb") as file:
            file.write(sealed)

    def test_random_histories(self):
        seed = int(os.environ.get("GARNER_SEED", random.randrange(1 << 30)))
        print("seed", seed, flush=True)
        rng = random.Random(seed)
        compared = 0
        for number in range(POLICIES):
            zone = ZONES[number % len(ZONES)]
            counts, within = random_policy(rng)
            histories = {f"host{number}-{history}": random_times(rng) for history in range(HISTORIES_OF_A_POLICY)}
            script = ""
            for host, times in histories.items():
                script += "policy " + " ".join(map(str, counts)) + " " + within + "\n"
                for seconds in times:
                    self.write_snapshot(host, seconds, zone)
                    script += f"snapshot {seconds}\n"
                script += "decide\n"
            arguments = ["forget", "--dry-run", "--json", "--no-lock", "--group-by", "host"]
            for rule, count in zip(("last", "hourly", "daily", "weekly", "monthly", "yearly"), counts):
                if count:
                    arguments += [f"--keep-{rule}", str(count)]
            if within != "-":
                arguments += ["--keep-within", within]
            for host in histories:
                arguments += ["--host", host]
            groups = {group["host"]: group for group in json.loads(self.restic(*arguments, zone=zone))}
            ours = subprocess.run([TOOL, zone], input=script, check=True, capture_output=True, text=True).stdout.split()
            for (host, times), kept in zip(histories.items(), ours, strict=True):
                expected = {round(datetime.datetime.fromisoformat(one["time"]).timestamp())
                            for one in groups[host]["keep"]}
                self.assertEqual(sorted(expected), [time for time, keep in zip(times, kept) if keep == "1"],
                                 f"seed {seed}, {host} in {zone}: {counts} within {within} of {times}")
                compared += 1
        self.assertEqual(POLICIES * HISTORIES_OF_A_POLICY, compared)


if __name__ == "__main__":
    unittest.main()
