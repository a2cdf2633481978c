"""Compares two trees: by rsync, and in what rsync does not look at (ns times, inode flags, allocated data, and paths
longer than the system lets a program name at once)."""

import fcntl
import os
import stat
import struct
import subprocess

# rsync refuses longer paths; below them contents are compared here.
RSYNC_PATH = 3_000
FS_IOC_GETFLAGS = 0x80086601
# The flags a user can set and a copy can have; the others (extents, index, inline data) are the file system's own.
USER_FLAGS = 0x000400FB | 0x00800000


def inode_flags(folder, name, mode):
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return 0
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=folder)
    try:
        return struct.unpack("L", fcntl.ioctl(fd, FS_IOC_GETFLAGS, struct.pack("L", 0)))[0] & USER_FLAGS
    except OSError:
        return 0
    finally:
        os.close(fd)


def data_ranges(folder, name, size):
    """Where the file has data: what "allocated blocks" means whatever the file system's own bookkeeping takes."""
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        ranges, offset = [], 0
        while offset < size:
            try:
                begin = os.lseek(fd, offset, os.SEEK_DATA)
            except OSError:
                break
            offset = os.lseek(fd, begin, os.SEEK_HOLE)
            ranges.append((begin, offset))
        return ranges
    finally:
        os.close(fd)


def content(folder, name):
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read()


def describe(folder, name):
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    mode = status.st_mode
    facts = {"mode": oct(mode), "mtime": status.st_mtime_ns, "owner": (status.st_uid, status.st_gid),
             "flags": inode_flags(folder, name, mode)}
    if stat.S_ISREG(mode):
        facts["size"] = status.st_size
        facts["links"] = status.st_nlink
        if status.st_blocks * 512 < status.st_size:
            facts["data"] = data_ranges(folder, name, status.st_size)
            facts["sparse"] = True
        else:
            facts["sparse"] = False
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        facts["device"] = status.st_rdev
    return facts


def differences(left, right, limit=20):
    """Lines that tell what differs; none for equal trees. Works on paths of any length."""
    found = []
    stack = [(os.open(left, os.O_RDONLY), os.open(right, os.O_RDONLY), os.fsencode(left))]
    for side in ("mtime", "mode", "owner"):
        a, b = (describe(None, os.fsencode(path)) for path in (left, right))
        if a[side] != b[side]:
            found.append(f"{left}: {side} {a[side]} != {b[side]}")
    while stack and len(found) < limit:
        a, b, path = stack.pop()
        names_a, names_b = set(os.listdir(a)), set(os.listdir(b))
        for name in names_a ^ names_b:
            found.append(f"{path!r}/{name!r}: only on one side")
        for name in sorted(names_a & names_b):
            facts_a, facts_b = describe(a, name), describe(b, name)
            for key in facts_a:
                if facts_a[key] != facts_b.get(key):
                    found.append(f"{path[-200:]!r}/{name!r}: {key} {facts_a[key]} != {facts_b.get(key)}")
            if len(path) > RSYNC_PATH and facts_a.get("size") is not None and facts_a == facts_b:
                if content(a, name) != content(b, name):
                    found.append(f"{path[-200:]!r}/{name!r}: content differs")
            if facts_a["mode"] == facts_b["mode"] and stat.S_ISDIR(int(facts_a["mode"], 8)):
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY
                stack.append((os.open(name, flags, dir_fd=a), os.open(name, flags, dir_fd=b),
                              path + b"/" + os.fsencode(name)))
        os.close(a)
        os.close(b)
    for a, b, _ in stack:
        os.close(a)
        os.close(b)
    return found


def rsync_differences(left, right):
    """What rsync would change to make `right` like `left`: contents, times, owners, ACLs, xattrs, hard links, devices.
    /deep/ is what hostile_tree makes of paths that rsync cannot name; differences() covers it."""
    done = subprocess.run(["rsync", "-naHAXi", "--checksum", "--delete", "--exclude=/deep/*/", os.fsencode(left) + b"/",
                           os.fsencode(right) + b"/"], capture_output=True, check=False)
    return [line for line in (done.stdout + done.stderr).decode(errors="backslashreplace").splitlines() if line]


def check_equal(test, left, right, rsync=True):
    """For unittest: fails with what differs."""
    test.assertEqual([], differences(left, right))
    if rsync:
        test.assertEqual([], rsync_differences(left, right)[:20])


if __name__ == "__main__":
    import sys

    lines = differences(sys.argv[1], sys.argv[2]) + rsync_differences(sys.argv[1], sys.argv[2])
    print("\n".join(lines[:40]) or "no difference")
    sys.exit(1 if lines else 0)
