"""The inputs that backup tools are compared on. Each is made once, in a folder, from a seed, and taken again by later
runs. A made input has stages: states of one tree, each of which is backed up in turn."""

import os
import random
import shutil
import subprocess

MIB = 1 << 20
BLOCK = 4096


class Input:
    name = ""
    title = ""
    only_first = False  # its stages are what is measured: no full scan, restore or check

    def __init__(self, folder, quick):
        self.folder = os.path.join(folder, "input-" + self.name)
        self.quick = quick
        self.sources = [os.path.join(self.folder, "tree")]

    def make(self):
        """Makes stage 0 unless it is there."""
        done = os.path.join(self.folder, "quick" if self.quick else "whole")
        if not os.path.exists(done):
            shutil.rmtree(self.folder, ignore_errors=True)
            os.makedirs(self.folder)
            self.build()
            with open(done, "wb"):
                pass
        self.rewind()

    def build(self):
        raise NotImplementedError

    def rewind(self):
        """Goes back to stage 0."""

    def stages(self):
        """Names of what comes after stage 0; advance() makes each."""
        return []

    def advance(self, number):
        raise NotImplementedError


class Text:
    """Prose-like text: sentences of words whose frequencies fall as in a language, each sentence drawn at random."""

    def __init__(self, seed, sentences=400_000):
        rng = random.Random(seed)
        letters = "etaoinshrdlucmfwygpbvkxqjz"
        weights = [1 / (n + 2) for n in range(len(letters))]
        words = ["".join(rng.choices(letters, weights, k=rng.randint(2, 11))) for _ in range(20_000)]
        ranks = [1 / (n + 3) for n in range(len(words))]
        drawn = rng.choices(words, ranks, k=sentences * 9)
        self.sentences = []
        at = 0
        while at < len(drawn):
            length = rng.randint(4, 14)
            self.sentences.append((" ".join(drawn[at:at + length]) + ".\n").encode())
            at += length
        self.rng = rng

    def take(self, length):
        parts, have = [], 0
        while have < length:
            more = self.rng.choices(self.sentences, k=(length - have) // 40 + 1)
            parts += more
            have += sum(map(len, more))
        return b"".join(parts)[:length]


class SystemFolders(Input):
    name, title = "U", "system folders"

    def __init__(self, folder, quick):
        super().__init__(folder, quick)
        self.sources = ["/usr/share"] if quick else ["/usr/lib", "/usr/share", "/usr/include"]

    def build(self):
        pass


class ManySmall(Input):
    name, title = "M", "many small files"

    def build(self):
        folders = 200 if self.quick else 10_000
        text = Text(1)
        rng = random.Random(2)
        for number in range(folders):
            folder = os.path.join(self.sources[0], f"{number // 100:03}", f"{number % 100:02}")
            os.makedirs(folder)
            lengths = [rng.randint(512, 4096) for _ in range(100)]
            content = memoryview(text.take(sum(lengths)))
            at = 0
            for name, length in enumerate(lengths):
                fd = os.open(f"{folder}/file-{name:02}.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                os.write(fd, content[at:at + length])
                os.close(fd)
                at += length


class BigFile(Input):
    name, title = "B", "one big file"
    stretch = 16 * MIB  # of text, then of noise

    def size(self):
        return (256 if self.quick else 8192) * MIB

    def build(self):
        os.makedirs(self.sources[0])
        text = Text(3)
        noise = random.Random(4)
        with open(os.path.join(self.sources[0], "image"), "wb") as file:
            for number in range(self.size() // self.stretch):
                if number % 2 == 0:
                    file.write(text.take(self.stretch))
                else:
                    file.write(noise.randbytes(self.stretch))
        with open(os.path.join(self.folder, "blocks"), "wb"):
            pass

    def changes(self):
        """(offset, bytes), as often as asked the same."""
        rng = random.Random(5)
        blocks = self.size() // BLOCK
        for block in sorted(rng.sample(range(blocks), blocks // 100)):
            yield block * BLOCK, rng.randbytes(BLOCK)

    def rewind(self):
        kept = os.path.join(self.folder, "blocks")
        if os.path.getsize(kept) == 0:
            return
        with open(os.path.join(self.sources[0], "image"), "r+b") as file, open(kept, "rb") as old:
            for offset, _ in self.changes():
                file.seek(offset)
                file.write(old.read(BLOCK))
        os.truncate(kept, 0)

    def stages(self):
        return ["1 % changed"]

    def advance(self, number):
        with open(os.path.join(self.sources[0], "image"), "r+b") as file, \
                open(os.path.join(self.folder, "blocks"), "wb") as kept:
            for offset, _ in self.changes():
                file.seek(offset)
                kept.write(file.read(BLOCK))
            kept.flush()
            for offset, content in self.changes():
                file.seek(offset)
                file.write(content)


class History(Input):
    """Releases of a source tree, from a git repository: each is checked out over the one before."""
    name, title = "H", "twelve versions of a source tree"
    only_first = True
    git = None       # the repository
    releases = []    # tags or commits, oldest first

    def build(self):
        subprocess.run(["git", "clone", "-q", "--no-checkout", self.git, self.sources[0] + ".git"], check=True)
        os.rename(os.path.join(self.sources[0] + ".git", ".git"), os.path.join(self.folder, "git"))
        os.rmdir(self.sources[0] + ".git")
        os.makedirs(self.sources[0])

    def check_out(self, release):
        subprocess.run(["git", "--git-dir", os.path.join(self.folder, "git"), "--work-tree", self.sources[0],
                        "checkout", "-q", "-f", release], check=True)

    def rewind(self):
        shutil.rmtree(self.sources[0])
        os.makedirs(self.sources[0])
        self.check_out(self.releases[0])

    def stages(self):
        return self.releases[1:]

    def advance(self, number):
        self.check_out(self.releases[1 + number])


class Media(Input):
    name, title = "X", "compressed already"

    def build(self):
        rng = random.Random(6)
        left = (256 if self.quick else 4096) * MIB
        os.makedirs(self.sources[0])
        number = 0
        while left > 0:
            size = min(left, int(rng.lognormvariate(15, 1)) + 20_000)
            with open(os.path.join(self.sources[0], f"{number:06}.jpg"), "wb") as file:
                file.write(rng.randbytes(size))
            left -= size
            number += 1


ALL = [SystemFolders, ManySmall, BigFile, History, Media]
