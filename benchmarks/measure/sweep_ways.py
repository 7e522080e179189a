"""The sweeps that are measured: what each asks for, in Seedbed's words and in its peers'."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from measure.processes import seedbed
from measure.sweeps import Way

APPS = Path(__file__).parents[1] / "peers" / "sweeps"
PEERS = {"joblib": "hydra_plugins.hydra_joblib_launcher", "Lightning": "lightning"}

RATES = [0.0001, 0.0003, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02]
GRID_RATES = [0.0001, 0.0002, 0.0003, 0.0005, 0.001]
"""None above the article's own: plain SGD diverges on its rows not far beyond."""

DIGITS = [
    "data=sklearn",
    "data.dataset=digits",
    "loss=cross_entropy",
    "optimizer=adamw",
    "loader.batch_size=64",
    "trainer.epochs=20",
]

Words = Callable[[int], list[str]]
"""Overrides that ask for so many jobs."""


def seeds(jobs: int) -> list[str]:
    """The same network from as many starts."""
    return [f"seed=range(0,{jobs})"]


def rates(jobs: int) -> list[str]:
    """Learning rates by seeds."""
    return crossed(jobs, {"optimizer.lr": RATES})


def grid(jobs: int) -> list[str]:
    """Optimizers by learning rates by weight decays by seeds."""
    return crossed(
        jobs,
        {
            "optimizer": ["sgd", "adam"],
            "optimizer.lr": GRID_RATES,
            "optimizer.weight_decay": [0.0, 0.0001, 0.001, 0.01],
        },
    )


def crossed(jobs: int, axes: Mapping[str, Sequence[object]]) -> list[str]:
    """Of each axis as many values as divide what is left of the jobs; the rest are seeds."""
    words = []
    for key, values in axes.items():
        taken = max(n for n in range(1, len(values) + 1) if jobs % n == 0)
        words.append(f"{key}={','.join(map(str, values[:taken]))}")
        jobs //= taken
    return [*words, *seeds(jobs)]


def ours(name: str, words: Words, *settings: str) -> Way:
    """`seedbed train -m`."""
    return Way(name, lambda jobs: [*seedbed(), "train", "-m", *settings, *words(jobs)])


def article() -> Way:
    """The article's sweep by Seedbed."""
    return ours("Seedbed", seeds, "loader.batch_size=2")


def basic(words: Words = seeds, task: str = "article") -> Way:
    """A loop written by hand, jobs one after the other in one process."""
    return _app("handwritten", "basic launcher, hand-written", words, "basic", f"task={task}")


def peers() -> list[Way]:
    """The article's sweep by those who are installed."""
    joblib = _app(
        "handwritten", "joblib launcher, 2 workers", seeds, "joblib", "hydra.launcher.n_jobs=2"
    )
    lightning = _app(
        "lightning_module", "basic launcher, Lightning", seeds, "basic", model="model.ckpt"
    )
    found = {"joblib": joblib, "Lightning": lightning}
    return [basic(), *(way for name, way in found.items() if find_spec(PEERS[name]))]


def digits(hidden: str) -> tuple[Way, ...]:
    """The digits by Seedbed, fused and one by one; one way if it cannot fuse."""
    settings = (*DIGITS, f"model.hidden={hidden}")
    if not can_fuse():
        return (ours("Seedbed", rates, *settings),)
    return tuple(
        ours(f"Seedbed, sweep.fuse={fuse}", rates, *settings, f"sweep.fuse={fuse}")
        for fuse in ("auto", "never")
    )


def processes(words: Words, *settings: str) -> list[Way]:
    """The same stacks a core each, one after the other in one process, and in the sweep's own."""
    named = {"auto": "a stack a core", "1": "one process", "0": "the sweep's own process"}
    return [
        ours(f"Seedbed, {name}", words, *settings, f"sweep.workers={workers}")
        for workers, name in named.items()
    ]


def can_fuse() -> bool:
    """Whether there is a key `sweep.fuse`."""
    command = [*seedbed(), "train", "sweep.fuse=never", "--cfg", "job"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _app(
    folder: str, name: str, words: Words, launcher: str, *settings: str, model: str = "model.pth"
) -> Way:
    """A Hydra app of `peers/sweeps`; both plugins are named, as Seedbed has some of its own."""
    start = [sys.executable, str(APPS / folder / "app.py"), "-m", "hydra/sweeper=basic"]
    start += [f"hydra/launcher={launcher}", *settings]
    return Way(name, lambda jobs: [*start, *words(jobs)], peer=True, model=model)
