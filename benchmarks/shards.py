"""A million clips through shards, and how much memory that takes: ``python -m benchmarks.shards``.

The clips are small and clean, 2 KB each, so what is measured is writing, checking, reading and serving, and not the
rendering of noise. After each tenth it prints the clips per second so far and the memory in use, which must not grow.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from seqlib import shards

OPTIONS = {"frames": 8, "resolution": 16, "size": (4, 7), "noise": 0}


def resident():
    """Return the memory that this process uses now, in MB (Linux)."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


class Tenths:
    """Prints a row for each tenth of the clips."""

    def __init__(self, what, total):
        self.what, self.total, self.done, self.rows = what, total, 0, 0
        self.began = time.perf_counter()

    def add(self, count):
        """Count clips that have come."""
        self.done += count
        while self.rows < 10 * self.done // self.total:
            self.rows += 1
            rate = self.done / (time.perf_counter() - self.began)
            print(f"| {self.what} | {self.done:,} | {rate:,.0f} | {resident():.0f} |", flush=True)


def write(folder, source):
    """Write all shards, and count what is asked for."""
    tenths = Tenths("written", source.n)

    def make(start, stop):
        tenths.add(stop - start)
        return source.make(start, stop)

    shards.write(folder, source._replace(make=make))


def serve(what, batches, total):
    """Take all batches, and count their clips."""
    tenths = Tenths(what, total)
    for _, y in batches:
        tenths.add(len(y))


def main():
    """Write, read and serve so many clips."""
    parser = argparse.ArgumentParser("python -m benchmarks.shards", description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=int, default=1_000_000, help="how many (%(default)s, 2 KB each)")
    parser.add_argument("--folder", help="where to write them; they are deleted at the end")
    options = parser.parse_args()
    source = shards.rendered("direction", options.clips, **OPTIONS)
    folder = tempfile.mkdtemp(dir=options.folder)
    print("| what | clips | clips/s | MB in use |\n|---|---|---|---|")
    try:
        write(folder, source)
        serve("read and checked", shards.read(folder), source.n)
        serve("served in batches of 256", shards.dataset(folder, batch=256), source.n)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
