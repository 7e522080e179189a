"""How far sweeps are from what the cores can do: against JAX by hand, in turn, A B A B …

    python benchmarks/limit.py --jax ../jax/bin/python            # quiet
    python benchmarks/limit.py --jax ../jax/bin/python --busy     # beside a process a core

JAX has an environment of its own (`pip install jax==0.10.2 scikit-learn`). Ours writes every run
directory, into memory where there is `/dev/shm`; JAX writes nothing. "train" is the training alone:
the `seconds` of the runs of the worker that took longest, each of which has its share of the
stack's, and JAX's second call, which is compiled. "process" is start to exit, JAX's with its
compiling and one training.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from measure.processes import seedbed

PEER = Path(__file__).parent / "peers" / "sweeps" / "jax_scan.py"
TASKS = json.loads((PEER.parent / "limit_tasks.json").read_text(encoding="utf-8"))


def overrides(task: dict) -> list[str]:
    """Of the same sweep."""
    data = ["data=sum"] if task["data"] == "sum" else ["data=sklearn", "data.dataset=digits"]
    return [
        *data, "data.split.validation=0", "data.split.test=0", f"optimizer={task['optimizer']}",
        f"optimizer.lr={task['lr']}", f"model.hidden={task['hidden']}".replace(" ", ""),
        f"loader.batch_size={task['batch']}", "loader.drop_last=true",
        f"trainer.epochs={task['epochs']}", f"seed=range(0,{task['runs']})",
    ]  # fmt: skip


def timed(command: list[str]) -> tuple[float, float, str]:
    """Wall seconds, CPU seconds of all its processes, and what it printed."""
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")
    cpu = after.children_user + after.children_system
    return seconds, cpu - before.children_user - before.children_system, done.stdout


def ours(task: dict, folder: str) -> dict[str, float]:
    """One sweep."""
    place = tempfile.mkdtemp(dir=folder)
    command = [*seedbed(), "train", "-m", *overrides(task), f"hydra.sweep.dir={place}/sweep"]
    seconds, cpu, _ = timed(command)
    results = list(Path(place, "sweep").glob("*/result.json"))
    if len(results) != task["runs"]:
        raise RuntimeError(f"{len(results)} runs of {task['runs']}")
    by_worker: dict[int, float] = defaultdict(float)
    for path in results:
        result, status = (
            json.loads(one.read_text(encoding="utf-8"))
            for one in (path, path.with_name("status.json"))
        )
        by_worker[status["pid"]] += result["seconds"]
    train = max(by_worker.values())
    return {"process": seconds, "process cpu": cpu, "train": train}


def theirs(name: str, python: str) -> dict[str, float]:
    """The same in JAX."""
    seconds, cpu, printed = timed([python, str(PEER), name])
    figures = json.loads(printed)
    # The script trains twice, so that the second is compiled alone.
    return {"process": seconds - figures["train"], "process cpu": cpu, **figures}


@contextmanager
def load(busy: bool):
    """A process for each core that does nothing but use it."""
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)] if busy else []
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jax", required=True, help="a Python with jax and scikit-learn")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    args = parser.parse_args()
    # Kept bytecode is what a user has; forbidden, whoever has the most modules pays the most.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, load(args.busy):
        for name in args.tasks.split(","):
            rounds = [
                (theirs(name, args.jax), ours(TASKS[name], folder)) for _ in range(args.rounds + 1)
            ][1:]
            for part in ("train", "process"):
                ratios = sorted(b[part] / a[part] for a, b in rounds)
                print(
                    f"{name:8} {part:8} ours {median(b[part] for _, b in rounds):.3f} s, "
                    f"JAX {median(a[part] for a, _ in rounds):.3f} s, ratio {median(ratios):.2f} "
                    f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
                )
            jax = {
                part: median(a[part] for a, _ in rounds) for part in ("import", "compile", "cpu")
            }
            cpu = median(b["process cpu"] for _, b in rounds)
            print(
                f"{'':8} JAX: import {jax['import']:.2f}, compile {jax['compile']:.2f}, CPU of "
                f"training {jax['cpu']:.3f}; ours: CPU of the process {cpu:.2f}"
            )


if __name__ == "__main__":
    main()
