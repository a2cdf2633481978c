"""Makes a tree that holds everything a backup may stumble over. As root it has devices, owners, capabilities and flags."""

import fcntl
import os
import random
import socket
import stat
import struct
import subprocess

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FLAG_IMMUTABLE, FLAG_APPEND, FLAG_NODUMP, FLAG_NOATIME, FLAG_SYNC = 0x10, 0x20, 0x40, 0x80, 0x08

# Before 1970, between, after 2038, with nanoseconds.
TIMES_NS = [-1_000_000_001, -86_400 * 365 * 10**9 + 123_456_789, 1, 1_000_000_000_999_999_999,
            2_147_483_648 * 10**9 + 5, 4_102_444_800 * 10**9 + 987_654_321]


def write(path, content, folder=None):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=folder)
    with os.fdopen(fd, "wb") as file:
        file.write(content)


def set_flags(path, flags):
    """Adds inode flags; quietly does nothing where the file system has none."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        value = struct.unpack("L", fcntl.ioctl(fd, FS_IOC_GETFLAGS, struct.pack("L", 0)))[0]
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("L", value | flags))
    except OSError:
        pass
    finally:
        os.close(fd)


def clear_flags(root):
    """Takes immutable and append-only off everything below `root`, so that it can be deleted."""
    subprocess.run(["chattr", "-R", "-f", "-i", "-a", os.fsencode(root)], check=False, stderr=subprocess.DEVNULL)


def make_deep_path(root, length):
    """Folders within each other until the path below `root` has `length` bytes, with a file at the bottom and half way."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    used = 0
    half = False
    while used < length:
        name = ("d" * min(200, max(1, length - used - 1))).encode()
        os.mkdir(name, dir_fd=folder)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = below
        used += len(name) + 1
        if not half and used > length // 2:
            half = True
            write(b"half way", b"half way down\n", folder)
    write(b"bottom", b"the bottom of a path of %d bytes\n" % used, folder)
    os.close(folder)


def make(root, entries=100_000, sparse_bytes=10 << 30, deep=6_000, seed=1):
    root = os.fsencode(root)
    privileged = os.geteuid() == 0
    rng = random.Random(seed)
    os.makedirs(root)

    names = os.path.join(root, b"names")
    os.mkdir(names)
    for number, name in enumerate([b"new\nline", b"tab\there", b"\xff\xfe invalid utf-8 \x80", b"n" * 255,
                                   "ünïcödé ☃".encode(), b" leading and trailing ", b"-rf", b"*", b"back\\slash",
                                   b"quote'\"", b"\x01\x1b[31mcontrol", b"a:b", b"~", b"...", b"%s%n"]):
        write(os.path.join(names, name), b"content %d of " % number + name)
    os.mkdir(os.path.join(names, b"folder\nwith \xe9 name"))
    write(os.path.join(names, b"folder\nwith \xe9 name", b"in it"), b"x")

    os.mkdir(os.path.join(root, b"deep"))
    make_deep_path(os.path.join(root, b"deep"), deep)

    many = os.path.join(root, b"many")
    os.mkdir(many)
    folder = os.open(many, os.O_RDONLY)
    for number in range(entries):
        write(b"entry-%06d" % number, b"" if number % 3 else b"entry %d\n" % number, folder)
    os.close(folder)

    links = os.path.join(root, b"links")
    for part in (b"one", b"two", b"two/three"):
        os.makedirs(os.path.join(links, part))
    write(os.path.join(links, b"one/first"), rng.randbytes(300_000))
    os.link(os.path.join(links, b"one/first"), os.path.join(links, b"two/second"))
    os.link(os.path.join(links, b"one/first"), os.path.join(links, b"two/three/third"))
    os.symlink(b"one/first", os.path.join(links, b"relative"))
    os.symlink(b"/nowhere/\xff\n", os.path.join(links, b"dangling"))
    os.symlink(b"..", os.path.join(links, b"up"))
    os.symlink(b"t" * 4000, os.path.join(links, b"long"))
    os.link(os.path.join(links, b"relative"), os.path.join(links, b"two/relative too"), follow_symlinks=False)

    sparse = os.path.join(root, b"sparse")
    with open(sparse, "wb") as file:
        for piece in range(16):
            file.seek(piece * (sparse_bytes // 16) + 4096 * piece)
            file.write(rng.randbytes(64 << 10))
        file.truncate(sparse_bytes)
    with open(os.path.join(root, b"only a hole"), "wb") as file:
        file.truncate(5 << 20)
    write(os.path.join(root, b"zeros that are no hole"), bytes(3 << 20))

    sizes = os.path.join(root, b"sizes")
    os.mkdir(sizes)
    for size in (0, 1, 4095, 4096, 65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 5_000_000):
        write(os.path.join(sizes, b"%d" % size), rng.randbytes(size))
        write(os.path.join(sizes, b"%d same again" % size), b"same " * (size // 5))

    kinds = os.path.join(root, b"kinds")
    os.mkdir(kinds)
    os.mkfifo(os.path.join(kinds, b"fifo"), 0o640)
    server = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    os.chdir(kinds)
    server.bind("socket")
    os.fchdir(here)
    os.close(here)
    server.close()
    os.mkdir(os.path.join(kinds, b"empty folder"), 0o700)
    if privileged:
        os.mknod(os.path.join(kinds, b"null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(os.path.join(kinds, b"block"), stat.S_IFBLK | 0o600, os.makedev(7, 200))
        os.mknod(os.path.join(kinds, b"large numbers"), stat.S_IFCHR | 0o600, os.makedev(4000, 1_000_000))

    meta = os.path.join(root, b"metadata")
    os.mkdir(meta)
    for mode in (0o000, 0o400, 0o777, 0o4755, 0o2755, 0o1644, 0o7777):
        path = os.path.join(meta, b"mode %o" % mode)
        write(path, b"mode")
        os.chmod(path, mode)
    sticky = os.path.join(meta, b"sticky folder")
    os.mkdir(sticky)
    os.chmod(sticky, 0o3777)
    attributes = os.path.join(meta, b"attributes")
    write(attributes, b"attributes")
    os.setxattr(attributes, "user.note", b"a \x00 binary \xff value")
    os.setxattr(attributes, "user.empty", b"")
    os.setxattr(attributes, "user.large", rng.randbytes(3_000))
    os.setxattr(meta, "user.of.a.folder", b"yes")
    acl = os.path.join(meta, b"acl")
    write(acl, b"acl")
    subprocess.run(["setfacl", "-m", "u:1:rw,g:2:r,m:rwx", acl], check=True)
    subprocess.run(["setfacl", "-d", "-m", "u:1:rwx", meta], check=True)
    if privileged:
        owned = os.path.join(meta, b"owned")
        write(owned, b"owned")
        os.chown(owned, 12_345, 54_321)
        os.symlink(b"owned", os.path.join(meta, b"owned link"))
        os.chown(os.path.join(meta, b"owned link"), 1, 2, follow_symlinks=False)
        os.setxattr(owned, "trusted.note", b"trusted")
        capable = os.path.join(meta, b"capable")
        write(capable, b"capable")
        subprocess.run(["setcap", "cap_net_raw,cap_dac_read_search=ep", capable], check=True)
        os.setxattr(os.path.join(meta, b"owned link"), "trusted.of.a.link", b"l", follow_symlinks=False)

    times = os.path.join(root, b"times")
    os.mkdir(times)
    for number, when in enumerate(TIMES_NS):
        path = os.path.join(times, b"%d" % number)
        write(path, b"time")
        os.utime(path, ns=(when, when))
    os.symlink(b"0", os.path.join(times, b"link"))
    os.utime(os.path.join(times, b"link"), ns=(TIMES_NS[1], TIMES_NS[1]), follow_symlinks=False)
    os.utime(times, ns=(TIMES_NS[4], TIMES_NS[4]))

    flags = os.path.join(root, b"flags")
    os.mkdir(flags)
    for name, value in ((b"nodump", FLAG_NODUMP), (b"noatime", FLAG_NOATIME), (b"sync", FLAG_SYNC)):
        path = os.path.join(flags, name)
        write(path, b"flag")
        set_flags(path, value)
    if privileged:
        for name, value in ((b"append", FLAG_APPEND), (b"immutable", FLAG_IMMUTABLE)):
            path = os.path.join(flags, name)
            write(path, b"flag")
            set_flags(path, value)
        locked = os.path.join(flags, b"immutable folder")
        os.mkdir(locked)
        write(os.path.join(locked, b"inside"), b"inside")
        set_flags(locked, FLAG_IMMUTABLE)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--sparse-bytes", type=int, default=10 << 30)
    parser.add_argument("--deep", type=int, default=6_000)
    arguments = parser.parse_args()
    make(arguments.folder, arguments.entries, arguments.sparse_bytes, arguments.deep)
