"""One epoch over a mapped .npy that may be larger than memory: rows a second, and its own memory.

    python benchmarks/npy.py --rows 1000000 --folder /var/tmp/arrays

Makes x.npy of 500 float32 a row and y.npy, trains an epoch of shuffled rows in batches of 1,024 and
tells the peak of memory that is no page of a file.
"""

import argparse
import json
import threading
import time
from pathlib import Path

import numpy as np

WIDTH = 500


def make(folder: Path, rows: int) -> None:
    """Writes the arrays that are not there yet, some rows at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "x.npy").exists():
        return
    drawn = np.random.default_rng(0)
    form = {"mode": "w+", "dtype": np.float32}
    x = np.lib.format.open_memmap(folder / "x.npy", shape=(rows, WIDTH), **form)
    for start in range(0, rows, 10_000):
        stop = min(rows, start + 10_000)
        x[start:stop] = drawn.standard_normal((stop - start, WIDTH), dtype=np.float32)
    np.save(folder / "y.npy", np.asarray(x[:, 0] * 2, dtype=np.float32))


class Watch(threading.Thread):
    """Looks at this process's own memory every 20 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0

    def run(self) -> None:
        """See `threading.Thread`."""
        while True:
            lines = Path("/proc/self/status").read_text().splitlines()
            told = next(line for line in lines if line.startswith("RssAnon"))
            self.most = max(self.most, int(told.split()[1]))
            time.sleep(0.02)


def main() -> None:
    """Makes the arrays, trains, and prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    make(given.folder, given.rows)
    import seedbed

    watch = Watch()
    watch.start()
    began = time.perf_counter()
    run = seedbed.train(
        "data=npy", f"data.path={given.folder}", "data.split.test=0", "loader.batch_size=1024",
        "trainer.epochs=1", "trainer.threads=1", "model.hidden=[16]", "optimizer.lr=0.001",
        directory=given.folder / f"run_{time.time():.0f}",
    )  # fmt: skip
    (epoch,) = run.history["seconds"]
    size = (given.folder / "x.npy").stat().st_size
    found = {
        "rows": given.rows,
        "GB of x.npy": round(size / 1e9, 2),
        "epoch seconds": float(epoch),
        "run seconds": round(time.perf_counter() - began, 1),
        "peak MB of its own": watch.most // 1000,
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
