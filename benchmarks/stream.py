"""One epoch over Parquet files that are read in blocks: rows a second, memory, and a kill.

    python benchmarks/stream.py --rows 20000000 --folder /var/tmp/rows

Makes 8 files of 20 columns (17 of float64, two of names, the target), reads them alone by Arrow,
trains an epoch on them by the command, and makes an epoch of batches alone.
Reading alone is measured before and after, as a machine has moods. Then trains again in a process
that is killed in the middle of the epoch, resumes it, and compares the weights.
"""

import argparse
import csv
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

FILES, NUMBERS, GROUP = 8, 17, 131_072
HELD_OUT = 200_000


def rows(count: int, seed: int) -> Any:
    """A table of so many rows."""
    drawn = np.random.default_rng(seed)
    numbers = drawn.standard_normal((NUMBERS, count))
    city, kind = drawn.integers(0, 8, count), drawn.integers(0, 5, count)
    target = 2 * numbers[0] + numbers[1] * numbers[2] + city / 10
    names = {"city": (city, 8), "kind": (kind, 5)}
    return pa.table(
        {
            **{f"x{number + 1}": one for number, one in enumerate(numbers)},
            **{name: texts(name, *of) for name, of in names.items()},
            "y": target + drawn.standard_normal(count) / 10,
        }
    )


def texts(name: str, places: Any, different: int) -> Any:
    """A column of names."""
    known = pa.array([f"{name} {number}" for number in range(different)])
    return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), known).cast(pa.string())


def make(folder: Path, count: int) -> None:
    """Writes the files that are not there yet."""
    (folder / "train").mkdir(parents=True, exist_ok=True)
    for number in range(FILES):
        file = folder / "train" / f"part-{number}.parquet"
        if not file.exists():
            pa.parquet.write_table(rows(count // FILES, number), file, row_group_size=GROUP)
    file = folder / "validation.parquet"
    if not file.exists():
        pa.parquet.write_table(rows(HELD_OUT, FILES), file, row_group_size=GROUP)


def words(folder: Path, run: str, memory: str) -> list[str]:
    """The run: a small network, so that reading is most of the work."""
    return [
        "data=parquet", f"data.path={folder / 'train'}", "data.target=y", "data.stream=true",
        f"data.validation_path={folder / 'validation.parquet'}", "data.split.test=0",
        f"data.memory='{memory}'", "loader.batch_size=4096", "loader.num_workers=2",
        "trainer.epochs=1", "trainer.threads=1", "model.hidden=[16]", "optimizer=sgd",
        "optimizer.lr=0.01", f"hydra.run.dir={folder / run}",
    ]  # fmt: skip


def read_alone(folder: Path) -> dict[str, float]:
    """Every row group by Arrow, with its threads; the system caches files where they fit."""
    began, computed = time.perf_counter(), time.process_time()
    count = 0
    for path in sorted((folder / "train").iterdir()):
        file = pa.parquet.ParquetFile(path)
        for group in range(file.num_row_groups):
            count += file.read_row_group(group).num_rows
    seconds = time.perf_counter() - began
    return {"rows": count, "seconds": seconds, "cpu": time.process_time() - computed}


def batches_alone(folder: Path, memory: str) -> dict[str, float]:
    """An epoch of batches with a step of nothing."""
    import torch

    from seedbed.compose.compose import composed
    from seedbed.data.batches import training_batches
    from seedbed.data.streaming.prepare import prepare_stream

    config = composed([one for one in words(folder, "", memory) if "hydra" not in one]).config
    data = prepare_stream(config.data, config.seed)
    batches = training_batches(data.train, config.loader, config.seed, torch.device("cpu"))
    began, computed = time.perf_counter(), time.process_time()
    count = sum(len(y) for _, y in batches.epoch(0))
    seconds = time.perf_counter() - began
    return {"rows": count, "seconds": seconds, "cpu": time.process_time() - computed}


def trained(folder: Path, memory: str) -> dict[str, Any]:
    """A whole run, by the command."""
    began = time.perf_counter()
    line = [sys.executable, "-m", "seedbed", "train", *words(folder, "whole", memory)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "whole" / "history.csv").open(newline="") as file:
        (epoch,) = csv.DictReader(file)
    return {
        "epoch seconds": float(epoch["seconds"]),
        "run seconds": seconds,
        "run cpu": used.ru_utime + used.ru_stime,
        "peak MB": used.ru_maxrss * 1024 // 10**6,
    }


def killed_and_resumed(folder: Path, memory: str) -> dict[str, Any]:
    """Whether a run that was killed within its epoch ends with the weights of the whole one."""
    run = folder / "killed"
    more = ["trainer.checkpoint_every='100 steps'"]
    line = [sys.executable, "-m", "seedbed"]
    started = subprocess.Popen(
        [*line, "train", *words(folder, "killed", memory), *more], stdout=subprocess.DEVNULL
    )
    last = run / "checkpoints" / "last.pt"
    while not last.exists() and started.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    import torch

    state = torch.load(last, weights_only=True)["state"]
    subprocess.run([*line, "resume", str(run)], check=True, stdout=subprocess.DEVNULL)
    digests = [
        hashlib.sha256((folder / name / "model.pth").read_bytes()).hexdigest()
        for name in ("whole", "killed")
    ]
    return {
        "killed in epoch": state["epoch"],
        "resumed from step": state["step"],
        "same bits": digests[0] == digests[1],
    }


def main() -> None:
    """Makes the files, measures in a process of its own, and prints JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--memory", default="1 GB")
    parser.add_argument(
        "--measure", choices=["alone", "trained", "batches"], help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    if given.measure == "alone":
        print(json.dumps(read_alone(given.folder)))
    elif given.measure == "trained":
        print(json.dumps(trained(given.folder, given.memory)))
    elif given.measure == "batches":
        print(json.dumps(batches_alone(given.folder, given.memory)))
    else:
        make(given.folder, given.rows)
        found = measured(given.folder, given.memory)
        print(json.dumps({**found, **killed_and_resumed(given.folder, given.memory)}, indent=1))


def measured(folder: Path, memory: str) -> dict[str, Any]:
    """Reading alone and a run, each in a process of its own."""

    def told(what: str) -> dict[str, Any]:
        line = [sys.executable, __file__, "--measure", what, "--folder", str(folder)]
        done = subprocess.run(
            [*line, "--memory", memory], check=True, stdout=subprocess.PIPE, text=True
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    before, run, after = told("alone"), told("trained"), told("alone")
    run["batches"] = told("batches")
    alone = min(before, after, key=lambda one: one["seconds"])
    return {
        "alone": [before, after],
        **run,
        "batches of reading alone": round(alone["seconds"] / run["batches"]["seconds"], 3),
        "rows a second": round(alone["rows"] / run["epoch seconds"]),
        "of reading alone": round(alone["seconds"] / run["epoch seconds"], 3),
    }


if __name__ == "__main__":
    main()
