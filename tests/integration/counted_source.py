"""The source of a test as a file system that counts what is read of it."""

import contextlib
import os
import subprocess

from garner_daemon import BUILD
from patience import PATIENCE


@contextlib.contextmanager
def counted_source(case):
    """Where the test's folder `source` is mounted, and a function that tells how many bytes were read of it so far."""
    count = case.path("count")
    mount = case.path("mount")
    os.makedirs(mount)
    fuse = subprocess.Popen([os.path.join(BUILD, "tests", "counting_fs"), case.path("source"), mount, count])

    def counted():
        with open(count, "rb") as file:
            return int.from_bytes(file.read(8), "little")

    try:
        case.wait(lambda: os.path.ismount(mount))
        yield mount, counted
    finally:
        subprocess.run(["fusermount3", "-u", "-z", mount], check=False)
        fuse.wait(PATIENCE)
